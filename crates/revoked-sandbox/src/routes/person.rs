//! Changing one person: password, second factor, roles, sign-in method.

use serde_json::{Value, json};

use super::{people, sessions};
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome};
use crate::wire::Answer;
use crate::world::{Person, Roles};

const SHORTEST_PASSWORD: usize = 8;

const NOT_OTHERS: AppError = AppError::new(
    403,
    "api.user.update_password.context.app_error",
    "Update password failed because context user_id did not match props user_id.",
);
const TOO_SHORT: AppError = AppError::new(
    400,
    "model.user.is_valid.pwd.app_error",
    "Your password must contain at least 8 characters.",
);
/// Not recorded.
const WRONG_CURRENT: AppError = AppError::new(
    400,
    "api.user.update_password.incorrect.app_error",
    "The current password you entered is incorrect.",
);
const NO_ROLE: AppError = AppError::new(
    400,
    "app.role.check_roles_exist.role_not_found",
    "The provided role does not exist",
);
const UNLICENSED_ROLE: AppError = AppError::new(
    400,
    "api.user.update_user_roles.license.app_error",
    "Custom Permission Schemes not supported by current license",
);
const NO_GUESTS: AppError = AppError::new(
    501,
    "api.team.demote_user_to_guest.license.error",
    "Your license does not support guest accounts",
);

pub(super) fn set_password(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    let new = call.json_str("new_password");
    let person = call.world().person_by_id(id);
    if id == caller.person {
        let current = call.json_str("current_password");
        if current.is_empty() {
            return Err(AppError::body_param("current_password"));
        }
        if person.is_none_or(|person| person.password != current) {
            return Err(WRONG_CURRENT);
        }
    } else {
        let permission = if person.is_some_and(Person::is_administrator) {
            "manage_system"
        } else {
            "sysconsole_write_user_management_users"
        };
        if person.is_none() || !call.may(&caller, permission) {
            return Err(NOT_OTHERS);
        }
    }
    if new.len() < SHORTEST_PASSWORD {
        return Err(TOO_SHORT);
    }
    let now = call.now;
    if let Some(person) = call.world_mut().person_mut(id) {
        person.password = new.into();
        person.password_at = now;
        person.update_at = now;
        person.failed_attempts = 0;
    }
    let world = call.world();
    if world.version.password_change_can_end_sessions() && world.settings.end_sessions_on_password_change {
        let own = (id == caller.person).then(|| caller.clone());
        sessions::revoke_all_of(call, id)?;
        // One's own session outlives the change of one's own password.
        if let Some(session) = own {
            call.world_mut().put_session(session);
        }
    }
    Ok(Answer::ok())
}

pub(super) fn set_mfa(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over(&caller, id)?;
    call.json()
        .get("activate")
        .and_then(Value::as_bool)
        .ok_or_else(|| AppError::body_param("activate"))?;
    Ok(Answer::ok())
}

pub(super) fn set_roles(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    let roles = call.json_str("roles");
    if roles.is_empty() {
        return Err(AppError::body_param("roles"));
    }
    if !call.world().settings.licensed && roles.split(' ').any(Roles::needs_licence) {
        return Err(UNLICENSED_ROLE);
    }
    call.require(&caller, "manage_roles")?;
    call.world().person_by_id(id).ok_or(app_error::NO_PERSON)?;
    if !roles.split(' ').all(|role| call.world().roles.exists(role)) {
        return Err(NO_ROLE);
    }
    let now = call.now;
    call.world_mut().set_roles(id, roles, now);
    nudge(call, id);
    Ok(Answer::ok())
}

/// What the server calls `InvalidateCacheForUser`: caches forget the person, and open sockets fall silent.
fn nudge(call: &mut Call<'_>, id: crate::Id) {
    call.state.forget_person(call.node, id);
    call.world_mut().mute_sockets(id);
}

pub(super) fn patch(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    let Value::Object(changes) = call.json() else {
        return Err(AppError::body_param("user"));
    };
    call.require_over(&caller, id)?;
    let now = call.now;
    let person = call.world_mut().person_mut(id).ok_or(app_error::NO_PERSON)?;
    let text = |name: &str| changes.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(first_name) = text("first_name") {
        person.first_name = first_name.into();
    }
    if let Some(last_name) = text("last_name") {
        person.last_name = last_name.into();
    }
    person.update_at = now;
    nudge(call, id);
    let person = call.world().person_by_id(id).ok_or(app_error::NO_PERSON)?;
    Ok(people::show(call, &caller, person))
}

pub(super) fn set_auth(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require(&caller, "edit_other_users")?;
    let (service, data, now) = (call.json_str("auth_service"), call.json_str("auth_data"), call.now);
    let person = call.world_mut().person_mut(id).ok_or(app_error::NO_PERSON)?;
    person.auth_service = service.clone().into();
    person.update_at = now;
    nudge(call, id);
    Ok(Answer::json(&json!({"auth_data": data, "auth_service": service})))
}

pub(super) fn demote(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    Call::person_param(&caller, id)?;
    call.require(&caller, "demote_to_guest")?;
    Err(NO_GUESTS)
}
