//! `revoked handover`: what the next shift must know, short enough for a chat message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Map;

use super::alert_groups::grouped;
use super::document::{Document, Section, Statement};
use super::recorded::Recorded;
use super::words::Words;
use super::zone::Zone;
use crate::model::Timestamp;
use crate::store::{Alert, CaseNote, DepartureFilter, DepartureView, Hold, JobView, ListFilter, Store, StoreError, TrailFilter};
use crate::wording::{bare, shortened};

/// How many of a sort are named: the message must be read.
const NAMED: usize = 4;
/// How many are looked at to name and count them.
const LOOKED_AT: u32 = 1000;
/// Of how many cases under a hold it is looked who looks after them.
const CARED_FOR: usize = 20;
/// How much of a note is told.
const NOTE: usize = 160;
/// How much of a digest is told, and what is one.
const DIGEST: usize = 8;
const LEAST_DIGEST: usize = 16;
/// How far ahead departures are told.
const AHEAD: Duration = Duration::from_hours(24);

/// Reads what happened from `since` to `now`, and what is open now.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn report(store: &Store, (since, now): (Timestamp, Timestamp), zone: &Zone) -> Result<Document, StoreError> {
    let mut shift = Shift {
        store,
        now,
        zone,
        told: BTreeSet::new(),
    };
    let happened = shift.entries("case.", since).await?;
    let mut about = Map::new();
    about.insert("since".to_owned(), since.to_string().into());
    // A case stands once, under the most pressing of them: in this order.
    let sections = vec![
        shift.failed().await?,
        shift.held().await?,
        shift.reopened(&happened).await?,
        shift.alerts().await?,
        shift.at_work().await?,
        shift.departures().await?,
        shift.closed(&happened).await?,
        shift.came(&happened).await?,
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
        inclusion: None,
        compact: true,
    })
}

struct Shift<'s> {
    store: &'s Store,
    now: Timestamp,
    zone: &'s Zone,
    /// The cases that stand under a heading already.
    told: BTreeSet<i64>,
}

