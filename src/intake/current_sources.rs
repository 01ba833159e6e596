//! Which sources there are, where the config may be read anew while the daemon runs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use crate::sources::{Push, Source};

/// The sources in force, by name. They are replaced all at once; a delivery that is being taken goes on with the source that it has come to. Cheap to
/// clone; the clones are one.
#[derive(Clone)]
pub struct CurrentSources(Arc<RwLock<BTreeMap<String, Known>>>);

/// Where deliveries are taken one at a time. It outlives its source: one that has changed waits for what its predecessor is at.
type Turn = Arc<Mutex<()>>;

#[derive(Clone)]
struct Known {
    source: Source,
    turn: Turn,
}

impl CurrentSources {
    pub(super) fn new(sources: BTreeMap<String, Source>) -> Self {
        let this = Self(Arc::default());
        this.replace(sources);
        this
    }

    /// Other sources from now on.
    pub fn replace(&self, sources: BTreeMap<String, Source>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let turn = |name: &str| known.get(name).map_or_else(Arc::default, |before| Arc::clone(&before.turn));
        let all = sources.into_iter().map(|(name, source)| {
            let turn = turn(&name);
            (name, Known { source, turn })
        });
        *known = all.collect();
    }

    /// The source of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Source> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|known| known.source.clone())
    }

    /// Its push endpoint, with the turn that a delivery waits for where it is taken alone.
    pub(super) fn push(&self, name: &str) -> Option<(Arc<dyn Push>, Option<Turn>)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(name)?;
        let push = Arc::clone(known.source.push()?);
        let turn = push.is_sequential().then(|| Arc::clone(&known.turn));
        Some((push, turn))
    }
}
