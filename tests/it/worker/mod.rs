//! The worker: its pacer under a paused clock, and whole lanes on a real store against a target that the tests script.

mod attempts;
mod born_claimed;
mod call_costs;
mod canary;
mod failures;
pub(crate) mod harness;
mod lanes;
mod pacer;
mod sandbox;
pub(crate) mod scripted_target;
mod single_sign_on;
