//! A credential in the wrong hands: whose it is, how exactly it is ended, and that it is refused.
//!
//! The server never says which row a secret belongs to. But a session can be revoked by its secret as well as by its id (recorded:
//! `session-revoke-*`), an access token that is used makes a session that names it (recorded: `session-revoke-of-pat-session`), and so the row
//! that vanishes when the secret's session is revoked says which token, session or OAuth grant it is. An incoming webhook's secret is its id.

use std::collections::BTreeSet;

use anyhow::anyhow;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::time::Instant;

use super::Mattermost;
use super::api::fail;
use super::apply::Change;
use super::call::Call;
use super::failure::{NO_SESSION, Refusal, Trouble};
use super::integrations::alias;
use super::password::random_word;
use super::resolve::principal;
use super::wire::{Account, Health, IncomingWebhook, Session, is_id};
use crate::model::{GrantKind, GrantRef, Principal, PrincipalTrait};
use crate::targets::{Applied, EndedLeaked, Identified, Pass, Remedy, TargetError};

/// How often the session of a secret is revoked until one row alone has vanished each time.
const ROUNDS: usize = 4;
/// The id of the 400 for an incoming webhook that is not there. With the database down it comes too.
const NO_HOOK: &str = "web.incoming_webhook.invalid.app_error";

/// What a leaked value opens.
enum Opens {
    /// An account, as a session, an OAuth grant or an access token.
    Account,
    /// An incoming webhook of this id.
    Webhook(SecretString),
}

/// Asks whose the credential is by using it once at every node.
pub(super) async fn identify(target: &Mattermost, pass: &Pass, credential: &SecretString) -> Result<Identified, TargetError> {
    if target.api.is_ours(credential) {
        return Err(fail(
            "looking whose a leaked credential is",
            Remedy::GiveUp,
            anyhow!(
                "it is the credential that revoked itself uses here: make another for it, put that into its file, and hand this one in again"
            ),
            None,
        ));
    }
    match opens(credential) {
        Opens::Webhook(id) => identify_webhook(target, pass, &id).await,
        Opens::Account => match try_out(target, pass, credential).await? {
            Some(found) => alive(target, pass, found).await,
            // An incoming webhook may be handed in by its id alone.
            None if is_id(credential.expose_secret()) => identify_webhook(target, pass, credential).await,
            None => Ok(Identified::Refused),
        },
    }
}

/// Ends exactly what the credential opens.
pub(super) async fn end(
    target: &Mattermost,
    pass: &Pass,
    credential: &SecretString,
    principal: &Principal,
) -> Result<EndedLeaked, TargetError> {
    let standing = target.standing(pass).await?;
    let change = Change {
        target,
        pass,
        principal,
        standing: &standing,
    };
    if let Some(hook) = webhook(target, pass, credential).await? {
        let grant = named(GrantKind::IncomingWebhook, alias(&hook.id), None);
        let applied = super::integration_ends::end(change, &grant).await?;
        return Ok(EndedLeaked {
            applied,
            grants: vec![grant],
        });
    }
    end_session_and_maker(change, credential).await
}

async fn alive(target: &Mattermost, pass: &Pass, found: (Account, Option<String>)) -> Result<Identified, TargetError> {
    let standing = target.standing(pass).await?;
    Ok(Identified::Alive(principal(target, pass, found, &standing).await?))
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
    pass: &Pass,
    credential: &SecretString,
) -> Result<Option<(Account, Option<String>)>, TargetError> {
    for round in 0..2 {
        if round > 0 {
            healthy(target, pass).await?;
        }
        for base in std::iter::once(&target.api.url).chain(&target.api.nodes) {
            let call = Call::get("using a leaked credential once", &["users", "me"]).by(credential);
            match target.api.send_to(base, pass, call).await {
                Ok(answer) => return Ok(Some((answer.read()?, answer.request))),
                Err(Trouble::Refused(refusal)) if refusal.status.as_u16() == 401 => {}
                Err(trouble) => return Err(not_of_ours(trouble)),
            }
        }
    }
    Ok(None)
}

async fn healthy(target: &Mattermost, pass: &Pass) -> Result<(), TargetError> {
    let call = Call::get("asking for the server's health", &["system", "ping"]).query("get_server_status", true);
    target.api.send(pass, call).await.map_err(not_of_ours)?.read::<Health>()?;
    Ok(())
}

/// What the server says to another credential says nothing about ours: the lane does not pause for it.
fn not_of_ours(trouble: Trouble) -> TargetError {
    let mut error = TargetError::from(trouble);
    if error.remedy == Remedy::Pause {
        error.remedy = Remedy::Retry;
    }
    error
}

async fn identify_webhook(target: &Mattermost, pass: &Pass, id: &SecretString) -> Result<Identified, TargetError> {
    let Some(hook) = webhook(target, pass, id).await? else {
        return if posts(target, pass, id).await? {
            Err(fail(
                "looking whose a leaked webhook is",
                Remedy::GiveUp,
                anyhow!(
                    "the server takes it and does not list it for us; let the operator account manage others' incoming webhooks"
                ),
                None,
            ))
        } else {
            Ok(Identified::Refused)
        };
    };
    let owner = Call::get("looking whose a leaked webhook is", &["users", &hook.user_id]);
    let answer = target.api.send(pass, owner).await?;
    alive(target, pass, (answer.read()?, answer.request)).await
}

