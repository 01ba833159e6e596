//! The bounded queue of log lines, and the thread that writes them out. Whoever logs never waits; what does not fit is counted.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::journal::Journal;
use super::table;

/// Bytes that may wait. Some thousand lines: enough for a burst, nothing beside the daemon's own memory.
const WAITING_CAP: usize = 1 << 20;

/// Where lines go in the end.
pub(super) enum LogSink {
    Writer(Box<dyn Write + Send>),
    Journal(Journal),
}

impl LogSink {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Writer(writer) => writer.write_all(line).and_then(|()| writer.flush()),
            Self::Journal(journal) => journal.send_bytes(line),
        }
    }
}

/// The queue's near end. Clones feed the same queue.
#[derive(Clone)]
pub(super) struct LogQueue(Arc<Queue>);

struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines that did not fit since the thread last said so.
    dropped: u64,
    writing: bool,
    closed: bool,
}

impl LogQueue {
    /// Starts the thread. `note` makes the line that says how many were dropped.
    pub(super) fn start(sink: LogSink, note: impl Fn(u64) -> Vec<u8> + Send + 'static) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            waiting: Mutex::default(),
            changed: Condvar::new(),
        });
        let far_end = Arc::clone(&queue);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || far_end.empty_into(sink, note))?;
        Ok(Self(queue))
    }

    /// Queues a line, or counts it as dropped.
    pub(super) fn push(&self, line: Vec<u8>) {
        let mut waiting = self.0.lock();
        if waiting.bytes + line.len() > WAITING_CAP {
            waiting.dropped += 1;
            drop(waiting);
            table::LOG_LINES_DROPPED.add([], 1);
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.0.changed.notify_all();
    }

    /// Waits until everything queued is written, but no longer than `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let waiting = self.0.lock();
        let busy = |waiting: &mut Waiting| !waiting.lines.is_empty() || waiting.writing || waiting.dropped > 0;
        drop(self.0.changed.wait_timeout_while(waiting, patience, busy));
    }

    /// Flushes, then ends the thread.
    pub(super) fn close(&self, patience: Duration) {
        self.flush(patience);
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn empty_into(&self, mut sink: LogSink, note: impl Fn(u64) -> Vec<u8>) {
        while let Some((lines, dropped)) = self.take() {
            // A sink that fails (a closed pipe, a journal that restarts) cannot be complained about anywhere; the next line may pass again.
            for line in lines {
                let _ = sink.write(&line);
            }
            if dropped > 0 {
                let _ = sink.write(&note(dropped));
            }
        }
    }

    /// Everything that waits, and how many were dropped behind it; `None` once closed.
    fn take(&self) -> Option<(VecDeque<Vec<u8>>, u64)> {
        let mut waiting = self.lock();
        waiting.writing = false;
        self.changed.notify_all();
        let idle = |waiting: &mut Waiting| waiting.lines.is_empty() && waiting.dropped == 0 && !waiting.closed;
        let mut waiting = self.changed.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner);
        if waiting.lines.is_empty() && waiting.dropped == 0 {
            return None;
        }
        waiting.writing = true;
        waiting.bytes = 0;
        Some((std::mem::take(&mut waiting.lines), std::mem::take(&mut waiting.dropped)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const BOUND: Duration = Duration::from_secs(20);

    /// Writes only once it is let: a terminal or pipe that nobody reads.
    struct Stuck {
        begun: Sender<()>,
        release: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.begun.send(());
            let _ = self.release.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_reader_holds_up_nobody_and_is_told_how_many_it_missed() {
        let (begun, has_begun) = channel();
        let (let_go, release) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = LogSink::Writer(Box::new(Stuck {
            begun,
            release,
            written: Arc::clone(&written),
        }));
        let queue = LogQueue::start(sink, |n| format!("dropped {n}\n").into_bytes()).unwrap();
        queue.push(b"first\n".to_vec());
        has_begun.recv_timeout(BOUND).unwrap();
        let line = vec![b'x'; WAITING_CAP / 4];
        for _ in 0..10 {
            queue.push(line.clone());
        }
        drop(let_go);
        queue.flush(BOUND);
        let written = written.lock().unwrap();
        let kept = String::from_utf8_lossy(&written).matches('x').count();
        assert_eq!(kept, WAITING_CAP);
        assert!(written.ends_with(b"dropped 6\n"));
    }

    #[test]
    fn a_flush_gives_up_on_a_stuck_reader() {
        let (begun, has_begun) = channel();
        let (_let_go, release) = channel();
        let sink = LogSink::Writer(Box::new(Stuck {
            begun,
            release,
            written: Arc::default(),
        }));
        let queue = LogQueue::start(sink, |_| Vec::new()).unwrap();
        queue.push(b"line\n".to_vec());
        has_begun.recv_timeout(BOUND).unwrap();
        queue.close(Duration::from_millis(10));
    }
}
