//! The worker: its pacer under a paused clock, and whole lanes on a real store against a target that the tests script.

mod attempts;
mod calls;
mod lanes;
mod permits;
mod sandbox;
mod scripted;
mod stage;
mod trouble;
