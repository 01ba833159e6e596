//! An OpenID provider posts a logout token (OpenID Connect Back-Channel Logout 1.0).

use std::time::Duration;

use serde_json::json;

use super::super::identity_provider::ALGORITHM;
use super::{Scenario, ScenarioContext, answered};

/// The chat's client id at the provider.
const CLIENT: &str = "chat-app";
/// The one event of a logout token.
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

pub(super) const SCENARIO: Scenario = Scenario {
    kind: "back-channel-logout",
    source: "logout",
    who: "user04",
    sends: "{who} logs out at the OpenID provider, which posts a logout token",
    answer: "200 OK",
    reason: "logout",
    told_back: false,
    configure: |context| Ok(keys(context)),
    send: |context| Box::pin(log_out(context)),
};

fn keys(context: &ScenarioContext<'_>) -> String {
    format!(
        "issuer = \"{issuer}\"
audience = \"{CLIENT}\"
algorithms = [\"{ALGORITHM}\"]
subject = \"account_id\"                  # what the provider's `sub` is at the chat
",
        issuer = context.provider.issuer(),
    )
}

async fn log_out(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let claims = json!({ "aud": CLIENT, "sub": context.account, "events": { LOGOUT: {} } });
    let token = context.provider.sign("logout+jwt", claims, Some(Duration::from_mins(2)))?;
    let request = context.post().form(&[("logout_token", token)]);
    answered(request.send().await?).await
}
