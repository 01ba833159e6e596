//! The target kind `mattermost`, against recorded answers, answers that a real server never gives, and the sandbox.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod apply;
mod contain;
mod faults;
mod fixture;
mod nodes;
mod observe;
mod own_credential;
mod owned_bots;
mod probe;
mod resolve;
mod settings;
pub(crate) mod test_server;
mod unexpected_answers;
