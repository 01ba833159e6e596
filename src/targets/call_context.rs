//! What a call to a target carries: its priority, its stage, and whom it asks for a permit (rate limit, throttling).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::Priority;

/// How far a job is: of two equally urgent calls, the one at the earlier stage goes first, so that everybody's account is blocked before anybody's
/// webhooks are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum AttemptStage {
    /// Who it is, and what an intruder could use at once.
    #[default]
    Lookup,
    /// Ending what an intruder acts with.
    CutOff,
    /// Everything else.
    Rest,
    /// The last look.
    Verify,
    /// What is read once for everybody: after all else, so that whoever needs it has come by then.
    Shared,
}

/// The right to have one call under way; given back when dropped.
#[must_use = "a permit that is dropped at once lets the next call go"]
pub struct Permit(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Permit {
    /// A permit that nobody waits for.
    pub fn free() -> Self {
        Self(None)
    }

    /// A permit whose end is told.
    pub fn until(given_back: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(given_back)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(given_back) = self.0.take() {
            given_back();
        }
    }
}

/// Hands out permits to call a target, most urgent waiter first, and listens to what the target says about its limits.
#[async_trait]
pub trait Permits: Send + Sync {
    /// Waits until the next call may be sent and neither a more urgent nor an equally urgent one of an earlier stage waits.
    async fn permit(&self, priority: Priority, stage: AttemptStage) -> Permit;

    /// Takes note of what an answer said. It can only slow calls down below the configured rate, never speed them up past it.
    fn note_limits(&self, hints: RateLimitHints);
}

/// What an answer said about the target's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimitHints {
    /// Calls left before the target refuses (`X-Ratelimit-Remaining`, the smallest where there are several).
    pub remaining: Option<u32>,
    /// Time until its bucket is full again (`X-Ratelimit-Reset`).
    pub reset: Option<Duration>,
    /// It refused: wait this long (`Retry-After` of a 429 or 503; a default where it named none).
    pub refused: Option<Duration>,
}

/// What a call carries besides its arguments: how urgent it is, how far its job, and whom to ask for a permit.
#[derive(Clone)]
pub struct CallContext {
    priority: Priority,
    stage: AttemptStage,
    permits: Arc<dyn Permits>,
}

impl CallContext {
    /// What the calls of one job carry.
    #[must_use]
    pub fn new(priority: Priority, permits: Arc<dyn Permits>) -> Self {
        Self {
            priority,
            stage: AttemptStage::default(),
            permits,
        }
    }

    /// A context whose calls wait for nobody: for the handful of reads of a probe or a rehearsal outside the daemon.
    #[must_use]
    pub fn unpaced() -> Self {
        Self::new(Priority::ROUTINE, Arc::new(Unpaced))
    }

    /// The same context for calls of this urgency.
    #[must_use]
    pub fn at(&self, priority: Priority) -> Self {
        Self {
            priority,
            ..self.clone()
        }
    }

    /// The same context for calls at this stage.
    #[must_use]
    pub fn stage(&self, stage: AttemptStage) -> Self {
        Self { stage, ..self.clone() }
    }

    /// How urgent its calls are.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// Waits for the permit to send one request. It is kept until the answer is there.
    pub async fn permit(&self) -> Permit {
        self.permits.permit(self.priority, self.stage).await
    }

    /// Passes on what an answer said about limits.
    pub fn note_limits(&self, hints: RateLimitHints) {
        self.permits.note_limits(hints);
    }
}

struct Unpaced;

#[async_trait]
impl Permits for Unpaced {
    async fn permit(&self, _: Priority, _: AttemptStage) -> Permit {
        Permit::free()
    }

    fn note_limits(&self, _: RateLimitHints) {}
}
