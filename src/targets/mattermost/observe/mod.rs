//! Observe: what an account can reach now. Every list is read at once, so it takes about two round trips.
//!
//! `observation` first (what a list is read with and contributes), then this file (which lists there are), then a file for the grant kinds
//! of one list: `sessions_and_tokens`, `bots` (and who acts for whom), `oauth`, `webhooks_and_commands`. The lists of the whole server come
//! from `shared_lists`; `sign_in_paths` says what still lets somebody in afresh.

pub(in crate::targets::mattermost) mod bots;
pub(in crate::targets::mattermost) mod oauth;
pub(in crate::targets::mattermost) mod observation;
pub(in crate::targets::mattermost) mod sessions_and_tokens;
pub(in crate::targets::mattermost) mod shared_lists;
pub(in crate::targets::mattermost) mod sign_in_paths;
pub(in crate::targets::mattermost) mod webhooks_and_commands;

use anyhow::anyhow;

use self::bots::OwnedAccounts;
use self::observation::{ObservationContext, PartialObservation};
use self::sign_in_paths::account_state;
use super::Mattermost;
use crate::model::{Access, AccountState, GrantKind, Principal};
use crate::targets::mattermost::api::client::fail;
use crate::targets::mattermost::api::failure::{CallFailure, NO_ACCOUNT};
use crate::targets::mattermost::own_account::OwnAccount;
use crate::targets::{CallContext, ObservationRequest, Remedy, TargetError};

/// Looks at `principal`.
pub(in crate::targets::mattermost) async fn observe(
    target: &Mattermost,
    context: &CallContext,
    principal: &Principal,
    ask: &ObservationRequest,
) -> Result<Access, TargetError> {
    let own_account = target.own_account(context).await?;
    let account = if ask.account {
        account(target, context, principal, &own_account).await?
    } else {
        principal.account.clone()
    };
    let observation = ObservationContext {
        target,
        context,
        principal,
        account: &account,
        own_account: &own_account,
        ask,
        unseen_owned: None,
    };
    let (sessions, tokens, made) = tokio::try_join!(
        sessions_and_tokens::sessions(observation),
        sessions_and_tokens::tokens(observation),
        Box::pin(everything_made(observation)),
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
async fn everything_made(observation: ObservationContext<'_>) -> Result<Vec<PartialObservation>, TargetError> {
    let (api, shared) = (&observation.target.api, &observation.target.shared);
    let since = |kind| observation.ask.since(kind);
    let wants = |kinds: &[GrantKind]| kinds.iter().any(|kind| observation.wants(*kind));
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
            shared
                .apps(api, observation.context, since(GrantKind::OauthApp))
                .await
                .map(Some)
        } else {
            Ok(None)
        }
    };
    if !wants(&by_makers) {
        parts.push(oauth::authorisations(observation, None).await?);
        return Ok(parts);
    }
    let (bots, apps) =
        tokio::try_join!(shared.bots(api, observation.context, since(GrantKind::Bot)), apps).map_err(TargetError::from)?;
    let owned = OwnedAccounts::of(&observation.principal.id, bots.rows(), observation.own_account);
    let observation = ObservationContext {
        unseen_owned: match &bots.shown {
            Ok(listing) => listing.short.or(bots::unseen_bots(observation)).map(|_| UNSEEN_OWNED),
            Err(_) => Some(UNSEEN_OWNED),
        },
        ..observation
    };
    if let Some(apps) = &apps {
        parts.push(oauth::apps(observation, apps, &owned)?);
    }
    let incoming = async {
        if !observation.wants(GrantKind::IncomingWebhook) {
            return Ok(PartialObservation::default());
        }
        webhooks_and_commands::incoming(
            observation,
            &*shared
                .incoming(api, observation.context, since(GrantKind::IncomingWebhook))
                .await?,
            &owned,
        )
    };
    let outgoing = async {
        if !observation.wants(GrantKind::OutgoingWebhook) {
            return Ok(PartialObservation::default());
        }
        webhooks_and_commands::outgoing(
            observation,
            &*shared
                .outgoing(api, observation.context, since(GrantKind::OutgoingWebhook))
                .await?,
            &owned,
        )
    };
    let commands = async {
        if !observation.wants(GrantKind::SlashCommand) {
            return Ok(PartialObservation::default());
        }
        webhooks_and_commands::commands(
            observation,
            &*shared
                .commands(api, observation.context, since(GrantKind::SlashCommand))
                .await?,
            &owned,
        )
    };
    let (bots, consents, incoming, outgoing, commands) = tokio::try_join!(
        bots::bots(observation, &bots, &owned),
        oauth::authorisations(observation, apps.as_deref()),
        incoming,
        outgoing,
        commands,
    )?;
    parts.extend([bots, consents, incoming, outgoing, commands]);
    Ok(parts)
}

const UNSEEN_OWNED: &str = "not every bot of the account could be seen, and so not everything that its bots made";

async fn account(
    target: &Mattermost,
    context: &CallContext,
    principal: &Principal,
    own_account: &OwnAccount,
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
        Err(CallFailure::Refused(refusal)) if refusal.is(404, NO_ACCOUNT) => Err(fail(
            doing,
            Remedy::Retry,
            anyhow!("the account is gone since it was looked up; the next attempt looks again"),
            refusal.request,
        )),
        Err(failure) => Err(own_account.essential_error(failure, principal)),
    }
}
