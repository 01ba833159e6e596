//! What is noticed about sources without a delivery to store: kept in memory, and written every 15 s, so that a question or a look costs
//! no commit of its own. A crash loses seconds of it, which only makes a source look quieter than it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::Timestamp;
use crate::store::Noticed;

/// The notes of all sources. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<Mutex<BTreeMap<String, Noticed>>>);

impl Notes {
    /// A source said something that is not stored.
    pub(super) fn spoke(&self, source: &str, at: Timestamp) {
        self.of_all().entry(source.to_owned()).or_default().spoke_at = Some(at);
    }

    /// We looked at a source and could.
    pub(super) fn looked(&self, source: &str, at: Timestamp) {
        self.of_all().entry(source.to_owned()).or_default().looked_at = Some(at);
    }

    /// Everything that was noticed since the last call.
    #[must_use]
    pub fn take(&self) -> BTreeMap<String, Noticed> {
        std::mem::take(&mut *self.of_all())
    }

    fn of_all(&self) -> MutexGuard<'_, BTreeMap<String, Noticed>> {
        // A note is whole or not there, so a poisoned lock is as good as a clean one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
