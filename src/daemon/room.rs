//! Opening the store once its disk has room: a daemon that ended on a full disk would be started again a few times, and then stay down.

use std::path::Path;
use std::time::Duration;

use super::systemd;
use crate::clock::Clock;
use crate::store::{OpenError, Role, Room, Store};

/// How often it is tried.
const EVERY: Duration = Duration::from_secs(1);

/// Opens the store. Waits while it cannot be opened for want of room, and until there is enough to take something in.
pub(super) async fn open(path: &Path, clock: Clock) -> Result<Store, OpenError> {
    let mut told = false;
    let store = loop {
        match Store::open(path, Role::Daemon, clock.clone()).await {
            // What SQLite says of a file that it could not make or lengthen has many forms. What is wrong otherwise shows once there is room.
            Err(error @ OpenError::Other { .. }) if Room::under(path).is_ok_and(Room::is_full) => {
                if !told {
                    told = true;
                    tracing::error!(%error, "the disk under the store is full; the start waits for room");
                }
                systemd::waiting_for_room();
                tokio::time::sleep(EVERY).await;
            }
            opened => break opened?,
        }
    };
    store.wait_for_room(systemd::waiting_for_room).await;
    Ok(store)
}
