//! The routing table on one screen: method and path to the function that answers.

mod bots;
mod commands;
mod control;
mod deactivation;
mod grants;
mod hooks;
mod login;
mod oauth_apps;
mod people;
mod person;
mod sessions;
mod sso;
mod system;
mod teams;
mod tokens;

use http::Method;

use super::app_error::NO_ROUTE;
use super::call::{Call, Outcome, decode};

/// The server's routes take ids of letters and digits; anything else there is another path, and so no route.
fn word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// Answers a request.
pub(super) fn route(call: &mut Call<'_>) -> Outcome {
    let decoded: Vec<String> = call.path.split('/').skip(1).map(decode).collect();
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    if *call.method != Method::GET {
        let state = &mut *call.state;
        state.replica.before_change(&state.world, call.instant);
    }
    match segments.as_slice() {
        ["api", "v4", "users", rest @ ..] => users(call, rest),
        ["api", "v4", "bots", rest @ ..] => bots(call, rest),
        ["api", "v4", rest @ ..] => api(call, rest),
        ["sandbox", rest @ ..] => control(call, rest),
        rest => web(call, rest),
    }
}

fn users(call: &mut Call<'_>, rest: &[&str]) -> Outcome {
    match (call.method.as_str(), rest) {
        ("GET", []) => people::list(call),
        ("POST", []) => people::create(call),
        ("POST", ["login"]) => login::login(call),
        ("POST", ["logout"]) => Ok(login::logout(call)),
        ("GET", ["stats"]) => people::stats(call),
        ("POST", ["ids"]) => people::by_ids(call),
        ("POST", ["usernames"]) => people::by_usernames(call),
        ("POST", ["search"]) => people::search(call),
        ("GET", ["username", username]) if name(username) => people::by_username(call, username),
        ("GET", ["email", email]) => people::by_email(call, email),
        ("POST", ["sessions", "revoke", "all"]) => sessions::revoke_all_people(call),
        ("POST", ["password", "reset", "send"]) => login::send_reset(call),
        ("POST", ["password", "reset"]) => login::reset(call),
        ("GET", ["tokens"]) => tokens::list_all(call),
        ("POST", ["tokens", "search"]) => tokens::search(call),
        ("POST", ["tokens", "revoke"]) => tokens::revoke(call),
        ("POST", ["tokens", "disable"]) => tokens::disable(call),
        ("POST", ["tokens", "enable"]) => tokens::enable(call),
        ("GET", ["tokens", id]) if word(id) => tokens::get(call, id),
        ("GET", [id]) if word(id) => people::by_id(call, id),
        ("DELETE", [id]) if word(id) => deactivation::delete(call, id),
        ("PUT", [id, "active"]) if word(id) => deactivation::set_active(call, id),
        ("PUT", [id, "password"]) if word(id) => person::set_password(call, id),
        ("PUT", [id, "mfa"]) if word(id) => person::set_mfa(call, id),
        ("PUT", [id, "roles"]) if word(id) => person::set_roles(call, id),
        ("PUT", [id, "patch"]) if word(id) => person::patch(call, id),
        ("PUT", [id, "auth"]) if word(id) => person::set_auth(call, id),
        ("POST", [id, "demote"]) if word(id) => person::demote(call, id),
        ("GET", [id, "sessions"]) if word(id) => sessions::list(call, id),
        ("POST", [id, "sessions", "revoke"]) if word(id) => sessions::revoke(call, id),
        ("POST", [id, "sessions", "revoke", "all"]) if word(id) => sessions::revoke_all(call, id),
        ("GET", [id, "tokens"]) if word(id) => tokens::list(call, id),
        ("POST", [id, "tokens"]) if word(id) => tokens::create(call, id),
        ("GET", [id, "oauth", "apps", "authorized"]) if word(id) => oauth_apps::authorised(call, id),
        ("GET", [id, "preferences", category]) if word(id) => oauth_apps::preferences(call, id, category),
        ("POST", [id, "preferences", "delete"]) if word(id) => oauth_apps::delete_preferences(call, id),
        ("GET", [id, "teams"]) if word(id) => teams::of_person(call, id),
        ("GET", [id, "audits"]) if word(id) => system::audits_of(call, id),
        _ => Err(NO_ROUTE),
    }
}

