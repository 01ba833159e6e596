//! From a subject to the account that it names at this server.

use std::collections::BTreeMap;

use anyhow::anyhow;

use super::Mattermost;
use super::api::client::fail;
use super::api::failure::{CallFailure, NO_ACCOUNT, NO_USERNAME};
use super::api::request::Call;
use super::api::wire::{Account, is_id};
use super::observe::sign_in_paths::account_state;
use super::own_account::OwnAccount;
use crate::model::{Principal, PrincipalTrait, Resolution, Subject};
use crate::targets::{CallContext, Remedy, TargetError};

/// How an account can be asked for.
enum Name<'s> {
    Id(&'s str),
    Email(&'s str),
    Username(String),
}

/// Whether the server can be asked for somebody by this name.
pub(super) fn asks_by(subject: &Subject) -> bool {
    name(subject).is_some()
}

/// Looks a subject up.
pub(super) async fn resolve(target: &Mattermost, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
    let names: Vec<(&Subject, Name<'_>)> = subject
        .names()
        .iter()
        .filter_map(|subject| name(subject).map(|name| (subject, name)))
        .collect();
    if names.is_empty() {
        return Err(fail(
            format!("looking up {}", subject.masked()),
            Remedy::GiveUp,
            anyhow!(
                "a Mattermost account is named by email:<address>, username:<name> or opaque:<the 26 characters of its id>, and this is none \
                 of them; let the source send an address, or contain the account by its name"
            ),
            None,
        ));
    }
    let lookups = names.iter().map(|(subject, name)| look_up(target, context, subject, name));
    let (found, own_account) = tokio::try_join!(futures_util::future::try_join_all(lookups), target.own_account(context))?;
    let mut found: BTreeMap<String, Found> = found.into_iter().flatten().map(|found| (found.0.id.clone(), found)).collect();
    if found.len() > 1 {
        return Ok(Resolution::Ambiguous(found.into_keys().collect()));
    }
    match found.pop_first() {
        None => Ok(Resolution::None),
        Some((_, found)) => Ok(Resolution::One(principal(target, context, found, &own_account).await?)),
    }
}

/// What the server can be asked for; `None` for a form that cannot name an account here.
fn name(subject: &Subject) -> Option<Name<'_>> {
    match subject {
        Subject::Opaque(id) if is_id(id) => Some(Name::Id(id)),
        Subject::Email(address) | Subject::Account(address) => Some(Name::Email(address)),
        Subject::Username(name) => {
            let name = name.strip_prefix('@').unwrap_or(name).to_lowercase();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
            (name.len() <= 64 && name.contains(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain))
                .then_some(Name::Username(name))
        }
        _ => None,
    }
}

/// An account that was looked up, and the server's id of the request that showed it.
type Found = (Account, Option<String>);

async fn look_up(
    target: &Mattermost,
    context: &CallContext,
    subject: &Subject,
    name: &Name<'_>,
) -> Result<Option<Found>, TargetError> {
    let doing = format!("looking up {}", subject.masked());
    let sent = match name {
        Name::Id(id) => target.accounts.get(&target.api, context, doing, id).await,
        Name::Email(address) => one(target, context, Call::get(doing, &["users", "email", address])).await,
        Name::Username(name) => one(target, context, Call::get(doing, &["users", "username", name])).await,
    };
    let (account, request) = match sent {
        Ok(found) => found,
        // Only the server's own word for "nobody" with a request id counts: a 404 of a wrong route or of a proxy has none.
        Err(CallFailure::Refused(refusal))
            if (refusal.is(404, NO_ACCOUNT) || refusal.is(404, NO_USERNAME)) && refusal.request.is_some() =>
        {
            return Ok(None);
        }
        Err(failure) => return Err(failure.into()),
    };
    let same = match name {
        Name::Id(id) => account.id == *id,
        Name::Email(address) => account.email.to_lowercase() == *address.to_lowercase(),
        Name::Username(name) => account.username.to_lowercase() == *name,
    };
    if same && is_id(&account.id) {
        Ok(Some((account, request)))
    } else {
        // A cache or a proxy in between that answers with somebody else's account must not get that somebody contained.
        let source = anyhow!("the answer is not understood: it is about another account than was asked for");
        Err(fail(
            format!("looking up {}", subject.masked()),
            Remedy::Retry,
            source,
            request,
        ))
    }
}

async fn one(target: &Mattermost, context: &CallContext, call: Call) -> Result<Found, CallFailure> {
    let answer = target.api.send(context, call).await?;
    Ok((answer.read()?, answer.request))
}

/// The principal that an account is, with what forbids or complicates acting on it.
pub(super) async fn principal(
    target: &Mattermost,
    context: &CallContext,
    (account, request): Found,
    own_account: &OwnAccount,
) -> Result<Principal, TargetError> {
    // What matters of it is only that its suspension would lock us out, which before one is asked again.
    let owns_us = account.delete_at == 0
        && target
            .own_account_cache
            .is_our_owner_now(target, context, &account.id)
            .await?;
    let mut names = vec![
        Subject::Opaque(account.id.clone()),
        Subject::Username(account.username.clone()),
    ];
    names.extend(Subject::email(&account.email));
    let mut principal = Principal {
        names,
        traits: [
            own_account.is_us(&account.id).then_some(PrincipalTrait::Ourselves),
            owns_us.then_some(PrincipalTrait::OwnsUs),
            account.is_admin().then_some(PrincipalTrait::Admin),
            account.is_bot.then_some(PrincipalTrait::Bot),
            (!account.auth_service.is_empty()).then(|| PrincipalTrait::ManagedBy(account.auth_service.clone())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        account: account_state(target, &account, request),
        id: account.id,
    };
    let admin = principal.traits.contains(&PrincipalTrait::Admin);
    if admin
        && account.delete_at == 0
        && target
            .administrators
            .is_last(&target.api, context, own_account, &principal)
            .await?
    {
        principal.traits.insert(PrincipalTrait::LastAdmin);
    }
    Ok(principal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> bool {
        name(&text.parse().unwrap()).is_some()
    }

    #[test]
    fn only_forms_that_can_name_an_account_are_asked_for() {
        for text in [
            "opaque:npryem6qbfdcxji356uo9tc33o",
            "email:alice@example.org",
            "acct:alice@example.org",
            "username:@Alice.B-1",
        ] {
            assert!(taken(text), "{text}");
        }
        for text in [
            "opaque:4711",
            "opaque:NPRYEM6QBFDCXJI356UO9TC33O",
            "opaque:../../../users/me/aaaaaaaa",
            "username:..",
            "username:a/b",
            "username:me?x=1",
            "iss_sub:https://idp.example.com#jane",
            "employee_id:4711",
            "phone_number:+4930123456",
        ] {
            assert!(!taken(text), "{text}");
        }
    }
}
