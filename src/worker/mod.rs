//! The worker: lanes take jobs from the queue and lead principals to the demanded state, within each target's limits.
//!
//! Reading order: `lanes` (starting and stopping them all; `lane_settings` is what they are given), `lane` (what one takes from the queue and
//! when), `attempt` (one attempt at one job), `job_outcome` (what its end means for the job and the lane: retry, snooze, pause, verdict).
//!
//! How fast a target is called: `pacer` (rate limit: a permit for each call, most urgent first), over `token_bucket` (the configured rate and
//! burst) and `adaptive_rate` (throttling after a 429); `concurrency` (how many jobs are at work at once), `breaker` (the circuit breaker).
//! Retry delays come from [`crate::backoff`].
//!
//! Beside them: `scheduler` (when due jobs and expired leases are looked at; what is done then is in `store/queue/promote` and `store/queue/lease`), `protection` (who must not be acted on), `rehearsal` (the
//! plan without its changes), `reactivation` (what a release of a suspension brings back at one account) with `release_plan` (the whole of it).
//!
//! Invariants: no change is sent before its intent is committed; a permit goes to the most urgent waiter at the moment it exists; a lane
//! claims only what it can start; every attempt is settled once, or its lease runs out.

mod adaptive_rate;
mod attempt;
mod breaker;
mod concurrency;
mod job_outcome;
mod lane;
mod lane_settings;
mod lanes;
mod pacer;
mod protection;
mod reactivation;
mod rehearsal;
mod release_plan;
mod scheduler;
mod token_bucket;

pub use attempt::AttemptLimits;
pub use breaker::BreakerSettings;
pub use concurrency::Slot;
pub use lane_settings::{LaneSettings, LaneStatus, Shutdown, WorkSettings};
pub use lanes::Lanes;
pub use pacer::Pacer;
pub use protection::{Protection, Refusal, exempt_actions};
pub use reactivation::Reactivation;
pub use rehearsal::{Rehearsal, Rehearsed, rehearse, rehearse_release};
pub use release_plan::{AsksReactivation, ReleaseAt, ReleasePlan, Unreleasable};
pub use token_bucket::Rate;
