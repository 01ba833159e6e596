//! Bots.

use super::deactivation;
use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome, id_param};
use crate::wire::Answer;
use crate::world::Bot;

/// One sees one's own bots with `read_bots`, all of them with `read_others_bots`; there is no filter by owner.
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let all = call.may(&caller, "read_others_bots");
    if !all {
        call.require(&caller, "read_bots")?;
    }
    let (deleted_too, orphaned) = (call.query_is_true("include_deleted"), call.query_is_true("only_orphaned"));
    let world = call.reading();
    let is_orphan = |bot: &Bot| world.person_by_id(bot.owner_id).is_some_and(|owner| !owner.is_active());
    let seen = world.bots.iter().filter(|bot| {
        (all || bot.owner_id == caller.person) && (deleted_too || bot.delete_at == 0) && (!orphaned || is_orphan(bot))
    });
    Ok(Answer::json(&call.paged(seen)))
}

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "create_bot")?;
    let username = call.json_str("username");
    if username.is_empty() {
        return Err(AppError::body_param("bot"));
    }
    if call.world().person(&username).is_some() {
        return Err(AppError::new(
            400,
            "app.user.save.username_exists.app_error",
            "An account with that username already exists.",
        ));
    }
    let (description, display_name, now) = (call.json_str("description"), call.json_str("display_name"), call.now);
    let id = call.world_mut().add_bot(&username, caller.person, &description, now);
    let bot = call.world_mut().bots.get_mut(id).ok_or(app_error::NO_BOT)?;
    bot.display_name = display_name;
    Ok(Answer::json(bot).status(201))
}

pub(super) fn get(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = id_param("bot_user_id", id)?;
    let bot = call.reading().bots.get(id).ok_or(app_error::NO_BOT)?;
    let permission = if bot.owner_id == caller.person {
        "read_bots"
    } else {
        "read_others_bots"
    };
    if !call.may(&caller, permission) || (bot.delete_at != 0 && !call.query_is_true("include_deleted")) {
        return Err(app_error::NO_BOT);
    }
    Ok(Answer::json(bot))
}

/// What the caller may not manage looks like a bot that is not there.
fn managed(call: &mut Call<'_>, id: &str) -> Result<Id, AppError> {
    let caller = call.caller()?;
    let id = id_param("bot_user_id", id)?;
    if call.may_manage_bot(&caller, id) {
        Ok(id)
    } else {
        Err(app_error::NO_BOT)
    }
}

pub(super) fn set_active(call: &mut Call<'_>, id: &str, active: bool) -> Outcome {
    let id = managed(call, id)?;
    let is_active = call.world().bots.get(id).is_some_and(|bot| bot.delete_at == 0);
    if is_active != active {
        deactivation::activate(call, id, active)?;
    }
    Ok(Answer::json(&call.world().bots.get(id)))
}

pub(super) fn assign(call: &mut Call<'_>, id: &str, person: &str) -> Outcome {
    let id = managed(call, id)?;
    let person = id_param("user_id", person)?;
    let owner = call.world().person_by_id(person).ok_or(app_error::NO_PERSON)?;
    if owner.is_bot() {
        return Err(app_error::FORBIDDEN);
    }
    let now = call.now;
    let bot = call.world_mut().bots.get_mut(id).ok_or(app_error::NO_BOT)?;
    bot.owner_id = person;
    bot.update_at = now;
    Ok(Answer::json(bot))
}
