//! What a command has printed elsewhere, printed here as it is. A thread of its own prints: a reader that takes its time (`| less`) must not keep the
//! rest from being fetched.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

/// How many pieces wait to be printed: 64 MiB, as they come.
const PIECES: usize = 4096;

/// A piece, and where it goes.
pub(in crate::cli) enum Piece {
    Out(String),
    Err(String),
}

/// Prints pieces in their order, to standard output and standard error. Colours are left out where that is no terminal.
pub(in crate::cli) struct Printer {
    pieces: mpsc::Sender<Piece>,
    is_read: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<()>>,
}

impl Printer {
    pub(in crate::cli) fn begin() -> Self {
        let (pieces, mut come) = mpsc::channel(PIECES);
        let is_read = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&is_read);
        let thread = std::thread::spawn(move || {
            while let Some(piece) = come.blocking_recv() {
                match print(&piece) {
                    // A reader that went away (`| head`) is no error.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => seen.store(false, Ordering::Relaxed),
                    other => other?,
                }
            }
            Ok(())
        });
        Self { pieces, is_read, thread }
    }

    /// Whether somebody may still read what is printed.
    pub(in crate::cli) fn is_read(&self) -> bool {
        self.is_read.load(Ordering::Relaxed)
    }

    /// Has a piece printed behind those before.
    pub(in crate::cli) async fn print(&self, piece: Piece) {
        // One that is not taken has an error behind it, which the end tells.
        _ = self.pieces.send(piece).await;
    }

    /// Waits until all of it is printed.
    ///
    /// # Errors
    /// Where it could not be.
    pub(in crate::cli) async fn end(self) -> io::Result<()> {
        drop(self.pieces);
        let thread = self.thread;
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        match ended {
            Ok(Ok(printed)) => printed,
            _ => Err(io::Error::other("what prints has ended")),
        }
    }
}

fn print(piece: &Piece) -> io::Result<()> {
    match piece {
        Piece::Out(text) => written(&mut anstream::stdout().lock(), text),
        Piece::Err(text) => written(&mut anstream::stderr().lock(), text),
    }
}

fn written(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}
