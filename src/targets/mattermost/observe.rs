//! One observation: what an account can reach now. Every list is read at once, so it takes about two round trips.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::api::fail;
use super::call::Call;
use super::failure::{NO_ACCOUNT, Refusal, Trouble};
use super::standing::Standing;
use super::wire::Account;
use super::{Mattermost, bots, credentials, integrations, oauth};
use crate::model::{Access, Grant, GrantKind, Principal};
use crate::targets::{Pass, Remedy, TargetError};

/// What one list contributes to an observation.
#[derive(Default)]
pub(super) struct Part {
    pub(super) listed: Vec<GrantKind>,
    pub(super) unseen: Vec<(GrantKind, String)>,
    pub(super) grants: Vec<Grant>,
    pub(super) notes: Vec<String>,
    pub(super) requests: Vec<String>,
}

/// What every list is read with.
#[derive(Clone, Copy)]
pub(super) struct Look<'l> {
    pub(super) target: &'l Mattermost,
    pub(super) pass: &'l Pass,
    pub(super) principal: &'l Principal,
    pub(super) standing: &'l Standing,
    pub(super) kinds: &'l BTreeSet<GrantKind>,
}

impl Look<'_> {
    /// Whether `kind` was asked for.
    pub(super) fn wants(&self, kind: GrantKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// What a refusal to list `kinds` means: a feature that is switched off lets nobody in now, so it counts as listed, with a note; what
    /// we may not list, or the server cannot, is unseen; all else is an error.
    pub(super) fn refused(&self, kinds: &[GrantKind], what: &str, refusal: Refusal) -> Result<Part, TargetError> {
        let mut part = Part::default();
        part.requests.extend(refusal.request.clone());
        if refusal.switched_off() {
            part.listed.extend(kinds);
            part.notes.push(format!(
                "{what} are switched off at the server: none works now, and those that exist cannot be listed; they work again when \
                 somebody switches them on"
            ));
            return Ok(part);
        }
        let why = if refusal.forbids() {
            // A permission that was there a minute ago may be gone: ask again before the next list is believed.
            self.target.memory.forget();
            format!("the operator account may not list {what}")
        } else if refusal.unknown_call() {
            let version = self
                .target
                .api
                .version()
                .map_or_else(String::new, |version| format!(" {version}"));
            format!("this server{version} cannot list {what}")
        } else {
            return Err(refusal.into());
        };
        part.unseen.extend(kinds.iter().map(|kind| (*kind, why.clone())));
        Ok(part)
    }
}

impl Part {
    /// Records that `kind` was listed, whole or not.
    pub(super) fn saw(&mut self, kind: GrantKind, short: Option<&str>) {
        match short {
            None => self.listed.push(kind),
            Some(why) => self.unseen.push((kind, why.to_owned())),
        }
    }
}

/// Looks at `principal`.
pub(super) async fn observe(
    target: &Mattermost,
    pass: &Pass,
    principal: &Principal,
    kinds: &BTreeSet<GrantKind>,
) -> Result<Access, TargetError> {
    let standing = target.standing(pass).await?;
    let look = Look {
        target,
        pass,
        principal,
        standing: &standing,
        kinds,
    };
    let ((account, request), sessions, tokens, authorisations, apps, bots, incoming, outgoing, commands) = tokio::try_join!(
        account(look),
        credentials::sessions(look),
        credentials::tokens(look),
        oauth::authorisations(look),
        oauth::apps(look),
        Box::pin(bots::bots(look)),
        integrations::incoming(look),
        integrations::outgoing(look),
        Box::pin(integrations::commands(look)),
    )?;
    let mut access = Access::empty(target.api.clock.now());
    access.suspended = !account.is_active();
    access.requests.extend(request);
    access.notes.extend(sign_in(&account));
    for part in [sessions, tokens, authorisations, apps, bots, incoming, outgoing, commands] {
        access.listed.extend(part.listed);
        access.unseen.extend(part.unseen);
        access.grants.extend(part.grants);
        access.notes.extend(part.notes);
        access.requests.extend(part.requests);
    }
    // A list for one kind may show another (sessions and OAuth grants come together): only what was asked for is reported.
    access.grants.retain(|grant| kinds.contains(&grant.name.kind));
    access
        .listed
        .retain(|kind| kinds.contains(kind) && !access.unseen.contains_key(kind));
    Ok(access)
}

async fn account(look: Look<'_>) -> Result<(Account, Option<String>), TargetError> {
    let id = &look.principal.id;
    let doing = format!("looking whether {id} is suspended");
    match look.target.api.send(look.pass, Call::get(&doing, &["users", id])).await {
        Ok(answer) => {
            let account: Account = answer.read()?;
            if account.id != *id {
                return Err(answer.not_understood("it is about another account than was asked for"));
            }
            Ok((account, answer.request))
        }
        // Every other list of an unknown id is a 200 with nothing in it, which would look like success.
        Err(Trouble::Refused(refusal)) if refusal.is(404, NO_ACCOUNT) => Err(fail(
            doing,
            Remedy::Retry,
            anyhow!("the account is gone since it was looked up; the next attempt looks again"),
            refusal.request,
        )),
        Err(trouble) => Err(look.standing.judge(trouble, look.principal)),
    }
}

/// What a reader must know where the sign-in is decided elsewhere.
fn sign_in(account: &Account) -> Option<String> {
    match account.auth_service.as_str() {
        "" | "saml" => None,
        "ldap" => Some(
            "the sign-in is decided by LDAP: its next synchronisation lifts a suspension unless the account is disabled there"
                .to_owned(),
        ),
        service => Some(format!(
            "the sign-in is decided by {service}: the next sign-in there lifts a suspension here and revives every access token; disable \
             the account there first"
        )),
    }
}
