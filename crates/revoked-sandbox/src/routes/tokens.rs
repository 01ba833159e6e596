//! Personal access tokens.

use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome, id_param};
use crate::wire::Answer;
use crate::world::{AccessToken, Person};

pub(super) fn create(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    if caller.is_oauth() {
        return Err(app_error::FORBIDDEN);
    }
    let description = call.json_str("description");
    let person = call.world().person_by_id(id).ok_or(app_error::NO_PERSON)?;
    let bot = person.is_bot();
    if description.is_empty() {
        return Err(AppError::body_param("description"));
    }
    call.require(&caller, "create_user_access_token")?;
    call.require_over_person_or_bot(&caller, id)?;
    if !call.world().settings.user_access_tokens && !bot {
        return Err(app_error::TOKENS_OFF);
    }
    let token = call.world_mut().add_token(id, &description);
    Ok(Answer::json(&token.view(true)))
}

fn show_all(tokens: &[&AccessToken]) -> Answer {
    Answer::json(&tokens.iter().map(|token| token.view(false)).collect::<Vec<_>>())
}

pub(super) fn list(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require(&caller, "read_user_access_token")?;
    call.require_over_person_or_bot(&caller, id)?;
    Ok(show_all(&call.paged(call.reading().tokens_of(id))))
}

pub(super) fn list_all(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "manage_system")?;
    Ok(show_all(&call.paged(call.reading().tokens.iter())))
}

pub(super) fn search(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "manage_system")?;
    let term = call.json_str("term");
    if term.is_empty() {
        return Err(AppError::body_param("term"));
    }
    let world = call.reading();
    let of_that_name = |person: &Person| person.username.starts_with(&term) || person.id.as_str().starts_with(&term);
    let found: Vec<&AccessToken> = world
        .tokens
        .iter()
        .filter(|token| token.id.as_str().starts_with(&term) || world.person_by_id(token.person).is_some_and(of_that_name))
        .collect();
    Ok(show_all(&found))
}

pub(super) fn get(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = id_param("token_id", id)?;
    call.require(&caller, "read_user_access_token")?;
    let token = call.reading().tokens.get(id).ok_or(app_error::NO_TOKEN)?;
    call.require_over_person_or_bot(&caller, token.person)?;
    Ok(Answer::json(&token.view(false)))
}

/// The token that the body names. A body without one, or without JSON, is answered like a token that is gone: the server goes on after
/// it has noticed the missing parameter.
fn named(call: &mut Call<'_>, permission: &str) -> Result<AccessToken, AppError> {
    let caller = call.caller()?;
    call.require(&caller, permission)?;
    let id = Id::parse(&call.json_str("token_id")).ok_or(app_error::NO_TOKEN)?;
    let token = call.world().tokens.get(id).cloned().ok_or(app_error::NO_TOKEN)?;
    call.require_over_person_or_bot(&caller, token.person)?;
    Ok(token)
}

pub(super) fn revoke(call: &mut Call<'_>) -> Outcome {
    let token = named(call, "revoke_user_access_token")?;
    call.world_mut().remove_token(token.id);
    end_session_of(call, &token);
    Ok(Answer::ok())
}

pub(super) fn disable(call: &mut Call<'_>) -> Outcome {
    let token = named(call, "revoke_user_access_token")?;
    call.world_mut().set_token_active(token.id, false);
    end_session_of(call, &token);
    Ok(Answer::ok())
}

/// The session is looked up at the replica; one that it does not show yet leaves the caches as they are.
fn end_session_of(call: &mut Call<'_>, token: &AccessToken) {
    let session = call.reading().session_by_token(token.secret).map(|session| session.id);
    if let Some(session) = session {
        call.world_mut().remove_session(session);
        call.state.forget_person(call.node, token.person);
    }
}

pub(super) fn enable(call: &mut Call<'_>) -> Outcome {
    let token = named(call, "create_user_access_token")?;
    call.world_mut().set_token_active(token.id, true);
    Ok(Answer::ok())
}
