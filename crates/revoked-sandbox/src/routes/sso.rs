//! Single sign-on. The outside identity provider is played by a table: a code stands for the person who logs in with it.

use super::login;
use crate::Id;
use crate::app_error::AppError;
use crate::call::{Call, Outcome};
use crate::wire::{Answer, HTML};

/// Not recorded: the provider turned the person away.
const TURNED_AWAY: AppError = AppError::new(
    401,
    "api.user.authorize_oauth_user.bad_response.app_error",
    "Received invalid response from OAuth service provider.",
);
/// Not recorded: for a server that refused what the real one allows.
const INACTIVE: AppError = AppError::new(
    401,
    "api.user.login.inactive.app_error",
    "Login failed because your account has been deactivated.  Please contact an administrator.",
);

pub(super) fn start(call: &mut Call<'_>, service: &str) -> Answer {
    let cookie = call.world_mut().ids.id();
    let back = format!("%2Fsignup%2F{service}%2Fcomplete");
    Answer::text(302, super::super::wire::JSON, "")
        .header(
            http::header::LOCATION,
            format!("http://127.0.0.1:9/auth?response_type=code&client_id=mm&redirect_uri={back}&state={cookie}"),
        )
        .header(
            http::header::SET_COOKIE,
            format!("MMOAUTH={cookie}; Path=/; Max-Age=1800; HttpOnly"),
        )
}

/// The code is one of [`World::sso_codes`](crate::World::sso_codes), or simply the username of a person of that service.
/// A deactivated account is active again afterwards: the server updates it from the provider's answer without a look at its state.
pub(super) fn complete(call: &mut Call<'_>, service: &str) -> Outcome {
    let code = call.query("code").unwrap_or_default();
    let world = call.world();
    let known: Option<Id> = world
        .sso_codes
        .get(&code)
        .copied()
        .or_else(|| world.person(&code).map(|person| person.id));
    let person = known
        .and_then(|id| world.person_by_id(id))
        .filter(|person| person.auth_service == service);
    let person = person.filter(|person| person.active_at_provider).ok_or(TURNED_AWAY)?;
    let (id, active) = (person.id, person.is_active());
    if !active {
        if !world.settings.sso_reactivates {
            return Err(INACTIVE);
        }
        let now = call.now;
        call.world_mut().set_active(id, true, now);
        call.state.forget_person(call.node, id);
    }
    let session = login::open(call, id, String::new());
    let answer = Answer::text(307, HTML, "")
        .header(http::header::LOCATION, "/")
        .header(http::header::SET_COOKIE, "MMOAUTH=; Path=/; Max-Age=0; HttpOnly");
    Ok(login::with_session(call, answer, &session))
}
