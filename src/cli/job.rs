//! `revoked job` and `revoked ledger`: the queue's units, and those that could not be revoked.

use clap::Subcommand;

use super::output::{json_lines, name_unreadable, span, table, time};
use super::{Exit, StoreArgs};
use crate::store::{JobView, ListFilter};

/// `revoked job`
#[derive(Debug, Clone, Subcommand)]
pub enum JobCommand {
    /// List jobs, newest first
    #[command(after_help = "Example: revoked job list --state queued --target chat")]
    List {
        /// Only scheduled, queued, running, held, done, failed or cancelled ones
        #[arg(long, value_parser = crate::model::JobState::WORDS)]
        state: Option<String>,
        /// Only for this target
        #[arg(long)]
        target: Option<String>,
        /// Only of this case
        #[arg(long)]
        case: Option<i64>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs `revoked job`.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn run(command: JobCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let JobCommand::List {
        state,
        target,
        case,
        limit,
        json: as_json,
    } = command;
    let store = at.open().await?;
    let jobs = store
        .jobs(&ListFilter {
            state,
            target,
            case,
            limit,
            ..ListFilter::default()
        })
        .await?;
    if as_json {
        json_lines(&jobs)?;
    } else {
        name_unreadable(&jobs.unreadable);
        let headings = [
            "job",
            "case",
            "target",
            "for",
            "state",
            "priority",
            "attempt",
            "due",
            "verdict or error",
        ];
        table(&headings, jobs.iter().map(row).collect(), "no jobs")?;
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn row(job: &JobView) -> Vec<String> {
    let said = job.verdict.as_ref().map(ToString::to_string).or_else(|| job.error.clone());
    vec![
        job.id.to_string(),
        job.case.to_string(),
        job.target.clone(),
        job.kind.clone(),
        job.state.clone(),
        job.priority.to_string(),
        job.attempt.to_string(),
        time(job.due),
        said.unwrap_or_else(|| "-".to_owned()),
    ]
}

/// Runs `revoked ledger`: what could not be revoked, oldest first, with its age.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn ledger(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let mut jobs = store
        .jobs(&ListFilter {
            state: Some("failed".to_owned()),
            pursued: true,
            limit: 1000,
            ..ListFilter::default()
        })
        .await?;
    jobs.reverse();
    if as_json {
        json_lines(&jobs)?;
    } else {
        name_unreadable(&jobs.unreadable);
        let now = store.clock().now();
        let rows = jobs.iter().map(|job| {
            let age = job.finished_at.map_or_else(|| "-".to_owned(), |at| span(now.since(at)));
            vec![
                job.id.to_string(),
                job.case.to_string(),
                job.target.clone(),
                age,
                job.error.clone().unwrap_or_default(),
            ]
        });
        table(
            &["job", "case", "target", "age", "why"],
            rows.collect(),
            "the ledger is empty: nothing failed to be revoked",
        )?;
    }
    store.close().await;
    Ok(Exit::Ok)
}
