//! `revoked revoke`: an operator's request, through the same inbox that other programs use.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::output::{json, line, plain, remark, span};
use super::store::operator;
use super::{Exit, Misused, StoreArgs, case, rehearse};
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_PATH};
use crate::model::{CaseId, Reason, Subject, Timestamp, has_form_of_id};
use crate::settings::{Period, nearest};
use crate::store::{CaseView, InboxAnswer, InboxRow, Store};

/// How often `--wait` looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `revoked revoke`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked revoke alice@example.org --reason compromised --wait
  revoked revoke username:bob --reason departed --at 2026-12-01T17:30:00+01:00
  revoked revoke id:npryem6qbfdcxji356uo9tc33o --reason compromised --target chat --session d8t3moset7ga5kaqtp157c3e1a --wait
  revoked revoke alice@example.org --reason departed --rehearse
  revoked revoke alice@example.org --reason compromised --keep-out 30d

Exit codes with --wait: 0 contained, 10 unverified, 11 residual, 12 no principal, 13 failed, 14 held, 15 still waiting, 16 rejected.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct RevokeArgs {
    /// Whom it is about.
    #[arg(help = "Whom it is about: alice@example.org, username:alice, id:<account id>, iss_sub:<issuer>#<sub>")]
    pub subject: Subject,
    /// Why.
    #[arg(long, value_parser = reason, help = "Why: compromised, departed, suspended, credential_changed, …")]
    pub reason: Reason,
    /// A playbook other than the one named like the reason
    #[arg(long)]
    pub playbook: Option<String>,
    /// Only this target of the playbook
    #[arg(long)]
    pub target: Option<String>,
    /// End this one session (the target's id) and nothing else
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with_all = ["token", "all_sessions"])]
    pub session: Option<String>,
    /// Revoke this one access token (the target's id, not the secret) and nothing else
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with = "all_sessions")]
    pub token: Option<String>,
    /// End every session and nothing else
    #[arg(long)]
    pub all_sessions: bool,
    /// Go on looking for this long after the verdict, and end what comes back (30d, 12h)
    #[arg(long, value_name = "TIME", value_parser = keep_out)]
    pub keep_out: Option<Duration>,
    /// Act at this instant (RFC 3339 with an offset) instead of now
    #[arg(long, value_parser = super::instant)]
    pub at: Option<Timestamp>,
    /// Why in words, kept with the case
    #[arg(long)]
    pub note: Option<String>,
    /// Makes a repetition of this command harmless: the same key is the same request
    #[arg(long)]
    pub key: Option<String>,
    /// Print what would be done and change nothing
    #[arg(long)]
    pub rehearse: bool,
    /// Wait for the verdict, show progress, and exit by it
    #[arg(long, conflicts_with = "rehearse")]
    pub wait: bool,
    /// How long --wait waits, in seconds
    #[arg(long, default_value_t = 300)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn reason(word: &str) -> Result<Reason, String> {
    Reason::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        format!("write one of {}", words.join(", "))
    })
}

fn id(text: &str) -> Result<String, String> {
    if has_form_of_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an id has letters, digits and -_:. only, at most 128".to_owned())
    }
}

fn keep_out(text: &str) -> Result<Duration, String> {
    let length = text.parse::<Period>().map_err(|error| error.to_string())?.0;
    if length < Duration::from_hours(1) {
        return Err("it must be at least 1h; the sweeps of the playbook look sooner than that".to_owned());
    }
    Ok(length)
}

/// Runs `revoked revoke`.
///
/// # Errors
/// Where the store cannot be reached; with `--rehearse`, where a target cannot.
pub(super) async fn run(args: RevokeArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    if args.rehearse {
        return rehearse::run(&args, at).await;
    }
    check(at, args.playbook.as_deref(), args.target.as_deref())?;
    let store = at.open().await?;
    let row = store
        .submit(InboxRow {
            id: 0,
            subject: args.subject.to_string(),
            reason: args.reason.word().to_owned(),
            requested_by: operator().to_string(),
            note: args.note.clone(),
            request_key: args.key.clone(),
            playbook: args.playbook.clone(),
            target: args.target.clone(),
            session: args.session.clone(),
            access_token: args.token.clone(),
            all_sessions: args.all_sessions,
            act_at: args.at.map(Timestamp::ms),
            keep_out: args
                .keep_out
                .map(|length| i64::try_from(length.as_secs()).unwrap_or(i64::MAX)),
            ..InboxRow::default()
        })
        .await?;
    let exit = follow(&store, row, args.wait.then_some(args.timeout), args.json).await;
    store.close().await;
    exit
}

