//! The server itself: ping, configuration, caches, its audit trail.

use serde_json::json;

use crate::call::{Call, Outcome};
use crate::wire::Answer;

/// Answered without a credential. A plain ping says OK even while the database is down.
pub(super) fn ping(call: &mut Call<'_>) -> Answer {
    let mut body = json!({
        "AndroidLatestVersion": "", "AndroidMinVersion": "", "IosLatestVersion": "", "IosMinVersion": "", "status": "OK",
    });
    if !call.query_is_true("get_server_status") {
        return Answer::json(&body);
    }
    let database = if call.state.database_down { "UNHEALTHY" } else { "OK" };
    body["database_status"] = database.into();
    body["filestore_status"] = "OK".into();
    body["status"] = database.into();
    Answer::json(&body).status(if call.state.database_down { 500 } else { 200 })
}

/// The part of the configuration that bears on revocation.
pub(super) fn config(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "manage_system")?;
    let settings = &call.world().settings;
    let rate = call.state.nodes[call.node].limiters.settings();
    Ok(Answer::json(&json!({
        "ServiceSettings": {
            "EnableUserAccessTokens": settings.user_access_tokens,
            "EnableIncomingWebhooks": settings.incoming_webhooks,
            "EnableOutgoingWebhooks": settings.outgoing_webhooks,
            "EnableCommands": settings.commands,
            "EnableOAuthServiceProvider": settings.oauth_provider,
            "DisableBotsWhenOwnerIsDeactivated": settings.disable_bots_with_owner,
            "TerminateSessionsOnPasswordChange": settings.end_sessions_on_password_change,
            "EnableAPIUserDeletion": settings.permanent_deletion,
            "SessionCacheInMinutes": settings.session_cache_ms / 60_000,
        },
        "TeamSettings": {"EnableUserDeactivation": settings.self_deactivation},
        "PrivacySettings": {"ShowEmailAddress": settings.show_email},
        "RateLimitSettings": {
            "Enable": rate.is_some(),
            "PerSec": rate.unwrap_or_default().per_second,
            "MaxBurst": rate.unwrap_or_default().burst,
            "VaryByRemoteAddr": rate.unwrap_or_default().by_address,
            "VaryByUser": rate.unwrap_or_default().by_person,
        },
    })))
}

/// The flags that the server gives to every client; all values are strings there.
pub(super) fn client_config(call: &mut Call<'_>) -> Answer {
    let world = call.world();
    let (settings, version) = (&world.settings, world.version.to_string());
    Answer::json(&json!({
        "Version": version,
        "BuildNumber": format!("{version}-sandbox"),
        "BuildEnterpriseReady": "false",
        "EnableUserAccessTokens": settings.user_access_tokens.to_string(),
        "EnableIncomingWebhooks": settings.incoming_webhooks.to_string(),
        "EnableOutgoingWebhooks": settings.outgoing_webhooks.to_string(),
        "EnableCommands": settings.commands.to_string(),
        "EnableOAuthServiceProvider": settings.oauth_provider.to_string(),
        "EnableUserDeactivation": settings.self_deactivation.to_string(),
        "EnableBotAccountCreation": "true",
        "EnableGuestAccounts": "true",
        "EnableMultifactorAuthentication": "true",
        "EnforceMultifactorAuthentication": "false",
        "ShowEmailAddress": settings.show_email.to_string(),
        "ExtendSessionLengthWithActivity": "false",
        "PasswordMinimumLength": "8",
        "SiteName": "Mattermost",
    }))
}

pub(super) fn invalidate_caches(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "invalidate_caches")?;
    call.state.forget_all(call.node);
    Ok(Answer::ok().header(http::header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"))
}

pub(super) fn audits_of(call: &mut Call<'_>, id: &str) -> Outcome {
    let caller = call.caller()?;
    let id = Call::person_param(&caller, id)?;
    call.require_over(&caller, id)?;
    let world = call.reading();
    Ok(Answer::json(&call.paged(world.audits().filter(|audit| id == *audit.user_id))))
}

pub(super) fn audits(call: &mut Call<'_>) -> Outcome {
    let caller = call.caller()?;
    call.require(&caller, "read_audits")?;
    Ok(Answer::json(&call.paged(call.reading().audits())))
}
