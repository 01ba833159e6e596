//! Webhooks, incoming and outgoing, and what is posted through them.

use serde_json::Value;

use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome, id_param};
use crate::wire::Answer;
use crate::world::Session;

const INCOMING_OFF: AppError = AppError::new(
    501,
    "api.incoming_webhook.disabled.app_error",
    "Incoming webhooks have been disabled by the system admin.",
);
const POSTING_OFF: AppError = AppError::new(
    501,
    "web.incoming_webhook.disabled.app_error",
    "Incoming webhooks have been disabled by the system admin.",
);
/// Not recorded.
const OUTGOING_OFF: AppError = AppError::new(
    501,
    "api.outgoing_webhook.disabled.app_error",
    "Outgoing webhooks have been disabled by the system admin.",
);
const NO_INCOMING: AppError = AppError::new(404, "app.webhooks.get_incoming.app_error", "Unable to get the webhook.");
const NO_OUTGOING: AppError = AppError::new(404, "app.webhooks.get_outgoing.app_error", "Unable to get the webhook.");
const NO_SUCH_HOOK: AppError = AppError::new(400, "web.incoming_webhook.invalid.app_error", "Invalid webhook.");
/// Not recorded.
const NO_TEXT: AppError = AppError::new(400, "web.incoming_webhook.text.app_error", "No text specified.");
/// Not recorded.
const NO_CHANNEL: AppError = AppError::new(
    404,
    "app.channel.get.existing.app_error",
    "Unable to find the existing channel.",
);

/// Not recorded; `HandleIncomingWebhook` upstream.
const NO_SUCH_CHANNEL: AppError = AppError::new(404, "web.incoming_webhook.channel.app_error", "Couldn't find the channel.");

/// Which hooks a list shows: those of the asked team, and only one's own without the permission over others'.
struct Scope {
    team: Option<Id>,
    only: Option<Id>,
}

impl Scope {
    fn of(call: &Call<'_>, caller: &Session, own: &str, others: &str) -> Result<Self, AppError> {
        let team = call
            .query("team_id")
            .filter(|team| !team.is_empty())
            .map(|team| id_param("team_id", &team))
            .transpose()?;
        let may = |permission| match team {
            Some(team) => call.may_in_team(caller, team, permission),
            None => call.may(caller, permission),
        };
        if !may(own) {
            return Err(app_error::FORBIDDEN);
        }
        Ok(Self {
            team,
            only: (!may(others)).then_some(caller.person),
        })
    }

    fn shows(&self, team: Id, maker: Id) -> bool {
        self.team.is_none_or(|wanted| wanted == team) && self.only.is_none_or(|wanted| wanted == maker)
    }
}

/// 403 unless the caller may manage a hook of that maker in that team.
fn require(call: &Call<'_>, caller: &Session, team: Id, maker: Id, kind: &str) -> Result<(), AppError> {
    let own = call.may_in_team(caller, team, &format!("manage_{kind}_webhooks"));
    let others = maker == caller.person || call.may_in_team(caller, team, &format!("manage_others_{kind}_webhooks"));
    if own && others { Ok(()) } else { Err(app_error::FORBIDDEN) }
}

pub(super) fn list_incoming(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let scope = Scope::of(call, &caller, "manage_incoming_webhooks", "manage_others_incoming_webhooks")?;
    if !call.world().settings.incoming_webhooks {
        return Err(INCOMING_OFF);
    }
    Ok(Answer::json(
        &call.paged(
            call.reading()
                .incoming_hooks
                .iter()
                .filter(|hook| scope.shows(hook.team_id, hook.user_id)),
        ),
    ))
}

pub(super) fn create_incoming(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    if !call.world().settings.incoming_webhooks {
        return Err(INCOMING_OFF);
    }
    let channel = Id::parse(&call.json_str("channel_id")).ok_or(NO_CHANNEL)?;
    let team = call.world().channels.get(&channel).copied().ok_or(NO_CHANNEL)?;
    // Whoever may manage the hooks of others may make one that posts as somebody else; nothing shows who made it.
    let poster = match call.json_str("user_id") {
        id if id.is_empty() => caller.person,
        id => id_param("user_id", &id)?,
    };
    require(call, &caller, team, poster, "incoming")?;
    let (display_name, description, now) = (call.json_str("display_name"), call.json_str("description"), call.now);
    let id = call.world_mut().add_incoming_hook(poster, channel, team, now);
    let hook = call.world_mut().incoming_hooks.get_mut(id).ok_or(NO_INCOMING)?;
    hook.display_name = display_name;
    hook.description = description;
    Ok(Answer::json(hook).status(201))
}

