//! In a pipe: what is new, what needs somebody, what is over, and the sum, whenever it changes.

use std::collections::BTreeMap;

use super::feed::{Change, Feed};
use super::viewer::Viewer;
use crate::cli::StoreArgs;
use crate::cli::output::{LocalTimes, is_read, json_line, line, plain};
use crate::cli::status::{Need, Status, screen};
use crate::store::Store;

/// What the needs tell in more words.
const TOLD_AS_NEED: &[&str] = &["hold.placed", "alert.raised"];

/// Follows until it is told to stop, or nobody reads any more. Answers whether something needed somebody at the end.
///
/// # Errors
/// Where the store cannot be read, or standard output cannot be written.
pub(super) async fn follow(
    store: &Store,
    at: &StoreArgs,
    (viewer, mut feed): (&mut Viewer, Feed),
    as_json: bool,
) -> anyhow::Result<bool> {
    let mut known: BTreeMap<String, Need> = BTreeMap::new();
    let mut sum = String::new();
    loop {
        let times = LocalTimes::at(store.clock().now());
        loop {
            let (count, more) = feed.read(store).await?;
            let by_needs = |change: &&Change| TOLD_AS_NEED.contains(&change.entry.kind());
            for change in feed.newest(count).filter(|change| !by_needs(change)) {
                tell(change, &times, as_json)?;
            }
            feed.forget();
            if !more || !is_read() {
                break;
            }
        }
        let status = Status::of(store, at).await?;
        let needs = status.needs(store);
        // What is known and about more than before is told again, under its new name.
        let is_new = |need: &&Need| known.get(&need.cause).is_none_or(|known| known.name != need.name);
        for need in needs.iter().filter(is_new) {
            told(need, "need", &times, as_json)?;
        }
        let now: BTreeMap<String, Need> = needs.into_iter().map(|need| (need.cause.clone(), need)).collect();
        for (_, need) in known.iter().filter(|(cause, _)| !now.contains_key(*cause)) {
            told(need, "over", &times, as_json)?;
        }
        let is = screen::plain_sum(&status, now.len());
        if is != sum {
            if as_json {
                json_line(&serde_json::json!({
                    "at": times.now(), "change": "sum", "needs": now.len(), "at_work": status.at_work,
                    "daemon_running": status.daemon_running,
                }))?;
            } else {
                line(format!("{} {is}", times.time(times.now())))?;
            }
        }
        (known, sum) = (now, is);
        if viewer.stops().await || !is_read() {
            return Ok(!known.is_empty());
        }
    }
}

/// Tells an entry of the trail.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn tell(change: &Change, times: &LocalTimes, as_json: bool) -> anyhow::Result<()> {
    let entry = &change.entry;
    if as_json {
        return json_line(&serde_json::json!({
            "at": entry.at(), "change": entry.kind(), "seq": entry.seq(), "case": entry.case(), "text": change.said(times),
            "detail": entry.detail(),
        }));
    }
    let time = entry.at().map_or_else(|| "-".to_owned(), |at| times.time(at));
    line(format!("{time} {} {}", entry.kind(), change.said(times)))
}

/// Tells what needs somebody, or that it does no longer.
fn told(need: &Need, change: &str, times: &LocalTimes, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return json_line(&serde_json::json!({
            "at": times.now(), "change": change, "name": need.name, "cause": need.cause, "text": need.text, "command": need.command,
            "urgent": need.urgent, "decision": need.decision,
        }));
    }
    let time = times.time(times.now());
    line(if change == "over" {
        format!("{time} {}: over", need.name)
    } else {
        format!("{time} {}: {} → {}", need.name, plain(&need.text), need.command)
    })
}
