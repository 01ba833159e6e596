//! The OAuth 2 provider: authorising an app, exchanging codes, refreshing tokens. These routes have no `/api/v4`.

use serde_json::json;

use super::oauth_apps::{NO_APP, end_grant, require_provider, withdraw};
use crate::Id;
use crate::app_error::{self, AppError};
use crate::call::{Call, Outcome, form};
use crate::wire::Answer;
use crate::world::{App, Code, OAuthGrant, Person, SessionKind};

const CODE_MS: i64 = 10 * 60 * 1000;

const BAD_GRANT: AppError = AppError::new(
    400,
    "api.oauth.get_access_token.bad_grant.app_error",
    "invalid_request: Bad grant_type.",
);
const NO_CLIENT: AppError = AppError::new(
    404,
    "api.oauth.get_access_token.credentials.app_error",
    "invalid_client: Invalid client credentials.",
);
const WRONG_SECRET: AppError = AppError::new(
    403,
    "api.oauth.get_access_token.credentials.app_error",
    "invalid_client: Invalid client credentials.",
);
const NO_REFRESH: AppError = AppError::new(
    404,
    "api.oauth.get_access_token.refresh_token.app_error",
    "invalid_grant: Invalid refresh token.",
);
/// Not recorded.
const NO_CODE: AppError = AppError::new(
    400,
    "api.oauth.get_access_token.expired_code.app_error",
    "invalid_grant: Invalid or expired authorization code.",
);
/// Not recorded: the same id under another status.
const DEAD_CODE: AppError = AppError::new(
    403,
    "api.oauth.get_access_token.expired_code.app_error",
    "invalid_grant: Invalid or expired authorization code.",
);
/// Not recorded.
const WRONG_REDIRECT: AppError = AppError::new(
    400,
    "api.oauth.get_access_token.redirect_uri.app_error",
    "invalid_request: Supplied redirect_uri does not match authorization code redirect_uri.",
);
/// Not recorded.
const NO_CALLBACK: AppError = AppError::new(
    400,
    "api.oauth.allow_oauth.redirect_callback.app_error",
    "invalid_request: Supplied redirect_uri did not match registered callback_url.",
);

/// A person lets an app act as itself: by code, or (implicit flow) by a token at once.
pub(super) fn authorise(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    require_provider(call)?;
    if caller.is_oauth() {
        return Err(app_error::FORBIDDEN);
    }
    let client = Id::parse(&call.json_str("client_id")).ok_or_else(|| AppError::body_param("client_id"))?;
    let app = call.world().apps.get(client).cloned().ok_or(NO_APP)?;
    let (redirect_uri, state, scope) = (call.json_str("redirect_uri"), call.json_str("state"), call.json_str("scope"));
    if !app.callback_urls.contains(&redirect_uri) {
        return Err(NO_CALLBACK);
    }
    let scope = if scope.is_empty() { "user".to_owned() } else { scope };
    withdraw(call, caller.person, app.id);
    if let Some(person) = call.world_mut().person_mut(caller.person) {
        person.authorisations.push((app.id, scope.clone()));
    }
    let now = call.now;
    let redirect = if call.json_str("response_type") == "token" {
        let session = call
            .world_mut()
            .open_session(caller.person, SessionKind::OAuth { app: app.id }, now);
        let (access, expires_at) = (session.token, session.expires_at);
        call.world_mut().put_grant(OAuthGrant {
            app: app.id,
            person: caller.person,
            access,
            refresh: None,
            expires_at,
        });
        let seconds = (expires_at - now) / 1000;
        format!("{redirect_uri}#access_token={access}&expires_in={seconds}&scope={scope}&state={state}&token_type=bearer")
    } else {
        let code = format!("{}{}", call.world_mut().ids.id(), call.world_mut().ids.id());
        let redirect = format!("{redirect_uri}?code={code}&state={state}");
        let row = Code {
            app: app.id,
            person: caller.person,
            expires_at: now + CODE_MS,
            redirect_uri,
        };
        call.world_mut().codes.insert(code, row);
        redirect
    };
    Ok(Answer::json(&json!({"redirect": redirect})))
}

