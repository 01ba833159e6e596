//! One stream that we made, and its life: `stream_config` (as the config wants it), `stream_state` (what is remembered of it), `connect` (making
//! it or taking it over), then either `push_receiver` or `poll` with `acknowledgements`, and `stream_health` (whether it is alive: its status,
//! and verifications). `stream_supervisor` runs all of it.

pub(super) mod acknowledgements;
pub(super) mod connect;
pub(super) mod poll;
pub(super) mod push_receiver;
pub(super) mod stream_config;
pub(super) mod stream_health;
pub(super) mod stream_state;
pub(super) mod stream_supervisor;
