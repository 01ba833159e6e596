//! The server's JSON, as far as it is read. Secrets in it (client secrets, hook and command tokens, CSRF values) are not.
//!
//! A member without a default must be there: an answer of another shape is "not understood", never an empty one. Times are milliseconds
//! since the epoch, 0 for "never". Sources: the recordings, and `server/public/model` upstream.

use serde::Deserialize;

use crate::model::Timestamp;

/// What a list knows its members apart by.
pub(in crate::targets::mattermost) trait Keyed {
    /// The member's own id.
    fn key(&self) -> &str;
}

/// An account: `GET users/{id}`.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::targets::mattermost) struct Account {
    pub(in crate::targets::mattermost) id: String,
    pub(in crate::targets::mattermost) username: String,
    /// Blank where the operator account may not see it.
    #[serde(default)]
    pub(in crate::targets::mattermost) email: String,
    /// Who decides the sign-in: blank for the server itself, else `ldap`, `saml`, `gitlab`, `google`, `office365`, `openid`.
    #[serde(default)]
    pub(in crate::targets::mattermost) auth_service: String,
    /// When the account was deactivated.
    pub(in crate::targets::mattermost) delete_at: i64,
    /// Names of roles, separated by spaces.
    #[serde(default)]
    pub(in crate::targets::mattermost) roles: String,
    #[serde(default)]
    pub(in crate::targets::mattermost) is_bot: bool,
}

impl Account {
    /// Whether it holds the role of a system administrator.
    pub(in crate::targets::mattermost) fn is_admin(&self) -> bool {
        self.roles.split_ascii_whitespace().any(|role| role == "system_admin")
    }

    /// Whether it is not deactivated.
    pub(in crate::targets::mattermost) fn is_active(&self) -> bool {
        self.delete_at == 0
    }
}

/// A session: `GET users/{id}/sessions`.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Session {
    pub(in crate::targets::mattermost) id: String,
    pub(in crate::targets::mattermost) user_id: String,
    pub(in crate::targets::mattermost) create_at: i64,
    pub(in crate::targets::mattermost) expires_at: i64,
    #[serde(default)]
    pub(in crate::targets::mattermost) last_activity_at: i64,
    pub(in crate::targets::mattermost) is_oauth: bool,
    /// `null` where there are none.
    #[serde(default)]
    pub(in crate::targets::mattermost) props: Option<SessionProps>,
}

/// What is read of a session's properties.
#[derive(Debug, Default, Deserialize)]
pub(in crate::targets::mattermost) struct SessionProps {
    /// The access token that made the session.
    #[serde(default)]
    pub(in crate::targets::mattermost) user_access_token_id: Option<String>,
    /// The OAuth app that the session was made for.
    #[serde(default)]
    pub(in crate::targets::mattermost) oauth_app_id: Option<String>,
}

/// A personal access token: `GET users/{id}/tokens`.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Token {
    pub(in crate::targets::mattermost) id: String,
    pub(in crate::targets::mattermost) user_id: String,
    pub(in crate::targets::mattermost) is_active: bool,
    /// From 11.10.
    #[serde(default)]
    pub(in crate::targets::mattermost) expires_at: i64,
}

/// A bot: `GET bots`.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Bot {
    pub(in crate::targets::mattermost) user_id: String,
    /// An account's id, or a plugin's name.
    pub(in crate::targets::mattermost) owner_id: String,
    pub(in crate::targets::mattermost) create_at: i64,
    /// When the bot was disabled.
    pub(in crate::targets::mattermost) delete_at: i64,
}

/// An OAuth app: `GET oauth/apps` and `GET users/{id}/oauth/apps/authorized`.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct App {
    pub(in crate::targets::mattermost) id: String,
    pub(in crate::targets::mattermost) creator_id: String,
    pub(in crate::targets::mattermost) create_at: i64,
}

/// A preference: `GET users/{id}/preferences/{category}`. For the category `oauth_app` its name is an app's id.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Preference {
    pub(in crate::targets::mattermost) name: String,
}

/// An incoming webhook: `GET hooks/incoming`. Its id is the secret of its URL.
#[derive(Deserialize)]
pub(in crate::targets::mattermost) struct IncomingWebhook {
    pub(in crate::targets::mattermost) id: String,
    pub(in crate::targets::mattermost) user_id: String,
    pub(in crate::targets::mattermost) create_at: i64,
}

/// An outgoing webhook (`GET hooks/outgoing`) or a slash command (`GET commands`).
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Outgoing {
    pub(in crate::targets::mattermost) id: String,
    pub(in crate::targets::mattermost) creator_id: String,
    pub(in crate::targets::mattermost) create_at: i64,
}

/// A team: `GET teams`.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Team {
    pub(in crate::targets::mattermost) id: String,
}

/// A role: `POST roles/names`.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Role {
    pub(in crate::targets::mattermost) permissions: Vec<String>,
}

/// The body of a change that was accepted: `{"status":"OK"}`.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Accepted {
    pub(in crate::targets::mattermost) status: String,
}

/// The server's health: `GET system/ping`. Unhealthy comes as a 500.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct Health {
    #[serde(rename = "status")]
    pub(in crate::targets::mattermost) _status: String,
}

/// The body of an error.
#[derive(Debug, Deserialize)]
pub(in crate::targets::mattermost) struct ErrorBody {
    /// What decides; the message beside it is translated. Blank for a 5xx of a server in hardened mode.
    pub(in crate::targets::mattermost) id: String,
    /// Absent where no route matched.
    #[serde(default)]
    pub(in crate::targets::mattermost) request_id: String,
}

macro_rules! keyed {
    ($($kind:ident . $field:ident),+) => { $(impl Keyed for $kind { fn key(&self) -> &str { &self.$field } })+ };
}
keyed!(
    Account.id,
    Token.id,
    Bot.user_id,
    App.id,
    IncomingWebhook.id,
    Outgoing.id,
    Team.id
);

/// An instant of the wire; `None` for 0 and below, which mean "never".
pub(in crate::targets::mattermost) fn instant(ms: i64) -> Option<Timestamp> {
    (ms > 0).then(|| Timestamp::from_ms(ms))
}

/// Whether `text` has the form of an id of this server: 26 characters `[a-z0-9]`. Others are refused before the server sees them.
pub(in crate::targets::mattermost) fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
