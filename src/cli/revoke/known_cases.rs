//! What is known of somebody already, said before another case is opened about them: by every name, and by the account that was found.

use std::time::Duration;

use super::RevokeArgs;
use crate::cli::output::LocalTimes;
use crate::model::{Subject, Timestamp};
use crate::store::{CaseFilter, CaseView, Store};

/// How long ago a case that is over may have come to be worth a word.
const LATELY: Duration = Duration::from_hours(24);

/// The newest case about somebody that came before `until`, where it is not over, or came lately.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn known_case(store: &Store, subject: &Subject, until: Timestamp) -> anyhow::Result<Option<CaseView>> {
    let filter = CaseFilter {
        subject_refs: Some(store.references(subject).await?),
        or_cases: store.cases_by_account(subject).await?,
        until: Some(until),
        limit: 1,
        ..CaseFilter::default()
    };
    let newest = store.find_cases(&filter).await?.rows.into_iter().next();
    let is_over = |case: &CaseView| matches!(case.state.as_str(), "closed" | "cancelled");
    Ok(newest.filter(|case| !is_over(case) || until.since(case.received_at) < LATELY))
}

/// The same in a sentence.
pub(super) fn in_words(case: &CaseView, args: &RevokeArgs, times: &LocalTimes) -> String {
    let word = match (case.state.as_str(), case.verdict.as_deref()) {
        _ if case.released_at.is_some() => "released",
        ("closed", Some("no_principal")) => "nobody was found",
        ("closed", Some(verdict)) => verdict,
        (state, _) => state,
    };
    let at = case.contained_at.unwrap_or(case.received_at);
    let joins = if matches!(case.state.as_str(), "open" | "held") && args.playbook_name() == Some(&case.playbook) {
        ", which this joins"
    } else {
        ""
    };
    format!(
        "case {} is about the same person: {word} {}{joins} (revoked case show {})",
        case.id,
        times.time(at),
        case.id
    )
}
