//! A credential in the wrong hands: whose it is, how exactly it is ended, and that it is refused.
//!
//! The server never says which row a secret belongs to. But a session can be revoked by its secret as well as by its id (recorded:
//! `session-revoke-*`), an access token that is used makes a session that names it (recorded: `session-revoke-of-pat-session`), and so the row
//! that vanishes when the secret's session is revoked says which token, session or OAuth grant it is. An incoming webhook's secret is its id.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::anyhow;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::time::Instant;

use super::Mattermost;
use super::api::client::fail;
use super::api::failure::{CallFailure, NO_SESSION, Refusal};
use super::api::request::Call;
use super::api::wire::{Account, Health, IncomingWebhook, Session, is_id};
use super::apply::change::Change;
use super::config_checks::{ACCESS_TOKENS, off};
use super::observe::webhooks_and_commands::alias;
use super::probe::client_config;
use super::resolve::principal;
use crate::model::{GrantKind, GrantRef, Principal, PrincipalTrait};
use crate::targets::unknown_password::random_word;
use crate::targets::{Applied, CallContext, EndedLeaked, Identified, Remedy, TargetError};

/// How often the session of a secret is revoked until two sessions of one access token have vanished.
const ROUNDS: usize = 5;
/// The waits before the sessions are listed again where a change does not show: the lists may come from a replica that lags.
const LOOKS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1500),
];
/// The id of the 400 for an incoming webhook that is not there. With the database down it comes too.
const NO_HOOK: &str = "web.incoming_webhook.invalid.app_error";

/// What the server refuses as a session, a token and a webhook.
const REFUSED: Identified = Identified::Refused {
    proves: "the server refuses it now, as a session, an access token and an incoming webhook; an OAuth refresh token, a client secret, a \
             password, a slash command's token, and an access token that is disabled or whose owner is suspended are refused in the same way \
             and may be good for something still: where you know its owner, contain them with revoked revoke",
};
/// What the server refuses by the URL of a webhook.
const NOT_THERE: &str = "the server refuses it now, and lists no incoming webhook of this id";
/// Why a refusal says nothing about an access token.
const TOKENS_OFF: &str = "personal access tokens are switched off at the server, which refuses all of them and does not say whose this one is; \
                          where it is one it works again when they are switched on: hand it in again then, or contain its owner with revoked \
                          revoke where you know them";

/// What a leaked value opens.
enum Opens {
    /// An account, as a session, an OAuth grant or an access token.
    Account,
    /// An incoming webhook of this id.
    Webhook(SecretString),
}

/// Asks whose the credential is by using it once at every node.
pub(super) async fn identify(
    target: &Mattermost,
    context: &CallContext,
    credential: &SecretString,
) -> Result<Identified, TargetError> {
    if target.api.is_ours(credential) {
        return Ok(Identified::Ours);
    }
    match opens(credential) {
        Opens::Webhook(id) => identify_webhook(target, context, &id).await,
        Opens::Account => match try_out(target, context, credential).await? {
            Some(found) => alive(target, context, found).await,
            None => refused(target, context, credential).await,
        },
    }
}

/// What it means that a value opens no account.
async fn refused(target: &Mattermost, context: &CallContext, credential: &SecretString) -> Result<Identified, TargetError> {
    // An incoming webhook may be handed in by its id alone.
    if is_id(credential.expose_secret())
        && let found @ Identified::Alive(_) = identify_webhook(target, context, credential).await?
    {
        return Ok(found);
    }
    let (client, _) = client_config(target, context, &target.api.url).await?;
    Ok(if off(&client, ACCESS_TOKENS) {
        Identified::SwitchedOff(GrantKind::AccessToken, TOKENS_OFF)
    } else {
        REFUSED
    })
}

