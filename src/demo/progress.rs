//! What the demo shows, as it happens: for whoever draws it.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::StolenCredential;

/// One thing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Something happened.
    Line {
        /// How long after the start.
        after: Duration,
        /// One sentence, lower case.
        text: String,
    },
    /// How one stolen thing fares.
    StolenCredential {
        /// Which.
        credential: StolenCredential,
        /// Calls that the server answered as asked.
        ok: u64,
        /// Calls that it refused.
        refused: u64,
        /// The newest answer's status; 0 where none came.
        status: u16,
    },
    /// How many of the cases that are due now are over.
    Cases {
        /// Over.
        over: usize,
        /// In all.
        all: usize,
    },
}

/// Sends what is to be shown, each with its time.
#[derive(Debug, Clone)]
pub struct ProgressSender {
    started: Instant,
    out: UnboundedSender<Progress>,
}

impl ProgressSender {
    /// A sender whose time starts now.
    #[must_use]
    pub fn new(out: UnboundedSender<Progress>) -> Self {
        Self {
            started: Instant::now(),
            out,
        }
    }

    /// How long the demo has been running.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn line(&self, text: impl Into<String>) {
        self.send(Progress::Line {
            after: self.elapsed(),
            text: text.into(),
        });
    }

    pub(super) fn send(&self, update: Progress) {
        // Nobody needs to look: the outcome is the same.
        drop(self.out.send(update));
    }
}
