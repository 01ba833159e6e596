//! What the daemon handed to this process, where it runs a command for somebody who came by the socket of a role.

use std::sync::OnceLock;

use crate::console::commands::{Handed, taken};

static HANDED: OnceLock<Handed> = OnceLock::new();

/// How soon the system ends this process where memory runs out, instead of the daemon: it goes from -1000 to 1000.
const EARLY: &[u8] = b"500";

/// Takes what the daemon has handed over, and answers whether it has.
///
/// # Errors
/// Where it is said that something was handed over, and it was not the daemon that did.
pub fn take_handed() -> anyhow::Result<bool> {
    let Some(handed) = taken()? else { return Ok(false) };
    // Whoever may not say so is as any other process of the daemon's.
    _ = std::fs::write("/proc/self/oom_score_adj", EARLY);
    Ok(HANDED.set(handed).is_ok())
}

/// What was handed over.
#[must_use]
pub(super) fn handed() -> Option<&'static Handed> {
    HANDED.get()
}
