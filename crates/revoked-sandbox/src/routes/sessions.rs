//! Listing and revoking sessions.

use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome};
use crate::wire::Answer;

pub(super) fn list(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over(&caller, id)?;
    let world = call.reading();
    let Some(person) = world.person_by_id(id) else {
        return Ok(Answer::json(&[(); 0]));
    };
    let sessions = world.sessions_by_activity(id);
    Ok(Answer::json(
        &sessions.iter().map(|session| session.view(world, person)).collect::<Vec<_>>(),
    ))
}

/// Takes the session's id, or its secret: the server looks for either.
pub(super) fn revoke(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over(&caller, id)?;
    let given = call.json_str("session_id");
    if given.is_empty() {
        return Err(AppError::body_param("session_id"));
    }
    let either = Id::parse(&given).ok_or(app_error::NO_SESSION)?;
    let world = call.reading();
    let session = world
        .session(either)
        .or_else(|| world.session_by_token(either))
        .ok_or(app_error::NO_SESSION)?;
    let (session, owner, oauth) = (session.id, session.person, session.is_oauth());
    if owner != id {
        return Err(AppError::url_param("user_id"));
    }
    let removed = call.world_mut().remove_session(session).ok_or(app_error::NO_SESSION)?;
    // The row of an orphan goes although the call fails, so that the next listing is right.
    if oauth && call.world_mut().remove_grant(removed.token).is_none() {
        return Err(app_error::ORPHAN_ONE);
    }
    after_revocation(call, id);
    Ok(Answer::ok())
}

pub(super) fn revoke_all(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over(&caller, id)?;
    revoke_all_of(call, id)?;
    Ok(Answer::ok())
}

/// Ends every session that the replica shows, one by one. On newer servers an OAuth session without its grant stops the loop: its row
/// still goes, but the ones after it stay, and no cache is cleared.
pub(super) fn revoke_all_of(call: &mut Call<'_>, person: Id) -> Result<(), AppError> {
    let listed: Vec<Id> = call
        .reading()
        .sessions_by_activity(person)
        .iter()
        .map(|session| session.id)
        .collect();
    let stumbles = call.world().version.stumbles_on_orphans();
    for session in listed {
        let Some(session) = call.world_mut().remove_session(session) else {
            continue;
        };
        let orphan = session.is_oauth() && call.world_mut().remove_grant(session.token).is_none();
        if orphan && stumbles {
            return Err(app_error::ORPHAN);
        }
    }
    after_revocation(call, person);
    Ok(())
}

fn after_revocation(call: &mut Call<'_>, person: Id) {
    call.state.forget_person(call.node, person);
    if call.world().version.revocation_mutes_sockets() {
        call.world_mut().mute_sockets(person);
    }
}

pub(super) fn revoke_all_people(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "manage_system")?;
    call.world_mut().remove_all_sessions();
    call.state.forget_all(call.node);
    Ok(Answer::ok())
}
