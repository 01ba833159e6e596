//! Slash commands.

use serde_json::json;

use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome, id_param};
use crate::wire::Answer;
use crate::world::{Command, Session};

const NO_COMMAND: AppError = AppError::new(404, "store.sql_command.save.get.app_error", "Unable to get the command.");
/// Not recorded.
const COMMANDS_OFF: AppError = AppError::new(
    501,
    "api.command.disabled.app_error",
    "Commands have been disabled by the system admin.",
);

fn require(call: &Call<'_>, caller: &Session, team: Id, maker: Id) -> Result<(), AppError> {
    let own = call.may_in_team(caller, team, "manage_slash_commands");
    let others = maker == caller.person || call.may_in_team(caller, team, "manage_others_slash_commands");
    if own && others { Ok(()) } else { Err(app_error::FORBIDDEN) }
}

/// The commands of one team, all in one answer. The server's own commands, which come without `custom_only`, are left out.
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let team = call.query("team_id").unwrap_or_default();
    if team.is_empty() {
        return Err(AppError::body_param("team_id"));
    }
    let team = id_param("team_id", &team)?;
    require(call, &caller, team, caller.person)?;
    if !call.world().settings.commands {
        return Err(COMMANDS_OFF);
    }
    Ok(Answer::json(
        &call
            .reading()
            .commands
            .iter()
            .filter(|command| command.team_id == team)
            .collect::<Vec<_>>(),
    ))
}

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let team = Id::parse(&call.json_str("team_id")).ok_or_else(|| AppError::body_param("team_id"))?;
    require(call, &caller, team, caller.person)?;
    let (trigger, url, now) = (call.json_str("trigger"), call.json_str("url"), call.now);
    let id = call.world_mut().add_command(caller.person, team, &trigger, now);
    let command = call.world_mut().commands.get_mut(id).ok_or(NO_COMMAND)?;
    command.url = url;
    Ok(Answer::json(command).status(201))
}

fn managed(call: &mut Call<'_>, id: &str) -> Result<Command, AppError> {
    let caller = call.caller()?;
    let id = id_param("command_id", id)?;
    let command = call.world().commands.get(id).cloned().ok_or(NO_COMMAND)?;
    require(call, &caller, command.team_id, command.creator_id)?;
    Ok(command)
}

pub(super) fn delete(call: &mut Call<'_>, id: &str) -> Outcome {
    let command = managed(call, id)?;
    call.world_mut().commands.remove(command.id);
    Ok(Answer::ok())
}

pub(super) fn regenerate(call: &mut Call<'_>, id: &str) -> Outcome {
    let command = managed(call, id)?;
    let (token, now) = (call.world_mut().ids.id(), call.now);
    if let Some(command) = call.world_mut().commands.get_mut(command.id) {
        command.token = token;
        command.update_at = now;
    }
    Ok(Answer::json(&json!({"token": token})))
}
