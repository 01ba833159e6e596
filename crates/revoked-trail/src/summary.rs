//! A report as a JSON object, for programs.

use serde::Serialize;

use super::finding::{KeyBegins, Report};

/// Where a key begins, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeySummary {
    /// The key, as `name+id+key`.
    pub key: String,
    /// The entry from which on it signs.
    pub from: u64,
    /// On whose word.
    pub word: String,
}

impl From<&KeyBegins> for KeySummary {
    fn from(begins: &KeyBegins) -> Self {
        Self {
            key: begins.key.to_string(),
            from: begins.from,
            word: begins.word.to_string(),
        }
    }
}

/// A report for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Whether nothing was found.
    pub verified: bool,
    /// How many entries were read.
    pub entries: u64,
    /// Up to which size a checkpoint outside the database confirms them.
    pub confirmed: u64,
    /// The size that a checkpoint outside has, where every entry fits and only ends before it: an older copy, or one whose end was cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than: Option<u64>,
    /// The first entry that is certainly bad, where one can be named.
    pub first_bad: Option<u64>,
    /// The keys of the trail and where each begins, where it has had more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeySummary>,
    /// What was found, one sentence each.
    pub findings: Vec<String>,
    /// What is odd without being proof of anything.
    pub remarks: Vec<String>,
}

impl From<&Report> for Summary {
    fn from(report: &Report) -> Self {
        Self {
            verified: report.verified(),
            entries: report.entries,
            confirmed: report.confirmed(),
            older_than: report.older_than().filter(|_| !report.verified()),
            first_bad: report.first_bad(),
            keys: report.keys.iter().map(KeySummary::from).collect(),
            findings: report.findings.iter().map(ToString::to_string).collect(),
            remarks: report.remarks.iter().map(ToString::to_string).collect(),
        }
    }
}
