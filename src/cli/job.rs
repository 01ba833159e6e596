//! `revoked job` and `revoked ledger`: the queue's units, and those that could not be revoked.

use clap::Subcommand;

use super::case::who;
use super::output::{Cell, LocalTimes, Meaning, coarse, json_lines, line, name_unreadable, table};
use super::{Exit, StoreArgs, number};
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
        #[arg(long, value_parser = number::case)]
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
            "for?",
            "state",
            "due?",
            "attempt?",
            "priority?",
            "verdict or error…",
        ];
        let times = LocalTimes::at(store.clock().now());
        table(&headings, jobs.iter().map(|job| row(job, &times)).collect(), "no jobs")?;
        // The newest were shown: whether there are more is worth a word, how many is not worth a count of the queue.
        if jobs.rows.len() + jobs.unreadable.len() >= limit as usize {
            line(Meaning::Quiet.paint(format!("the newest {limit}; there may be more (--limit)")))?;
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn row(job: &JobView, times: &LocalTimes) -> Vec<Cell> {
    let said = job
        .verdict
        .as_ref()
        .map(|verdict| (verdict.to_string(), Meaning::of_verdict(verdict.word())));
    let said = said.or_else(|| Some((job.error.clone()?, Meaning::Waiting)));
    vec![
        job.id.to_string().into(),
        job.case.to_string().into(),
        job.target.clone().into(),
        job.kind.clone().into(),
        Cell::state(&job.state),
        times.cell(job.due).into(),
        job.attempt.to_string().into(),
        job.priority.to_string().into(),
        said.map_or_else(|| "-".into(), |(text, meaning)| Cell::meaning(text, meaning)),
    ]
}

/// Runs `revoked ledger`: what could not be revoked, oldest first, with its age.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn ledger(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let mut jobs = store.jobs(&ListFilter::of_ledger(1000)).await?;
    jobs.reverse();
    if as_json {
        json_lines(&jobs)?;
    } else {
        name_unreadable(&jobs.unreadable);
        let now = store.clock().now();
        let mut rows = Vec::with_capacity(jobs.rows.len());
        for job in &jobs.rows {
            let age = job.finished_at.map_or_else(|| "-".to_owned(), |at| coarse(now.since(at)));
            rows.push(vec![
                job.case.to_string(),
                who(&store.case(job.case).await?),
                job.target.clone(),
                age,
                job.id.to_string(),
                job.error.clone().unwrap_or_default(),
            ]);
        }
        let nothing = "the ledger is empty: nothing failed to be revoked";
        table(&["case", "about", "target", "age", "job?", "why…"], rows, nothing)?;
        if let Some(oldest) = jobs.iter().filter_map(|job| job.finished_at).min() {
            let count = match jobs.rows.len() {
                1 => "1 COULD NOT BE REVOKED".to_owned(),
                count => format!("{count} COULD NOT BE REVOKED"),
            };
            line(format!(
                "{}, the oldest for {}; each is tried again every hour · revoked case show CASE",
                Meaning::Bad.paint(count),
                coarse(now.since(oldest))
            ))?;
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}
