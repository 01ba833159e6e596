//! Targets: how the lane of each is, what waits for it, and what it last showed.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::words::{Frame, Mark, Moment, span, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Timestamp;
use crate::store::{Alert, LaneView, ObservedDelay, Store, StoreError, TargetLook, TargetPause};

/// How many of the cases that wait are named.
const NAMED: usize = 8;

#[derive(Template)]
#[template(path = "targets.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    targets: Vec<Line>,
}

struct Line {
    name: String,
    state: Mark,
    /// Who paused it, since when and why; or why our calls are refused, or why it counts as down.
    why: Option<(String, Moment)>,
    running: i64,
    sweeping: i64,
    waiting: i64,
    repeating: i64,
    permit: Option<Moment>,
    oldest: Option<Moment>,
    cases: Vec<i64>,
    more: bool,
    seen: Option<(Mark, Moment, Option<i64>)>,
    probes: Vec<Probe>,
}

/// What an account of ours there showed when it was tried.
struct Probe {
    says: String,
    at: Moment,
}

/// What is known of the targets beside their lanes.
struct Beside {
    now: Timestamp,
    paused: BTreeMap<String, TargetPause>,
    alerts: Vec<Alert>,
    looks: BTreeMap<String, TargetLook>,
    delays: Vec<ObservedDelay>,
}

impl Line {
    fn new(lane: &LaneView, beside: &Beside) -> Self {
        let moment = |at| Moment::new(at, beside.now);
        let (state, why) = state(lane, &beside.paused, &beside.alerts);
        let look = beside.looks.get(&lane.target).cloned().unwrap_or_default();
        let mut cases = look.waiting;
        let more = cases.len() > NAMED;
        cases.truncate(NAMED);
        let seen = look.verdict.zip(look.seen_at);
        let of_it = |shown: &&ObservedDelay| shown.target == lane.target;
        Self {
            name: visible(&lane.target),
            state: Mark::new(state),
            why: why.map(|(why, since)| (why, moment(since.unwrap_or(beside.now)))),
            running: lane.running,
            sweeping: lane.sweeping,
            waiting: lane.waiting,
            repeating: lane.repeating,
            permit: lane.next_permit_at.filter(|at| *at > beside.now).map(moment),
            oldest: lane.oldest.map(moment),
            cases,
            more,
            seen: seen.map(|(verdict, at)| (Mark::new(&verdict), moment(at), look.case)),
            probes: beside
                .delays
                .iter()
                .filter(of_it)
                .map(|shown| probe(shown, beside.now))
                .collect(),
        }
    }
}

/// Whether a lane is up, and what stands in its way since when.
pub(super) fn state(
    lane: &LaneView,
    paused: &BTreeMap<String, TargetPause>,
    alerts: &[Alert],
) -> (&'static str, Option<(String, Option<Timestamp>)>) {
    let down = alerts
        .iter()
        .find(|alert| alert.kind == "target_down" && alert.target.as_ref() == Some(&lane.target));
    match (paused.get(&lane.target), &lane.paused_why, down) {
        (Some(pause), ..) => ("paused", Some((visible(&pause.sentence()), Some(pause.since)))),
        (_, Some(why), _) => ("refused", Some((visible(why), lane.paused_at))),
        (.., Some(alert)) => ("down", Some((visible(&alert.summary), Some(alert.raised_at)))),
        _ => ("up", None),
    }
}

/// Every lane that something is or was done at, or that is in the way, by its target.
pub(super) async fn lanes(store: &Store) -> Result<Vec<LaneView>, StoreError> {
    let mut lanes = store.lanes().await?;
    for target in store.known_targets().await? {
        if !lanes.iter().any(|lane| lane.target == target) {
            lanes.push(LaneView {
                target,
                ..LaneView::default()
            });
        }
    }
    lanes.sort_by(|one, other| one.target.cmp(&other.target));
    Ok(lanes)
}

fn probe(shown: &ObservedDelay, now: Timestamp) -> Probe {
    let length = |ms: i64| span(std::time::Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
    let kind = visible(&shown.kind.replace('_', " "));
    Probe {
        says: match shown.delay_ms {
            Some(ms) => format!("{kind}: refused {} after its end", length(ms)),
            None => format!("{kind}: outlived its end by {}", length(shown.within_ms)),
        },
        at: Moment::new(shown.at, now),
    }
}

pub(super) async fn show(State(console): State<Console>, caller: Caller, headers: HeaderMap) -> Result<Response, Refusal> {
    let store = &console.store;
    let now = store.clock().now();
    let lanes = lanes(store).await?;
    let paused = store.paused_targets().await?;
    let delays = store.observed_delays().await?.rows;
    let names: Vec<String> = lanes.iter().map(|lane| lane.target.clone()).collect();
    let most = u32::try_from(NAMED).unwrap_or(u32::MAX) + 1;
    let beside = Beside {
        now,
        paused,
        alerts: store.alerts(false).await?.rows,
        looks: store.target_looks(&names, most).await?,
        delays,
    };
    render(&Page {
        frame: Frame::new("Targets", &caller, form_token(&headers), now).at("/targets"),
        targets: lanes.iter().map(|lane| Line::new(lane, &beside)).collect(),
    })
}
