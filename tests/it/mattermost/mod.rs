//! The target kind `mattermost`, against recorded answers, answers that a real server never gives, and the sandbox.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod answers;
mod apply;
mod contain;
mod guards;
mod makers;
mod nodes;
mod observe;
mod probe;
mod resolve;
mod settings;
mod stand;
mod town;
mod trouble;