/// Ends exactly what the credential opens.
pub(super) async fn end(
    target: &Mattermost,
    context: &CallContext,
    credential: &SecretString,
    principal: &Principal,
) -> Result<EndedLeaked, TargetError> {
    let own_account = target.own_account(context).await?;
    let change = Change {
        target,
        context,
        principal,
        own_account: &own_account,
    };
    if let Some(hook) = webhook(target, context, credential).await? {
        let grant = named(GrantKind::IncomingWebhook, alias(&hook.id), None);
        let applied = super::apply::end_integrations::end(change, &grant).await?;
        return Ok(EndedLeaked {
            applied,
            grants: vec![grant],
        });
    }
    end_session_and_maker(change, credential).await
}

async fn alive(target: &Mattermost, context: &CallContext, found: (Account, Option<String>)) -> Result<Identified, TargetError> {
    let own_account = target.own_account(context).await?;
    Ok(Identified::Alive(principal(target, context, found, &own_account).await?))
}

/// Reads a webhook's URL, or takes the value for the secret of a session or a token.
fn opens(credential: &SecretString) -> Opens {
    let text = credential.expose_secret();
    let path = Url::parse(text).map_or_else(|_| text.to_owned(), |url| url.path().to_owned());
    let id = path.rsplit_once("hooks/").map(|(_, id)| id.trim_matches('/'));
    match id.filter(|id| is_id(id)) {
        Some(id) => Opens::Webhook(SecretString::from(id.to_owned())),
        None => Opens::Account,
    }
}

/// Uses the secret of an account: whose it is, or `None` where every node refuses it while the server is in good health. With its database
/// down the server refuses what is valid, so its health is looked at between two refusals.
async fn try_out(
    target: &Mattermost,
    context: &CallContext,
    credential: &SecretString,
) -> Result<Option<(Account, Option<String>)>, TargetError> {
    for round in 0..2 {
        if round > 0 {
            healthy(target, context).await?;
        }
        for base in std::iter::once(&target.api.url).chain(&target.api.nodes) {
            let call = Call::get("using a leaked credential once", &["users", "me"]).by(credential);
            match target.api.send_to(base, context, call).await {
                Ok(answer) => return Ok(Some((answer.read()?, answer.request))),
                Err(CallFailure::Refused(refusal)) if refusal.status.as_u16() == 401 => {}
                Err(failure) => return Err(not_of_ours(failure)),
            }
        }
    }
    Ok(None)
}

async fn healthy(target: &Mattermost, context: &CallContext) -> Result<(), TargetError> {
    let call = Call::get("asking for the server's health", &["system", "ping"]).query("get_server_status", true);
    target.api.send(context, call).await.map_err(not_of_ours)?.read::<Health>()?;
    Ok(())
}

/// What the server says to another credential says nothing about ours: the lane does not pause for it.
fn not_of_ours(failure: CallFailure) -> TargetError {
    let mut error = TargetError::from(failure);
    if error.remedy == Remedy::Pause {
        error.remedy = Remedy::Retry;
    }
    error
}

async fn identify_webhook(target: &Mattermost, context: &CallContext, id: &SecretString) -> Result<Identified, TargetError> {
    let Some(hook) = webhook(target, context, id).await? else {
        return if posts(target, context, id).await? {
            Err(fail(
                "looking whose a leaked webhook is",
                Remedy::GiveUp,
                anyhow!(
                    "the server takes it and does not list it for us; let the operator account manage others' incoming webhooks"
                ),
                None,
            ))
        } else {
            Ok(Identified::Refused { proves: NOT_THERE })
        };
    };
    let owner = Call::get("looking whose a leaked webhook is", &["users", &hook.user_id]);
    let answer = target.api.send(context, owner).await?;
    alive(target, context, (answer.read()?, answer.request)).await
}

/// The listed incoming webhook that the value is the id or the URL of.
async fn webhook(
    target: &Mattermost,
    context: &CallContext,
    credential: &SecretString,
) -> Result<Option<IncomingWebhook>, TargetError> {
    let id = match opens(credential) {
        Opens::Webhook(id) => id,
        Opens::Account => credential.clone(),
    };
    let reading = target.shared.incoming(&target.api, context, Instant::now()).await?;
    let hook = reading.rows().iter().find(|hook| hook.id == id.expose_secret());
    Ok(hook.map(|hook| IncomingWebhook {
        id: hook.id.clone(),
        user_id: hook.user_id.clone(),
        create_at: hook.create_at,
    }))
}

