//! What verifying a report has found, in words and for programs.

use std::fmt;

use serde::Serialize;

use super::report_verifier::{Judged, VerifiedReport};

/// An entry that a report cites, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedSummary {
    /// Its number.
    pub index: u64,
    /// Its kind.
    pub kind: String,
    /// Its case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// Whether it stands in the signed trail.
    pub included: bool,
    /// Why that is not proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A report that was looked at, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportSummary {
    /// Whether all that it cites is in the signed trail.
    pub verified: bool,
    /// What it says that it is.
    pub report: String,
    /// The trail.
    pub origin: Option<String>,
    /// How many entries its checkpoint covers.
    pub size: Option<u64>,
    /// The root over them.
    pub root: Option<String>,
    /// The key that signed it, as `name+id+key`.
    pub key: Option<String>,
    /// Where the same checkpoint was kept outside.
    pub confirmed_by: Vec<String>,
    /// The entries that it cites, and the changes of keys behind them.
    pub entries: Vec<JudgedSummary>,
    /// What is wrong with it as a whole, one sentence each.
    pub findings: Vec<String>,
}

impl VerifiedReport {
    /// The same for programs.
    #[must_use]
    pub fn summary(&self) -> ReportSummary {
        let head = self.opened.as_ref().map(|opened| &opened.checkpoint);
        ReportSummary {
            verified: self.verified(),
            report: self.report.clone(),
            origin: head.map(|head| head.origin.clone()),
            size: head.map(|head| head.size),
            root: head.map(|head| head.root.to_string()),
            key: self.opened.as_ref().map(|opened| opened.by.to_string()),
            confirmed_by: self.confirmed_by.iter().map(ToString::to_string).collect(),
            entries: self
                .entries
                .iter()
                .chain(&self.key_changes)
                .map(JudgedSummary::from)
                .collect(),
            findings: self.findings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&Judged> for JudgedSummary {
    fn from(judged: &Judged) -> Self {
        Self {
            index: judged.index,
            kind: judged.kind.clone(),
            case: judged.case,
            included: judged.included.is_ok(),
            why: judged.included.as_ref().err().map(ToString::to_string),
        }
    }
}

/// A line for each entry, what is wrong, and the verdict last.
impl fmt::Display for VerifiedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(opened) = &self.opened {
            let head = &opened.checkpoint;
            let (origin, size, root) = (harmless(&head.origin), head.size, head.root);
            writeln!(f, "trail {origin}: a checkpoint of {size} entries, root {root}")?;
            writeln!(f, "  signed by {}+{:08x}", harmless(opened.by.name()), opened.by.id())?;
            for place in &self.confirmed_by {
                writeln!(f, "  the same stands in {}", harmless(&place.to_string()))?;
            }
        }
        for judged in self.key_changes.iter().chain(&self.entries) {
            let case = judged.case.map_or(String::new(), |case| format!(", case {case}"));
            let (index, kind) = (judged.index, harmless(&judged.kind));
            match &judged.included {
                Ok(()) => writeln!(f, "entry {index} included: {kind}{case}")?,
                Err(why) => writeln!(f, "entry {index} NOT included: {kind}{case}: {why}")?,
            }
        }
        for finding in &self.findings {
            writeln!(f, "finding: {}", harmless(&finding.to_string()))?;
        }
        let proved = self.entries.iter().filter(|entry| entry.included.is_ok()).count();
        let all = self.entries.len();
        if !self.verified() {
            return write!(
                f,
                "NOT VERIFIED: {proved} of {all} entries that the report cites are in the signed trail"
            );
        }
        let outside = if self.confirmed_by.is_empty() {
            "no checkpoint from outside is the same: the key alone vouches for it"
        } else {
            "the outside confirms its checkpoint"
        };
        write!(
            f,
            "VERIFIED: all {all} entries that the report cites are in the signed trail; {outside}"
        )
    }
}

/// A text from the file without what moves a terminal's cursor.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}
