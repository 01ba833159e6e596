//! `revoked status --watch`: the same screen again every second; in a pipe, a line for each change.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::screen::{self, ScreenRoom};
use super::{Need, Status, StoreArgs};
use crate::cli::output::{LocalTimes, Screen, is_read, line, plain};
use crate::store::Store;

/// How often it is drawn.
const EVERY: Duration = Duration::from_secs(1);

/// Draws until it is told to stop, and answers whether something needed somebody at the end.
///
/// # Errors
/// Where the store cannot be read, or standard output cannot be written.
pub(super) async fn watch(store: &Store, at: &StoreArgs) -> anyhow::Result<bool> {
    let mut told = Told::listen()?;
    let Some(page) = Screen::borrowed() else {
        return follow(store, at, &mut told).await;
    };
    loop {
        let status = Status::of(store, at).await?;
        let (width, height) = Screen::size().unwrap_or((80, 24));
        let room = ScreenRoom {
            width: Some(width.into()),
            height: Some(height.into()),
        };
        let lines = screen::lines(&status, store, room);
        // Where not even the shortest fits, the end of it does.
        page.draw(lines.get(lines.len().saturating_sub(height.into())..).unwrap_or(&lines))?;
        if told.stops_within(EVERY).await {
            drop(page);
            // What was seen last stands where the next prompt comes.
            let needs = status.needs(store).len();
            line(screen::plain_sum(&status, needs))?;
            return Ok(needs > 0);
        }
    }
}

/// In a pipe: what came, what is over, and the sum, whenever it changes.
async fn follow(store: &Store, at: &StoreArgs, told: &mut Told) -> anyhow::Result<bool> {
    let mut known: BTreeMap<String, Need> = BTreeMap::new();
    let mut sum = String::new();
    loop {
        let status = Status::of(store, at).await?;
        let times = LocalTimes::at(store.clock().now());
        let time = times.time(times.now());
        let needs = status.needs(store);
        // What is known and about more than before is told again, under its new name.
        let is_new = |need: &&Need| known.get(&need.cause).is_none_or(|known| known.name != need.name);
        for need in needs.iter().filter(is_new) {
            line(format!("{time} {}: {} → {}", need.name, plain(&need.text), need.command))?;
        }
        let now: BTreeMap<String, Need> = needs.into_iter().map(|need| (need.cause.clone(), need)).collect();
        for (_, need) in known.iter().filter(|(cause, _)| !now.contains_key(*cause)) {
            line(format!("{time} {}: over", need.name))?;
        }
        let is = screen::plain_sum(&status, now.len());
        if is != sum {
            line(format!("{time} {is}"))?;
        }
        (known, sum) = (now, is);
        if told.stops_within(EVERY).await || !is_read() {
            return Ok(!known.is_empty());
        }
    }
}

/// The signals that end it, and the one that says that the window has another size.
struct Told {
    interrupt: Signal,
    terminate: Signal,
    resized: Signal,
}

impl Told {
    fn listen() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            resized: of(SignalKind::window_change())?,
        })
    }

    /// Waits so long, or for another size of the window; whether it is to stop.
    async fn stops_within(&mut self, length: Duration) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => true,
            _ = self.resized.recv() => false,
            () = tokio::time::sleep(length) => false,
        }
    }
}
