//! A report as a JSON object, for programs.

use serde::Serialize;

use super::finding::Report;

/// A report for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Whether nothing was found.
    pub verified: bool,
    /// How many entries were read.
    pub entries: u64,
    /// Up to which size a checkpoint outside the database confirms them.
    pub confirmed: u64,
    /// The first entry that is certainly bad, where one can be named.
    pub first_bad: Option<u64>,
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
            first_bad: report.first_bad(),
            findings: report.findings.iter().map(ToString::to_string).collect(),
            remarks: report.remarks.iter().map(ToString::to_string).collect(),
        }
    }
}
