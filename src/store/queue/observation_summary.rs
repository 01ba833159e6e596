//! What the observation behind a plan showed, for the trail.

use std::collections::BTreeMap;

use crate::model::{Evidence, GrantKind};

/// What the observation behind a plan showed, for the trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservationSummary {
    /// The target's id of the account.
    pub principal: String,
    /// Grants listed by kind.
    pub counts: BTreeMap<GrantKind, usize>,
    /// Whether the account was suspended.
    pub suspended: bool,
    /// What all attempts of the job saw and did so far: kept with the intent, so that a crash loses nothing of it.
    pub evidence: Evidence,
}
