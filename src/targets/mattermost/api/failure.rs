//! What to do about an answer that is no success. Error ids decide, never messages, which are translated.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::anyhow;
use http::StatusCode;

use crate::targets::{Remedy, TargetError};

/// The id of a 404 that means "no such route", as against "no such object".
pub(in crate::targets::mattermost) const NO_ROUTE: &str = "api.context.404.app_error";
/// The id of a 403 for every call but `users/me`, where multi-factor authentication is enforced and our account has none.
const NO_MFA: &str = "api.context.mfa_required.app_error";
/// The id of a 404 for an account, by id or address. Deactivation answers with it too.
pub(in crate::targets::mattermost) const NO_ACCOUNT: &str = "app.user.missing_account.const";
/// The id of a 404 for an account by name.
pub(in crate::targets::mattermost) const NO_USERNAME: &str = "app.user.get_by_username.app_error";
/// The id of a 400 for a session that is gone.
pub(in crate::targets::mattermost) const NO_SESSION: &str = "app.session.get.app_error";
/// The id of a 404 for an access token that is gone. With the database down a 500 carries it too.
pub(in crate::targets::mattermost) const NO_TOKEN: &str = "app.user_access_token.get_by_user.app_error";
/// The id of a 404 for a bot that is gone, or that we may not manage.
pub(in crate::targets::mattermost) const NO_BOT: &str = "store.sql_bot.get.missing.app_error";
/// The id of a 500 from 10.8 on, for an OAuth session whose token row is gone already.
pub(in crate::targets::mattermost) const ORPHAN: &str = "app.session.remove.app_error";

/// Why a request did not succeed.
#[derive(Debug)]
pub(in crate::targets::mattermost) enum CallFailure {
    /// The server understood it and refused, with an error id that the caller may know what to do about.
    Refused(Refusal),
    /// Anything else: unreachable, limited, or not understood.
    Failed(TargetError),
}

/// A refusal in the server's own words.
#[derive(Debug, Clone)]
pub(in crate::targets::mattermost) struct Refusal {
    /// What was being done.
    pub(in crate::targets::mattermost) doing: String,
    /// The HTTP status.
    pub(in crate::targets::mattermost) status: StatusCode,
    /// The error id.
    pub(in crate::targets::mattermost) id: String,
    /// The server's id of the request.
    pub(in crate::targets::mattermost) request: Option<String>,
    /// What `Retry-After` named, where the server is overloaded.
    pub(in crate::targets::mattermost) wait: Option<Duration>,
    /// How our credential is replaced, in a word to whoever has to.
    pub(in crate::targets::mattermost) renewal: String,
}

impl Refusal {
    /// Whether it is this status with this error id. Both: with the database down a 500 carries the id that a 404 means "gone" by.
    pub(in crate::targets::mattermost) fn is(&self, status: u16, id: &str) -> bool {
        self.status.as_u16() == status && self.id == id
    }

    /// Whether we lack a permission for this call, as against for all calls.
    pub(in crate::targets::mattermost) fn forbids(&self) -> bool {
        self.status == StatusCode::FORBIDDEN && self.id != NO_MFA
    }

    /// Whether the feature is switched off at the server or not licensed.
    pub(in crate::targets::mattermost) fn switched_off(&self) -> bool {
        self.status == StatusCode::NOT_IMPLEMENTED
    }

    /// Whether the server has no such call.
    pub(in crate::targets::mattermost) fn unknown_call(&self) -> bool {
        self.is(404, NO_ROUTE)
    }

    /// The error with another remedy and another explanation than the status alone gives.
    pub(in crate::targets::mattermost) fn with(self, remedy: Remedy, why: &str) -> TargetError {
        TargetError {
            source: anyhow!("{why} (the server answered {} {})", self.status.as_u16(), self.id),
            doing: self.doing,
            remedy,
            request: self.request,
        }
    }
}

impl From<Refusal> for TargetError {
    fn from(mut refusal: Refusal) -> Self {
        let (remedy, why) = default_remedy(&refusal);
        // Whatever was asked for, and about whom: what is refused is our credential.
        if refusal.status == StatusCode::UNAUTHORIZED && remedy == Remedy::Pause {
            "signing in".clone_into(&mut refusal.doing);
        }
        refusal.with(remedy, &why)
    }
}

impl From<CallFailure> for TargetError {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Refused(refusal) => refusal.into(),
            CallFailure::Failed(error) => error,
        }
    }
}

impl From<TargetError> for CallFailure {
    fn from(error: TargetError) -> Self {
        Self::Failed(error)
    }
}

