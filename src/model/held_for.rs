//! The group of people for which a human is asked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The group of people for which a human is asked, and how many people must approve.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeldFor {
    /// The group's name in the config.
    pub group: String,
    /// How many people must approve.
    pub approvals: u8,
}

impl fmt::Display for HeldFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.group)
    }
}
