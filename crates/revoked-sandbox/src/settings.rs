//! The settings of the played server that change what a revoking tool meets.

use serde::{Deserialize, Serialize};

/// Named as in the server's configuration, in the project's own spelling; the defaults are those of the recorded server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they mirror the independent switches of the server's configuration"
)]
pub struct Settings {
    /// `ServiceSettings.EnableUserAccessTokens`: off, personal access tokens of humans are refused; those of bots are not.
    pub user_access_tokens: bool,
    /// `ServiceSettings.EnableIncomingWebhooks`.
    pub incoming_webhooks: bool,
    /// `ServiceSettings.EnableOutgoingWebhooks`.
    pub outgoing_webhooks: bool,
    /// `ServiceSettings.EnableCommands`.
    pub commands: bool,
    /// `ServiceSettings.EnableOAuthServiceProvider`.
    pub oauth_provider: bool,
    /// `ServiceSettings.DisableBotsWhenOwnerIsDeactivated`.
    pub disable_bots_with_owner: bool,
    /// `ServiceSettings.TerminateSessionsOnPasswordChange` (9.10 and later).
    pub end_sessions_on_password_change: bool,
    /// `ServiceSettings.EnableAPIUserDeletion`: allows `DELETE users/{id}?permanent=true`.
    pub permanent_deletion: bool,
    /// `TeamSettings.EnableUserDeactivation`: people may deactivate themselves.
    pub self_deactivation: bool,
    /// `PrivacySettings.ShowEmailAddress`.
    pub show_email: bool,
    /// Whether a licence is installed; without one custom roles cannot be given.
    pub licensed: bool,
    /// `ServiceSettings.SessionCacheInMinutes`, in milliseconds.
    pub session_cache_ms: i64,
    /// How long a session lives, in milliseconds.
    pub session_length_ms: i64,
    /// The next login through single sign-on re-activates a deactivated person, as the server does.
    pub sso_reactivates: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user_access_tokens: true,
            incoming_webhooks: true,
            outgoing_webhooks: true,
            commands: true,
            oauth_provider: true,
            disable_bots_with_owner: true,
            end_sessions_on_password_change: true,
            permanent_deletion: false,
            self_deactivation: false,
            show_email: true,
            licensed: false,
            session_cache_ms: 10 * 60 * 1000,
            session_length_ms: 180 * 24 * 3600 * 1000,
            sso_reactivates: true,
        }
    }
}
