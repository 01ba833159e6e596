//! The limit of open files (file descriptors, `LimitNOFILE=`): as many as the system allows, some of them kept for the database, the targets and our own files, so that no crowd of
//! connections takes them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for everything but connections from outside: the database has some twenty, a lane a few more than its jobs at once.
const KEPT: usize = 256;

/// Raises the limit as far as the system lets us, and says how many connections from outside fit below it, `wanted` at most.
pub(super) fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit {
            current: limit.maximum,
            ..limit
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "could not raise the limit of open files");
        }
    }
    let open = getrlimit(Resource::Nofile).current;
    let fits = fitting(wanted, open);
    if fits < wanted {
        tracing::warn!(
            open,
            fits,
            wanted,
            "fewer connections fit below the limit of open files than [listen] connections says; raise LimitNOFILE="
        );
    }
    fits
}

/// How many connections fit below a limit; `None` is no limit. Where little is allowed, half of it is kept.
fn fitting(wanted: usize, open: Option<u64>) -> usize {
    let Some(open) = open.and_then(|open| usize::try_from(open).ok()) else {
        return wanted;
    };
    wanted.min(open - KEPT.min(open / 2)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_daemon_needs_itself_is_never_given_to_connections() {
        for (wanted, open, fits) in [
            (1024, Some(4096), 1024),
            (1024, Some(1280), 1024),
            (1024, Some(1024), 768),
            (1024, Some(256), 128),
            (1024, Some(1), 1),
            (16, Some(1024), 16),
            (100_000, None, 100_000),
            (1024, Some(u64::MAX), 1024),
        ] {
            assert_eq!(fitting(wanted, open), fits, "{wanted} below {open:?}");
        }
    }
}
