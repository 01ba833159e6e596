//! What lets a principal act at a target: the kinds of grant, one grant, and the groups a config names.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The kinds of grant that targets know. A target says which of them it can list and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// A signed-in session of a browser, a desktop or a mobile client.
    Session,
    /// A personal access token, alive until revoked.
    AccessToken,
    /// An OAuth access token with its refresh token.
    OauthGrant,
    /// The standing consent of the principal to an OAuth app: it lets new tokens be issued without asking.
    OauthAuthorization,
    /// An OAuth app that the principal registered.
    OauthApp,
    /// A bot account that the principal owns.
    Bot,
    /// An access token of a bot that the principal owns.
    BotToken,
    /// A URL that posts messages without further authentication.
    IncomingWebhook,
    /// A subscription that sends messages out.
    OutgoingWebhook,
    /// A custom command that sends messages out and may answer for 30 minutes.
    SlashCommand,
    /// A public key that signs in: at a host, or to a repository.
    SshKey,
    /// A key for an API that is no token of a person's session: an access key, an EC2 credential.
    ApiKey,
    /// A password of its own for one application.
    AppPassword,
    /// A second factor: whoever holds it passes where it is asked for.
    MfaFactor,
    /// A registered device, which signs in by itself or counts as a factor.
    Device,
    /// Belonging to an organisation, a team or a group that gives rights.
    Membership,
    /// An open connection that goes on whatever becomes of the account: to a database, a message broker, a host.
    Connection,
    /// A rule of a mailbox that forwards or hides messages.
    MailRule,
    /// Somebody else's right to act in the person's name, or the person's to act in somebody else's.
    Delegation,
}

impl GrantKind {
    /// All kinds, in the order of the docs. In which order a plan ends them is [`super::Containment::plan`]'s business.
    pub const ALL: [Self; 19] = [
        Self::Session,
        Self::AccessToken,
        Self::OauthGrant,
        Self::OauthAuthorization,
        Self::OauthApp,
        Self::Bot,
        Self::BotToken,
        Self::IncomingWebhook,
        Self::OutgoingWebhook,
        Self::SlashCommand,
        Self::SshKey,
        Self::ApiKey,
        Self::AppPassword,
        Self::MfaFactor,
        Self::Device,
        Self::Membership,
        Self::Connection,
        Self::MailRule,
        Self::Delegation,
    ];

    /// The word in the trail, the tables and the output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::AccessToken => "access_token",
            Self::OauthGrant => "oauth_grant",
            Self::OauthAuthorization => "oauth_authorization",
            Self::OauthApp => "oauth_app",
            Self::Bot => "bot",
            Self::BotToken => "bot_token",
            Self::IncomingWebhook => "incoming_webhook",
            Self::OutgoingWebhook => "outgoing_webhook",
            Self::SlashCommand => "slash_command",
            Self::SshKey => "ssh_key",
            Self::ApiKey => "api_key",
            Self::AppPassword => "app_password",
            Self::MfaFactor => "mfa_factor",
            Self::Device => "device",
            Self::Membership => "membership",
            Self::Connection => "connection",
            Self::MailRule => "mail_rule",
            Self::Delegation => "delegation",
        }
    }

    /// The groups that a config's `end = [...]` names.
    pub const GROUPS: [(&'static str, &'static [Self]); 9] = [
        ("sessions", &[Self::Session, Self::Connection]),
        ("tokens", &[Self::AccessToken, Self::AppPassword]),
        ("keys", &[Self::SshKey, Self::ApiKey]),
        ("oauth", &[Self::OauthGrant, Self::OauthAuthorization, Self::OauthApp]),
        ("bots", &[Self::Bot, Self::BotToken]),
        (
            "webhooks",
            &[Self::IncomingWebhook, Self::OutgoingWebhook, Self::SlashCommand],
        ),
        ("factors", &[Self::MfaFactor, Self::Device]),
        ("memberships", &[Self::Membership]),
        ("mail", &[Self::MailRule, Self::Delegation]),
    ];

    /// The kinds of the group that `word` names, or `None`.
    #[must_use]
    pub fn group(word: &str) -> Option<BTreeSet<Self>> {
        Self::GROUPS
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, kinds)| kinds.iter().copied().collect())
    }

    /// Whether an intruder acts with this kind directly and at once: these are observed and ended before the rest is even listed.
    #[must_use]
    pub const fn is_credential(self) -> bool {
        matches!(
            self,
            Self::Session
                | Self::AccessToken
                | Self::OauthGrant
                | Self::SshKey
                | Self::ApiKey
                | Self::AppPassword
                | Self::Connection
        )
    }
}

impl fmt::Display for GrantKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Names one grant at its target. The id is the target's own and is no secret; where the target's id *is* the secret (an incoming
/// webhook's), the target puts a digest here and keeps the id to itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GrantRef {
    /// What it is.
    pub kind: GrantKind,
    /// The id to end it by.
    pub id: String,
    /// What it hangs on where the target needs that to end it: the bot of a bot token, the app of an authorisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Which of its kind, where a target keeps several lists of one: an application credential, an EC2 credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

impl GrantRef {
    /// A grant that hangs on nothing, of a kind that has one list.
    #[must_use]
    pub fn new(kind: GrantKind, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            parent: None,
            part: None,
        }
    }
}

impl fmt::Display for GrantRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "{} ({part}) {}", self.kind, self.id),
            None => write!(f, "{} {}", self.kind, self.id),
        }
    }
}

/// One grant as a target lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Which one.
    #[serde(flatten)]
    pub name: GrantRef,
    /// False for a token that was disabled but not revoked: it comes back when somebody enables it.
    pub enabled: bool,
    /// The grant that this one was made from and that can make another: the access token of a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// When it was made, where the target says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was last used, where the target says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself, where the target says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// An enabled grant of which only the name is known.
    #[must_use]
    pub fn new(kind: GrantKind, id: impl Into<String>) -> Self {
        Self {
            name: GrantRef::new(kind, id),
            enabled: true,
            made_by: None,
            created_at: None,
            last_used_at: None,
            expires_at: None,
        }
    }
}