/// Whether a webhook of this id takes a message. It is sent one for a channel that cannot be there: the server looks for the webhook first, so
/// nothing is ever posted.
async fn posts(target: &Mattermost, context: &CallContext, id: &SecretString) -> Result<bool, TargetError> {
    let nowhere = random_word().map_err(|source| fail("trying a leaked webhook", Remedy::Retry, source, None))?;
    for round in 0..2 {
        if round > 0 {
            healthy(target, context).await?;
        }
        let call = Call::post_to_site("trying a leaked webhook", &["hooks", id.expose_secret()])
            .json(&json!({ "text": "is this webhook alive?", "channel": nowhere }));
        match target.api.send(context, call).await {
            Ok(_) => return Ok(true),
            Err(CallFailure::Refused(refusal)) if refusal.is(400, NO_HOOK) => {}
            Err(CallFailure::Refused(refusal)) if refusal.switched_off() => return Err(switched_off(refusal)),
            // It got as far as the channel.
            Err(CallFailure::Refused(refusal)) if refusal.id.starts_with("web.incoming_webhook.") => return Ok(true),
            Err(failure) => return Err(not_of_ours(failure)),
        }
    }
    Ok(false)
}

fn switched_off(refusal: Refusal) -> TargetError {
    refusal.with(
        Remedy::GiveUp,
        "incoming webhooks are switched off at the server, which refuses all of them and lists none; this one works again when they are \
         switched on, so end it then",
    )
}

/// Revokes the session that the secret opens. Where it is refused then, it was that session. Where it works on, it is an access token, which
/// makes a session anew by each use: which token that is show two sessions of it that vanish one after the other, each when it is revoked. One
/// alone might be another's that ended at that moment, all the more where the server's lists lag behind what it does.
async fn end_session_and_maker(change: Change<'_>, credential: &SecretString) -> Result<EndedLeaked, TargetError> {
    let id = &change.principal.id;
    let mut applied = Applied::default();
    let mut vanished: Vec<Session> = Vec::new();
    let mut agreed: BTreeSet<String> = BTreeSet::new();
    let mut known = BTreeSet::new();
    for round in 1..=ROUNDS {
        let before = if round == 1 {
            sessions(change, &mut applied).await?
        } else {
            made_anew(change, &mut applied, &known).await?
        };
        let call = Call::post(
            format!("ending the session of {id} that a leaked credential opens"),
            &["users", id, "sessions", "revoke"],
        )
        .json(&json!({ "session_id": credential.expose_secret() }));
        let ended = change
            .send_once(call, Some((400, NO_SESSION)))
            .await
            .map_err(|failure| change.essential_error(failure))?;
        let already = ended.already;
        applied.requests.extend(ended.requests);
        known.extend(before.iter().map(|session| session.id.clone()));
        if !already {
            let mut gone = what_vanishes(change, &mut applied, before, &mut known).await?;
            // A row speaks once, also where the copies that the lists are read from do not agree.
            gone.retain(|session| vanished.iter().all(|other| other.id != session.id));
            let owned: BTreeSet<String> = gone.iter().filter_map(made_by).collect();
            vanished.extend(gone);
            let both: BTreeSet<String> = agreed.intersection(&owned).cloned().collect();
            if let (Some(token), 1) = (both.first(), both.len()) {
                let token = token.clone();
                vanished.retain(|session| made_by(session).as_ref() == Some(&token));
                return finish(change, applied, &vanished, Some(token)).await;
            }
            if !both.is_empty() {
                agreed = both;
            } else if !owned.is_empty() {
                agreed = owned;
            }
        }
        // Used once more: where it is an access token it makes its next session.
        if try_out(change.target, change.context, credential).await?.is_none() {
            return finish(change, applied, &vanished, None).await;
        }
    }
    Err(fail(
        format!("telling which grant of {id} a leaked credential is"),
        Remedy::Retry,
        anyhow!(
            "no two sessions of one access token vanished when they were revoked: the server's lists may lag behind (a read replica), or other \
             sessions end all the time; the next attempt tries again, or contain its owner (--contain)"
        ),
        None,
    ))
}

