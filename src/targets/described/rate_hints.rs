//! What an answer's headers say about the target's limits, for the pacer.

use super::description::limits::Limits;
use super::meaning::{Meaning, Received};
use super::rate_reset::{numbers, reset};
use crate::targets::{RateLimitHints, Remedy};

/// Reads what an answer with this meaning says.
pub(super) fn hints(limits: &Limits, answer: &Received<'_>, meaning: &Meaning) -> RateLimitHints {
    RateLimitHints {
        remaining: limits
            .remaining
            .as_ref()
            .and_then(|name| numbers(answer.headers, name).min())
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX)),
        reset: reset(limits, answer.headers, answer.now),
        refused: match meaning {
            Meaning::Failed(Remedy::RetryAfter(wait), _) => Some(*wait),
            _ => None,
        },
    }
}
