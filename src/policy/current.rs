//! The policy in force, where the config may be read anew while the daemon runs.

use std::sync::{Arc, PoisonError, RwLock};

use super::Policy;

/// The policy in force. It is replaced whole, and what is decided takes it once: no decision is made half by one policy and half by another.
/// Cheap to clone; the clones are one.
#[derive(Debug, Clone)]
pub struct CurrentPolicy(Arc<RwLock<Arc<Policy>>>);

impl CurrentPolicy {
    /// The policy as it is now.
    #[must_use]
    pub fn now(&self) -> Arc<Policy> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another policy from now on. What is being decided goes on by the one that it has taken.
    pub fn replace(&self, policy: Policy) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }
}

impl From<Arc<Policy>> for CurrentPolicy {
    fn from(policy: Arc<Policy>) -> Self {
        Self(Arc::new(RwLock::new(policy)))
    }
}
