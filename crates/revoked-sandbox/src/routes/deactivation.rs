//! Deactivating people, and bringing them back.

use serde_json::Value;

use super::sessions;
use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome};
use crate::wire::Answer;
use crate::world::{Person, Session};

const NOT_SELF: AppError = AppError::new(
    401,
    "api.user.update_active.not_enable.app_error",
    "You cannot deactivate yourself because this feature is not enabled. Please contact your System Administrator.",
);
const NOT_PERMANENT: AppError = AppError::new(
    401,
    "api.user.delete_user.not_enabled.app_error",
    "Permanent user deletion feature is not enabled. Please contact your System Administrator.",
);
const NOT_PERMITTED: AppError = AppError::new(
    403,
    "api.user.update_active.permissions.app_error",
    "You do not have the appropriate permissions.",
);
/// Not recorded: named by the facts for 10.2 and later.
const LDAP_MANAGED: AppError = AppError::new(
    403,
    "api.user.update_active.cannot_modify_status_when_user_is_managed_by_ldap.app_error",
    "You cannot modify user status. User is managed by LDAP",
);

/// The person, unless it is an administrator and the caller is none.
fn target<'a>(call: &'a Call<'_>, caller: &Session, id: Id) -> Result<&'a Person, AppError> {
    let person = call.world().person_by_id(id).ok_or(app_error::NO_PERSON)?;
    if person.is_administrator() {
        call.require(caller, "manage_system")?;
    }
    Ok(person)
}

pub(super) fn delete(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over_person_or_bot(&caller, id)?;
    let settings = &call.world().settings;
    if id == caller.person && !settings.self_deactivation && !call.may(&caller, "manage_system") {
        return Err(NOT_SELF);
    }
    target(call, &caller, id)?;
    if call.query_is_true("permanent") {
        if !call.world().settings.permanent_deletion {
            return Err(NOT_PERMANENT);
        }
        call.world_mut().delete_person(id);
        call.state.forget_person(call.node, id);
        return Ok(Answer::ok());
    }
    activate(call, id, false)?;
    Ok(Answer::ok())
}

pub(super) fn set_active(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    let active = call
        .json()
        .get("active")
        .and_then(Value::as_bool)
        .ok_or_else(|| AppError::body_param("active"))?;
    let deactivates_self = !active && id == caller.person;
    if !deactivates_self && !call.may(&caller, "sysconsole_write_user_management_users") {
        return Err(NOT_PERMITTED);
    }
    if deactivates_self && !call.world().settings.self_deactivation {
        return Err(NOT_SELF);
    }
    let person = target(call, &caller, id)?;
    if person.auth_service == "ldap" && call.world().version.leaves_ldap_people_to_ldap() {
        return Err(LDAP_MANAGED);
    }
    activate(call, id, active)?;
    Ok(Answer::ok())
}

/// Changes the state of an account with all that follows. Where ending the sessions fails, the account is deactivated already, and its
/// bots and codes are untouched.
pub(super) fn activate(call: &mut Call<'_>, id: Id, active: bool) -> Result<(), AppError> {
    let now = call.now;
    call.world_mut().set_active(id, active, now);
    if let Some(bot) = call.world_mut().bots.get_mut(id) {
        bot.update_at = now;
        bot.delete_at = if active { 0 } else { now };
    }
    if active {
        call.state.forget_person(call.node, id);
        return Ok(());
    }
    sessions::revoke_all_of(call, id)?;
    call.world_mut().mute_sockets(id);
    if call.world().version.deactivation_ends_codes() {
        call.world_mut().codes.retain(|_, code| code.person != id);
    }
    if call.world().settings.disable_bots_with_owner {
        let owned: Vec<Id> = call
            .world()
            .bots
            .iter()
            .filter(|bot| bot.owner_id == id && bot.delete_at == 0)
            .map(|bot| bot.user_id)
            .collect();
        for bot in owned {
            activate(call, bot, false)?;
        }
    }
    Ok(())
}
