//! OAuth apps, and the preferences that remember which of them a person authorised.

use serde_json::{Value, json};

use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome, id_param};
use crate::wire::Answer;
use crate::world::App;

pub(super) const PROVIDER_OFF: AppError = AppError::new(
    501,
    "api.oauth.allow_oauth.turn_off.app_error",
    "The system admin has turned off OAuth2 Service Provider.",
);
pub(super) const NO_APP: AppError = AppError::new(404, "app.oauth.get_app.find.app_error", "Unable to find the requested app.");

/// The category of preferences that holds authorisations.
const CATEGORY: &str = "oauth_app";

pub(super) fn require_provider(call: &Call<'_>) -> Result<(), AppError> {
    if call.world().settings.oauth_provider {
        Ok(())
    } else {
        Err(PROVIDER_OFF)
    }
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "manage_oauth")?;
    require_provider(call)?;
    let all = call.may(&caller, "manage_system_wide_oauth");
    Ok(Answer::json(
        &call.paged(
            call.reading()
                .apps
                .iter()
                .filter(|app| all || app.creator_id == caller.person),
        ),
    ))
}

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "manage_oauth")?;
    require_provider(call)?;
    let (name, description, now) = (call.json_str("name"), call.json_str("description"), call.now);
    let id = call.world_mut().add_app(&name, now);
    let app = call.world_mut().apps.get_mut(id).ok_or(NO_APP)?;
    app.creator_id = caller.person;
    app.description = description;
    Ok(Answer::json(app).status(201))
}

fn managed(call: &mut Call<'_>, id: &str) -> Result<Id, AppError> {
    let caller = call.caller()?;
    let id = id_param("app_id", id)?;
    call.require(&caller, "manage_oauth")?;
    require_provider(call)?;
    let app = call.world().apps.get(id).ok_or(NO_APP)?;
    if app.creator_id != caller.person {
        call.require(&caller, "manage_system_wide_oauth")?;
    }
    Ok(id)
}

/// Deleting an app ends every session and token that it holds, of everybody.
pub(super) fn delete(call: &mut Call<'_>, id: &str) -> Outcome {
    let id = managed(call, id)?;
    let grants: Vec<Id> = call
        .world()
        .grants()
        .filter(|grant| grant.app == id)
        .map(|grant| grant.access)
        .collect();
    for access in grants {
        end_grant(call, access);
    }
    call.state.forget_all(call.node);
    let holders: Vec<Id> = call
        .world()
        .people()
        .filter(|person| person.authorisations.iter().any(|(app, _)| *app == id))
        .map(|p| p.id)
        .collect();
    for person in holders {
        withdraw(call, person, id);
    }
    call.world_mut().codes.retain(|_, code| code.app != id);
    call.world_mut().apps.remove(id);
    Ok(Answer::ok())
}

/// Takes a grant out together with the session of its access token.
pub(super) fn end_grant(call: &mut Call<'_>, access: Id) {
    let world = call.world_mut();
    world.remove_grant(access);
    if let Some(session) = world.session_by_token(access).map(|session| session.id) {
        world.remove_session(session);
    }
}

/// Forgets that a person authorised an app; tokens live on.
pub(super) fn withdraw(call: &mut Call<'_>, person: Id, app: Id) {
    if let Some(person) = call.world_mut().person_mut(person) {
        person.authorisations.retain(|(other, _)| *other != app);
    }
}

pub(super) fn regenerate(call: &mut Call<'_>, id: &str) -> Outcome {
    let id = managed(call, id)?;
    let (secret, now) = (call.world_mut().ids.id(), call.now);
    let app = call.world_mut().apps.get_mut(id).ok_or(NO_APP)?;
    app.client_secret = Some(secret);
    app.update_at = now;
    Ok(Answer::json(app))
}

/// From the preferences, not from the tokens: it can be empty while tokens live, and full when none do.
pub(super) fn authorised(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over(&caller, id)?;
    require_provider(call)?;
    let world = call.reading();
    let authorisations = world
        .person_by_id(id)
        .map(|person| person.authorisations.as_slice())
        .unwrap_or_default();
    let apps = authorisations.iter().filter_map(|(app, _)| world.apps.get(*app));
    Ok(Answer::json(&call.paged(apps.map(|app| App {
        client_secret: None,
        ..app.clone()
    }))))
}

pub(super) fn preferences(call: &mut Call<'_>, id: &str, category: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over(&caller, id)?;
    let person = call.reading().person_by_id(id);
    let authorisations = person
        .filter(|_| category == CATEGORY)
        .map(|person| person.authorisations.as_slice());
    let rows = authorisations.unwrap_or_default().iter();
    let rows = rows.map(|(app, scope)| json!({"user_id": id, "category": CATEGORY, "name": app, "value": scope}));
    Ok(Answer::json(&rows.collect::<Vec<_>>()))
}

pub(super) fn delete_preferences(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over(&caller, id)?;
    let Value::Array(rows) = call.json() else {
        return Err(AppError::body_param("preferences"));
    };
    for row in &rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("user_id") != id.as_str() {
            return Err(app_error::FORBIDDEN);
        }
        if text("category") == CATEGORY
            && let Some(app) = Id::parse(text("name"))
        {
            withdraw(call, id, app);
        }
    }
    Ok(Answer::ok())
}
