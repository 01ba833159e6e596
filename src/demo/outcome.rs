//! What is on the record after the daemon has stopped: read from the files alone, as the commands read them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use revoked_trail::Summary;
use serde::Serialize;

use super::expectation::Expectation;
use super::installation::Installation;
use super::intruder::CallRecord;
use super::people::People;
use super::send_signals::Sent;
use super::{Place, StolenCredential};
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::store::{Alert, CaseDetail, Hold, ListFilter, Role, Store};
use crate::trail;

/// The whole of what came of the demo.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The cases that were due, oldest first.
    pub cases: Vec<CaseLine>,
    /// Departures that wait for their day.
    pub scheduled: Vec<PlanLine>,
    /// What waits for a human.
    pub held: Vec<Hold>,
    /// The rows that could not be read, with why.
    pub quarantined: Vec<String>,
    /// Every alert that was raised.
    pub alerts: Vec<Alert>,
    /// What the intruder could do.
    pub intruder: IntruderLine,
    /// What the target cannot end or see.
    pub not_covered: Vec<String>,
    /// The trail.
    pub trail: TrailLine,
    /// What was expected, and whether it held.
    pub expectations: Vec<Expectation>,
    /// Where it happened.
    pub place: Option<Place>,
    /// How long it took.
    pub elapsed_ms: u64,
    /// Whether every expectation held.
    pub ok: bool,
}

/// One case.
#[derive(Debug, Clone, Serialize)]
pub struct CaseLine {
    /// Its number.
    pub case: i64,
    /// Whom it is about.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// The source that spoke first.
    pub source: String,
    /// What was proved; absent while it is open.
    pub verdict: Option<String>,
    /// From the signal to the first answered action that takes something away.
    pub received_to_first_revoke_ms: Option<u64>,
    /// From the signal to the verdict.
    pub received_to_contained_ms: Option<u64>,
    /// When it was contained.
    pub contained_at: Option<Timestamp>,
    /// Grants listed before the first action.
    pub grants_found: usize,
    /// Those of them that were listed no more by the last look.
    pub grants_ended: usize,
    /// Whether the account was suspended by the last look.
    pub suspended: bool,
    /// Where it is about a credential: whether the server refused the credential itself in the end.
    pub credential_refused: bool,
    /// How many later sweeps have looked again.
    pub sweeps: usize,
    /// How often a sweep had to open it again.
    pub reopened: i64,
    /// When its work came into the queue.
    #[serde(skip)]
    pub(super) queued_at: Option<Timestamp>,
    /// When the first change was intended.
    #[serde(skip)]
    pub(super) begun_at: Option<Timestamp>,
}

/// A departure that waits.
#[derive(Debug, Clone, Serialize)]
pub struct PlanLine {
    /// The case.
    pub case: Option<i64>,
    /// Who leaves.
    pub subject: String,
    /// The end as HR wrote it.
    pub leaves: crate::model::Leaves,
    /// The instant that this means.
    pub at: Timestamp,
}

/// What the intruder could do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct IntruderLine {
    /// Calls that worked, sent before the victim was contained.
    pub calls_before: usize,
    /// Calls that worked although they were sent after that.
    pub calls_ok_after_contained: usize,
    /// All calls that were sent after that.
    pub calls_after_contained: usize,
    /// Logins and refreshes among them.
    pub regains_after_contained: usize,
    /// Logins and refreshes that worked, at any time.
    pub regained: usize,
}

/// The trail.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TrailLine {
    /// How many entries it has.
    pub entries: u64,
    /// How many of them a signed checkpoint outside the database confirms.
    pub confirmed: u64,
    /// Whether every entry stands.
    pub verified: bool,
    /// What was found, where not.
    pub findings: Vec<String>,
}

/// Reads everything.
pub(super) async fn gather(
    installation: &Installation,
    people: &People,
    sent: &Sent,
    record: &CallRecord,
    clock: &Clock,
) -> anyhow::Result<Outcome> {
    let store = Store::open(&installation.store(), Role::Command, clock.clone()).await?;
    let cases = store
        .cases(&ListFilter {
            limit: 200,
            ..ListFilter::default()
        })
        .await?;
    let plans = store.planned_departures().await?;
    let mut outcome = Outcome {
        cases: Vec::new(),
        scheduled: Vec::new(),
        held: store.holds(true).await?.rows,
        quarantined: quarantined(installation)?,
        alerts: store.alerts(true).await?.rows,
        intruder: IntruderLine::default(),
        not_covered: Vec::new(),
        trail: TrailLine::default(),
        expectations: Vec::new(),
        place: None,
        elapsed_ms: 0,
        ok: false,
    };
    let mut not_covered = BTreeSet::new();
    for case in cases.iter().rev() {
        let detail = store.case_detail(case.id).await?;
        if let Some(plan) = plans.iter().find(|plan| plan.case == Some(case.id)) {
            outcome.scheduled.push(PlanLine {
                case: plan.case,
                subject: subject(&detail),
                leaves: plan.leaves.clone(),
                at: plan.fire_at,
            });
        } else if case.state != "held" {
            let evidence = detail.jobs.iter().filter_map(|job| job.evidence.as_ref());
            not_covered.extend(evidence.flat_map(|evidence| evidence.not_covered.iter().map(ToString::to_string)));
            if case.subject.as_deref() == Some(&format!("email:{}", people.victim.email)) {
                outcome.intruder = intruder(record, case.contained_at.unwrap_or(case.received_at));
            }
            outcome.cases.push(line(&detail));
        }
    }
    outcome.not_covered = not_covered.into_iter().collect();
    for request in sent.requests {
        let answer = store.inbox_answer(request).await?;
        if answer.state == "rejected" {
            tracing::warn!(why = answer.why, "the operator's request was rejected");
        }
    }
    outcome.trail = trail(&store, &installation.anchor()).await?;
    store.close().await;
    Ok(outcome)
}

