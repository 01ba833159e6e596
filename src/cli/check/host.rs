//! What `check` finds of the machine: whether the disk has room, whether alerts reach anybody, whether the daemon runs, and with which config.

use std::path::Path;

use crate::config::Config;
use crate::store::{Room, daemon_runs, running_config};
use crate::targets::{Finding, Level};

/// What stands in the way of a daemon on the store at `path`, which `is_there` or is not made yet. `offline` leaves the daemon out.
pub(super) fn findings(config: &Config, path: &Path, is_there: bool, offline: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    // A disk that does not tell has not run out of room.
    if let Some(room) = Room::under(path).ok().filter(|room| room.is_full()) {
        let folder = path.parent().unwrap_or(path).display();
        found.push(Finding {
            level: Level::Error,
            what: format!(
                "the disk under the store is full ({} KiB are left): nothing new is taken in, and nothing is ended without its record",
                room.bytes / 1024
            ),
            advice: format!("make room: df -h {folder}"),
        });
    }
    if let Some(fault) = &config.alerts.fault {
        found.push(Finding {
            level: Level::Error,
            what: format!("[alerts] exec: {fault}: nobody is told of alerts; the daemon starts and works all the same"),
            advice: "mend it, then revoked alert test".to_owned(),
        });
    }
    if offline || !is_there {
        return found;
    }
    if !daemon_runs(path) {
        found.push(Finding {
            level: Level::Warning,
            what: "the daemon does not run: nobody's access is ended until it does".to_owned(),
            advice: "systemctl start revoked".to_owned(),
        });
    } else if running_config(path).is_some_and(|running| running != config.digest) {
        found.push(Finding {
            level: Level::Warning,
            what: "the running daemon has another config than this one as it stands now".to_owned(),
            advice: "revoked reload takes this one up, or names what needs a restart".to_owned(),
        });
    }
    found
}