/// Acts on the caller alone: an administrator cannot withdraw for another.
pub(super) fn deauthorise(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    let app = Id::parse(&call.json_str("client_id")).ok_or_else(|| AppError::body_param("client_id"))?;
    require_provider(call)?;
    if let Some(access) = call.world().grant_of_pair(app, caller.person).map(|grant| grant.access) {
        end_grant(call, access);
        call.state.forget_person(call.node, caller.person);
    }
    withdraw(call, caller.person, app);
    Ok(Answer::ok())
}

pub(super) fn access_token(call: &mut Call<'_>) -> Outcome {
    let body = String::from_utf8_lossy(call.body).into_owned();
    let field = |name: &str| form(&body, name).unwrap_or_default();
    let grant_type = field("grant_type");
    if grant_type != "authorization_code" && grant_type != "refresh_token" {
        return Err(BAD_GRANT);
    }
    require_provider(call)?;
    let app = Id::parse(&field("client_id"))
        .and_then(|id| call.world().apps.get(id))
        .cloned()
        .ok_or(NO_CLIENT)?;
    if app.client_secret.is_none_or(|secret| secret != *field("client_secret")) {
        return Err(WRONG_SECRET);
    }
    if grant_type == "refresh_token" {
        refresh(call, &app, &field("refresh_token"))
    } else {
        exchange(call, &app, &field("code"), &field("redirect_uri"))
    }
}

/// A code works once. Newer servers refuse it for a person who was deactivated meanwhile.
fn exchange(call: &mut Call<'_>, app: &App, code: &str, redirect_uri: &str) -> Outcome {
    let row = call
        .world()
        .codes
        .get(code)
        .filter(|row| row.app == app.id && row.expires_at > call.now)
        .cloned()
        .ok_or(NO_CODE)?;
    if row.redirect_uri != redirect_uri {
        return Err(WRONG_REDIRECT);
    }
    let active = call.world().person_by_id(row.person).is_some_and(Person::is_active);
    if call.world().version.deactivation_ends_codes() && !active {
        return Err(DEAD_CODE);
    }
    call.world_mut().codes.remove(code);
    let held = call
        .world()
        .grant_of_pair(app.id, row.person)
        .filter(|grant| grant.expires_at > call.now)
        .cloned();
    match held {
        Some(grant) => Ok(tokens(&grant, call.now)),
        None => Ok(mint(call, app.id, row.person)),
    }
}

/// A refresh token works for as long as its grant is stored, whatever became of its session, and before MM-68983 of its person.
fn refresh(call: &mut Call<'_>, app: &App, refresh: &str) -> Outcome {
    let grant = Id::parse(refresh)
        .and_then(|refresh| call.world().grant_by_refresh(refresh))
        .cloned();
    let grant = grant.filter(|grant| grant.app == app.id).ok_or(NO_REFRESH)?;
    let active = call.world().person_by_id(grant.person).is_some_and(Person::is_active);
    if call.world().version.refresh_checks_the_person() && !active {
        return Err(NO_REFRESH);
    }
    end_grant(call, grant.access);
    call.state.forget_person(call.node, grant.person);
    Ok(mint(call, app.id, grant.person))
}

fn mint(call: &mut Call<'_>, app: Id, person: Id) -> Answer {
    let now = call.now;
    let session = call.world_mut().open_session(person, SessionKind::OAuth { app }, now);
    let refresh = Some(call.world_mut().ids.id());
    let grant = OAuthGrant {
        app,
        person,
        access: session.token,
        refresh,
        expires_at: session.expires_at,
    };
    call.world_mut().put_grant(grant.clone());
    tokens(&grant, now)
}

fn tokens(grant: &OAuthGrant, now: i64) -> Answer {
    let refresh = grant.refresh.map(|refresh| refresh.to_string()).unwrap_or_default();
    Answer::json(&json!({
        "access_token": grant.access,
        "token_type": "bearer",
        "expires_in": (grant.expires_at - now) / 1000,
        "scope": "",
        "refresh_token": refresh,
        "id_token": "",
    }))
    .header(http::header::CACHE_CONTROL, "no-store")
    .header(http::header::PRAGMA, "no-cache")
}