impl Shift<'_> {
    /// Those of these that stand under no heading yet; from now on they do. Each once.
    fn untold<T>(&mut self, of: impl IntoIterator<Item = (i64, T)>) -> Vec<(i64, T)> {
        of.into_iter().filter(|(case, _)| self.told.insert(*case)).collect()
    }

    async fn entries(&self, kind: &str, since: Timestamp) -> Result<Vec<Recorded>, StoreError> {
        let filter = TrailFilter {
            kind: Some(kind.to_owned()),
            since: Some(since),
            limit: u32::MAX,
            ..TrailFilter::default()
        };
        Ok(Recorded::read(&self.store.trail_search(&filter).await?))
    }

    /// The last entry of a kind about a case.
    async fn last_of_case(&self, case: i64, kind: &str) -> Result<Option<Recorded>, StoreError> {
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
                Some(subject) => words.name(&bare(subject)),
                None => words.and("erased ").name(&view.subject_ref),
            },
            Err(_) => words.and("forgotten"),
        }
    }

    /// Who looks after cases, and what was noted last about one of them, with the entries that carry it.
    async fn care(&self, cases: &[i64]) -> Result<(Words, Vec<u64>), StoreError> {
        let (mut owners, mut cited) = (BTreeSet::new(), Vec::new());
        let mut last: Option<(i64, CaseNote)> = None;
        for case in cases.iter().take(CARED_FOR) {
            let Ok(view) = self.store.case(*case).await else { continue };
            if let Some(owner) = view.owner {
                cited.extend(self.last_of_case(*case, "case.assigned").await?.map(|entry| entry.seq));
                owners.insert(owner);
            }
            let newest = self.store.case_notes(*case).await?.rows.pop();
            if let Some(note) = newest.filter(|note| last.as_ref().is_none_or(|(_, last)| last.written_at < note.written_at)) {
                last = Some((*case, note));
            }
        }
        let mut words = Words::default();
        if !owners.is_empty() {
            let owners = owners.iter().map(|owner| Words::outside(owner));
            words = words.and("; looked after by ").then(Words::joined(owners, ", "));
        }
        if let Some((case, note)) = last {
            cited.extend(self.last_of_case(case, "case.noted").await?.map(|entry| entry.seq));
            let text: Vec<&str> = note.note.split_whitespace().collect();
            words = words
                .and(format!("; noted {} by ", self.zone.short(note.written_at)))
                .name(&note.written_by)
                .and(": ")
                .name(&shortened(&text.join(" "), NOTE));
        }
        Ok((words, cited))
    }

    /// A sentence about a case that an entry carries, with who looks after it and the last note.
    async fn of_case(&self, case: i64, words: Words, entry: &Recorded) -> Result<Statement, StoreError> {
        let (beside, cited) = self.care(&[case]).await?;
        let cited = cited.into_iter().chain([entry.seq]);
        Ok(Statement::new(words.then(beside), entry.at(), cited))
    }

    async fn came(&mut self, happened: &[Recorded]) -> Result<Section, StoreError> {
        let opened: Vec<&Recorded> = happened.iter().filter(|entry| entry.kind == "case.opened").collect();
        let by_case = opened.iter().rev().map(|entry| (entry.case.unwrap_or_default(), *entry));
        let untold = self.untold(by_case);
        let mut told = Vec::new();
        for (case, entry) in untold.iter().take(NAMED) {
            let words = Words::of(format!("{} ", self.zone.short(entry.at())))
                .then(self.case(*case).await)
                .and(": ")
                .word(entry.text("reason"))
                .and(", from ")
                .then(entry.by());
            told.push(
                self.of_case(*case, words, entry)
                    .await?
                    .command(format!("revoked case show {case}")),
            );
        }
        Ok(section(
            ("came", "Came"),
            told,
            (opened.len(), untold.len()),
            "revoked case list",
        ))
    }

    /// The last closing of each case that closed and did not open again.
    async fn closed(&mut self, happened: &[Recorded]) -> Result<Section, StoreError> {
        let mut last: BTreeMap<i64, &Recorded> = BTreeMap::new();
        for entry in happened
            .iter()
            .filter(|entry| matches!(entry.kind.as_str(), "case.contained" | "case.reopened"))
        {
            last.extend(entry.case.map(|case| (case, entry)));
        }
        let mut closed: Vec<(i64, &Recorded)> = last.into_iter().filter(|(_, entry)| entry.kind == "case.contained").collect();
        // What is not proved first, then the newest.
        closed.sort_by_key(|(_, entry)| {
            (
                matches!(entry.text("verdict"), "contained" | "no_principal"),
                std::cmp::Reverse(entry.seq),
            )
        });
        let all = closed.len();
        let untold = self.untold(closed);
        let mut told = Vec::new();
        for (case, entry) in untold.iter().take(NAMED) {
            let words = Words::of(format!("{} ", self.zone.short(entry.at())))
                .then(self.case(*case).await)
                .and(": ")
                .word(entry.text("verdict"));
            told.push(
                self.of_case(*case, words, entry)
                    .await?
                    .command(format!("revoked case report {case}")),
            );
        }
        Ok(section(
            ("closed", "Contained, or closed otherwise"),
            told,
            (all, untold.len()),
            "revoked case list --state closed",
        ))
    }

    async fn reopened(&mut self, happened: &[Recorded]) -> Result<Section, StoreError> {
        let again = happened.iter().rev().filter(|entry| entry.kind == "case.reopened");
        let mut cases = BTreeSet::new();
        let again: Vec<(i64, &Recorded)> = again
            .map(|entry| (entry.case.unwrap_or_default(), entry))
            .filter(|(case, _)| cases.insert(*case))
            .collect();
        let all = again.len();
        let untold = self.untold(again);
        let mut told = Vec::new();
        for (case, entry) in untold.iter().take(NAMED) {
            let words = Words::of(format!("{} ", self.zone.short(entry.at())))
                .then(self.case(*case).await)
                .and(": at ")
                .name(entry.text("target"));
            told.push(
                self.of_case(*case, words, entry)
                    .await?
                    .command(format!("revoked case show {case}")),
            );
        }
        Ok(section(
            ("came_back", "Access came back"),
            told,
            (all, untold.len()),
            "revoked alert list --kind came_back",
        ))
    }

    /// Cases of which a job waits for its lane or is at work.
    async fn at_work(&mut self) -> Result<Section, StoreError> {
        let mut cases: BTreeMap<i64, String> = BTreeMap::new();
        for state in ["running", "queued"] {
            let jobs = self.jobs(state).await?;
            for job in jobs {
                cases.entry(job.case).or_insert(job.target);
            }
        }
        let all = cases.len();
        let untold = self.untold(cases.into_iter().rev());
        let mut told = Vec::new();
        for (case, target) in untold.iter().take(NAMED) {
            let Some(entry) = self.last_of_case(*case, "job.").await? else {
                continue;
            };
            let words = self.case(*case).await.and(": at ").name(target);
            told.push(
                self.of_case(*case, words, &entry)
                    .await?
                    .command(format!("revoked case show {case}")),
            );
        }
        Ok(section(
            ("open", "Open"),
            told,
            (all, untold.len()),
            "revoked job list --state queued",
        ))
    }

    async fn jobs(&self, state: &str) -> Result<Vec<JobView>, StoreError> {
        let filter = ListFilter {
            state: Some(state.to_owned()),
            pursued: true,
            limit: LOOKED_AT,
            ..ListFilter::default()
        };
        Ok(self.store.jobs(&filter).await?.rows)
    }

    async fn failed(&mut self) -> Result<Section, StoreError> {
        let mut cases: Vec<(i64, Vec<JobView>)> = Vec::new();
        for job in self.jobs("failed").await? {
            match cases.iter_mut().find(|(case, _)| *case == job.case) {
                Some((_, jobs)) => jobs.push(job),
                None => cases.push((job.case, vec![job])),
            }
        }
        let all = cases.len();
        let untold = self.untold(cases);
        let mut told = Vec::new();
        for (case, jobs) in untold.iter().take(NAMED) {
            let Some(job) = jobs.first() else { continue };
            let filter = TrailFilter {
                job: Some(job.id),
                kind: Some("job.failed".to_owned()),
                limit: u32::MAX,
                ..TrailFilter::default()
            };
            let Some(entry) = Recorded::read(&self.store.trail_search(&filter).await?).pop() else {
                continue;
            };
            let mut words = self
                .case(*case)
                .await
                .and(": at ")
                .name(&job.target)
                .then(entry.because("error"));
            if jobs.len() > 1 {
                words = words.and(format!(", and {} more of its jobs", jobs.len() - 1));
            }
            told.push(
                self.of_case(*case, words, &entry)
                    .await?
                    .command(format!("revoked case show {case}")),
            );
        }
        Ok(section(
            ("failed", "Could not be revoked"),
            told,
            (all, untold.len()),
            "revoked ledger",
        ))
    }

    async fn held(&mut self) -> Result<Section, StoreError> {
        let holds = self.store.holds(false).await?;
        let mut told = Vec::new();
        if let Some(oldest) = holds.iter().map(|hold| hold.placed_at).min() {
            let placed = self.entries("hold.placed", oldest).await?;
            let alerts = self.entries("alert.raised", oldest).await?;
            for hold in &holds.rows {
                // Who waits for a decision waits for nothing else: also where the hold is not named.
                let cases: Vec<i64> = self.store.hold(hold.id).await?.cases.iter().map(|case| case.case).collect();
                self.told.extend(&cases);
                if told.len() == NAMED {
                    continue;
                }
                let of_hold: Vec<&Recorded> = placed.iter().filter(|entry| entry.number("hold") == Some(hold.id)).collect();
                let key = format!("hold:{}", hold.id);
                // Where an attempt found that a human must decide, the alert alone has the hold's number.
                let carried = of_hold
                    .first()
                    .copied()
                    .or(alerts.iter().find(|entry| entry.text("key") == key));
                let Some(first) = carried else { continue };
                let (care, care_cited) = self.care(&cases).await?;
                let words = Words::of(format!("hold {}, since {}, ", hold.id, self.zone.short(first.at())))
                    .then(people(hold))
                    .then(first.because("why"))
                    .then(care);
                let cited = of_hold.iter().map(|entry| entry.seq).take(NAMED).chain([first.seq]);
                let cited = cited.chain(care_cited);
                told.push(Statement::new(words, first.at(), cited).command(format!("revoked hold show {}", hold.id)));
            }
        }
        Ok(section(
            ("held", "Held for a decision"),
            told,
            (holds.len(), holds.len()),
            "revoked hold list",
        ))
    }

    /// Alerts that are not over, those of one kind and one cause as one. Those of holds, of the ledger, and about a case that stands above, are told
    /// already.
    async fn alerts(&mut self) -> Result<Section, StoreError> {
        let alerts = self.store.alerts(false).await?;
        let is_told = |alert: &Alert| {
            matches!(alert.kind.as_str(), "hold" | "could_not_revoke") || alert.case.is_some_and(|case| self.told.contains(&case))
        };
        let alerts: Vec<Alert> = alerts.rows.into_iter().filter(|alert| !is_told(alert)).collect();
        let groups = grouped(&alerts);
        let mut told = Vec::new();
        if let Some(oldest) = alerts.iter().map(|alert| alert.raised_at).min() {
            let raised = self.entries("alert.raised", oldest).await?;
            for group in groups.iter().take(NAMED) {
                let alert = group.newest;
                let Some(entry) = raised.iter().rfind(|entry| entry.number("alert") == Some(alert.id)) else {
                    continue;
                };
                let noun = if group.only().is_some() { "alert" } else { "alerts" };
                let mut words = Words::of(format!("{noun} {}, {}: ", group.numbers(), self.zone.short(entry.at())))
                    .word(entry.text("kind"))
                    .and(", ");
                words = match (group.only(), group.about()) {
                    (None, Some(about)) => words.name(&about),
                    _ => words.name(&short_key(entry.text("key"))),
                };
                if let Some(by) = &alert.acknowledged_by {
                    words = words.and("; looked after by ").name(by);
                }
                if let Some(note) = &alert.acknowledged_note {
                    words = words.and(": ").name(&shortened(note, NOTE));
                }
                let command = group.only().map_or_else(|| group.shown_by(), |alert| alert.next.clone());
                told.push(Statement::new(words, entry.at(), [entry.seq]).command(command));
            }
        }
        // Whose alert stands here stands nowhere below.
        let cases: Vec<i64> = alerts.iter().filter_map(|alert| alert.case).collect();
        let (all, lines) = (alerts.len(), groups.len());
        self.told.extend(cases);
        Ok(section(("alerts", "Alerts"), told, (all, lines), "revoked alert list"))
    }

    async fn departures(&mut self) -> Result<Section, StoreError> {
        let filter = DepartureFilter {
            state: Some("planned".to_owned()),
            limit: LOOKED_AT,
            ..DepartureFilter::default()
        };
        let planned = self.store.departures(&filter).await?;
        let horizon = self.now.plus(AHEAD);
        let due: Vec<&DepartureView> = planned.iter().filter(|plan| plan.acts_at <= horizon).collect();
        let untold = self.untold(due.iter().filter_map(|plan| Some((plan.case?, *plan))));
        let mut told = Vec::new();
        for (case, plan) in untold.iter().take(NAMED) {
            let Some(entry) = self.last_of_case(*case, "departure.").await? else {
                continue;
            };
            let (beside, cited) = self.care(&[*case]).await?;
            let words = Words::of(format!("{} ", self.zone.short(plan.acts_at)))
                .then(self.case(*case).await)
                .then(beside);
            let cited = cited.into_iter().chain([entry.seq]);
            told.push(Statement::new(words, plan.acts_at, cited).command(format!("revoked departures show {}", plan.id)));
        }
        Ok(section(
            ("departures", "Depart in the next 24 h"),
            told,
            (due.len(), untold.len()),
            "revoked departures list --state planned",
        ))
    }
}

