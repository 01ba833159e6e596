//! From a subject to the account that it names at this server.

use std::collections::BTreeMap;

use anyhow::anyhow;

use super::Mattermost;
use super::api::fail;
use super::call::Call;
use super::failure::{NO_ACCOUNT, NO_USERNAME, Trouble};
use super::standing::Standing;
use super::wire::{Account, is_id};
use crate::model::{Principal, PrincipalTrait, Resolution, Subject};
use crate::targets::{Pass, Remedy, TargetError};

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
pub(super) async fn resolve(target: &Mattermost, pass: &Pass, subject: &Subject) -> Result<Resolution, TargetError> {
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
    let lookups = names.iter().map(|(subject, name)| look_up(target, pass, subject, name));
    let (found, standing) = tokio::try_join!(futures_util::future::try_join_all(lookups), target.standing(pass))?;
    let mut found: BTreeMap<String, Account> = found
        .into_iter()
        .flatten()
        .map(|account| (account.id.clone(), account))
        .collect();
    if found.len() > 1 {
        return Ok(Resolution::Ambiguous(found.into_keys().collect()));
    }
    match found.pop_first() {
        None => Ok(Resolution::None),
        Some((_, account)) => Ok(Resolution::One(principal(target, pass, account, &standing).await?)),
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

async fn look_up(target: &Mattermost, pass: &Pass, subject: &Subject, name: &Name<'_>) -> Result<Option<Account>, TargetError> {
    let doing = format!("looking up {}", subject.masked());
    let call = match name {
        Name::Id(id) => Call::get(doing, &["users", id]),
        Name::Email(address) => Call::get(doing, &["users", "email", address]),
        Name::Username(name) => Call::get(doing, &["users", "username", name]),
    };
    let answer = match target.api.send(pass, call).await {
        Ok(answer) => answer,
        // Only the server's own word for "nobody" with a request id counts: a 404 of a wrong route or of a proxy has none.
        Err(Trouble::Refused(refusal))
            if (refusal.is(404, NO_ACCOUNT) || refusal.is(404, NO_USERNAME)) && refusal.request.is_some() =>
        {
            return Ok(None);
        }
        Err(trouble) => return Err(trouble.into()),
    };
    let account: Account = answer.read()?;
    let same = match name {
        Name::Id(id) => account.id == *id,
        Name::Email(address) => account.email.to_lowercase() == *address.to_lowercase(),
        Name::Username(name) => account.username.to_lowercase() == *name,
    };
    if same && is_id(&account.id) {
        Ok(Some(account))
    } else {
        // A cache or a proxy in between that answers with somebody else's account must not get that somebody contained.
        Err(answer.not_understood("it is about another account than was asked for"))
    }
}

async fn principal(target: &Mattermost, pass: &Pass, account: Account, standing: &Standing) -> Result<Principal, TargetError> {
    let mut names = vec![
        Subject::Opaque(account.id.clone()),
        Subject::Username(account.username.clone()),
    ];
    names.extend(Subject::email(&account.email));
    let mut principal = Principal {
        names,
        traits: [
            standing.hangs_on(&account.id).then_some(PrincipalTrait::Ourselves),
            account.is_admin().then_some(PrincipalTrait::Admin),
            account.is_bot.then_some(PrincipalTrait::Bot),
            (!account.auth_service.is_empty()).then(|| PrincipalTrait::ManagedBy(account.auth_service.clone())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        id: account.id,
    };
    let admin = principal.traits.contains(&PrincipalTrait::Admin);
    if admin && account.delete_at == 0 && target.admins.is_last(&target.api, pass, standing, &principal).await? {
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
