//! People and bots' accounts: the server's "users".

use std::borrow::Cow;

use serde::Serialize;

use crate::Id;

/// An account. A bot has one too, beside its [`Bot`](super::Bot).
#[derive(Debug, Clone)]
pub struct Person {
    /// The account's id.
    pub id: Id,
    /// Lower case, unique.
    pub username: String,
    /// Unique; looked up without regard to case.
    pub email: String,
    /// The password in clear; empty where the account has none (bots, single sign-on).
    pub password: Cow<'static, str>,
    /// Given name.
    pub first_name: Cow<'static, str>,
    /// Family name.
    pub last_name: Cow<'static, str>,
    /// Space-separated role names.
    pub roles: Cow<'static, str>,
    /// `""`, `ldap`, `saml`, `gitlab`, …: who vouches for the person's identity.
    pub auth_service: Cow<'static, str>,
    /// Whether the identity provider (or directory) still has the person active.
    pub active_at_provider: bool,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Milliseconds since the epoch.
    pub update_at: i64,
    /// When the account was deactivated; 0 while it is active.
    pub delete_at: i64,
    /// When the password was set last.
    pub password_at: i64,
    /// Wrong passwords since the last login.
    pub failed_attempts: u32,
    /// Whether the address was verified (people made by single sign-on).
    pub email_verified: bool,
    /// The description of the bot that this account belongs to.
    pub bot: Option<String>,
    /// Teams that the person is in, and whether as its administrator.
    pub teams: Vec<(Id, bool)>,
    /// Ids of the apps that the person authorised (preferences of the category `oauth_app`), with the scope.
    pub authorisations: Vec<(Id, String)>,
    /// Ids of the person's sessions, oldest first.
    pub sessions: Vec<Id>,
    /// Ids of the person's personal access tokens, in the order of their last write.
    pub tokens: Vec<Id>,
    /// Open sockets.
    pub sockets: u32,
    /// Those of them that get no more events. The server never closes one on a revocation.
    pub muted_sockets: u32,
}

impl Person {
    /// Whether the account is active.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.delete_at == 0
    }

    /// Whether the account holds `role`.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.split(' ').any(|name| name == role)
    }

    /// Whether the account is a system administrator.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.has_role("system_admin")
    }

    /// Whether the account is a guest.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.has_role("system_guest")
    }

    /// Whether the account is a bot's.
    #[must_use]
    pub fn is_bot(&self) -> bool {
        self.bot.is_some()
    }

    /// The account as the API shows it; with `own`, what only its holder sees.
    #[must_use]
    pub fn view(&self, own: bool, show_email: bool) -> PersonView<'_> {
        PersonView {
            id: self.id,
            create_at: self.create_at,
            update_at: self.update_at,
            delete_at: self.delete_at,
            username: &self.username,
            auth_data: "",
            auth_service: &self.auth_service,
            email: if show_email || own { &self.email } else { "" },
            email_verified: (own && self.email_verified).then_some(true),
            nickname: "",
            first_name: &self.first_name,
            last_name: &self.last_name,
            position: "",
            roles: &self.roles,
            notify_props: own.then(NotifyProps::default),
            last_password_update: own.then_some(self.password_at),
            failed_attempts: (own && self.failed_attempts > 0).then_some(self.failed_attempts),
            locale: "en",
            timezone: Timezone::default(),
            is_bot: self.is_bot().then_some(true),
            bot_description: self.bot.as_deref().filter(|description| !description.is_empty()),
            disable_welcome_email: false,
        }
    }
}

/// A person as the API shows it.
#[derive(Debug, Serialize)]
pub struct PersonView<'a> {
    id: Id,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    username: &'a str,
    auth_data: &'static str,
    auth_service: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    nickname: &'static str,
    first_name: &'a str,
    last_name: &'a str,
    position: &'static str,
    roles: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_props: Option<NotifyProps>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_password_update: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_attempts: Option<u32>,
    locale: &'static str,
    timezone: Timezone,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_bot: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bot_description: Option<&'a str>,
    disable_welcome_email: bool,
}

#[derive(Debug, Serialize)]
struct NotifyProps {
    channel: &'static str,
    comments: &'static str,
    desktop: &'static str,
    desktop_sound: &'static str,
    desktop_threads: &'static str,
    email: &'static str,
    email_threads: &'static str,
    first_name: &'static str,
    mention_keys: &'static str,
    push: &'static str,
    push_status: &'static str,
    push_threads: &'static str,
}

impl Default for NotifyProps {
    fn default() -> Self {
        Self {
            channel: "true",
            comments: "never",
            desktop: "mention",
            desktop_sound: "true",
            desktop_threads: "all",
            email: "true",
            email_threads: "all",
            first_name: "false",
            mention_keys: "",
            push: "mention",
            push_status: "away",
            push_threads: "all",
        }
    }
}

#[derive(Debug, Serialize)]
struct Timezone {
    #[serde(rename = "automaticTimezone")]
    automatic: &'static str,
    #[serde(rename = "manualTimezone")]
    manual: &'static str,
    #[serde(rename = "useAutomaticTimezone")]
    follows_the_client: &'static str,
}

impl Default for Timezone {
    fn default() -> Self {
        Self {
            automatic: "",
            manual: "",
            follows_the_client: "true",
        }
    }
}
