//! An identity provider calls the Universal Logout endpoint (draft-parecki-oauth-global-token-revocation).

use std::time::Duration;

use serde_json::json;

use super::super::identity_provider::ALGORITHM;
use super::{Scenario, ScenarioContext, answered};

/// The endpoint, as the identity provider has it.
const AUDIENCE: &str = "https://revoked.example.test/signals/universal-logout";
/// The application at the identity provider whose people are logged out.
const CLIENT: &str = "chat-app";

pub(super) const SCENARIO: Scenario = Scenario {
    kind: "global-token-revocation",
    source: "universal-logout",
    who: "user03",
    sends: "an identity provider calls Universal Logout for {who}, with a signed bearer token",
    answer: "204 No Content",
    reason: "compromised",
    told_back: true,
    configure: |context| Ok(keys(context)),
    send: |context| Box::pin(call(context)),
};

fn keys(context: &ScenarioContext<'_>) -> String {
    format!(
        "issuer = \"{issuer}\"
client_id = \"{CLIENT}\"
audience = \"{AUDIENCE}\"
algorithms = [\"{ALGORITHM}\"]
",
        issuer = context.provider.issuer(),
    )
}

async fn call(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let claims = json!({ "sub": CLIENT, "aud": AUDIENCE });
    let token = context
        .provider
        .sign("global-token-revocation+jwt", claims, Some(Duration::from_mins(5)))?;
    let body = json!({ "sub_id": { "format": "email", "email": context.who.email } });
    answered(context.post().bearer_auth(token).json(&body).send().await?).await
}
