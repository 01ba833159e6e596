//! The job queue and the way into it: a delivery is accepted, its jobs are claimed, started, finished and settled.

pub(in crate::store) mod accept;
pub(in crate::store) mod accept_context;
pub(in crate::store) mod claim;
pub(in crate::store) mod close_case;
pub(in crate::store) mod coalesce;
pub(in crate::store) mod decide;
pub(in crate::store) mod enqueue;
pub(in crate::store) mod intents;
pub(in crate::store) mod lanes;
pub(in crate::store) mod lease;
pub(in crate::store) mod ledger;
pub(in crate::store) mod open_case;
pub(in crate::store) mod place_hold;
pub(in crate::store) mod promote;
pub(in crate::store) mod repetition;
pub(in crate::store) mod requester;
pub(in crate::store) mod requeue;
pub(in crate::store) mod settle;
pub(in crate::store) mod sweeps;
pub(in crate::store) mod wake;
