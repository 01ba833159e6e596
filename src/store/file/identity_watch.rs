//! Watches that the store's files are still those that were opened, by device and inode: database, write-ahead log, its index, lock.
//!
//! SQLite writes on into a file that was unlinked or replaced, and every commit into it succeeds: what is acknowledged then is gone with the
//! process. So the paths are looked at every second, and before an acknowledgement that comes after a while without a look. Only names are
//! looked up and nothing is opened: closing a descriptor of the database would drop SQLite's locks.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::privacy::{INDEX, LOG, beside, lock_file, real_path};
use crate::store::{Result, Store, StoreError};

/// How often the daemon looks.
const EVERY: Duration = Duration::from_secs(1);
/// For how long an acknowledgement trusts the last look: twenty looks a second at most, of a few microseconds each.
const TRUSTED: Duration = Duration::from_millis(50);

impl Store {
    /// Whether the store's files are those that were opened: an answer that is at most 50 ms old.
    ///
    /// # Errors
    /// [`StoreError::Displaced`], from the first time that one is found gone or replaced for as long as this store lives.
    pub fn files_are_in_place(&self) -> Result<()> {
        self.0.files.look_unless_fresh();
        self.refuse_if_displaced()
    }

    /// The same without a look of its own: what the last look found.
    pub(in crate::store) fn refuse_if_displaced(&self) -> Result<()> {
        match self.0.files.displaced.get() {
            None => Ok(()),
            Some(displaced) => Err(StoreError::Displaced(displaced.to_string())),
        }
    }

    /// Looks at the files every second, and returns with what was found once one of them is gone or replaced: nothing that is committed from
    /// then on can be believed to last. Alerts about a further name of the database while there is one, and looks at the clock.
    pub async fn watch_files(&self) -> String {
        let mut said = None;
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            self.0.files.look();
            if let Some(displaced) = self.0.files.displaced.get() {
                tracing::error!("{displaced}: nothing more is stored");
                return displaced.to_string();
            }
            if let Err(error) = self.look_at_clock().await {
                tracing::error!(error = %crate::model::error_chain(&error), "could not record that the clock was set");
            }
            let names = self.0.files.names.load(Ordering::Relaxed);
            let linked = names > 1;
            if said == Some(linked) {
                continue;
            }
            let outcome = if linked {
                self.raise_alert("store_linked", "store".to_owned(), further_name(self.path(), names))
                    .await
            } else {
                self.end_alert("store_linked", "store".to_owned()).await
            };
            match outcome {
                Ok(()) => said = Some(linked),
                Err(error) => tracing::error!(error = %crate::model::error_chain(&error), "could not record an alert"),
            }
        }
    }
}

fn further_name(path: &Path, names: u64) -> String {
    format!(
        "the database {} has {names} names (hard links): whoever opens it by another one damages it, and no daemon starts on it; \
         remove the other name",
        path.display()
    )
}

/// A file of the store that is not where it was.
#[derive(Debug)]
struct Displaced {
    part: Part,
    path: PathBuf,
    gone: bool,
}

impl fmt::Display for Displaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.gone { "removed" } else { "replaced" };
        write!(f, "{} {} was {what} while revoked ran", self.part.name(), self.path.display())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Database,
    Index,
    Log,
    Lock,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Database => "the database",
            Self::Index => "the index of the database's log",
            Self::Log => "the log of the database",
            Self::Lock => "the lock of the store",
        }
    }
}

/// Which file a path named when it was opened.
#[derive(Debug)]
struct Opened {
    part: Part,
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Opened {
    fn new(part: Part, path: PathBuf, meta: &Metadata) -> Self {
        Self {
            part,
            path,
            device: meta.dev(),
            inode: meta.ino(),
        }
    }

    /// What the path names now. `None` where nothing can be said: a disk that gives errors has not lost the file.
    fn is_in_place(&self) -> Option<bool> {
        match std::fs::metadata(&self.path) {
            Ok(meta) => Some((meta.dev(), meta.ino()) == (self.device, self.inode)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Some(false),
            Err(_) => None,
        }
    }
}

/// The files of an open store, and what the last look at them found.
#[derive(Debug)]
pub(in crate::store) struct OpenedFiles {
    files: Vec<Opened>,
    since: Instant,
    /// When the last look was, in milliseconds after `since`.
    looked: AtomicU64,
    /// How many names the database had then.
    names: AtomicU64,
    displaced: OnceLock<Displaced>,
}

impl OpenedFiles {
    /// None: a command that is beside the daemon is over before it matters.
    pub(super) fn unwatched() -> Self {
        Self {
            files: Vec::new(),
            since: Instant::now(),
            looked: AtomicU64::new(0),
            names: AtomicU64::new(1),
            displaced: OnceLock::new(),
        }
    }

    /// The files of the daemon's store at `path`, whose database and lock were opened as `database` and `lock`, and which SQLite has opened
    /// since: its log and index are there.
    pub(super) fn of(path: &Path, database: &File, lock: &File) -> io::Result<Self> {
        let real = real_path(path);
        let mut files = vec![
            Opened::new(Part::Database, path.to_owned(), &database.metadata()?),
            Opened::new(Part::Lock, lock_file(path), &lock.metadata()?),
        ];
        for (part, name) in [(Part::Index, INDEX), (Part::Log, LOG)] {
            let file = beside(&real, name);
            let meta = std::fs::metadata(&file)?;
            files.push(Opened::new(part, file, &meta));
        }
        let found = Self {
            files,
            ..Self::unwatched()
        };
        found.look();
        Ok(found)
    }

    fn look_unless_fresh(&self) {
        let age = self.now().saturating_sub(self.looked.load(Ordering::Relaxed));
        if u128::from(age) >= TRUSTED.as_millis() {
            self.look();
        }
    }

    fn look(&self) {
        if self.displaced.get().is_some() {
            return;
        }
        self.looked.store(self.now(), Ordering::Relaxed);
        for file in &self.files {
            if file.is_in_place() == Some(false) {
                let displaced = Displaced {
                    part: file.part,
                    path: file.path.clone(),
                    gone: !file.path.exists(),
                };
                // Whoever was first has said it.
                drop(self.displaced.set(displaced));
                return;
            }
            if file.part == Part::Database
                && let Ok(meta) = std::fs::metadata(&file.path)
            {
                self.names.store(meta.nlink(), Ordering::Relaxed);
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether closing may touch what lies there now. SQLite folds its log into the database that it opened and removes whatever has the
    /// log's name: right while the database is ours, where a log that lost its name is saved by it, and the end of somebody's restored copy
    /// where it is not. Where the index alone was lost the log is still there for the next start, and another program may be writing it.
    pub(in crate::store) fn may_be_closed(&self) -> bool {
        let in_place = |part| {
            let mut files = self.files.iter().filter(|file| file.part == part);
            files.all(|file| file.is_in_place() != Some(false))
        };
        self.displaced.get().is_none() || in_place(Part::Database) && (in_place(Part::Index) || !in_place(Part::Log))
    }
}
