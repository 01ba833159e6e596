//! The room on the disk under the store: watched every second, and an alert of its own once there is none, as soon as that can be written. It is
//! over when there is room again, and says then for how long there was none.
//!
//! A full disk costs nothing that was acknowledged: what does not fit is rolled back and refused. So nothing is done about it here but to
//! say so, first in the log, which needs no room of the store's.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::error_chain;
use crate::store::{Result, Store, StoreError};

/// How often the daemon looks.
const EVERY: Duration = Duration::from_secs(1);

/// With less room than this a delivery may not fit, and its sender is better off elsewhere or later.
const LEAST: u64 = 1 << 20;

/// How much room the disk under the store has for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
}

impl Room {
    /// On the disk of the file at `path`, which need not be there.
    ///
    /// # Errors
    /// What the system says where it cannot tell.
    pub fn under(path: &Path) -> std::io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let disk = rustix::fs::statvfs(folder.unwrap_or_else(|| Path::new(".")))?;
        Ok(Self {
            bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        })
    }

    /// Whether it is too little to take anything in.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.bytes < LEAST
    }
}

/// What the store knows of its room between two looks.
#[derive(Debug, Default)]
pub(in crate::store) struct OutOfRoom(AtomicBool);

impl OutOfRoom {
    /// Notes what a mutation was answered.
    pub(in crate::store) fn note<T>(&self, answer: &Result<T>) {
        if matches!(answer, Err(StoreError::Full)) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// A time without room.
#[derive(Debug)]
struct Shortage {
    since: Instant,
    /// Whether anything was refused in it.
    refused: bool,
    /// Whether the alert says that it began.
    told: bool,
}

/// The looks at the room, one after the other.
#[derive(Debug, Default)]
struct Looks {
    shortage: Option<Shortage>,
    /// Whether no alert of an earlier run says any more that the disk is full.
    begins_clean: bool,
}

impl Looks {
    /// Looks, says in the log when a shortage begins and ends, and alerts once that can be written. Answers whether there is room.
    async fn look(&mut self, store: &Store) -> bool {
        let refused = store.0.out_of_room.take();
        // A disk that does not tell has not run out of room.
        let room = store.room().ok();
        let is_full = refused || room.is_some_and(Room::is_full);
        let Some(shortage) = self.shortage.as_mut() else {
            if is_full {
                tracing::error!(
                    left = room.map(|room| room.bytes),
                    "the disk under the store is full: what does not fit is refused, and no action is sent without its record, until there is room"
                );
                let told = tell(store, begun(room)).await;
                self.shortage = Some(Shortage {
                    since: Instant::now(),
                    refused,
                    told,
                });
            } else if !self.begins_clean {
                self.begins_clean = end_of_an_earlier_run(store).await;
            }
            return !is_full;
        };
        shortage.refused |= refused;
        if is_full {
            if !shortage.told {
                // Each try lets the writer fold the log, which may make the very room that is wanted.
                shortage.told = tell(store, begun(room)).await;
            }
            return false;
        }
        if !end(store, ended(shortage.since.elapsed(), shortage.refused)).await {
            return false;
        }
        tracing::info!("there is room again on the disk under the store");
        (self.shortage, self.begins_clean) = (None, true);
        true
    }
}

fn begun(room: Option<Room>) -> String {
    let left = room.map_or(String::new(), |room| format!(" ({} KiB are left)", room.bytes / 1024));
    format!("the disk under the store is full{left}: make room; until then senders are told to come again, and work waits")
}

fn ended(length: Duration, refused: bool) -> String {
    let meant = if refused {
        "what did not fit was not stored meanwhile, and senders were told to come again"
    } else {
        "nothing was refused meanwhile"
    };
    format!(
        "the disk under the store was full for {} s and has room again: {meant}",
        length.as_secs().max(1)
    )
}

/// Whether the alert is stored. A trail that has not begun is left empty: entries before its first checkpoint would look like those of somebody
/// who has taken the checkpoints away, and whoever starts a daemon for the first time has the log before them.
async fn tell(store: &Store, summary: String) -> bool {
    if store.trail_head().await.is_ok_and(|head| head.size() == 0) {
        return true;
    }
    is_written(store.raise_alert("disk_full", "store".to_owned(), summary).await)
}

/// Whether it is stored that the alert is over, and what it says last.
async fn end(store: &Store, summary: String) -> bool {
    tell(store, summary).await && is_written(store.end_alert("disk_full", "store".to_owned()).await)
}

/// Whether no alert of an earlier run stands any more, now that there is room.
async fn end_of_an_earlier_run(store: &Store) -> bool {
    match store.alert_is_open("disk_full", "store").await {
        Ok(false) => true,
        Ok(true) => {
            let summary = "the disk under the store was full when the daemon ran last, and has room again";
            end(store, summary.to_owned()).await
        }
        // It is looked at again in a second.
        Err(_) => false,
    }
}

fn is_written(answer: Result<()>) -> bool {
    match answer {
        Ok(()) => true,
        Err(StoreError::Full) => false,
        Err(error) => {
            tracing::error!(error = %error_chain(&error), "could not record an alert");
            false
        }
    }
}

impl Store {
    /// How much room the disk under the store has.
    ///
    /// # Errors
    /// What the system says where it cannot tell.
    pub fn room(&self) -> std::io::Result<Room> {
        Room::under(self.path())
    }

    /// Looks at the room every second, and alerts about a disk that is full: when it can be written, which may be only once there is room
    /// again. The alert is over then.
    pub async fn watch_room(&self) -> Infallible {
        let (mut looks, mut ticks) = (Looks::default(), tokio::time::interval(EVERY));
        loop {
            ticks.tick().await;
            looks.look(self).await;
        }
    }

    /// Waits until there is room, for a daemon that starts; calls `waiting` every second.
    pub async fn wait_for_room(&self, waiting: impl Fn()) {
        let mut looks = Looks::default();
        while !looks.look(self).await {
            waiting();
            tokio::time::sleep(EVERY).await;
        }
    }

    /// From now on nothing waits for room: the daemon stops, and the next start finds what is not written down by its leases.
    pub fn stop_waiting_for_room(&self) {
        self.0.stopping.cancel();
    }
}

#[cfg(test)]
mod tests;
