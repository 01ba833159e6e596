//! Checks of the server's configuration and of our permissions, for `revoked check`: pure, from what was read to what to say.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::api::version::Version;
use super::observe::sign_in_paths::of_the_server;
use super::own_account::OwnAccount;
use crate::model::Door;
use crate::targets::{CallLimit, Finding, Level};

/// `GET config/client?format=old`: names and values, all text, open to every account.
pub(super) type ClientConfig = BTreeMap<String, String>;

/// Where it is off, the access tokens of people are refused, and those of bots are not.
pub(super) const ACCESS_TOKENS: &str = "EnableUserAccessTokens";

/// What is read of `GET config`, which asks for permissions of its own. A section or a value that a version lacks stays unsaid.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ServerConfig {
    service_settings: ServiceSettings,
    rate_limit_settings: RateLimitSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ServiceSettings {
    disable_bots_when_owner_is_deactivated: Option<bool>,
    terminate_sessions_on_password_change: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RateLimitSettings {
    enable: Option<bool>,
    per_sec: Option<u32>,
    max_burst: Option<u32>,
}

/// One finding.
pub(super) fn finding(level: Level, what: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding {
        level,
        what: what.into(),
        advice: advice.into(),
    }
}

/// What each permission is for, and how bad its absence is.
const PERMISSIONS: &[(&str, Level, &str)] = &[
    (
        "edit_other_users",
        Level::Error,
        "listing and ending sessions, and suspending",
    ),
    ("read_user_access_token", Level::Error, "listing access tokens"),
    ("revoke_user_access_token", Level::Error, "revoking access tokens"),
    (
        "sysconsole_write_user_management_users",
        Level::Warning,
        "resetting passwords",
    ),
    ("read_bots", Level::Warning, "listing bots"),
    ("read_others_bots", Level::Warning, "listing bots of others"),
    ("manage_bots", Level::Warning, "disabling bots"),
    ("manage_others_bots", Level::Warning, "disabling bots of others"),
    ("manage_incoming_webhooks", Level::Warning, "listing incoming webhooks"),
    (
        "manage_others_incoming_webhooks",
        Level::Warning,
        "ending incoming webhooks of others",
    ),
    ("manage_outgoing_webhooks", Level::Warning, "listing outgoing webhooks"),
    (
        "manage_others_outgoing_webhooks",
        Level::Warning,
        "ending outgoing webhooks of others",
    ),
    ("manage_slash_commands", Level::Warning, "listing slash commands"),
    (
        "manage_others_slash_commands",
        Level::Warning,
        "ending slash commands of others",
    ),
    ("list_public_teams", Level::Warning, "finding slash commands in every team"),
    ("list_private_teams", Level::Warning, "finding slash commands in every team"),
    ("manage_oauth", Level::Warning, "listing OAuth apps"),
    ("manage_system_wide_oauth", Level::Warning, "ending OAuth apps of others"),
];

/// What our permissions allow. Custom roles need a licence; without one the operator account must be a system administrator.
pub(super) fn permissions(own_account: &OwnAccount, nodes: usize) -> Vec<Finding> {
    if own_account.me.is_admin() {
        return Vec::new();
    }
    let clears = (nodes > 0).then_some(("invalidate_caches", Level::Warning, "clearing the caches of single nodes"));
    let wanted = PERMISSIONS.iter().copied().chain(clears);
    let mut found: Vec<Finding> = wanted
        .filter(|(permission, ..)| !own_account.may(permission))
        .map(|(permission, level, purpose)| {
            finding(
                level,
                format!("the operator account lacks {permission}, which {purpose} needs"),
                "give its role that permission, or make the account a system administrator",
            )
        })
        .collect();
    found.push(finding(
        Level::Note,
        "the operator account is not a system administrator, so it cannot act on one",
        "contain system administrators by hand, or make the account one",
    ));
    found
}

/// What it means who we are.
pub(super) fn identity(own_account: &OwnAccount, client: &ClientConfig) -> Vec<Finding> {
    let mut found = Vec::new();
    if own_account.me.is_bot {
        if let Some(owner) = own_account.owner() {
            found.push(finding(
                Level::Note,
                format!("the operator account is a bot of {owner}, whose suspension is refused since it may disable the bot"),
                "give the bot to an account that nobody leaves with",
            ));
        }
    } else if off(client, ACCESS_TOKENS) {
        found.push(finding(
            Level::Warning,
            "personal access tokens are switched off, so a token of a person does not work; what we hold must be a session, which ends",
            "use the token of a bot account, which is exempt",
        ));
    } else {
        found.push(finding(
            Level::Note,
            "the operator account is a person's: its token dies when personal access tokens are switched off",
            "use the token of a bot account, which is exempt",
        ));
    }
    found
}

/// What the settings that every account may read mean.
pub(super) fn client(client: &ClientConfig, nodes: usize) -> Vec<Finding> {
    let mut found = Vec::new();
    if on(client, "EnableCluster") && nodes == 0 {
        found.push(finding(
            Level::Warning,
            "the server is a cluster and `nodes` is empty: a node that missed a message keeps ended sessions in its cache while they are used",
            "list the URL of every node under `nodes`",
        ));
    }
    if on(client, "ExtendSessionLengthWithActivity") {
        found.push(finding(
            Level::Note,
            "sessions in use never run out (ExtendSessionLengthWithActivity)",
            "nothing: it is why sessions must be ended",
        ));
    }
    if on(client, "EnableOAuthServiceProvider") {
        found.push(finding(
            Level::Note,
            "the server is an OAuth provider: codes and stale refresh tokens can make sessions after a sweep",
            "keep watch sweeps after 11 minutes and later in the playbooks",
        ));
    }
    if on(client, "EnablePublicLink") {
        found.push(finding(
            Level::Note,
            "files have public links, which nothing here ends",
            "set a new PublicLinkSalt after a compromise, or switch public links off",
        ));
    }
    for (setting, what) in [
        ("EnableIncomingWebhooks", "incoming webhooks"),
        ("EnableOutgoingWebhooks", "outgoing webhooks"),
        ("EnableCommands", "slash commands"),
        ("EnableOAuthServiceProvider", "OAuth apps"),
    ] {
        if off(client, setting) {
            found.push(finding(
                Level::Note,
                format!("{what} are switched off ({setting}): the server lists none, and those that exist work again when they are switched on"),
                "cases that are to end them come out as unverified; leave the kind out of the playbooks if it stays off",
            ));
        }
    }
    found
}

/// What lets people in afresh at this server.
pub(super) fn doors(version: Option<Version>, client: &ClientConfig) -> Vec<Door> {
    of_the_server(version, &services(client), !off(client, "EnableOAuthServiceProvider"))
}

/// The services whose sign-in lifts a suspension, or whose synchronisation does.
fn services(client: &ClientConfig) -> Vec<&'static str> {
    [
        ("EnableSignUpWithGitLab", "GitLab"),
        ("EnableSignUpWithGoogle", "Google"),
        ("EnableSignUpWithOffice365", "Office 365"),
        ("EnableSignUpWithOpenId", "OpenID"),
        ("EnableLdap", "LDAP"),
    ]
    .into_iter()
    .filter_map(|(setting, name)| on(client, setting).then_some(name))
    .collect()
}

