//! One observation: what an account can reach now. Every list is read at once, so it takes about two round trips.

use anyhow::anyhow;

use super::api::fail;
use super::bots::Makers;
use super::doors::account_state;
use super::failure::{NO_ACCOUNT, Refusal, Trouble};
use super::standing::Standing;
use super::{Mattermost, bots, credentials, integrations, oauth};
use crate::model::{Access, AccountState, Grant, GrantKind, GrantRef, Principal};
use crate::targets::{Ask, CallContext, Remedy, TargetError};

/// What one list contributes to an observation.
#[derive(Default)]
pub(super) struct Part {
    pub(super) listed: Vec<GrantKind>,
    pub(super) unseen: Vec<(GrantKind, String)>,
    pub(super) grants: Vec<Grant>,
    pub(super) ended_with_suspension: Vec<GrantRef>,
    pub(super) notes: Vec<String>,
    pub(super) requests: Vec<String>,
}

/// What every list is read with.
#[derive(Clone, Copy)]
pub(super) struct Look<'l> {
    pub(super) target: &'l Mattermost,
    pub(super) context: &'l CallContext,
    pub(super) principal: &'l Principal,
    /// The account as it is now.
    pub(super) account: &'l AccountState,
    pub(super) standing: &'l Standing,
    pub(super) ask: &'l Ask,
    /// Why there may be bots of the account that are not seen, so that what they made cannot be told from what others made.
    pub(super) unseen_makers: Option<&'static str>,
}

