//! Whose a leaked credential was, and what ended it before: the answer of a case that began with the credential alone.

use crate::cli::output::{LocalTimes, Meaning, bare, plain};
use crate::cli::target::obstacle_of;
use crate::model::{Action, GrantKind, Subject};
use crate::store::{CaseDetail, CaseFilter, CaseView, Store};

use super::verdict_line::verdict_line;

/// What a leaked credential may be, the most telling first: the session that a token has made ends with it.
const KINDS: [GrantKind; 6] = [
    GrantKind::BotToken,
    GrantKind::AccessToken,
    GrantKind::OauthGrant,
    GrantKind::IncomingWebhook,
    GrantKind::ApiKey,
    GrantKind::Session,
];

/// Whether a case is about a credential, whosever it is.
pub(super) fn is_of_credential(case: &CaseView) -> bool {
    let subject = case.subject.as_deref().unwrap_or_default();
    subject.starts_with("credential:") && !subject.contains('\n')
}

/// `an access token of user58@example.test`, once a target has said whose it was.
pub(super) fn whose(detail: &CaseDetail) -> Option<String> {
    if !is_of_credential(&detail.case) {
        return None;
    }
    let evidence = detail.jobs.iter().filter_map(|job| job.evidence.as_ref());
    let evidence = evidence.rev().find(|evidence| evidence.principal.is_some())?;
    let address = evidence.names.iter().find(|name| matches!(name, Subject::Email(_)));
    let owner = match address.or(evidence.names.first()) {
        Some(name) => bare(&name.to_string()),
        None => evidence.principal.clone()?,
    };
    // Where everything of the owner was ended, which of it was the credential is not told.
    let is_of_another = |action: &Action| action.revokes() && !matches!(action, Action::EndLeaked { .. });
    let actions = detail.actions.iter();
    let mut actions = actions.filter_map(|action| serde_json::from_value::<Action>(action.action.clone()).ok());
    let alone = !actions.any(|action| is_of_another(&action));
    let kind = KINDS
        .into_iter()
        .find(|kind| evidence.ended.iter().any(|grant| grant.kind == *kind));
    let what = match kind.filter(|_| alone) {
        Some(kind) => {
            let word = kind.word().replace('_', " ");
            let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) {
                "an"
            } else {
                "a"
            };
            format!("{article} {word}")
        }
        None => "a leaked credential".to_owned(),
    };
    Some(plain(&format!("{what} of {owner}")))
}

/// The answer of a case in one line. Of a credential that was refused from the start it names the case that had ended it before.
///
/// # Errors
/// Where the store cannot be read.
pub(in crate::cli) async fn answer_line(store: &Store, detail: &CaseDetail, times: &LocalTimes) -> anyhow::Result<String> {
    let case = &detail.case;
    if case.state == "open" {
        let in_the_way = obstacle_of(store, &store.case_progress(case.id).await?);
        return Ok(verdict_line(detail, times, in_the_way.as_ref()));
    }
    if !is_of_credential(case) || case.verdict.as_deref() != Some("no_principal") {
        return Ok(verdict_line(detail, times, None));
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
        return Ok(verdict_line(detail, times, None));
    };
    let whose = whose(&store.case_detail(before.id).await?).unwrap_or_else(|| super::who(case));
    let at = before.contained_at.map_or(String::new(), |at| format!(" {}", times.time(at)));
    Ok(format!(
        "{}: case {} ended it{at}: {whose}",
        Meaning::Good.paint("REFUSED"),
        before.id
    ))
}