/// What the verification of a trail says.
pub(super) async fn trail(store: &Store, anchor: &Path) -> anyhow::Result<TrailLine> {
    let keys = trail::keys_beside(store.path())?;
    let report = trail::verify(store, &keys, &[anchor.to_owned()]).await?;
    let summary = Summary::from(&report);
    Ok(TrailLine {
        entries: summary.entries,
        confirmed: summary.confirmed,
        verified: summary.verified,
        findings: summary.findings,
    })
}

impl Outcome {
    pub(super) fn with(self, expectations: Vec<Expectation>, elapsed: Duration, place: Place) -> Self {
        Self {
            ok: expectations.iter().all(|expectation| expectation.held),
            expectations,
            elapsed_ms: ms(elapsed),
            place: Some(place),
            ..self
        }
    }

    /// The case about `email`, or about `username`.
    pub(super) fn case_of(&self, who: &super::people::DemoPerson) -> Option<&CaseLine> {
        self.cases.iter().find(|case| who.is_named_by(&case.subject))
    }
}

fn subject(detail: &CaseDetail) -> String {
    detail.case.subject.clone().unwrap_or_default()
}

fn line(detail: &CaseDetail) -> CaseLine {
    let case = &detail.case;
    let after = |at: Option<Timestamp>| at.map(|at| ms(at.since(case.received_at)));
    let evidence = || {
        let contain = detail.jobs.iter().filter(|job| job.kind == "contain");
        contain.filter_map(|job| job.evidence.as_ref())
    };
    CaseLine {
        case: case.id,
        subject: subject(detail),
        reason: case.reason.clone(),
        source: case.source.clone(),
        verdict: case.verdict.clone(),
        received_to_first_revoke_ms: after(case.first_revoke_at),
        received_to_contained_ms: after(case.contained_at),
        contained_at: case.contained_at,
        grants_found: evidence().flat_map(|evidence| evidence.before.values()).sum(),
        grants_ended: evidence().map(|evidence| evidence.ended_count).sum(),
        suspended: evidence().any(|evidence| evidence.suspended.1),
        credential_refused: evidence().any(|evidence| evidence.refused_at.is_some()),
        sweeps: detail
            .jobs
            .iter()
            .filter(|job| job.kind == "watch" && job.state == "done")
            .count(),
        reopened: case.reopened,
        queued_at: detail.jobs.iter().map(|job| job.created_at).min(),
        begun_at: detail.actions.iter().map(|action| action.started_at).min(),
    }
}

/// Judges every call by when it was sent. One that was sent in the very millisecond of the verdict counts as after it: the proof is older.
fn intruder(record: &CallRecord, contained_at: Timestamp) -> IntruderLine {
    let mut line = IntruderLine::default();
    for call in StolenCredential::ALL.into_iter().flat_map(|credential| record.of(credential)) {
        line.regained += usize::from(call.regains && call.is_ok());
        if call.sent < contained_at {
            line.calls_before += usize::from(call.is_ok());
        } else {
            line.calls_after_contained += 1;
            line.calls_ok_after_contained += usize::from(call.is_ok());
            line.regains_after_contained += usize::from(call.regains);
        }
    }
    line
}

/// The reasons in the files that the drop folder's quarantine holds.
fn quarantined(installation: &Installation) -> anyhow::Result<Vec<String>> {
    let folder = installation.drop_folder().join("quarantine");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut whys = Vec::new();
    for entry in std::fs::read_dir(&folder).context("looking into the quarantine")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let mut rows = csv::Reader::from_path(&path).with_context(|| format!("reading {}", path.display()))?;
            for row in rows.records() {
                whys.push(row?.get(0).unwrap_or_default().to_owned());
            }
        }
    }
    Ok(whys)
}

pub(super) fn ms(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
