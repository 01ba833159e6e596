//! `revoked notify list`: how every channel stands.

use crate::cli::output::{Cell, LocalTimes, Meaning, json_lines, name_unreadable, table};
use crate::cli::{Exit, StoreArgs};
use crate::store::ChannelState;

pub(super) async fn run(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let channels = store.channels().await;
    let times = LocalTimes::at(store.clock().now());
    store.close().await;
    let channels = channels?;
    if as_json {
        json_lines(&channels)?;
        return Ok(Exit::Ok);
    }
    name_unreadable(&channels.unreadable);
    let cells = channels.rows.into_iter().map(|channel| {
        let state = state(&channel, &times);
        vec![
            channel.channel.into(),
            channel.kind.into(),
            state,
            channel.waiting.to_string().into(),
            channel
                .last_success
                .map_or_else(|| "never".to_owned(), |at| times.away(at))
                .into(),
            channel.last_error.unwrap_or_else(|| "-".to_owned()).into(),
        ]
    });
    let headings = ["channel", "kind", "state", "waiting", "last taken", "last trouble?…"];
    table(
        &headings,
        cells.collect(),
        "no channels: the daemon has not run with a [[notify]] yet",
    )?;
    Ok(Exit::Ok)
}

fn state(channel: &ChannelState, times: &LocalTimes) -> Cell {
    match (channel.off_since, channel.failing_since) {
        (Some(at), _) => Cell::meaning(format!("off, {}", times.away(at)), Meaning::Bad),
        (None, Some(at)) => Cell::meaning(format!("failing, {}", times.away(at)), Meaning::Bad),
        (None, None) if channel.last_success.is_some() => "works".into(),
        (None, None) => "untried".into(),
    }
}
