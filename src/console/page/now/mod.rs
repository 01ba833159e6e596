//! What is at work now, what needs somebody, how everything is.
//!
//! `at_work` has the cases at work and the ledger, `health` the lanes and the sources.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::alerts::Line as AlertLine;
use super::batches::Line as BatchLine;
use super::holds::Line as HoldLine;
use super::words::{Frame, Moment, person};
use super::{form_token, render, targets};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::{Urgency, urgency_of};
use crate::store::{CaseFilter, CaseView, Counts, ListFilter};

mod at_work;
mod health;

use at_work::{AtWork, LedgerLine};
use health::{LaneLine, SourceLine};

/// How many cases are shown, at work and of the newest.
const CASES: u32 = 20;
/// How many holds and how many alerts are shown: what else needs somebody is not to stand behind hundreds of them.
const NEEDS: usize = 10;
/// How much of the ledger is shown.
const LEDGER: u32 = 5;
/// How many of the newest batches are looked at.
const BATCHES: usize = 3;

#[derive(Template)]
#[template(path = "now.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    work: Vec<AtWork>,
    /// Whether more cases are at work than are shown.
    work_more: bool,
    holds: Vec<HoldLine>,
    /// How many there are in all.
    holds_open: usize,
    alerts: Vec<AlertLine>,
    alerts_open: usize,
    ledger: Vec<LedgerLine>,
    batches: Vec<BatchLine>,
    lanes: Vec<LaneLine>,
    sources: Vec<SourceLine>,
    cases: Vec<CaseLine>,
    counts: Counts,
}

pub(super) struct CaseLine {
    pub(super) id: i64,
    pub(super) subject: String,
    pub(super) reason: String,
    pub(super) state: String,
    pub(super) verdict: Option<String>,
    pub(super) received: Moment,
}

impl CaseLine {
    pub(super) fn new(case: &CaseView, now: crate::model::Timestamp) -> Self {
        Self {
            id: case.id,
            subject: person(case.subject.as_deref()),
            reason: case.reason.clone(),
            state: case.state.clone(),
            verdict: case.verdict.clone(),
            received: Moment::new(case.received_at, now),
        }
    }
}

pub(super) async fn show(State(console): State<Console>, caller: Caller, headers: HeaderMap) -> Result<Response, Refusal> {
    let store = &console.store;
    let now = store.clock().now();
    let work = store.at_work().await?;
    let shown = work.iter().take(CASES as usize);
    let alerts = store.alerts(false).await?.rows;
    let holds = store.holds_with_approvals(false).await?;
    // Those about a hold stand there already.
    let mut others: Vec<_> = alerts.iter().filter(|alert| alert.kind != "hold").collect();
    others.sort_by_key(|alert| (alert.acknowledged_at.is_some(), urgency_of(&alert.kind) != Urgency::Urgent));
    let paused = store.paused_targets().await?;
    let filter = CaseFilter {
        limit: CASES,
        ..CaseFilter::default()
    };
    render(&Page {
        frame: Frame::new("Now", &caller, form_token(&headers), now).at("/"),
        work_more: work.len() > CASES as usize,
        work: shown
            .map(|case| AtWork::new(case, &console.installation.goals, now))
            .collect(),
        holds: holds.iter().take(NEEDS).map(|hold| HoldLine::new(hold, now)).collect(),
        holds_open: holds.len(),
        alerts: others.iter().take(NEEDS).map(|alert| AlertLine::new(alert, now)).collect(),
        alerts_open: others.len(),
        ledger: store
            .jobs(&ListFilter::of_ledger(LEDGER))
            .await?
            .iter()
            .map(|job| LedgerLine::new(job, now))
            .collect(),
        batches: store
            .batches(None, BATCHES)
            .await?
            .iter()
            .filter(|batch| batch.progress.unfinished + batch.progress.new > 0)
            .map(|batch| BatchLine::new(batch, now))
            .collect(),
        lanes: targets::lanes(store)
            .await?
            .iter()
            .map(|lane| LaneLine::new(lane, &paused, &alerts, now))
            .collect(),
        sources: store
            .source_health()
            .await?
            .iter()
            .map(|source| SourceLine::new(source, &alerts, now))
            .collect(),
        cases: store
            .find_cases(&filter)
            .await?
            .iter()
            .map(|case| CaseLine::new(case, now))
            .collect(),
        counts: store.counts().await?,
    })
}
