//! Ending bots, OAuth consents and apps, webhooks and slash commands.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::time::Instant;

use super::change::{Change, done, give_up};
use crate::model::{GrantKind, GrantRef};
use crate::targets::mattermost::api::failure::{CallFailure, NO_ACCOUNT, NO_BOT};
use crate::targets::mattermost::api::request::Call;
use crate::targets::mattermost::api::wire::{Account, Bot, IncomingWebhook};
use crate::targets::mattermost::observe::shared_lists::Reading;
use crate::targets::mattermost::observe::webhooks_and_commands::alias;
use crate::targets::mattermost::own_account::optional_error;
use crate::targets::{Applied, Remedy, TargetError};

/// Ends a grant that is neither session nor token.
pub(in crate::targets::mattermost) async fn end(change: Change<'_>, grant: &GrantRef) -> Result<Applied, TargetError> {
    let GrantRef { id, .. } = grant;
    let doing = format!("ending {grant}");
    match grant.kind {
        GrantKind::Bot => disable_bot(change, id).await,
        GrantKind::OauthAuthorization => {
            let principal = &change.principal.id;
            let call = Call::post(doing, &["users", principal, "preferences", "delete"]).json(&json!([{
                "user_id": principal, "category": "oauth_app", "name": id, "value": "",
            }]));
            change.send_once(call, None).await.map_err(optional_error)
        }
        GrantKind::OauthApp => {
            let gone = (404, "app.oauth.get_app.find.app_error");
            delete(change, Call::delete(doing, &["oauth", "apps", id]), gone).await
        }
        GrantKind::IncomingWebhook => delete_incoming(change, grant).await,
        GrantKind::OutgoingWebhook => {
            let gone = (404, "app.webhooks.get_outgoing.app_error");
            delete(change, Call::delete(doing, &["hooks", "outgoing", id]), gone).await
        }
        GrantKind::SlashCommand => {
            let gone = (404, "store.sql_command.save.get.app_error");
            delete(change, Call::delete(doing, &["commands", id]), gone).await
        }
        GrantKind::Session | GrantKind::OauthGrant | GrantKind::AccessToken | GrantKind::BotToken => {
            Err(give_up(doing, "it is a session or a token, which is ended elsewhere"))
        }
        _ => Err(give_up(doing, "there are no such grants at a Mattermost server")),
    }
}

/// Deletes a thing of a feature that may be switched off by now: then it is neither listed nor usable, and the next observation says so.
async fn delete(change: Change<'_>, call: Call, gone: (u16, &str)) -> Result<Applied, TargetError> {
    match change.send(call).await {
        Ok(answer) => {
            answer.accepted()?;
            Ok(done(answer.request, false))
        }
        Err(CallFailure::Refused(refusal)) if refusal.is(gone.0, gone.1) => Ok(done(refusal.request, true)),
        Err(CallFailure::Refused(refusal)) if refusal.switched_off() => Err(refusal.with(
            Remedy::Retry,
            "the feature was switched off meanwhile; the next attempt looks again",
        )),
        Err(failure) => Err(optional_error(failure)),
    }
}

/// The trail knows an incoming webhook by a digest only, so the last reading or else a new one says which id that is.
async fn delete_incoming(change: Change<'_>, grant: &GrantRef) -> Result<Applied, TargetError> {
    let (api, shared) = (&change.target.api, &change.target.shared);
    let called = |reading: &Reading<IncomingWebhook>| -> Option<String> {
        let hook = reading.rows().iter().find(|hook| alias(&hook.id) == grant.id);
        hook.map(|hook| hook.id.clone())
    };
    let mut id = shared.incoming_last_seen().and_then(|reading| called(&reading));
    let mut requests = Vec::new();
    if id.is_none() {
        let reading = shared
            .incoming(api, change.context, Instant::now())
            .await
            .map_err(optional_error)?;
        let listing = reading
            .shown
            .as_ref()
            .map_err(|refusal| optional_error(CallFailure::Refused(refusal.clone())))?;
        requests.clone_from(&listing.requests);
        id = called(&reading);
    }
    let Some(id) = id.map(SecretString::from) else {
        return Ok(Applied {
            requests,
            already: true,
            ..Applied::default()
        });
    };
    let call = Call::delete(format!("ending {grant}"), &["hooks", "incoming", id.expose_secret()]);
    let mut applied = delete(change, call, (404, "app.webhooks.get_incoming.app_error")).await?;
    applied.requests.extend(requests);
    Ok(applied)
}

/// Disables a bot. Where we may not, the server answers as if there were none, so a "missing" bot is looked at before it is believed.
async fn disable_bot(change: Change<'_>, id: &str) -> Result<Applied, TargetError> {
    let doing = format!("disabling bot {id}");
    let refusal = match change.send(Call::post(&doing, &["bots", id, "disable"])).await {
        Ok(answer) => {
            let bot: Bot = answer.read()?;
            return if bot.user_id == id {
                Ok(done(answer.request, false))
            } else {
                Err(answer.not_understood("it is about another bot"))
            };
        }
        Err(CallFailure::Refused(refusal)) if refusal.is(404, NO_BOT) => refusal,
        Err(failure) => return Err(optional_error(failure)),
    };
    match change
        .send(Call::get(format!("looking whether bot {id} is disabled"), &["users", id]))
        .await
    {
        Ok(answer) if answer.read::<Account>()?.is_active() => {
            change.target.own_account_cache.forget();
            Err(refusal.with(
                Remedy::GiveUp,
                "the bot is there and active, so the operator account lacks manage_others_bots; give its role that permission",
            ))
        }
        Ok(answer) => Ok(done(answer.request, true)),
        Err(CallFailure::Refused(missing)) if missing.is(404, NO_ACCOUNT) => Ok(done(missing.request, true)),
        Err(failure) => Err(optional_error(failure)),
    }
}
