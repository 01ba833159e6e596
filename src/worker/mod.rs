//! The worker: lanes take jobs from the queue and lead principals to the demanded state, within each target's limits.
//!
//! Reading order: `lanes` (starting and stopping them all), `lane` with `lane_settings` (what one takes from the queue and when), `attempt` (one
//! attempt at one job), `job_outcome` (what its end means for the job and the lane), `pacer` (the priority pacer: who gets the next call).
//! Behind these: `token_bucket` (the configured rate and burst), `adaptive_rate` (slower after a 429), `concurrency` (how many jobs at once),
//! `breaker` (the circuit breaker). `scheduler` moves due jobs into the queue, `protection` knows whom not to touch, `rehearsal` plans without
//! changing anything, `reactivation` says what a release brings back.
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
mod scheduler;
mod token_bucket;

pub use attempt::AttemptLimits;
pub use breaker::BreakerSettings;
pub use concurrency::Slot;
pub use lane_settings::{LaneSettings, LaneStatus, Shutdown, WorkSettings};
pub use lanes::Lanes;
pub use pacer::Pacer;
pub use protection::{Protection, exempt_actions};
pub use reactivation::Reactivation;
pub use rehearsal::{Rehearsal, Rehearsed, rehearse, rehearse_release};
pub use token_bucket::Rate;