pub(super) fn get_incoming(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = id_param("hook_id", id)?;
    let hook = call.reading().incoming_hooks.get(id).ok_or(NO_INCOMING)?;
    require(call, &caller, hook.team_id, hook.user_id, "incoming")?;
    Ok(Answer::json(hook))
}

pub(super) fn delete_incoming(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = id_param("hook_id", id)?;
    if !call.world().settings.incoming_webhooks {
        return Err(INCOMING_OFF);
    }
    let hook = call.world().incoming_hooks.get(id).ok_or(NO_INCOMING)?;
    require(call, &caller, hook.team_id, hook.user_id, "incoming")?;
    call.world_mut().incoming_hooks.remove(id);
    Ok(Answer::ok())
}

/// Posting takes no credential but the hook's id, and the maker's account may be deactivated.
pub(super) fn post(call: &mut Call<'_>, id: &str) -> Outcome {
    if !call.world().settings.incoming_webhooks {
        return Err(POSTING_OFF);
    }
    if call.json_str("text").is_empty() {
        return Err(NO_TEXT);
    }
    let id = Id::parse(id)
        .filter(|id| call.world().incoming_hooks.get(*id).is_some())
        .ok_or(NO_SUCH_HOOK)?;
    // A channel of another name than the hook's own is looked for only once the hook was found.
    let channel = call.json_str("channel");
    if !channel.is_empty() && channel != "town-square" {
        return Err(NO_SUCH_CHANNEL);
    }
    *call.world_mut().hook_posts.entry(id).or_default() += 1;
    Ok(Answer::text(200, "text/plain", "ok"))
}

pub(super) fn list_outgoing(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let scope = Scope::of(call, &caller, "manage_outgoing_webhooks", "manage_others_outgoing_webhooks")?;
    if !call.world().settings.outgoing_webhooks {
        return Err(OUTGOING_OFF);
    }
    Ok(Answer::json(
        &call.paged(
            call.reading()
                .outgoing_hooks
                .iter()
                .filter(|hook| scope.shows(hook.team_id, hook.creator_id)),
        ),
    ))
}

pub(super) fn create_outgoing(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    if !call.world().settings.outgoing_webhooks {
        return Err(OUTGOING_OFF);
    }
    let team = Id::parse(&call.json_str("team_id")).ok_or_else(|| AppError::body_param("team_id"))?;
    require(call, &caller, team, caller.person, "outgoing")?;
    let body = call.json();
    let channel = Id::parse(&call.json_str("channel_id")).unwrap_or(team);
    let (display_name, now) = (call.json_str("display_name"), call.now);
    let id = call.world_mut().add_outgoing_hook(caller.person, channel, team, now);
    let hook = call.world_mut().outgoing_hooks.get_mut(id).ok_or(NO_OUTGOING)?;
    hook.display_name = display_name;
    hook.trigger_words = texts(&body, "trigger_words");
    hook.callback_urls = texts(&body, "callback_urls");
    Ok(Answer::json(hook).status(201))
}

fn texts(body: &Value, name: &str) -> Vec<String> {
    let items = body
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn get_outgoing(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = id_param("hook_id", id)?;
    let hook = call.reading().outgoing_hooks.get(id).ok_or(NO_OUTGOING)?;
    require(call, &caller, hook.team_id, hook.creator_id, "outgoing")?;
    Ok(Answer::json(hook))
}

pub(super) fn delete_outgoing(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = id_param("hook_id", id)?;
    if !call.world().settings.outgoing_webhooks {
        return Err(OUTGOING_OFF);
    }
    let hook = call.world().outgoing_hooks.get(id).ok_or(NO_OUTGOING)?;
    require(call, &caller, hook.team_id, hook.creator_id, "outgoing")?;
    call.world_mut().outgoing_hooks.remove(id);
    Ok(Answer::ok())
}
