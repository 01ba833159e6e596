//! Teams, as far as access hangs on them.

use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome, id_param};
use crate::wire::Answer;

/// Not recorded.
const NO_TEAM: AppError = AppError::new(404, "app.team.get.find.app_error", "Unable to find the existing team.");

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let all = call.may(&caller, "list_private_teams");
    Ok(Answer::json(&call.paged(
        call.reading().teams.iter().filter(|team| all || team.allow_open_invite),
    )))
}

pub(super) fn get(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let team = call.reading().teams.get(id_param("team_id", id)?).ok_or(NO_TEAM)?;
    let member = call
        .world()
        .person_by_id(caller.person)
        .is_some_and(|person| person.teams.iter().any(|(own, _)| *own == team.id));
    if !member && !team.allow_open_invite {
        call.require(&caller, "view_team")?;
    }
    Ok(Answer::json(team))
}

pub(super) fn of_person(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    if id != caller.person {
        call.require(&caller, "view_team")?;
    }
    let world = call.reading();
    let teams = world
        .person_by_id(id)
        .map(|person| person.teams.as_slice())
        .unwrap_or_default();
    Ok(Answer::json(
        &teams
            .iter()
            .filter_map(|(team, _)| world.teams.get(*team))
            .collect::<Vec<_>>(),
    ))
}

pub(super) fn regenerate_invite(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = id_param("team_id", id)?;
    if !call.may_in_team(&caller, id, "manage_team") {
        return Err(app_error::FORBIDDEN);
    }
    let (invite, now) = (call.world_mut().ids.id(), call.now);
    let team = call.world_mut().teams.get_mut(id).ok_or(NO_TEAM)?;
    team.invite_id = invite;
    team.update_at = now;
    Ok(Answer::json(team))
}

/// Mail invites are not modelled; the server answers OK whether there are any or not.
pub(super) fn drop_invites(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "sysconsole_write_authentication_signup")?;
    Ok(Answer::ok())
}

pub(super) fn remove_member(call: &mut Call<'_>, team: &str, person: &str) -> Outcome {
    let caller = call.caller()?;
    let team: Id = id_param("team_id", team)?;
    let person = Call::person_param(&caller, person)?;
    if person != caller.person && !call.may_in_team(&caller, team, "remove_user_from_team") {
        return Err(app_error::FORBIDDEN);
    }
    if let Some(person) = call.world_mut().person_mut(person) {
        person.teams.retain(|(other, _)| *other != team);
    }
    Ok(Answer::ok())
}
