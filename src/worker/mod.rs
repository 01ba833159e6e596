//! The worker: lanes take jobs from the queue and lead principals to the demanded state, within each target's limits.
//!
//! Reading order: `lanes` (starting and stopping them all), `lane` (what one takes from the queue and when), `attempt` (one attempt at one
//! job), `settling` (what its end means for the job and the lane), `permits` (the priority pacer). `slots`, `breaker`, `quota`, `tempo`
//! and `backoff` are the small machines behind these; `promoter` moves scheduled jobs into the queue; `rehearsal` plans without changing
//! anything.
//!
//! Invariants: no change is sent before its intent is committed; a permit goes to the most urgent waiter at the moment it exists; a lane
//! claims only what it can start; every attempt is settled once, or its lease runs out.

mod attempt;
mod backoff;
mod breaker;
mod guard;
mod lane;
mod lanes;
mod permits;
mod promoter;
mod quota;
mod rehearsal;
mod revival;
mod settling;
mod slots;
mod tempo;

pub use attempt::AttemptLimits;
pub use backoff::{Backoff, Dice, Retries};
pub use breaker::BreakerSettings;
pub use guard::{Guard, spared};
pub use lanes::{LaneSettings, LaneStatus, Lanes, Shutdown, WorkSettings};
pub use permits::Pacer;
pub use quota::Rate;
pub use rehearsal::{Rehearsal, Rehearsed, rehearse, rehearse_release};
pub use revival::Revival;
pub use slots::Slot;
