//! What a target can neither end nor show. The sentences are kept with the case; the trail carries their digest with each verdict.

use super::document::{Section, Statement};
use super::proof::last_looks;
use super::recorded::Recorded;
use super::words::Words;
use crate::model::Evidence;
use crate::store::{CaseDetail, JobView};

/// What the last look at each target did not cover.
pub(super) fn not_covered(entries: &[Recorded], details: &[&CaseDetail]) -> Section {
    let mut section = Section {
        name: "not_covered",
        heading: "Not covered",
        ..Section::default()
    };
    for entry in last_looks(entries) {
        section.nothing = "The trail carries no word of what the targets cannot end or show.";
        let jobs = details.iter().flat_map(|detail| &detail.jobs);
        let mut evidence = jobs
            .filter(|job| entry.job == Some(job.id))
            .filter_map(carried_evidence(entry));
        let Some(evidence) = evidence.next() else { continue };
        for gap in &evidence.not_covered {
            let words = Words::of("at ").name(entry.text("target")).and(": ").name(gap);
            section.statements.push(Statement::new(words, entry.at(), [entry.seq]));
        }
    }
    section
}

/// The evidence of a job, where its sentences are the ones that the entry has the digest of.
fn carried_evidence<'d>(entry: &Recorded) -> impl Fn(&'d JobView) -> Option<&'d Evidence> {
    let digest = entry.text("not_covered_sha256").to_owned();
    move |job| {
        let evidence = job.evidence.as_ref()?;
        (!digest.is_empty() && evidence.not_covered_sha256().as_deref() == Some(&digest)).then_some(evidence)
    }
}
