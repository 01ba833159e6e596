//! What the daemon makes of a request, as soon as it says: it acts, it waits for its day, it is held, or it was rejected.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::cli::Exit;
use crate::cli::case::{AnswerLine, answer_line, interrupted, waits_longer, who};
use crate::cli::output::{LiveLine, LocalTimes, Meaning, answer, json, plain};
use crate::cli::store::NOT_RUNNING;
use crate::cli::target::obstacle_of;
use crate::model::Timestamp;
use crate::store::{InboxAnswer, Store, daemon_runs};

/// How often a row is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How many such looks go by between two at the daemon itself.
const LOOKS: u32 = 40;
/// How long a command waits for the daemon's word where it was not told to wait.
pub(super) const BRIEFLY: Duration = Duration::from_secs(3);

/// What came of waiting for the daemon's word.
pub(super) enum Waited {
    /// The daemon has answered.
    Answered(InboxAnswer),
    /// It has not in that time.
    Unanswered,
    /// Whoever waited has had enough.
    Interrupted,
}

/// Waits for the daemon's answer to a row.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn answered(store: &Store, row: i64, deadline: Instant, live: &mut LiveLine) -> anyhow::Result<Waited> {
    let mut interrupt = interrupted()?;
    let began = Instant::now();
    let (mut looks, mut runs) = (0_u32, daemon_runs(store.path()));
    loop {
        let answer = store.inbox_answer(row).await?;
        if answer.state != "new" {
            return Ok(Waited::Answered(answer));
        }
        if Instant::now() > deadline {
            live.clear();
            return Ok(Waited::Unanswered);
        }
        // What is answered at once shows nothing.
        if began.elapsed() > LOOK_EVERY * 10 {
            let text = if runs {
                format!("request {row} · waits for the daemon")
            } else {
                format!("request {row} · {NOT_RUNNING}")
            };
            live.show(&text, &text, began.elapsed());
        }
        looks += 1;
        if looks.is_multiple_of(LOOKS) {
            runs = daemon_runs(store.path());
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = interrupt.recv() => {
                live.clear();
                return Ok(Waited::Interrupted);
            }
        }
    }
}

/// What becomes of a request that nobody waits for any more.
pub(super) fn goes_on(store: &Store) -> &'static str {
    if daemon_runs(store.path()) {
        "it stays, and the daemon takes it up · revoked case list"
    } else {
        NOT_RUNNING
    }
}

/// The daemon's word about a request, for programs.
#[derive(Debug, Default, Serialize)]
struct Word {
    request: i64,
    daemon_running: bool,
    /// `acting`, `waiting`, `held`, `closed`, `cancelled`, `rejected`, or `stored` where there is none yet.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What to type about what it waits for, where something is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Waits briefly for what the daemon makes of a request, and says it. Where the daemon does not run, that it will.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn say(store: &Store, row: i64, as_json: bool) -> anyhow::Result<Exit> {
    let mut word = Word {
        request: row,
        daemon_running: daemon_runs(store.path()),
        state: "stored",
        ..Word::default()
    };
    let mut said = Said::plainly(format!(
        "request {row} is stored; the daemon is not running and takes it up when it starts"
    ));
    let mut exit = Exit::Ok;
    if word.daemon_running {
        let mut live = LiveLine::new(as_json);
        match answered(store, row, Instant::now() + BRIEFLY, &mut live).await? {
            Waited::Answered(told) => (said, exit) = of_answer(store, &told, &mut word).await?,
            Waited::Unanswered => {
                said = Said::plainly(format!(
                    "request {row} is stored; the daemon has not taken it up yet · revoked case list"
                ));
            }
            Waited::Interrupted => {
                said = Said::plainly(format!("request {row} is stored: {}", goes_on(store)));
                exit = Exit::Waiting;
            }
        }
    }
    if as_json {
        json(&word)?;
    } else {
        match said.verdict {
            Some(verdict) => verdict.print(&format!("{} · ", said.rest))?,
            None => answer(said.meaning, said.head, &said.rest)?,
        }
    }
    Ok(exit)
}