/// What the settings that need a permission mean.
pub(super) fn server(config: &ServerConfig) -> Vec<Finding> {
    let mut found = Vec::new();
    if config.service_settings.disable_bots_when_owner_is_deactivated == Some(false) {
        found.push(finding(
            Level::Note,
            "bots go on when their owner is suspended (DisableBotsWhenOwnerIsDeactivated is off)",
            "let the playbooks end \"bots\"",
        ));
    }
    if config.service_settings.terminate_sessions_on_password_change == Some(false) {
        found.push(finding(
            Level::Note,
            "a new password ends no sessions (TerminateSessionsOnPasswordChange is off)",
            "let every playbook that resets the password end \"sessions\" too",
        ));
    }
    if let Some(CallLimit { per_second, burst }) = limit(config) {
        found.push(finding(
            Level::Note,
            format!(
                "the server allows {per_second} calls a second and a burst of {burst} more, to each node and address or account"
            ),
            format!("set `rate` to at most \"{per_second}/s\" and `burst` to at most {burst}"),
        ));
    }
    found
}

/// `RateLimitSettings`, where they are in force.
pub(super) fn limit(config: &ServerConfig) -> Option<CallLimit> {
    let limits = &config.rate_limit_settings;
    limits.enable.filter(|on| *on)?;
    Some(CallLimit {
        per_second: limits.per_sec?,
        burst: limits.max_burst.unwrap_or_default(),
    })
}

fn on(client: &ClientConfig, setting: &str) -> bool {
    client.get(setting).is_some_and(|value| value == "true")
}

/// Whether the server says that it has a setting switched off.
pub(super) fn off(client: &ClientConfig, setting: &str) -> bool {
    client.get(setting).is_some_and(|value| value == "false")
}
