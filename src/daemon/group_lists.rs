//! Keeps the members of groups that stand in files: reads a file anew when it changes, and goes on with the last good list where it can no longer
//! be believed. A half-written file, or one that is gone, must not take the protection from anybody.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::config::{GroupFile, read_group_file};
use crate::model::error_chain;
use crate::policy::{ListFault, Protected, judged};
use crate::store::{Result, Store};

/// How often it is looked whether a file has changed.
const EVERY: Duration = Duration::from_secs(2);

/// A file, as far as it can be told from a later one without reading it; nothing where it cannot be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Seen {
    fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        Some(Self {
            inode: meta.ino(),
            size: meta.size(),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

/// One group's file, and what was seen of it last.
struct Watched {
    file: GroupFile,
    seen: Option<Seen>,
    /// What is wrong with what was seen.
    fault: Option<ListFault>,
}

impl Watched {
    /// Reads the file, and takes its list where it can be believed.
    async fn read(&mut self, store: &Store) -> Result<()> {
        let GroupFile { group, path, list, .. } = &self.file;
        self.seen = Seen::of(path);
        let stored = store.group_list(group).await?;
        let before = stored.as_ref().map(|stored| Protected::of_names(stored.members.clone()));
        let read = read_group_file(path);
        let accepted = stored.and_then(|stored| stored.accepted);
        let believed = read.and_then(|(members, digest)| {
            let is_accepted = accepted == Some(digest);
            let before = before.as_ref().filter(|_| !is_accepted);
            judged(before, members).map(|members| (members, digest))
        });
        let key = format!("group:{group}");
        match believed {
            Ok((members, digest)) => {
                store.keep_group_list(group.clone(), members.names().clone(), digest).await?;
                list.replace(members);
                self.fault = None;
                store.end_alert("group_list", key).await
            }
            Err(fault) => {
                if let Some(before) = before {
                    list.replace(before);
                }
                if self.fault.as_ref() != Some(&fault) {
                    let accept = match fault {
                        ListFault::Shrunk { .. } => format!("; where that is right: revoked policy accept {group}"),
                        _ => String::new(),
                    };
                    let summary = format!(
                        "the list of the group {group}, {}: {fault}; the last good list of {} names stands{accept}",
                        path.display(),
                        list.now().len()
                    );
                    store.raise_alert("group_list", key, summary).await?;
                }
                self.fault = Some(fault);
                Ok(())
            }
        }
    }

    /// Looks whether it must be read again: it is another file, or an operator may have accepted what it says.
    async fn look(&mut self, store: &Store) -> Result<()> {
        let waits = matches!(self.fault, Some(ListFault::Shrunk { .. }));
        if Seen::of(&self.file.path) != self.seen || (waits && self.is_accepted(store).await?) {
            self.read(store).await?;
        }
        Ok(())
    }

    async fn is_accepted(&self, store: &Store) -> Result<bool> {
        let stored = store.group_list(&self.file.group).await?;
        Ok(stored.is_some_and(|stored| stored.accepted.is_some()))
    }
}

/// The files of the groups, each read once.
pub(super) struct GroupLists(Vec<Watched>);

/// Reads every list before anything is decided by it.
///
/// # Errors
/// Where the store fails, and where a group has no list at all: nobody would know whom it protects.
pub(super) async fn begin(store: &Store, files: Vec<GroupFile>) -> anyhow::Result<GroupLists> {
    let groups = files.iter().map(|file| file.group.clone()).collect();
    let mut lists = Vec::with_capacity(files.len());
    for file in files {
        let mut watched = Watched {
            file,
            seen: None,
            fault: None,
        };
        watched
            .read(store)
            .await
            .with_context(|| format!("reading the list of the group {}", watched.file.group))?;
        if let (Some(fault), true) = (&watched.fault, watched.file.list.now().is_empty()) {
            anyhow::bail!(
                "the list of the group {}, {}: {fault}; there is no earlier one to go on with",
                watched.file.group,
                watched.file.path.display()
            );
        }
        lists.push(watched);
    }
    // Last: whoever is refused for one of them has forgotten none.
    store.forget_group_lists_but(groups).await?;
    Ok(GroupLists(lists))
}

/// Looks at the files until `stop`.
pub(super) async fn run(store: Store, mut lists: GroupLists, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for watched in &mut lists.0 {
            if let Err(error) = watched.look(&store).await {
                tracing::warn!(group = watched.file.group, error = %error_chain(&error), "could not keep the list of a group; it is looked at again");
            }
        }
    }
}
