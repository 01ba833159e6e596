//! The errors that the server answers with. A client matches on the id: the message is translated.

use std::borrow::Cow;

use serde::Serialize;

use super::Id;

/// An error answer. Ids, statuses and messages are those of the recordings unless a line says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AppError {
    pub(super) status: u16,
    pub(super) id: &'static str,
    pub(super) message: Cow<'static, str>,
    /// The token that came with the request is dead, so that a cookie holding it is taken away.
    pub(super) drop_cookie: bool,
}

/// The body of an error answer.
#[derive(Debug, Serialize)]
pub(super) struct AppErrorView<'a> {
    pub(super) id: &'a str,
    pub(super) message: &'a str,
    pub(super) detailed_error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<Id>,
    pub(super) status_code: u16,
}

impl AppError {
    pub(super) const fn new(status: u16, id: &'static str, message: &'static str) -> Self {
        Self {
            status,
            id,
            message: Cow::Borrowed(message),
            drop_cookie: false,
        }
    }

    /// The path names a parameter that is not an id.
    pub(super) fn url_param(name: &str) -> Self {
        let message = format!("Invalid or missing {name} parameter in request URL.");
        Self {
            message: message.into(),
            ..Self::new(400, "api.context.invalid_url_param.app_error", "")
        }
    }

    /// The body lacks a parameter.
    pub(super) fn body_param(name: &str) -> Self {
        let message = format!("Invalid or missing {name} in request body.");
        Self {
            message: message.into(),
            ..Self::new(400, "api.context.invalid_body_param.app_error", "")
        }
    }
}

/// No route of that method and path. Never sent as it is: the answer has a body of its own (see `wire`).
pub(super) const NO_ROUTE: AppError = AppError::new(404, "api.context.404.app_error", "Sorry, we could not find the page.");

pub(super) const EXPIRED: AppError = AppError::new(
    401,
    "api.context.session_expired.app_error",
    "Invalid or expired session, please login again.",
);
pub(super) const TOKEN_IN_QUERY: AppError = AppError::new(
    401,
    "api.context.token_provided.app_error",
    "Session is not OAuth but token was provided in the query string.",
);
pub(super) const FORBIDDEN: AppError = AppError::new(
    403,
    "api.context.permissions.app_error",
    "You do not have the appropriate permissions.",
);

pub(super) const NO_PERSON: AppError = AppError::new(404, "app.user.missing_account.const", "Unable to find the user.");
pub(super) const NO_USERNAME: AppError = AppError::new(
    404,
    "app.user.get_by_username.app_error",
    "Unable to find an existing account matching your username for this team. This team may require an invite from the team owner to join.",
);
pub(super) const NO_SESSION: AppError = AppError::new(
    400,
    "app.session.get.app_error",
    "We encountered an error finding the session.",
);
/// Not recorded: named by the facts for 10.8 and later.
pub(super) const ORPHAN: AppError = AppError::new(500, "app.session.remove.app_error", "Unable to remove the session.");
/// Not recorded: what `RevokeAccessToken` of the upstream source answers for one session.
pub(super) const ORPHAN_ONE: AppError = AppError::new(
    400,
    "api.oauth.revoke_access_token.get.app_error",
    "Error getting access token from DB before deletion.",
);
pub(super) const NO_TOKEN: AppError = AppError::new(
    404,
    "app.user_access_token.get_by_user.app_error",
    "Unable to get the personal access tokens by user.",
);
pub(super) const TOKENS_OFF: AppError = AppError::new(
    501,
    "app.user_access_token.disabled",
    "Personal access tokens are disabled on this server. Please contact your system administrator for details.",
);
pub(super) const NO_BOT: AppError = AppError::new(404, "store.sql_bot.get.missing.app_error", "Bot does not exist.");

pub(super) const SESSIONS_DOWN: AppError = AppError::new(
    500,
    "app.session.get_sessions.app_error",
    "We encountered an error while finding user sessions.",
);
pub(super) const TOKENS_DOWN: AppError = AppError::new(
    500,
    "app.user_access_token.get_by_user.app_error",
    "Unable to get the personal access tokens by user.",
);
/// Not recorded: every other read while the database is down.
pub(super) const PEOPLE_DOWN: AppError =
    AppError::new(500, "app.user.get.app_error", "We encountered an error finding the account.");
