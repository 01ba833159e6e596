//! `revoked handover`: what the next shift must know, short enough for a chat message.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Map;

use super::document::{Document, Section, Statement};
use super::recorded::Recorded;
use super::words::Words;
use super::zone::Zone;
use crate::model::Timestamp;
use crate::store::{DepartureFilter, ListFilter, Store, TrailFilter};

/// How many of a sort are named: the message must be read.
const NAMED: usize = 4;
/// How many are looked at to name and count them.
const LOOKED_AT: u32 = 1000;
/// How far ahead departures are told.
const AHEAD: Duration = Duration::from_hours(24);

/// Reads what happened from `since` to `now`, and what is open now.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn report(store: &Store, (since, now): (Timestamp, Timestamp), zone: &Zone) -> anyhow::Result<Document> {
    let shift = Shift { store, now, zone };
    let happened = shift.entries("case.", since).await?;
    let mut about = Map::new();
    about.insert("since".to_owned(), since.to_string().into());
    let sections = vec![
        shift.failed().await?,
        shift.held().await?,
        shift.alerts().await?,
        shift.at_work().await?,
        shift.came(&happened).await?,
        shift.closed(&happened).await?,
        shift.reopened(&happened).await?,
        shift.departures().await?,
    ];
    Ok(Document {
        kind: "handover",
        about,
        title: Words::of(format!("Handover {} to {}", zone.short(since), zone.short(now))),
        made_at: now,
        made: zone.time(now),
        zone: zone.sentence(),
        sections,
        trail: None,
        compact: true,
    })
}

struct Shift<'s> {
    store: &'s Store,
    now: Timestamp,
    zone: &'s Zone,
}

