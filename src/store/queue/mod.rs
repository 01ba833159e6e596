//! The job queue and the way into it: a delivery is accepted, its jobs are claimed, started, finished and settled.

pub(in crate::store) mod accept;
pub(in crate::store) mod claim;
pub(in crate::store) mod coalesce;
pub(in crate::store) mod hold_signal;
pub(in crate::store) mod intents;
pub(in crate::store) mod lanes;
pub(in crate::store) mod open_case;
pub(in crate::store) mod requester;
pub(in crate::store) mod requeue;
pub(in crate::store) mod settle;