impl Look<'_> {
    /// Whether `kind` was asked for.
    pub(super) fn wants(&self, kind: GrantKind) -> bool {
        self.ask.kinds.contains(&kind)
    }

    /// The bot that made something, where it was not the account itself.
    pub(super) fn made_by(&self, maker: &str) -> Option<String> {
        (maker != self.principal.id).then(|| maker.to_owned())
    }

    /// What a refusal to list `kinds` means: all of it is unseen, but where it is an error. A feature that is switched off lets nobody in now,
    /// but what was made with it is kept and works again when somebody switches it on: that is no proof that it is gone.
    pub(super) fn refused(&self, kinds: &[GrantKind], what: &str, refusal: Refusal) -> Result<Part, TargetError> {
        let mut part = Part::default();
        part.requests.extend(refusal.request.clone());
        let why = if refusal.switched_off() {
            format!(
                "{what} are switched off at the server, which lists none then; those that exist work again when somebody switches them on"
            )
        } else if refusal.forbids() {
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
    context: &CallContext,
    principal: &Principal,
    ask: &Ask,
) -> Result<Access, TargetError> {
    let standing = target.standing(context).await?;
    let account = if ask.account {
        account(target, context, principal, &standing).await?
    } else {
        principal.account.clone()
    };
    let look = Look {
        target,
        context,
        principal,
        account: &account,
        standing: &standing,
        ask,
        unseen_makers: None,
    };
    let (sessions, tokens, made) = tokio::try_join!(
        credentials::sessions(look),
        credentials::tokens(look),
        Box::pin(everything_made(look)),
    )?;
    let mut access = Access::empty(target.api.clock.now());
    access.requests.extend(account.request.clone().filter(|_| ask.account));
    access.notes.clone_from(&account.notes);
    for part in [sessions, tokens].into_iter().chain(made) {
        access.listed.extend(part.listed);
        access.unseen.extend(part.unseen);
        access.grants.extend(part.grants);
        access.ended_with_suspension.extend(part.ended_with_suspension);
        access.notes.extend(part.notes);
        access.requests.extend(part.requests);
    }
    // A list for one kind may show another (sessions and OAuth grants come together): only what was asked for is reported.
    access.grants.retain(|grant| ask.kinds.contains(&grant.name.kind));
    access
        .listed
        .retain(|kind| ask.kinds.contains(kind) && !access.unseen.contains_key(kind));
    access.account = account;
    Ok(access)
}

/// What the account, and every bot that hangs on it, has made, and the consents. All but the consents comes from readings that jobs share.
async fn everything_made(look: Look<'_>) -> Result<Vec<Part>, TargetError> {
    let (api, shared) = (&look.target.api, &look.target.shared);
    let since = |kind| look.ask.since(kind);
    let wants = |kinds: &[GrantKind]| kinds.iter().any(|kind| look.wants(*kind));
    let by_makers = [
        GrantKind::Bot,
        GrantKind::BotToken,
        GrantKind::OauthApp,
        GrantKind::IncomingWebhook,
        GrantKind::OutgoingWebhook,
        GrantKind::SlashCommand,
    ];
    let mut parts = Vec::new();
    let apps = async {
        if wants(&[GrantKind::OauthApp]) {
            shared.apps(api, look.context, since(GrantKind::OauthApp)).await.map(Some)
        } else {
            Ok(None)
        }
    };
    if !wants(&by_makers) {
        parts.push(oauth::authorisations(look, None).await?);
        return Ok(parts);
    }
    let (bots, apps) = tokio::try_join!(shared.bots(api, look.context, since(GrantKind::Bot)), apps).map_err(TargetError::from)?;
    let makers = Makers::of(&look.principal.id, bots.rows(), look.standing);
    let look = Look {
        unseen_makers: match &bots.shown {
            Ok(listing) => listing.short.or(bots::unseen_bots(look)).map(|_| UNSEEN_MAKERS),
            Err(_) => Some(UNSEEN_MAKERS),
        },
        ..look
    };
    if let Some(apps) = &apps {
        parts.push(oauth::apps(look, apps, &makers)?);
    }
    let incoming = async {
        if !look.wants(GrantKind::IncomingWebhook) {
            return Ok(Part::default());
        }
        integrations::incoming(
            look,
            &*shared.incoming(api, look.context, since(GrantKind::IncomingWebhook)).await?,
            &makers,
        )
    };
    let outgoing = async {
        if !look.wants(GrantKind::OutgoingWebhook) {
            return Ok(Part::default());
        }
        integrations::outgoing(
            look,
            &*shared.outgoing(api, look.context, since(GrantKind::OutgoingWebhook)).await?,
            &makers,
        )
    };
    let commands = async {
        if !look.wants(GrantKind::SlashCommand) {
            return Ok(Part::default());
        }
        integrations::commands(
            look,
            &*shared.commands(api, look.context, since(GrantKind::SlashCommand)).await?,
            &makers,
        )
    };
    let (bots, consents, incoming, outgoing, commands) = tokio::try_join!(
        bots::bots(look, &bots, &makers),
        oauth::authorisations(look, apps.as_deref()),
        incoming,
        outgoing,
        commands,
    )?;
    parts.extend([bots, consents, incoming, outgoing, commands]);
    Ok(parts)
}

const UNSEEN_MAKERS: &str = "not every bot of the account could be seen, and so not everything that its bots made";

async fn account(
    target: &Mattermost,
    context: &CallContext,
    principal: &Principal,
    standing: &Standing,
) -> Result<AccountState, TargetError> {
    let id = &principal.id;
    let doing = format!("looking whether {id} is suspended");
    match target.accounts.get(&target.api, context, doing.clone(), id).await {
        Ok((account, request)) if account.id == *id => Ok(account_state(target, &account, request)),
        Ok((_, request)) => Err(fail(
            doing,
            Remedy::Retry,
            anyhow!("the answer is not understood: it is about another account than was asked for"),
            request,
        )),
        // Every other list of an unknown id is a 200 with nothing in it, which would look like success.
        Err(Trouble::Refused(refusal)) if refusal.is(404, NO_ACCOUNT) => Err(fail(
            doing,
            Remedy::Retry,
            anyhow!("the account is gone since it was looked up; the next attempt looks again"),
            refusal.request,
        )),
        Err(trouble) => Err(standing.judge(trouble, principal)),
    }
}
