//! The target kind `mattermost`, against recorded answers, answers that a real server never gives, and the sandbox.

mod answers;
mod apply;
mod guards;
mod observe;
mod resolve;
mod settings;
mod stand;
