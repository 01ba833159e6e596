//! Whose a leaked credential was, of a case that began with the credential alone.

use crate::cli::output::{bare, plain};
use crate::model::{Action, GrantKind, Subject};
use crate::store::{CaseDetail, CaseView};

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