/// The listed incoming webhook that the value is the id or the URL of.
async fn webhook(target: &Mattermost, pass: &Pass, credential: &SecretString) -> Result<Option<IncomingWebhook>, TargetError> {
    let id = match opens(credential) {
        Opens::Webhook(id) => id,
        Opens::Account => credential.clone(),
    };
    let reading = target.shared.incoming(&target.api, pass, Instant::now()).await?;
    let hook = reading.rows().iter().find(|hook| hook.id == id.expose_secret());
    Ok(hook.map(|hook| IncomingWebhook {
        id: hook.id.clone(),
        user_id: hook.user_id.clone(),
        create_at: hook.create_at,
    }))
}

/// Whether a webhook of this id takes a message. It is sent one for a channel that cannot be there: the server looks for the webhook first, so
/// nothing is ever posted.
async fn posts(target: &Mattermost, pass: &Pass, id: &SecretString) -> Result<bool, TargetError> {
    let nowhere = random_word().map_err(|source| fail("trying a leaked webhook", Remedy::Retry, source, None))?;
    for round in 0..2 {
        if round > 0 {
            healthy(target, pass).await?;
        }
        let call = Call::post_to_site("trying a leaked webhook", &["hooks", id.expose_secret()])
            .json(&json!({ "text": "is this webhook alive?", "channel": nowhere }));
        match target.api.send(pass, call).await {
            Ok(_) => return Ok(true),
            Err(Trouble::Refused(refusal)) if refusal.is(400, NO_HOOK) => {}
            Err(Trouble::Refused(refusal)) if refusal.switched_off() => return Err(switched_off(refusal)),
            // It got as far as the channel.
            Err(Trouble::Refused(refusal)) if refusal.id.starts_with("web.incoming_webhook.") => return Ok(true),
            Err(trouble) => return Err(not_of_ours(trouble)),
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

/// Revokes the session that the secret opens until it shows which one that is, and ends the access token that had made it.
async fn end_session_and_maker(change: Change<'_>, credential: &SecretString) -> Result<EndedLeaked, TargetError> {
    let id = &change.principal.id;
    let mut applied = Applied::default();
    let mut seen = Vec::new();
    let mut makers: Option<BTreeSet<Option<String>>> = None;
    // Where the account is our own, a session of ours that ended at the same moment must not be taken for it: two rounds must agree.
    let least = if change.standing.is_us(id) { 2 } else { 1 };
    for round in 1..=ROUNDS {
        let before = sessions(change, &mut applied).await?;
        let call = Call::post(
            format!("ending the session of {id} that a leaked credential opens"),
            &["users", id, "sessions", "revoke"],
        )
        .json(&json!({ "session_id": credential.expose_secret() }));
        let ended = change
            .send_once(call, Some((400, NO_SESSION)))
            .await
            .map_err(|trouble| change.judge(trouble))?;
        let already = ended.already;
        applied.requests.extend(ended.requests);
        if !already {
            let after = sessions(change, &mut applied).await?;
            let vanished: Vec<&Session> = before
                .iter()
                .filter(|session| after.iter().all(|left| left.id != session.id))
                .collect();
            let of_these: BTreeSet<Option<String>> = vanished.iter().map(|session| made_by(session)).collect();
            seen.extend(vanished.iter().map(|session| name_of(session)));
            let agreed = match makers.take() {
                Some(makers) => makers.intersection(&of_these).cloned().collect(),
                None => of_these,
            };
            if agreed.len() == 1 && round >= least {
                return finish(change, applied, seen, agreed.into_iter().next().flatten()).await;
            }
            makers = Some(agreed);
        }
        // Used once more: where it is an access token it makes its next session.
        if try_out(change.target, change.pass, credential).await?.is_none() {
            return finish(change, applied, seen, None).await;
        }
    }
    Err(fail(
        format!("telling which grant of {id} a leaked credential is"),
        Remedy::Retry,
        anyhow!("other sessions end all the time; the next attempt tries again, or contain its owner (--contain)"),
        None,
    ))
}

async fn finish(
    change: Change<'_>,
    mut applied: Applied,
    mut grants: Vec<GrantRef>,
    token: Option<String>,
) -> Result<EndedLeaked, TargetError> {
    if let Some(token) = token {
        let bot = change.principal.traits.contains(&PrincipalTrait::Bot);
        let kind = if bot { GrantKind::BotToken } else { GrantKind::AccessToken };
        let revoked = change.revoke_token(&token, kind).await?;
        applied.requests.extend(revoked.requests);
        grants.push(named(kind, token, bot.then(|| change.principal.id.clone())));
    }
    grants.dedup();
    Ok(EndedLeaked { applied, grants })
}

async fn sessions(change: Change<'_>, applied: &mut Applied) -> Result<Vec<Session>, TargetError> {
    let id = &change.principal.id;
    let call = Call::get(format!("listing the sessions of {id}"), &["users", id, "sessions"]);
    let answer = change.send(call).await.map_err(|trouble| change.judge(trouble))?;
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
    GrantRef { kind, id, parent }
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
