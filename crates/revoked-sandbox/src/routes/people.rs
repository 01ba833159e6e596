//! Finding people, and making them.

use serde_json::{Value, json};

use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome};
use crate::wire::Answer;
use crate::world::{NewPerson, Person, Session};

/// How many people a search shows where it does not say.
const SEARCH_LIMIT: usize = 100;

/// One person, with the tag that the server caches by.
pub(super) fn show(call: &Call<'_>, caller: &Session, person: &Person) -> Answer {
    let settings = &call.world().settings;
    let shows_email = settings.show_email || call.may(caller, "manage_system");
    let tag = format!(
        "{}.{}.{}..0.true.{shows_email}.0",
        call.world().version,
        person.id,
        person.update_at
    );
    Answer::json(&person.view(person.id == caller.person, shows_email)).header(http::header::ETAG, tag)
}

fn show_all<'a>(call: &Call<'_>, caller: &Session, people: impl Iterator<Item = &'a Person>) -> Answer {
    let shows_email = call.world().settings.show_email || call.may(caller, "manage_system");
    Answer::json(&people.map(|person| person.view(false, shows_email)).collect::<Vec<_>>())
}

pub(super) fn by_id(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    let person = call.reading().person_by_id(id).ok_or(app_error::NO_PERSON)?;
    Ok(show(call, &caller, person))
}

pub(super) fn by_username(call: &mut Call<'_>, username: &str) -> Outcome {
    let caller = call.caller()?;
    if username.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(AppError::body_param("username"));
    }
    let person = call.reading().person(username).ok_or(app_error::NO_USERNAME)?;
    Ok(show(call, &caller, person))
}

pub(super) fn by_email(call: &mut Call<'_>, email: &str) -> Outcome {
    let caller = call.caller()?;
    if !email
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
    {
        return Err(AppError::url_param("email"));
    }
    if !call.world().settings.show_email {
        call.require(&caller, "manage_system")?;
    }
    let person = call.reading().person_by_email(email).ok_or(app_error::NO_PERSON)?;
    Ok(show(call, &caller, person))
}

/// The texts of a JSON array; a body that is anything else, or empty, is the caller's mistake.
fn texts(call: &Call<'_>, name: &str) -> Result<Vec<String>, AppError> {
    let texts: Vec<String> = serde_json::from_slice(call.body).map_err(|_| AppError::body_param(name))?;
    if texts.is_empty() {
        Err(AppError::body_param(name))
    } else {
        Ok(texts)
    }
}

pub(super) fn by_ids(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let ids = texts(call, "user_ids")?;
    let world = call.reading();
    let found = ids.iter().filter_map(|id| world.person_by_id(Id::parse(id)?));
    Ok(show_all(call, &caller, found))
}

pub(super) fn by_usernames(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let usernames = texts(call, "usernames")?;
    let world = call.reading();
    let found = usernames.iter().filter_map(|username| world.person(username));
    Ok(show_all(call, &caller, found))
}

pub(super) fn search(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let body = call.json();
    let term = body
        .get("term")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim_start_matches('@')
        .to_lowercase();
    if term.is_empty() {
        return Err(AppError::body_param("term"));
    }
    let inactive_too = body.get("allow_inactive").and_then(Value::as_bool).unwrap_or(false);
    let limit = body
        .get("limit")
        .and_then(Value::as_u64)
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(SEARCH_LIMIT);
    let starts = |text: &str| text.to_lowercase().starts_with(&term);
    let found = call.reading().people().filter(|person| {
        (inactive_too || person.is_active())
            && [&*person.username, &*person.email, &*person.first_name, &*person.last_name]
                .into_iter()
                .any(starts)
    });
    Ok(show_all(call, &caller, found.take(limit)))
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let (inactive, active) = (call.query_is_true("inactive"), call.query_is_true("active"));
    let fits = |person: &&Person| (!inactive || !person.is_active()) && (!active || person.is_active());
    let role = call.query("role").unwrap_or_default();
    let world = call.reading();
    let page = match &*role {
        "" => call.paged(world.people().filter(fits)),
        "system_admin" => call.paged(world.administrators().into_iter().filter(fits)),
        role => call.paged(world.people().filter(|person| person.has_role(role)).filter(fits)),
    };
    Ok(show_all(call, &caller, page.into_iter()))
}

pub(super) fn stats(call: &mut Call<'_>) -> Outcome {
    call.caller()?;
    let active = call.reading().people().filter(|person| person.is_active()).count();
    Ok(Answer::json(&json!({"total_users_count": active})))
}

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "manage_system")?;
    let (username, email) = (call.json_str("username"), call.json_str("email"));
    if username.is_empty() || email.is_empty() {
        return Err(AppError::body_param("user"));
    }
    let taken = AppError::new(
        400,
        "app.user.save.username_exists.app_error",
        "An account with that username already exists.",
    );
    if call.world().person(&username).is_some() || call.world().person_by_email(&email).is_some() {
        return Err(taken);
    }
    let new = NewPerson {
        password: call.json_str("password").into(),
        first_name: call.json_str("first_name").into(),
        last_name: call.json_str("last_name").into(),
        username,
        email,
        ..NewPerson::default()
    };
    let now = call.now;
    let id = call.world_mut().add_person(new, now);
    let person = call.world().person_by_id(id).ok_or(app_error::NO_PERSON)?;
    Ok(Answer::json(&person.view(true, true)).status(201))
}
