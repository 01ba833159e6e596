//! Who looks on while a description is tried: every request as it went out, without its secrets, and how its answer was understood.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchanged {
    /// What it was for.
    pub doing: String,
    /// Its method and URL; what is secret in it reads SECRET.
    pub request: String,
    /// Its body, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The HTTP status; none where no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How the answer was understood.
    pub understood: String,
}

/// Remembers what was exchanged.
#[derive(Debug, Clone, Default)]
pub struct Witness(Arc<Mutex<Vec<Exchanged>>>);

impl Witness {
    /// Remembers one.
    pub(super) fn saw(&self, exchanged: Exchanged) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchanged);
    }

    /// All that were seen since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Exchanged> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
