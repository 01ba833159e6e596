//! An identity provider calls the Universal Logout endpoint (draft-parecki-oauth-global-token-revocation).

use std::time::Duration;

use serde_json::json;

use super::super::provider::ALGORITHM;
use super::{Ground, Stop, answered};

/// The endpoint, as the identity provider has it.
const AUDIENCE: &str = "https://revoked.example.test/signals/universal-logout";
/// The application at the identity provider whose people are logged out.
const CLIENT: &str = "chat-app";

pub(super) const STOP: Stop = Stop {
    kind: "global-token-revocation",
    source: "universal-logout",
    who: "user03",
    sends: "an identity provider calls Universal Logout for {who}, with a signed bearer token",
    answer: "204 No Content",
    reason: "compromised",
    told_back: true,
    furnish: |ground| Ok(keys(ground)),
    send: |ground| Box::pin(call(ground)),
};

fn keys(ground: &Ground<'_>) -> String {
    format!(
        "issuer = \"{issuer}\"
client_id = \"{CLIENT}\"
audience = \"{AUDIENCE}\"
algorithms = [\"{ALGORITHM}\"]
",
        issuer = ground.provider.issuer(),
    )
}

async fn call(ground: &Ground<'_>) -> anyhow::Result<String> {
    let claims = json!({ "sub": CLIENT, "aud": AUDIENCE });
    let token = ground
        .provider
        .sign("global-token-revocation+jwt", claims, Some(Duration::from_mins(5)))?;
    let body = json!({ "sub_id": { "format": "email", "email": ground.who.email } });
    answered(ground.post().bearer_auth(token).json(&body).send().await?).await
}
