//! The cases that do not come to an end: attempts that fail again and again, and urgent ones that take longer than they should.

use std::time::Duration;

use serde::Serialize;

use super::needs::Need;
use crate::cli::case::{cause, who};
use crate::cli::number;
use crate::cli::output::{coarse, fit_words};
use crate::model::{Priority, Timestamp};
use crate::store::{Alert, CaseAtWork, Store, WorkAt};

/// So many attempts that failed are no accident any more.
const ATTEMPTS: u32 = 3;
/// An urgent case is over within seconds where nothing is in its way: what takes longer than this is worth a look.
const GOAL: Duration = Duration::from_mins(2);
/// How many are looked at whose time is up: each costs a reading.
const MOST: usize = 50;
/// How many people a line names.
const NAMED: usize = 3;
/// The longest cause that a line quotes, in columns.
const QUOTED: usize = 60;

/// A case that needs a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Stuck {
    pub(super) case: i64,
    #[serde(skip)]
    who: String,
    #[serde(skip)]
    urgent: bool,
    /// Whether it was contained before: access came back, or is given back.
    #[serde(skip)]
    again: bool,
    /// Since when it may be acted on.
    pub(super) since: Timestamp,
    /// How many attempts have failed, at the target with the most of them.
    pub(super) failed_attempts: u32,
    /// What stood in the way last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

/// The attempts that have failed: of one at work not the present one.
fn failed(at: &WorkAt) -> u32 {
    let present = u32::from(at.state == "running");
    if at.error.is_some() {
        at.attempt.saturating_sub(present)
    } else {
        0
    }
}

/// Those of the cases at work that need a look. Where an alert tells already that a target is away, refuses us or is paused, its cases do not
/// say it again.
pub(super) async fn of(
    store: &Store,
    work: &[CaseAtWork],
    alerts: &[Alert],
    paused: impl Fn(&str) -> bool,
    now: Timestamp,
) -> Vec<Stuck> {
    let is_told = |target: &str| {
        let key = format!("target:{target}");
        paused(target) || alerts.iter().any(|alert| alert.key == key)
    };
    let mut stuck = Vec::new();
    for case in work {
        let untold = || case.at.iter().filter(|at| !is_told(&at.target));
        let Some(worst) = untold().max_by_key(|at| failed(at)) else {
            continue;
        };
        let urgent = Priority(case.priority).is_urgent();
        let (attempts, late) = (failed(worst), urgent && now.since(case.received_at) > GOAL);
        if attempts < ATTEMPTS && !late || stuck.len() >= MOST {
            continue;
        }
        // A row that somebody has damaged is named by the list of cases; here the others count.
        let (Ok(begins), Ok(view)) = (store.case_begins(case.case).await, store.case(case.case).await) else {
            continue;
        };
        let (since, again) = (begins.at, view.contained_at.is_some());
        // What is done after a verdict did not begin with the case.
        if attempts < ATTEMPTS && (again || now.since(since) <= GOAL) {
            continue;
        }
        stuck.push(Stuck {
            case: case.case,
            who: who(&view),
            urgent,
            again,
            since,
            failed_attempts: attempts,
            why: worst
                .error
                .as_deref()
                .map(|error| format!("{}: {}", worst.target, cause(error))),
        });
    }
    stuck
}

/// What of that needs somebody: one line for one case, and one for many.
pub(super) fn need(stuck: &[Stuck], now: Timestamp) -> Option<Need> {
    let first = stuck.iter().min_by_key(|stuck| stuck.since)?;
    let numbers: Vec<i64> = stuck.iter().map(|stuck| stuck.case).collect();
    let why = |stuck: &Stuck| {
        let failed = match stuck.failed_attempts {
            0 => String::new(),
            1 => ", 1 attempt failed".to_owned(),
            count => format!(", {count} attempts failed"),
        };
        let why = stuck
            .why
            .as_deref()
            .map_or(String::new(), |why| format!(": {}", fit_words(why, Some(QUOTED))));
        format!("{failed}{why}")
    };
    let since = coarse(now.since(first.since));
    let (name, text, command) = if let [only] = stuck {
        (
            format!("case {}", only.case),
            if only.again {
                format!("{} was contained, and what follows is not done{}", only.who, why(only))
            } else {
                format!("{} is not contained after {since}{}", only.who, why(only))
            },
            format!("revoked case show {}", only.case),
        )
    } else {
        let mut who: Vec<&str> = stuck.iter().map(|stuck| stuck.who.as_str()).take(NAMED).collect();
        if stuck.len() > who.len() {
            who.push("…");
        }
        (
            format!("cases {}", number::listed(&numbers)),
            format!(
                "{} are not done ({}), the oldest after {since}{}",
                stuck.len(),
                who.join(", "),
                why(first)
            ),
            "revoked case list --state open".to_owned(),
        )
    };
    Some(Need {
        name,
        cause: "stuck".to_owned(),
        number: first.case,
        text,
        command,
        urgent: stuck.iter().any(|stuck| stuck.urgent),
        decision: false,
        at: first.since,
    })
}