/// The sessions, once they hold one that an access token has made since `known`. After a few looks what there is must do.
async fn made_anew(change: Change<'_>, applied: &mut Applied, known: &BTreeSet<String>) -> Result<Vec<Session>, TargetError> {
    let mut waits = LOOKS.iter();
    loop {
        let listed = sessions(change, applied).await?;
        let fresh = |session: &Session| made_by(session).is_some() && !known.contains(&session.id);
        match waits.next() {
            Some(wait) if !listed.iter().any(fresh) => tokio::time::sleep(*wait).await,
            _ => return Ok(listed),
        }
    }
}

/// The sessions that are listed no more, after a few looks where none has gone yet.
async fn what_vanishes(
    change: Change<'_>,
    applied: &mut Applied,
    mut before: Vec<Session>,
    known: &mut BTreeSet<String>,
) -> Result<Vec<Session>, TargetError> {
    let mut waits = LOOKS.iter();
    loop {
        let after = sessions(change, applied).await?;
        let is_listed = |session: &Session| after.iter().any(|left| left.id == session.id);
        let vanished = before.iter().any(|session| !is_listed(session));
        match waits.next() {
            Some(wait) if !vanished => tokio::time::sleep(*wait).await,
            _ => {
                before.retain(|session| !is_listed(session));
                return Ok(before);
            }
        }
        // One that was made before the first look may be shown only now.
        before.extend(after.into_iter().filter(|session| known.insert(session.id.clone())));
    }
}

async fn finish(
    change: Change<'_>,
    mut applied: Applied,
    vanished: &[Session],
    token: Option<String>,
) -> Result<EndedLeaked, TargetError> {
    let mut grants: Vec<GrantRef> = vanished.iter().map(name_of).collect();
    if let Some(token) = token {
        let bot = change.principal.traits.contains(&PrincipalTrait::Bot);
        let kind = if bot { GrantKind::BotToken } else { GrantKind::AccessToken };
        let revoked = change.revoke_token(&token, kind).await?;
        applied.requests.extend(revoked.requests);
        grants.push(named(kind, token, bot.then(|| change.principal.id.clone())));
    }
    Ok(EndedLeaked { applied, grants })
}

async fn sessions(change: Change<'_>, applied: &mut Applied) -> Result<Vec<Session>, TargetError> {
    let id = &change.principal.id;
    let call = Call::get(format!("listing the sessions of {id}"), &["users", id, "sessions"]);
    let answer = change.send(call).await.map_err(|failure| change.essential_error(failure))?;
    let sessions: Vec<Session> = answer.read()?;
    applied.requests.extend(answer.request);
    Ok(sessions)
}

fn made_by(session: &Session) -> Option<String> {
    let token = session.props.as_ref().and_then(|props| props.user_access_token_id.clone());
    token.filter(|token| !token.is_empty())
}

fn name_of(session: &Session) -> GrantRef {
    let kind = if session.is_oauth {
        GrantKind::OauthGrant
    } else {
        GrantKind::Session
    };
    named(kind, session.id.clone(), None)
}

fn named(kind: GrantKind, id: String, parent: Option<String>) -> GrantRef {
    GrantRef {
        parent,
        ..GrantRef::new(kind, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_known_by_its_url_and_all_else_is_tried_as_a_token() {
        let hook = |text: &str| match opens(&SecretString::from(text.to_owned())) {
            Opens::Webhook(id) => Some(id.expose_secret().to_owned()),
            Opens::Account => None,
        };
        let id = "is889gzyppds7kxqyrty8j7qry";
        for text in [
            format!("https://chat.example.org/hooks/{id}"),
            format!("https://example.org/chat/hooks/{id}/"),
            format!("hooks/{id}"),
        ] {
            assert_eq!(hook(&text).as_deref(), Some(id), "{text}");
        }
        for text in [id, "https://chat.example.org/hooks/short", "hooks/../users/me"] {
            assert_eq!(hook(text), None, "{text}");
        }
    }
}
