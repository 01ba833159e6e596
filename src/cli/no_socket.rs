//! Why a command did not go by the socket of a role, for whoever may not open the store either.

use std::sync::OnceLock;

static WHY: OnceLock<String> = OnceLock::new();

/// Keeps why, in words that follow those about the store.
pub(super) fn keep(why: String) {
    _ = WHY.set(why);
}

/// What was kept.
#[must_use]
pub(super) fn why() -> Option<&'static str> {
    WHY.get().map(String::as_str)
}
