//! Logging in and out by password.

use serde_json::Value;

use crate::Id;
use crate::app_error::{AppError, EXPIRED};
use crate::call::{Call, Outcome};
use crate::wire::Answer;
use crate::world::{Browser, Person, Session, SessionKind};

/// After so many wrong passwords a person is locked out until the password is set anew.
const MOST_ATTEMPTS: u32 = 10;

/// The life of the cookies, half a year.
const COOKIE_SECONDS: u32 = 15_552_000;

const NO_PASSWORD: AppError = AppError::new(400, "api.user.login.blank_pwd.app_error", "Password field must not be blank");
const WRONG: AppError = AppError::new(
    401,
    "api.user.login.invalid_credentials_email_username",
    "Enter a valid email or username and/or password.",
);
const INACTIVE: AppError = AppError::new(
    401,
    "api.user.login.inactive.app_error",
    "Login failed because your account has been deactivated.  Please contact an administrator.",
);
/// Not recorded.
const TOO_MANY: AppError = AppError::new(
    401,
    "api.user.check_user_login_attempts.too_many.app_error",
    "Your account is locked because of too many failed password attempts. Please reset your password.",
);
/// Not recorded.
const BOT: AppError = AppError::new(401, "api.user.login.bot_login_forbidden.app_error", "Bot login is forbidden.");
/// Not recorded.
const ELSEWHERE: AppError = AppError::new(
    400,
    "api.user.login.use_auth_service.app_error",
    "Please sign in using your identity provider.",
);
const NO_MAIL: AppError = AppError::new(
    500,
    "api.user.send_password_reset.send.app_error",
    "Failed to send password reset email successfully.",
);

fn claimed(call: &Call<'_>, body: &Value) -> Option<Person> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if let Some(id) = Id::parse(text("id")) {
        return call.world().person_by_id(id).cloned();
    }
    let login_id = text("login_id");
    call.world()
        .person(&login_id.to_lowercase())
        .or_else(|| call.world().person_by_email(login_id))
        .cloned()
}

pub(super) fn login(call: &mut Call<'_>) -> Outcome {
    let body = call.json();
    let password = body.get("password").and_then(Value::as_str).unwrap_or_default().to_owned();
    if password.is_empty() {
        return Err(NO_PASSWORD);
    }
    let person = claimed(call, &body).filter(|_| !call.state.database_down).ok_or(WRONG)?;
    let (now, path, id) = (call.now, call.path, person.id);
    let attempt = format!("attempt - login_id={}", person.username);
    call.world_mut().audit(now, "", path, &attempt, "");
    if person.is_bot() {
        return Err(BOT);
    }
    if !person.auth_service.is_empty() && person.auth_service != "ldap" {
        return Err(ELSEWHERE);
    }
    if !person.is_active() {
        return Err(INACTIVE);
    }
    if person.failed_attempts >= MOST_ATTEMPTS {
        return Err(TOO_MANY);
    }
    if person.password != password || person.password.is_empty() {
        if let Some(person) = call.world_mut().person_mut(id) {
            person.failed_attempts += 1;
        }
        return Err(WRONG);
    }
    // The answer shows the failures that came before, as the server's does.
    let answer = Answer::json(&person.view(true, true));
    if let Some(person) = call.world_mut().person_mut(id) {
        person.failed_attempts = 0;
    }
    call.world_mut().audit(now, id.as_str(), path, "authenticated", "");
    let device = body.get("device_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let session = open(call, id, device);
    call.world_mut().audit(
        now,
        id.as_str(),
        path,
        &format!("success session_user={id}"),
        session.id.as_str(),
    );
    Ok(with_session(call, answer, &session))
}

/// Opens a session for the client that sent the request.
pub(super) fn open(call: &mut Call<'_>, person: Id, device: String) -> Session {
    let browser = match call.header("user-agent") {
        _ if !device.is_empty() => Browser::mobile(),
        agent => Browser::of(agent.unwrap_or_default()),
    };
    let now = call.now;
    let mut session = call.world_mut().open_session(person, SessionKind::Login(browser), now);
    session.device_id = device.into();
    if let Some(row) = call.world_mut().session_mut(session.id) {
        row.device_id.clone_from(&session.device_id);
    }
    session
}

/// Adds the session's secret to an answer: as a header, and as cookies for a browser that asks in the background.
pub(super) fn with_session(call: &Call<'_>, answer: Answer, session: &Session) -> Answer {
    let answer = answer.header(http::HeaderName::from_static("token"), session.token.to_string());
    if call.header("x-requested-with") != Some("XMLHttpRequest") {
        return answer;
    }
    let csrf = session.csrf.map(|csrf| csrf.to_string()).unwrap_or_default();
    [
        format!("MMAUTHTOKEN={}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly", session.token),
        format!("MMUSERID={}; Path=/; Max-Age={COOKIE_SECONDS}", session.person),
        format!("MMCSRF={csrf}; Path=/; Max-Age={COOKIE_SECONDS}"),
    ]
    .into_iter()
    .fold(answer, |answer, cookie| answer.header(http::header::SET_COOKIE, cookie))
}

pub(super) fn logout(call: &mut Call<'_>) -> Answer {
    if let Ok(caller) = call.caller() {
        if call.world_mut().remove_session(caller.id).is_some() && caller.is_oauth() {
            call.world_mut().remove_grant(caller.token);
        }
        call.state.forget_person(call.node, caller.person);
    }
    Answer {
        headers: Vec::new(),
        ..Answer::ok()
    }
}

/// The recorded server had no mail: a known address fails, an unknown one seems to succeed.
pub(super) fn send_reset(call: &mut Call<'_>) -> Outcome {
    let email = call.json_str("email");
    if email.is_empty() {
        return Err(AppError::body_param("email"));
    }
    if call.state.database_down {
        return Err(EXPIRED);
    }
    if call.world().person_by_email(&email).is_some() {
        Err(NO_MAIL)
    } else {
        Ok(Answer::ok())
    }
}

/// No reset token is ever made here, so that every one is wrong.
pub(super) fn reset(_: &mut Call<'_>) -> Outcome {
    Err(AppError::body_param("token"))
}
