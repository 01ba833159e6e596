//! A target of several parts, of which one did not answer: what the others said stands, and the attempt fails all the same.

use crate::model::Access;
use crate::targets::{Remedy, TargetError};

/// The error for the parts of a target that did not answer.
pub(super) fn unreached(seen: &Access) -> Option<TargetError> {
    (!seen.unreached.is_empty()).then(|| {
        let why = anyhow::anyhow!("{}", seen.unreached.join("; "));
        TargetError::new("looking at every part of the target", Remedy::Retry, why)
    })
}
