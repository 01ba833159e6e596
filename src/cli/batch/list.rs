//! `revoked batch list`

use super::counts::counts;
use crate::cli::Exit;
use crate::cli::output::{Cell, LocalTimes, Meaning, bare, json_lines, table};
use crate::store::{BatchView, Listed, Store};

pub(super) async fn list(store: &Store, limit: u32, as_json: bool) -> anyhow::Result<Exit> {
    let mut batches = store.batches(None, usize::try_from(limit).unwrap_or(usize::MAX)).await?;
    if as_json {
        json_lines(&Listed {
            rows: batches,
            unreadable: Vec::new(),
        })?;
        return Ok(Exit::Ok);
    }
    batches.reverse();
    let times = LocalTimes::at(store.clock().now());
    let rows = batches.iter().map(|batch| {
        vec![
            bare(&batch.request.batch).into(),
            times.time(batch.request.asked_at).into(),
            batch.progress.people.to_string().into(),
            bare(&batch.request.reason).into(),
            stands(batch),
            bare(&batch.request.requested_by).into(),
        ]
    });
    let headings = ["batch", "asked", "people", "reason", "stands…", "by"];
    table(&headings, rows.collect(), "no list of people was asked for as one")?;
    Ok(Exit::Ok)
}

fn stands(batch: &BatchView) -> Cell {
    let progress = &batch.progress;
    if progress.paused.is_some() {
        return Cell::meaning(format!("paused: {}", counts(progress)), Meaning::Waiting);
    }
    let meaning = if progress.verdict("failed") + progress.rejected > 0 {
        Meaning::Bad
    } else if progress.unfinished + progress.new > 0 {
        Meaning::Waiting
    } else {
        Meaning::Good
    };
    Cell::meaning(counts(progress), meaning)
}