/// Says what is asked for cannot be done, before it is stored: a config that the daemon would refuse, a playbook or a target of no such name.
///
/// # Errors
/// What is wrong, with exit code 2.
pub(super) fn check(at: &StoreArgs, playbook: Option<&str>, target: Option<&str>) -> anyhow::Result<()> {
    if at.store.is_some() && at.config == Path::new(DEFAULT_PATH) && !at.config.exists() {
        // Somebody who names the database alone may have no config here.
        remark(format!(
            "nothing was checked against a config, since {DEFAULT_PATH} is not there; name one with --config"
        ));
        return Ok(());
    }
    let config = Config::load_without_secrets(&at.config, &Clock::system())?;
    known("playbook", playbook, config.policy.playbooks.keys().map(String::as_str))?;
    known("target", target, config.target_names.iter().map(String::as_str))
}

/// Whether a name that was typed is one of those that there are.
fn known<'n>(what: &str, typed: Option<&str>, names: impl Iterator<Item = &'n str> + Clone) -> anyhow::Result<()> {
    let Some(typed) = typed else { return Ok(()) };
    if names.clone().any(|name| name == typed) {
        return Ok(());
    }
    let there = match nearest(typed, names.clone()) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
    };
    Err(Misused(format!("no {what} is called {typed:?}; {there}")).into())
}

/// Says what became of a request: that it is stored, or what came of it, where `patience` says how many seconds to wait.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn follow(store: &Store, row: i64, patience: Option<u64>, as_json: bool) -> anyhow::Result<Exit> {
    if let Some(patience) = patience {
        return wait(store, row, patience, as_json).await;
    }
    let running = crate::store::daemon_runs(store.path());
    if as_json {
        json(&serde_json::json!({ "request": row, "daemon_running": running }))?;
    } else {
        line(format!(
            "request {row} is stored{}",
            if running {
                ""
            } else {
                "; the daemon is not running and takes it up when it starts"
            }
        ))?;
    }
    Ok(Exit::Ok)
}

async fn wait(store: &Store, row: i64, patience: u64, as_json: bool) -> anyhow::Result<Exit> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(patience);
    let progress = progress(as_json);
    progress.set_message(format!("request {row}: waiting for the daemon"));
    let answer = loop {
        let answer = store.inbox_answer(row).await?;
        if answer.state != "new" {
            break answer;
        }
        if tokio::time::Instant::now() > deadline {
            progress.finish_and_clear();
            return not_over(as_json, row, None, "the daemon has not taken the request up; is it running?");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let Some(CaseId(number)) = answer.case else {
        progress.finish_and_clear();
        return rejected(as_json, row, &answer);
    };
    let case = loop {
        let case = store.case(number).await?;
        progress.set_message(doing(&case));
        if !matches!(case.state.as_str(), "open") {
            break case;
        }
        if tokio::time::Instant::now() > deadline {
            progress.finish_and_clear();
            return not_over(as_json, row, Some(number), "the case is still open; the work goes on");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    progress.finish_and_clear();
    let detail = store.case_detail(number).await?;
    if as_json {
        json(&detail)?;
    } else {
        case::show(&detail)?;
    }
    Ok(match (case.state.as_str(), case.verdict.as_deref()) {
        ("held", _) => {
            if !as_json {
                line(format!("held: see revoked hold show {}", case.hold.unwrap_or(0)))?;
            }
            Exit::Held
        }
        ("closed", Some(verdict)) => Exit::of_verdict(verdict),
        _ => Exit::Rejected,
    })
}

fn progress(quiet: bool) -> indicatif::ProgressBar {
    // Hidden by itself where standard error is no terminal.
    let bar = if quiet {
        indicatif::ProgressBar::hidden()
    } else {
        indicatif::ProgressBar::new_spinner()
    };
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn doing(case: &CaseView) -> String {
    match case.first_revoke_at {
        Some(first) => format!(
            "case {}: first revoke after {}, proving",
            case.id,
            span(first.since(case.received_at))
        ),
        None => format!("case {}: looking", case.id),
    }
}

fn rejected(as_json: bool, row: i64, answer: &InboxAnswer) -> anyhow::Result<Exit> {
    let why = answer.why.clone().unwrap_or_default();
    if as_json {
        json(&serde_json::json!({ "request": row, "state": answer.state, "why": why }))?;
    } else {
        line(format!("request {row} was {}: {}", answer.state, plain(&why)))?;
    }
    Ok(Exit::Rejected)
}

fn not_over(as_json: bool, row: i64, case: Option<i64>, why: &str) -> anyhow::Result<Exit> {
    if as_json {
        json(&serde_json::json!({ "request": row, "case": case, "state": "waiting", "why": why }))?;
    } else {
        line(format!("request {row}: {why}"))?;
    }
    Ok(Exit::Waiting)
}
