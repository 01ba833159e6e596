//! What a store writes to its write-ahead log: commits and frames, as the log's own index counts them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the index is read. What is written between the last reading and a fold is missed.
const EVERY: Duration = Duration::from_millis(10);
/// A frame is a page and its header.
const FRAME: u64 = 4096 + 24;

/// What has been written while it was watched.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    pub(crate) commits: u32,
    pub(crate) bytes: u64,
}

/// Watches the log of one store from a thread of its own.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Written>,
}

/// The head of the index (`WalIndexHdr` of SQLite): a counter of commits, the frames of this filling of the log, and its salt.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    commits: u32,
    frames: u32,
    salt: [u8; 8],
}

impl Watch {
    pub(crate) fn start(store: &Path) -> Self {
        let mut index = store.as_os_str().to_owned();
        index.push("-shm");
        let index = PathBuf::from(index);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("wal-watch".to_owned());
        let thread = thread.spawn(move || watch(&index, &stopped)).unwrap();
        Self { stop, thread }
    }

    pub(crate) fn end(self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn watch(index: &Path, stop: &AtomicBool) -> Written {
    let mut last = read(index);
    let mut written = Written::default();
    loop {
        let over = stop.load(Ordering::Relaxed);
        let now = read(index);
        let frames = if now.salt == last.salt {
            now.frames.saturating_sub(last.frames)
        } else {
            now.frames
        };
        written.bytes += u64::from(frames) * FRAME;
        written.commits += now.commits.wrapping_sub(last.commits);
        last = now;
        if over {
            return written;
        }
        std::thread::sleep(EVERY);
    }
}

/// The head stands there twice and is written second copy first, so that one that is being written differs.
fn read(index: &Path) -> Head {
    loop {
        let bytes = std::fs::read(index).unwrap();
        if bytes[..48] == bytes[48..96] {
            let number = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
            return Head {
                commits: number(8),
                frames: number(16),
                salt: bytes[32..40].try_into().unwrap(),
            };
        }
        std::thread::yield_now();
    }
}
