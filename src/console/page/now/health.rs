//! How the lanes of the targets and the sources are, a line each.

use std::collections::BTreeMap;

use crate::console::page::targets;
use crate::console::page::words::{Mark, Moment, span, visible};
use crate::model::Timestamp;
use crate::store::{Alert, LaneView, SourceHealth, TargetPause};

/// The lane of one target.
pub(super) struct LaneLine {
    pub(super) target: String,
    pub(super) state: Mark,
    pub(super) why: Option<String>,
    pub(super) running: i64,
    pub(super) waiting: i64,
    pub(super) oldest: Option<Moment>,
    /// When the next call may leave, where that is not at once.
    pub(super) permit: Option<Moment>,
}

impl LaneLine {
    pub(super) fn new(lane: &LaneView, paused: &BTreeMap<String, TargetPause>, alerts: &[Alert], now: Timestamp) -> Self {
        let (state, why) = targets::state(lane, paused, alerts);
        Self {
            target: visible(&lane.target),
            state: Mark::new(state),
            why: why.map(|(why, _)| why),
            running: lane.running,
            waiting: lane.waiting + lane.repeating,
            oldest: lane.oldest.map(|at| Moment::new(at, now)),
            permit: lane.next_permit_at.filter(|at| *at > now).map(|at| Moment::new(at, now)),
        }
    }
}

/// One source.
pub(super) struct SourceLine {
    pub(super) name: String,
    pub(super) state: Mark,
    pub(super) spoke: Option<Moment>,
    pub(super) signal: Option<Moment>,
    /// How late its signals come, in the middle.
    pub(super) lag: Option<String>,
    pub(super) refused: i64,
}

impl SourceLine {
    pub(super) fn new(source: &SourceHealth, alerts: &[Alert], now: Timestamp) -> Self {
        let key = format!("source:{}", source.source);
        let unreadable = alerts
            .iter()
            .any(|alert| alert.kind == "source_unreadable" && alert.key == key);
        let state = if unreadable {
            "unreadable"
        } else if source.alerted_at.is_some() {
            "silent"
        } else if source.rehearses() {
            "rehearses"
        } else {
            "up"
        };
        let moment = |at| Moment::new(at, now);
        Self {
            name: visible(&source.source),
            state: Mark::new(state),
            spoke: source.spoke_at.map(moment),
            signal: source.signal_at.map(moment),
            lag: source.lag.map(|lag| span(std::time::Duration::from_millis(lag.median_ms))),
            refused: source.refused.values().map(|refusals| refusals.times).sum(),
        }
    }
}
