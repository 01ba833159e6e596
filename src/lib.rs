//! `revoked`, the revoke daemon: it ends every way a compromised or departed person can still get in, proves that it is ended, and keeps
//! the evidence. This page is the map; what it is for stands in `README.md`, how it is run in `docs/`, why it is as it is in `docs/adr/`.
//!
//! # The way through the house
//!
//! ```text
//!  sources ─► intake ─► policy ─► store (queue + trail, one transaction) ─► lanes ─► attempt ─► target
//!    push/pull  durable   pure      wakes the lane in process                  │        │
//!                                                                              │        └► verdict ─► store ─► trail
//!  api, cli read the store, or go through intake                               └ permits: most urgent first
//! ```
//!
//! A *signal* (one authenticated claim about a *subject*) becomes a *case* by policy, and the case one *job* for each target: the
//! *containment* demanded there. A lane claims the job. The attempt resolves the subject to a *principal*, observes what it can reach,
//! plans, applies, and observes again. What the second observation proves is the *verdict*.
//!
//! # Reading order
//!
//! 1. [`model`]: the words, as plain types. [`model::Containment`] holds the two pure functions at the heart, `plan` and `verdict`;
//!    [`model::JobState`] the only way from one state to another.
//! 2. [`policy`]: from a signal to a decision, pure.
//! 3. [`store`]: the queue and everything durable. `writer` first (group commit), then `queue` (accept, claim, start, finish, settle).
//! 4. [`worker`]: lanes, the priority pacer, and the attempt, which is the loop.
//! 5. [`targets`] and [`sources`]: the two traits with their contracts, and a folder for each kind.
//! 6. [`revoked_trail`] (a crate of its own, pure: entries, tree, notes, verification) and [`trail`] (keys, files, the running checkpoints).
//! 7. [`intake`], [`api`], [`daemon`]: how signals come in, and how all of it lives and stops.
//!    [`statement`] (pure) and [`transmitter`]: what others are told of what was proved.
//! 8. [`config`] over [`settings`]: from what is written to what is built. [`cli`]: one file for each command.
//!
//! [`digest`] has the one SHA-256 and the one hexadecimal form, [`backoff`] the retry delays of all.
//! [`clock`], [`http`], [`secret`] and [`telemetry`] are the only places for time, calls to the outside, credentials, and logs with
//! metrics; [`file_modes`] holds the one rule about who else may write what we rely on. [`jose`] reads signed tokens. `revoked_sandbox`, a
//! crate of its own too, is a Mattermost stand-in, for `demo`, the tests and the benchmarks; both are behind the feature `demo`.
//!
//! # Invariants
//!
//! - **Nothing acknowledged is lost.** Signals, cursor, cases, jobs and entries commit together, before the sender is told yes.
//! - **Nothing is done without a record.** Every mutation of the store writes its entry in its own transaction. The intent of a change at
//!   a target is committed before its first request leaves.
//! - **Only a second observation makes a verdict.** No answer of a target does.
//! - **A claim is settled once**, or its lease ends. [`store::Claim`] is made by the store alone and consumed by its settlement.
//! - **The most urgent waiter gets the permit**, call by call, at the moment the permit exists.
//! - **The trail signs what is committed**, never what is about to be.
//! - **SQL stays in [`store`]**, printing in [`cli`], wall time in [`clock`].
//! - **`use crate::` edges point only downwards**: [`digest`], [`model`], [`clock`], [`modes`], [`secret`], [`settings`], [`http`],
//!   [`telemetry`], [`jose`], [`policy`], [`statement`], [`store`], [`trail`], [`targets`], [`worker`], [`sources`], [`intake`],
//!   [`transmitter`], [`config`], [`api`], [`daemon`], `demo`, [`cli`], from the bottom to the top.
//!   Below them all lie the packages of `crates/`, which know nothing of this one.
//!
//! What is deliberately absent: plug points besides the two traits, a repository trait over the store, an undo of anything but our own
//! suspensions, and any state in memory that a `kill -9` may not take.

pub mod api;
pub mod backoff;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
#[cfg(feature = "demo")]
pub mod demo;
pub mod digest;
pub mod file_modes;
pub mod http;
pub mod intake;
pub mod jose;
pub mod model;
pub mod policy;
pub mod secret;
pub mod settings;
pub mod sources;
pub mod statement;
pub mod store;
pub mod targets;
pub mod telemetry;
pub mod trail;
pub mod transmitter;
pub mod worker;