/// `26 people (a@example.org, b, …)`
fn people(hold: &Hold) -> Words {
    let count = match hold.people {
        1 => "1 person".to_owned(),
        people => format!("{people} people"),
    };
    if hold.first.is_empty() {
        return Words::of(count);
    }
    let first = hold.first.iter().map(|name| Words::outside(&bare(name)));
    let more = if usize::try_from(hold.people).is_ok_and(|people| people > hold.first.len()) {
        ", …"
    } else {
        ""
    };
    Words::of(format!("{count} ("))
        .then(Words::joined(first, ", "))
        .and(format!("{more})"))
}

/// What an alert is about, with the beginnings of the digests in it.
fn short_key(key: &str) -> String {
    let parts = key.split(':').map(|part| {
        let is_digest = part.len() >= LEAST_DIGEST && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        shortened(part, if is_digest { DIGEST } else { usize::MAX })
    });
    parts.collect::<Vec<_>>().join(":")
}

/// A section with `all` that there is, of which `here` stand under no other heading, and those of them that are told.
fn section(
    (name, heading): (&'static str, &'static str),
    told: Vec<Statement>,
    (all, here): (usize, usize),
    command: &str,
) -> Section {
    let more = here.saturating_sub(told.len());
    Section {
        name,
        heading,
        statements: told,
        nothing: if all > 0 && here == 0 {
            "They stand under the headings above."
        } else {
            ""
        },
        count: Some(all),
        more: (more > 0).then(|| (more, command.to_owned())),
        ..Section::default()
    }
}
