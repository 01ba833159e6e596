//! The job queue and its hot path: a delivery is accepted, its jobs are claimed, started, finished and settled.
//!
//! The five mutations on the way of every signal, in their order: [`accept`], [`claim`], start and finish in [`intents`], [`settle`]. What
//! they are made of:
//!
//! - of accept: [`repetition`] (idempotency), [`decide`], [`open_case`], [`coalesce`] (with [`reported_time`]), [`place_hold`], [`requester`] and [`transaction`]
//!   (what of a sender's words the trail names), [`population`], [`rehearsed`] (what would have been done), [`signal_row`] with [`asked_for`], and [`accept_context`], which they hand on; [`portions`] for a large file, which is stored a part at a time; [`foresight`] for one that is only
//!   looked at;
//! - of jobs: [`enqueue`] (a [`new_job`]), [`requeue`], [`promote`] (what is due), [`lease`] (expiry), [`wake`], [`lanes`] (paused or not),
//!   [`target_pause`] (paused by an operator), [`unreadable_job`] (given up);
//! - of settle: [`close_case`], [`sweeps`], [`single_sign_on`] (again after a provider's block), and [`ledger`] for what could not be revoked;
//! - of all of them: [`sets`], which does them for a whole group at once, [`entries`] (what they append to the trail), [`reservation`] (claims
//!   that are not committed yet), [`evidence_row`] (what an attempt saw and did, in its row) with [`wordings`], and what they hand over: [`accepted`], [`observation_summary`].
//!
//! Nothing here needs `cases` or `departures`: those stand above, and what these steps call of them are methods of the transaction.

pub(in crate::store) mod accept;
pub(in crate::store) mod accept_context;
pub(in crate::store) mod accepted;
pub(in crate::store) mod asked_for;
pub(in crate::store) mod claim;
pub(in crate::store) mod close_case;
pub(in crate::store) mod coalesce;
pub(in crate::store) mod decide;
pub(in crate::store) mod enqueue;
pub(in crate::store) mod entries;
pub(in crate::store) mod evidence_row;
pub(in crate::store) mod foresight;
pub(in crate::store) mod intents;
pub(in crate::store) mod lanes;
pub(in crate::store) mod lease;
pub(in crate::store) mod ledger;
pub(in crate::store) mod new_job;
pub(in crate::store) mod observation_summary;
pub(in crate::store) mod open_case;
pub(in crate::store) mod place_hold;
pub(in crate::store) mod population;
pub(in crate::store) mod portions;
pub(in crate::store) mod promote;
pub(in crate::store) mod rehearsed;
pub(in crate::store) mod repetition;
pub(in crate::store) mod reported_time;
pub(in crate::store) mod requester;
pub(in crate::store) mod requeue;
pub(in crate::store) mod reservation;
pub(in crate::store) mod sets;
pub(in crate::store) mod settle;
pub(in crate::store) mod signal_row;
pub(in crate::store) mod single_sign_on;
pub(in crate::store) mod slot_offer;
pub(in crate::store) mod sweeps;
pub(in crate::store) mod target_pause;
pub(in crate::store) mod transaction;
pub(in crate::store) mod unreadable_job;
pub(in crate::store) mod wake;
pub(in crate::store) mod wordings;