/// The remedy that a refusal's status and id call for where the caller knows nothing better.
fn default_remedy(refusal: &Refusal) -> (Remedy, Cow<'static, str>) {
    let (remedy, why) = match refusal.status.as_u16() {
        401 if refusal.id == "api.user.update_active.not_enable.app_error" => {
            (Remedy::GiveUp, "an account cannot be deactivated with its own credential")
        }
        // While its database is down the server answers 401 to valid tokens too, so this is no proof that ours is dead: the lane pauses,
        // and resumes when a probe succeeds.
        401 => {
            let why = format!(
                "the server does not accept our credential: {}, or look whether its database is down, which it reports the same way",
                refusal.renewal
            );
            return (Remedy::Pause, why.into());
        }
        403 if refusal.id == NO_MFA => (
            Remedy::Pause,
            "the server enforces multi-factor authentication and the operator account has none; use a bot account, which is exempt",
        ),
        // With its database down the server cannot read our roles and answers 403 too.
        403 => (
            Remedy::Pause,
            "the operator account lacks a permission for this; give its role the permissions listed by `revoked check`, or look whether the \
             server's database is down, which it reports the same way",
        ),
        404 if refusal.id == NO_ROUTE => (
            Remedy::Pause,
            "the server knows no such call; correct `url` in the config, or update the server",
        ),
        404 => (
            Remedy::Retry,
            "it was there a moment ago and is not now; the next attempt looks again",
        ),
        408 | 425 => (Remedy::Retry, "the server did not take the request in time"),
        501 => (
            Remedy::GiveUp,
            "the feature is switched off at the server, or not covered by its licence",
        ),
        503 => (
            refusal.wait.map_or(Remedy::Retry, Remedy::RetryAfter),
            "the server is too busy for this",
        ),
        500.. => (Remedy::Retry, "the server failed"),
        _ => (Remedy::GiveUp, "the server refuses the request as it stands"),
    };
    (remedy, why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, id: &str) -> Refusal {
        Refusal {
            doing: "trying".to_owned(),
            status: StatusCode::from_u16(status).unwrap(),
            id: id.to_owned(),
            request: Some("5jn38fqmg3r3xb1pdpecagdaer".to_owned()),
            wait: None,
            renewal: "put a valid token into /etc/revoked/chat-token".to_owned(),
        }
    }

    #[test]
    fn every_refusal_has_the_remedy_that_can_help() {
        for (status, id, remedy) in [
            (401, "api.context.session_expired.app_error", Remedy::Pause),
            (401, "api.user.update_active.not_enable.app_error", Remedy::GiveUp),
            (403, "api.context.permissions.app_error", Remedy::Pause),
            (403, NO_MFA, Remedy::Pause),
            (404, NO_ROUTE, Remedy::Pause),
            (404, NO_ACCOUNT, Remedy::Retry),
            (400, "api.context.invalid_body_param.app_error", Remedy::GiveUp),
            (500, "app.session.get_sessions.app_error", Remedy::Retry),
            (500, NO_TOKEN, Remedy::Retry),
            (501, "api.oauth.allow_oauth.turn_off.app_error", Remedy::GiveUp),
            (503, "api.context.server_busy.app_error", Remedy::Retry),
            (502, "", Remedy::Retry),
        ] {
            assert_eq!(TargetError::from(refusal(status, id)).remedy, remedy, "{status} {id}");
        }
    }

    #[test]
    fn a_refused_credential_names_its_file_and_nobody_whom_the_call_was_about() {
        let error = TargetError::from(refusal(401, "api.context.session_expired.app_error"));
        assert_eq!(
            error.to_string(),
            "signing in: the server does not accept our credential: put a valid token into /etc/revoked/chat-token, or look whether its \
             database is down, which it reports the same way (the server answered 401 api.context.session_expired.app_error)"
        );
    }

    #[test]
    fn gone_is_a_status_and_an_id_together() {
        assert!(refusal(404, NO_TOKEN).is(404, NO_TOKEN));
        assert!(!refusal(500, NO_TOKEN).is(404, NO_TOKEN), "a database that is down");
    }

    #[test]
    fn an_error_says_what_was_done_and_keeps_the_request_id() {
        let error = TargetError::from(refusal(403, "api.context.permissions.app_error"));
        assert!(error.to_string().starts_with("trying: the operator account lacks"), "{error}");
        assert_eq!(error.request.as_deref(), Some("5jn38fqmg3r3xb1pdpecagdaer"));
    }
}
