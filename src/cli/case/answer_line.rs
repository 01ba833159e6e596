//! The answer of a case, with what it alone does not tell: what keeps it from going on, and which other case ended a leaked credential before.

use super::verdict_line::{AnswerLine, verdict_line, who};
use super::whose::{is_of_credential, whose};
use crate::cli::output::{LocalTimes, Meaning};
use crate::cli::target::obstacle_of;
use crate::store::{CaseDetail, CaseFilter, Store};

/// The answer of a case. Of an open case it says what is in the way, of a credential that was refused from the start which
/// case had ended it before.
///
/// # Errors
/// Where the store cannot be read.
pub(in crate::cli) async fn answer_line(store: &Store, detail: &CaseDetail, times: &LocalTimes) -> anyhow::Result<AnswerLine> {
    let case = &detail.case;
    if case.state == "open" {
        let jobs = store.case_progress(case.id).await?;
        let in_the_way = obstacle_of(store, &jobs);
        return Ok(verdict_line(detail, times, in_the_way.as_ref(), &jobs));
    }
    if !is_of_credential(case) || case.verdict.as_deref() != Some("no_principal") {
        return Ok(verdict_line(detail, times, None, &[]));
    }
    let before = store
        .find_cases(&CaseFilter {
            verdicts: vec!["contained".to_owned()],
            subject_refs: Some(vec![case.subject_ref.clone()]),
            limit: 1,
            ..CaseFilter::default()
        })
        .await?;
    let Some(before) = before.iter().find(|before| before.id < case.id) else {
        return Ok(verdict_line(detail, times, None, &[]));
    };
    let whose = whose(&store.case_detail(before.id).await?).unwrap_or_else(|| who(case));
    let at = before.contained_at.map_or(String::new(), |at| format!(" {}", times.time(at)));
    Ok(AnswerLine::new(
        Meaning::Good,
        "REFUSED",
        format!(": case {} ended it{at}: {whose}", before.id),
    ))
}