/// What a person is told: a word by its meaning, where there is one, and the rest.
struct Said {
    meaning: Meaning,
    head: &'static str,
    rest: String,
    /// The answer of a case that is over already.
    verdict: Option<AnswerLine>,
}

impl Said {
    fn plainly(rest: String) -> Self {
        Self {
            meaning: Meaning::Strong,
            head: "",
            rest,
            verdict: None,
        }
    }
}

async fn of_answer(store: &Store, answer: &InboxAnswer, word: &mut Word) -> anyhow::Result<(Said, Exit)> {
    word.why.clone_from(&answer.why);
    let Some(number) = answer.case.map(|case| case.0) else {
        word.state = "rejected";
        let why = plain(answer.why.as_deref().unwrap_or_default());
        let said = Said {
            meaning: Meaning::Bad,
            head: "REJECTED",
            rest: format!(": request {}: {why}", word.request),
            verdict: None,
        };
        return Ok((said, Exit::Rejected));
    };
    let (case, jobs) = (store.case(number).await?, store.case_progress(number).await?);
    let now = store.clock().now();
    let times = LocalTimes::at(now);
    word.case = Some(number);
    word.subject.clone_from(&case.subject);
    word.targets = jobs.iter().map(|job| job.target.clone()).collect();
    word.verdict.clone_from(&case.verdict);
    let (whom, at) = (who(&case), plain(&word.targets.join(", ")));
    let key = if answer.why.as_deref().is_some_and(|why| why.contains("used before")) {
        " · asked for before"
    } else {
        ""
    };
    let in_the_way = obstacle_of(store, &jobs);
    let said = match (case.state.as_str(), in_the_way) {
        ("held", _) => {
            let hold = case.hold.unwrap_or_default();
            let why = store.hold(hold).await?.hold.detail;
            word.state = "held";
            word.hold = Some(hold);
            word.why = Some(why.clone());
            let said = Said {
                meaning: Meaning::Waiting,
                head: "HELD",
                rest: format!(
                    ": hold {hold} ({}): nothing was done · revoked hold show {hold}",
                    plain(&times.told(&why))
                ),
                verdict: None,
            };
            return Ok((said, Exit::Held));
        }
        ("open", _) if waits_longer(&jobs, now) => {
            word.state = "waiting";
            word.due = jobs.iter().filter_map(|job| job.due).min();
            let due = word
                .due
                .map_or(String::new(), |due| format!("{} ({})", times.time(due), times.away(due)));
            format!("case {number} · {whom} at {at} waits until {due}{key} (call it off: revoked case cancel {number} --note WHY)")
        }
        ("open", Some(obstacle)) => {
            word.state = "waiting";
            word.why = Some(obstacle.why.clone());
            word.next = Some(obstacle.next.clone());
            let said = Said {
                meaning: Meaning::Waiting,
                head: "WAITS",
                rest: format!(" {whom}: {}{key} · {} (case {number})", obstacle.why, obstacle.next),
                verdict: None,
            };
            return Ok((said, Exit::Ok));
        }
        ("open", None) => {
            word.state = "acting";
            format!("case {number} · acting on {whom} at {at}{key} (follow: revoked case show {number} --follow)")
        }
        (state, _) => {
            word.state = if state == "cancelled" { "cancelled" } else { "closed" };
            let detail = store.case_detail(number).await?;
            let verdict = answer_line(store, &detail, &times).await?;
            return Ok((
                Said {
                    meaning: Meaning::Strong,
                    head: "",
                    rest: format!("case {number}{key}"),
                    verdict: Some(verdict),
                },
                Exit::Ok,
            ));
        }
    };
    Ok((Said::plainly(said), Exit::Ok))
}

/// Prints that a request was rejected.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn rejected(as_json: bool, row: i64, told: &InboxAnswer) -> anyhow::Result<Exit> {
    let why = told.why.clone().unwrap_or_default();
    if as_json {
        json(&serde_json::json!({ "request": row, "state": told.state, "why": why }))?;
    } else {
        answer(Meaning::Bad, "REJECTED", &format!(": request {row}: {}", plain(&why)))?;
    }
    Ok(Exit::Rejected)
}