impl Shift<'_> {
    async fn entries(&self, kind: &str, since: Timestamp) -> anyhow::Result<Vec<Recorded>> {
        let filter = TrailFilter {
            kind: Some(kind.to_owned()),
            since: Some(since),
            limit: u32::MAX,
            ..TrailFilter::default()
        };
        Ok(Recorded::read(&self.store.trail_search(&filter).await?))
    }

    /// The last entry of a kind about a case.
    async fn last_of_case(&self, case: i64, kind: &str) -> anyhow::Result<Option<Recorded>> {
        let filter = TrailFilter {
            case: Some(case),
            kind: Some(kind.to_owned()),
            limit: u32::MAX,
            ..TrailFilter::default()
        };
        Ok(Recorded::read(&self.store.trail_search(&filter).await?).pop())
    }

    /// `case 17, NAME`
    async fn case(&self, case: i64) -> Words {
        let words = Words::of(format!("case {case}, "));
        match self.store.case(case).await {
            Ok(view) => match &view.subject {
                Some(subject) => words.name(subject),
                None => words.and("erased ").name(&view.subject_ref),
            },
            Err(_) => words.and("forgotten"),
        }
    }

    async fn came(&self, happened: &[Recorded]) -> anyhow::Result<Section> {
        let opened: Vec<&Recorded> = happened.iter().filter(|entry| entry.kind == "case.opened").collect();
        let mut told = Vec::new();
        for entry in opened.iter().rev().take(NAMED) {
            let case = entry.case.unwrap_or_default();
            let words = Words::of(format!("{} ", self.zone.short(entry.at())))
                .then(self.case(case).await)
                .and(": ")
                .word(entry.text("reason"))
                .and(", from ")
                .then(entry.by());
            told.push(Statement::new(words, entry.at(), [entry.seq]).command(format!("revoked case show {case}")));
        }
        Ok(section(("came", "Came"), told, opened.len(), "revoked case list"))
    }

    /// The last closing of each case that closed and did not open again.
    async fn closed(&self, happened: &[Recorded]) -> anyhow::Result<Section> {
        let mut last: BTreeMap<i64, &Recorded> = BTreeMap::new();
        for entry in happened
            .iter()
            .filter(|entry| matches!(entry.kind.as_str(), "case.contained" | "case.reopened"))
        {
            last.extend(entry.case.map(|case| (case, entry)));
        }
        let mut closed: Vec<&Recorded> = last.into_values().filter(|entry| entry.kind == "case.contained").collect();
        // What is not proved first, then the newest.
        closed.sort_by_key(|entry| {
            (
                matches!(entry.text("verdict"), "contained" | "no_principal"),
                std::cmp::Reverse(entry.seq),
            )
        });
        let mut told = Vec::new();
        for entry in closed.iter().take(NAMED) {
            let case = entry.case.unwrap_or_default();
            let words = Words::of(format!("{} ", self.zone.short(entry.at())))
                .then(self.case(case).await)
                .and(": ")
                .word(entry.text("verdict"));
            told.push(Statement::new(words, entry.at(), [entry.seq]).command(format!("revoked case report {case}")));
        }
        Ok(section(
            ("closed", "Contained, or closed otherwise"),
            told,
            closed.len(),
            "revoked case list --state closed",
        ))
    }

    async fn reopened(&self, happened: &[Recorded]) -> anyhow::Result<Section> {
        let again: Vec<&Recorded> = happened.iter().filter(|entry| entry.kind == "case.reopened").collect();
        let mut told = Vec::new();
        for entry in again.iter().rev().take(NAMED) {
            let case = entry.case.unwrap_or_default();
            let words = Words::of(format!("{} ", self.zone.short(entry.at())))
                .then(self.case(case).await)
                .and(": at ")
                .name(entry.text("target"));
            told.push(Statement::new(words, entry.at(), [entry.seq]).command(format!("revoked case show {case}")));
        }
        Ok(section(
            ("came_back", "Access came back"),
            told,
            again.len(),
            "revoked alert list",
        ))
    }

    /// Cases of which a job waits for its lane or is at work.
    async fn at_work(&self) -> anyhow::Result<Section> {
        let mut cases: BTreeMap<i64, String> = BTreeMap::new();
        for state in ["running", "queued"] {
            let jobs = self.jobs(state).await?;
            for job in jobs {
                cases.entry(job.case).or_insert(job.target);
            }
        }
        let mut told = Vec::new();
        for (case, target) in cases.iter().rev().take(NAMED) {
            let Some(entry) = self.last_of_case(*case, "job.").await? else {
                continue;
            };
            let words = self.case(*case).await.and(": at ").name(target);
            told.push(Statement::new(words, entry.at(), [entry.seq]).command(format!("revoked case show {case}")));
        }
        Ok(section(
            ("open", "Open"),
            told,
            cases.len(),
            "revoked job list --state queued",
        ))
    }

    async fn jobs(&self, state: &str) -> anyhow::Result<Vec<crate::store::JobView>> {
        let filter = ListFilter {
            state: Some(state.to_owned()),
            pursued: true,
            limit: LOOKED_AT,
            ..ListFilter::default()
        };
        Ok(self.store.jobs(&filter).await?.rows)
    }

    async fn failed(&self) -> anyhow::Result<Section> {
        let jobs = self.jobs("failed").await?;
        let mut told = Vec::new();
        for job in jobs.iter().take(NAMED) {
            let filter = TrailFilter {
                job: Some(job.id),
                kind: Some("job.failed".to_owned()),
                limit: u32::MAX,
                ..TrailFilter::default()
            };
            let Some(entry) = Recorded::read(&self.store.trail_search(&filter).await?).pop() else {
                continue;
            };
            let words = self
                .case(job.case)
                .await
                .and(": at ")
                .name(&job.target)
                .then(entry.because("error"));
            told.push(Statement::new(words, entry.at(), [entry.seq]).command(format!("revoked case show {}", job.case)));
        }
        Ok(section(
            ("failed", "Could not be revoked"),
            told,
            jobs.len(),
            "revoked ledger",
        ))
    }

    async fn held(&self) -> anyhow::Result<Section> {
        let holds = self.store.holds(false).await?;
        let mut told = Vec::new();
        if let Some(oldest) = holds.iter().map(|hold| hold.placed_at).min() {
            let placed = self.entries("hold.placed", oldest).await?;
            let alerts = self.entries("alert.raised", oldest).await?;
            for hold in holds.iter().take(NAMED) {
                let of_hold: Vec<&Recorded> = placed.iter().filter(|entry| entry.number("hold") == Some(hold.id)).collect();
                let key = format!("hold:{}", hold.id);
                // Where an attempt found that a human must decide, the alert alone has the hold's number.
                let carried = of_hold
                    .first()
                    .copied()
                    .or(alerts.iter().find(|entry| entry.text("key") == key));
                let Some(first) = carried else { continue };
                let words =
                    Words::of(format!("hold {}, since {}", hold.id, self.zone.short(first.at()))).then(first.because("why"));
                let cited = of_hold.iter().map(|entry| entry.seq).take(NAMED).chain([first.seq]);
                told.push(Statement::new(words, first.at(), cited).command(format!("revoked hold show {}", hold.id)));
            }
        }
        Ok(section(
            ("held", "Held for a decision"),
            told,
            holds.len(),
            "revoked hold list",
        ))
    }

    /// Alerts that are not over. Those of holds and of the ledger are told already.
    async fn alerts(&self) -> anyhow::Result<Section> {
        let alerts = self.store.alerts(false).await?;
        let alerts: Vec<_> = alerts
            .iter()
            .filter(|alert| !matches!(alert.kind.as_str(), "hold" | "could_not_revoke"))
            .collect();
        let mut told = Vec::new();
        if let Some(oldest) = alerts.iter().map(|alert| alert.raised_at).min() {
            let raised = self.entries("alert.raised", oldest).await?;
            for alert in alerts.iter().take(NAMED) {
                let Some(entry) = raised.iter().rfind(|entry| entry.number("alert") == Some(alert.id)) else {
                    continue;
                };
                let words = Words::of(format!("alert {}, {}: ", alert.id, self.zone.short(entry.at())))
                    .word(entry.text("kind"))
                    .and(", ")
                    .name(entry.text("key"));
                told.push(Statement::new(words, entry.at(), [entry.seq]).command(alert.next.clone()));
            }
        }
        Ok(section(("alerts", "Alerts"), told, alerts.len(), "revoked alert list"))
    }

    async fn departures(&self) -> anyhow::Result<Section> {
        let filter = DepartureFilter {
            state: Some("planned".to_owned()),
            limit: LOOKED_AT,
            ..DepartureFilter::default()
        };
        let planned = self.store.departures(&filter).await?;
        let horizon = self.now.plus(AHEAD);
        let due: Vec<_> = planned.iter().filter(|plan| plan.acts_at <= horizon).collect();
        let mut told = Vec::new();
        for plan in due.iter().take(NAMED) {
            let Some(case) = plan.case else { continue };
            let Some(entry) = self.last_of_case(case, "departure.").await? else {
                continue;
            };
            let words = Words::of(format!("{} ", self.zone.short(plan.acts_at))).then(self.case(case).await);
            told.push(Statement::new(words, plan.acts_at, [entry.seq]).command(format!("revoked departures show {}", plan.id)));
        }
        Ok(section(
            ("departures", "Depart in the next 24 h"),
            told,
            due.len(),
            "revoked departures list --state planned",
        ))
    }
}

fn section((name, heading): (&'static str, &'static str), told: Vec<Statement>, all: usize, command: &str) -> Section {
    let more = all.saturating_sub(told.len());
    Section {
        name,
        heading,
        statements: told,
        count: Some(all),
        more: (more > 0).then(|| (more, command.to_owned())),
        ..Section::default()
    }
}