fn bots(call: &mut Call<'_>, rest: &[&str]) -> Outcome {
    match (call.method.as_str(), rest) {
        ("GET", []) => bots::list(call),
        ("POST", []) => bots::create(call),
        ("GET", [id]) if word(id) => bots::get(call, id),
        ("POST", [id, "disable"]) if word(id) => bots::set_active(call, id, false),
        ("POST", [id, "enable"]) if word(id) => bots::set_active(call, id, true),
        ("POST", [id, "assign", person]) if word(id) && word(person) => bots::assign(call, id, person),
        _ => Err(NO_ROUTE),
    }
}

fn api(call: &mut Call<'_>, rest: &[&str]) -> Outcome {
    match (call.method.as_str(), rest) {
        ("GET", ["system", "ping"]) => Ok(system::ping(call)),
        ("GET", ["config"]) => system::config(call),
        ("GET", ["config", "client"]) => Ok(system::client_config(call)),
        ("POST", ["caches", "invalidate"]) => system::invalidate_caches(call),
        ("GET", ["audits"]) => system::audits(call),
        ("GET", ["hooks", "incoming"]) => hooks::list_incoming(call),
        ("POST", ["hooks", "incoming"]) => hooks::create_incoming(call),
        ("GET", ["hooks", "incoming", id]) if word(id) => hooks::get_incoming(call, id),
        ("DELETE", ["hooks", "incoming", id]) if word(id) => hooks::delete_incoming(call, id),
        ("GET", ["hooks", "outgoing"]) => hooks::list_outgoing(call),
        ("POST", ["hooks", "outgoing"]) => hooks::create_outgoing(call),
        ("GET", ["hooks", "outgoing", id]) if word(id) => hooks::get_outgoing(call, id),
        ("DELETE", ["hooks", "outgoing", id]) if word(id) => hooks::delete_outgoing(call, id),
        ("GET", ["commands"]) => commands::list(call),
        ("POST", ["commands"]) => commands::create(call),
        ("DELETE", ["commands", id]) if word(id) => commands::delete(call, id),
        ("PUT", ["commands", id, "regen_token"]) if word(id) => commands::regenerate(call, id),
        ("GET", ["oauth", "apps"]) => oauth_apps::list(call),
        ("POST", ["oauth", "apps"]) => oauth_apps::create(call),
        ("DELETE", ["oauth", "apps", id]) if word(id) => oauth_apps::delete(call, id),
        ("POST", ["oauth", "apps", id, "regen_secret"]) if word(id) => oauth_apps::regenerate(call, id),
        ("GET", ["teams"]) => teams::list(call),
        ("DELETE", ["teams", "invites", "email"]) => teams::drop_invites(call),
        ("GET", ["teams", id]) if word(id) => teams::get(call, id),
        ("POST", ["teams", id, "regenerate_invite_id"]) if word(id) => teams::regenerate_invite(call, id),
        ("DELETE", ["teams", id, "members", person]) if word(id) && word(person) => teams::remove_member(call, id, person),
        _ => Err(NO_ROUTE),
    }
}

fn web(call: &mut Call<'_>, rest: &[&str]) -> Outcome {
    match (call.method.as_str(), rest) {
        ("POST", ["hooks", id]) if word(id) => hooks::post(call, id),
        ("POST", ["oauth", "authorize"]) => grants::authorise(call),
        ("POST", ["oauth", "deauthorize"]) => grants::deauthorise(call),
        ("POST", ["oauth", "access_token"]) => grants::access_token(call),
        ("GET", ["oauth", service, "login"]) if word(service) => Ok(sso::start(call, service)),
        ("GET", ["signup", service, "complete"]) if word(service) => sso::complete(call, service),
        _ => Err(NO_ROUTE),
    }
}

fn control(call: &mut Call<'_>, rest: &[&str]) -> Outcome {
    match (call.method.as_str(), rest) {
        ("GET", ["operator"]) => control::operator(call),
        ("GET", ["people", username]) if name(username) => control::person(call, username),
        ("GET", ["requests"]) => Ok(control::requests(call)),
        ("GET", ["stats"]) => Ok(control::stats(call)),
        ("GET", ["faults"]) => Ok(control::faults(call)),
        ("POST", ["faults"]) => control::add_faults(call),
        ("DELETE", ["faults"]) => Ok(control::clear_faults(call)),
        ("POST", ["settings"]) => control::settings(call),
        _ => Err(NO_ROUTE),
    }
}
