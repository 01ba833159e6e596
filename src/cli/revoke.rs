//! `revoked revoke`: an operator's request, through the same inbox that other programs use.

use std::time::Duration;

use clap::Args;

use super::output::{json, line, plain, span};
use super::store::operator;
use super::{Exit, StoreArgs, case, rehearse};
use crate::model::{CaseId, Reason, Subject, Timestamp};
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
    #[arg(long, value_name = "ID", conflicts_with_all = ["token", "all_sessions"])]
    pub session: Option<String>,
    /// Revoke this one access token (the target's id, not the secret) and nothing else
    #[arg(long, value_name = "ID", conflicts_with = "all_sessions")]
    pub token: Option<String>,
    /// End every session and nothing else
    #[arg(long)]
    pub all_sessions: bool,
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

/// Runs `revoked revoke`.
///
/// # Errors
/// Where the store cannot be reached; with `--rehearse`, where a target cannot.
pub(super) async fn run(args: RevokeArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    if args.rehearse {
        return rehearse::run(&args, at).await;
    }
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
        })
        .await?;
    let exit = if args.wait {
        wait(&store, row, &args).await
    } else {
        let running = crate::store::daemon_runs(store.path());
        if args.json {
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
    };
    store.close().await;
    exit
}

async fn wait(store: &Store, row: i64, args: &RevokeArgs) -> anyhow::Result<Exit> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(args.timeout);
    let progress = progress(args.json);
    progress.set_message(format!("request {row}: waiting for the daemon"));
    let answer = loop {
        let answer = store.inbox_answer(row).await?;
        if answer.state != "new" {
            break answer;
        }
        if tokio::time::Instant::now() > deadline {
            progress.finish_and_clear();
            return not_over(args, row, None, "the daemon has not taken the request up; is it running?");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let Some(CaseId(number)) = answer.case else {
        progress.finish_and_clear();
        return rejected(args, row, &answer);
    };
    let case = loop {
        let case = store.case(number).await?;
        progress.set_message(doing(&case));
        if !matches!(case.state.as_str(), "open") {
            break case;
        }
        if tokio::time::Instant::now() > deadline {
            progress.finish_and_clear();
            return not_over(args, row, Some(number), "the case is still open; the work goes on");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    progress.finish_and_clear();
    let detail = store.case_detail(number).await?;
    if args.json {
        json(&detail)?;
    } else {
        case::show(&detail)?;
    }
    Ok(match (case.state.as_str(), case.verdict.as_deref()) {
        ("held", _) => {
            if !args.json {
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

fn rejected(args: &RevokeArgs, row: i64, answer: &InboxAnswer) -> anyhow::Result<Exit> {
    let why = answer.why.clone().unwrap_or_default();
    if args.json {
        json(&serde_json::json!({ "request": row, "state": answer.state, "why": why }))?;
    } else {
        line(format!("request {row} was {}: {}", answer.state, plain(&why)))?;
    }
    Ok(Exit::Rejected)
}

fn not_over(args: &RevokeArgs, row: i64, case: Option<i64>, why: &str) -> anyhow::Result<Exit> {
    if args.json {
        json(&serde_json::json!({ "request": row, "case": case, "state": "waiting", "why": why }))?;
    } else {
        line(format!("request {row}: {why}"))?;
    }
    Ok(Exit::Waiting)
}
