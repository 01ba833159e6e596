//! What acts without a person: bots, webhooks, slash commands, OAuth apps, and what hangs on them.

use serde::{Deserialize, Deserializer, Serialize};

use crate::Id;

/// A personal access token, of a human or of a bot.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The id that the API lists and revokes by.
    pub id: Id,
    /// The secret, shown once.
    pub secret: Id,
    /// Whose token it is.
    pub person: Id,
    /// What its maker wrote.
    pub description: String,
    /// Off after `tokens/disable`.
    pub is_active: bool,
}

/// A personal access token as the API shows it; the secret only in the answer to its creation.
#[derive(Debug, Serialize)]
pub struct AccessTokenView<'a> {
    id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Id>,
    user_id: Id,
    description: &'a str,
    is_active: bool,
}

impl AccessToken {
    /// The token as the API shows it.
    #[must_use]
    pub fn view(&self, with_secret: bool) -> AccessTokenView<'_> {
        AccessTokenView {
            id: self.id,
            token: with_secret.then_some(self.secret),
            user_id: self.person,
            description: &self.description,
            is_active: self.is_active,
        }
    }
}

/// A bot; its account is a [`Person`](super::Person) of the same id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bot {
    /// The id of its account.
    pub user_id: Id,
    /// The username of its account.
    pub username: String,
    /// Shown in place of the username.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The person (or plugin) who owns it.
    pub owner_id: Id,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Milliseconds since the epoch.
    pub update_at: i64,
    /// When it was disabled; 0 while it is enabled.
    pub delete_at: i64,
}

/// An incoming webhook: whoever knows its id can post.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IncomingHook {
    /// Also the secret in its URL.
    pub id: Id,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Milliseconds since the epoch.
    pub update_at: i64,
    /// Always 0: a deleted hook is gone from every list.
    pub delete_at: i64,
    /// Who made it, and as whom it posts.
    pub user_id: Id,
    /// Where it posts.
    pub channel_id: Id,
    /// The team of that channel.
    pub team_id: Id,
    /// A title.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// The name that it posts under, where it may choose.
    pub username: String,
    /// The picture that it posts under.
    pub icon_url: String,
    /// Whether it may post to its own channel only.
    pub channel_locked: bool,
}

/// An outgoing webhook: the server calls the URLs with every matching post.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutgoingHook {
    /// The hook's id.
    pub id: Id,
    /// The secret that it sends along.
    pub token: Id,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Milliseconds since the epoch.
    pub update_at: i64,
    /// Always 0: a deleted hook is gone from every list.
    pub delete_at: i64,
    /// Who made it.
    pub creator_id: Id,
    /// The channel that it listens to, or empty.
    pub channel_id: String,
    /// The team that it listens in.
    pub team_id: Id,
    /// Words that set it off.
    pub trigger_words: Vec<String>,
    /// 0: the first word must match; 1: it must start with the trigger.
    pub trigger_when: i64,
    /// Where it calls.
    pub callback_urls: Vec<String>,
    /// A title.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// The form of the body that it sends.
    pub content_type: String,
    /// The name that it answers under.
    pub username: String,
    /// The picture that it answers under.
    pub icon_url: String,
}

/// A slash command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// The command's id.
    pub id: Id,
    /// The secret that it sends along.
    pub token: Id,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Milliseconds since the epoch.
    pub update_at: i64,
    /// Always 0: a deleted command is gone from every list.
    pub delete_at: i64,
    /// Who made it.
    pub creator_id: Id,
    /// The team that it works in.
    pub team_id: Id,
    /// The word after the slash.
    pub trigger: String,
    /// `P` for POST, `G` for GET.
    pub method: String,
    /// The name that it answers under.
    pub username: String,
    /// The picture that it answers under.
    pub icon_url: String,
    /// Whether the client completes it.
    pub auto_complete: bool,
    /// Shown by the completion.
    pub auto_complete_desc: String,
    /// Shown by the completion.
    pub auto_complete_hint: String,
    /// A title.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Where it calls.
    pub url: String,
    /// The plugin that owns it, or empty.
    pub plugin_id: String,
}

/// An OAuth app registered at the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct App {
    /// The client id.
    pub id: Id,
    /// Who registered it.
    pub creator_id: Id,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Milliseconds since the epoch.
    pub update_at: i64,
    /// The client secret; blank in what a person sees of the apps that it authorised.
    #[serde(serialize_with = "secret_or_blank", deserialize_with = "blank_or_secret")]
    pub client_secret: Option<Id>,
    /// A name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A picture.
    pub icon_url: String,
    /// Where codes may be sent.
    pub callback_urls: Vec<String>,
    /// The app's home.
    pub homepage: String,
    /// Whether it is authorised without asking.
    pub is_trusted: bool,
    /// Empty for apps registered by hand.
    pub mattermost_app_id: String,
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn secret_or_blank<S: serde::Serializer>(secret: &Option<Id>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.as_ref().map_or("", Id::as_str))
}

fn blank_or_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    Ok(Id::parse(&String::deserialize(deserializer)?))
}

/// What the server keeps of an OAuth token pair (`OAuthAccessData`). It can outlive the session row of the access token.
#[derive(Debug, Clone)]
pub struct OAuthGrant {
    /// The app that holds it.
    pub app: Id,
    /// The person it acts as.
    pub person: Id,
    /// The access token: also the secret of its session.
    pub access: Id,
    /// The refresh token; `None` for the implicit flow.
    pub refresh: Option<Id>,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
}

/// A code that was handed out and not exchanged yet. It lives ten minutes.
#[derive(Debug, Clone)]
pub struct Code {
    /// The app that may exchange it.
    pub app: Id,
    /// The person it acts as.
    pub person: Id,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
    /// Must be repeated at the exchange.
    pub redirect_uri: String,
}

/// A team.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Team {
    /// The team's id.
    pub id: Id,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Milliseconds since the epoch.
    pub update_at: i64,
    /// 0 while it is not archived.
    pub delete_at: i64,
    /// A title.
    pub display_name: String,
    /// The name in URLs.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its maker's address.
    pub email: String,
    /// `O` for open, `I` for invite only.
    #[serde(rename = "type")]
    pub kind: String,
    /// Unused by the server.
    pub company_name: String,
    /// Domains that may join.
    pub allowed_domains: String,
    /// The secret in its invite link.
    pub invite_id: Id,
    /// Whether anybody may join.
    pub allow_open_invite: bool,
    /// Always null here.
    pub scheme_id: Option<Id>,
    /// Always null here.
    pub group_constrained: Option<bool>,
    /// Always null here.
    pub policy_id: Option<Id>,
}

/// One line of the server's own audit trail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Audit {
    /// The line's id.
    pub id: Id,
    /// Milliseconds since the epoch.
    pub create_at: i64,
    /// Who acted; empty for a login attempt that failed.
    pub user_id: String,
    /// The path called.
    pub action: String,
    /// What came of it.
    pub extra_info: String,
    /// From where.
    pub ip_address: String,
    /// By which session.
    pub session_id: String,
}
