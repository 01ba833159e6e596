//! A transmitter's stream of security events, made by us: one stop that is polled (RFC 8936), and one that is pushed (RFC 8935).

use serde_json::{Value, json};

use super::super::provider::{ALGORITHM, audience};
use super::{Ground, Stop, answered};

/// Where the event types of the CAEP profile stand.
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
/// What the transmitter sees of a poll.
const ACKNOWLEDGED: &str = "acknowledged by the next poll";
/// The door of the pushed stream, as the transmitter has it.
const ENDPOINT: &str = "https://revoked.example.test/signals/pushed-stream";

pub(super) const POLLED: Stop = Stop {
    kind: "ssf",
    source: "polled-stream",
    who: "user31",
    sends: "an administrator ends the sessions of {who} at the identity provider, whose stream we poll",
    answer: ACKNOWLEDGED,
    reason: "compromised",
    told_back: true,
    furnish: |ground| furnish(ground, "polled-stream-token", "poll", ""),
    send: |ground| Box::pin(offer(ground)),
};

pub(super) const PUSHED: Stop = Stop {
    kind: "ssf",
    source: "pushed-stream",
    who: "user34",
    sends: "the password of {who} is taken away at the identity provider, whose stream is pushed to us",
    answer: "202 Accepted",
    reason: "credential_changed",
    told_back: true,
    furnish: |ground| {
        let authorization = ground.secret("pushed-stream-authorization", "Bearer ")?;
        let keys = format!("endpoint = \"{ENDPOINT}\"\nauthorization = {{ file = {authorization} }}\n");
        furnish(ground, "pushed-stream-token", "push", &keys)
    },
    send: |ground| Box::pin(push(ground)),
};

fn furnish(ground: &Ground<'_>, token: &str, delivery: &str, more: &str) -> anyhow::Result<String> {
    Ok(format!(
        "issuer = \"{issuer}\"
audience = \"{audience}\"
algorithms = [\"{ALGORITHM}\"]
delivery = \"{delivery}\"
token = {{ file = {token} }}
{more}",
        issuer = ground.provider.issuer(),
        audience = audience(delivery),
        token = ground.write(token, &format!("{}\n", ground.provider.token()))?,
    ))
}

fn claims(ground: &Ground<'_>, delivery: &str, event: &str, detail: &Value) -> Value {
    json!({
        "aud": audience(delivery),
        "sub_id": { "format": "email", "email": ground.who.email },
        "events": { format!("{CAEP}{event}"): detail },
    })
}

async fn offer(ground: &Ground<'_>) -> anyhow::Result<String> {
    let detail = json!({ "initiating_entity": "admin" });
    ground
        .provider
        .offer(claims(ground, "poll", "session-revoked", &detail))
        .await?;
    Ok(ACKNOWLEDGED.to_owned())
}

/// Pushes as the stream's configuration says; the proxy that stands before the endpoint is left out.
async fn push(ground: &Ground<'_>) -> anyhow::Result<String> {
    let (endpoint, authorization) = ground.provider.pushes_to()?;
    anyhow::ensure!(endpoint == ENDPOINT, "the stream goes to {endpoint}");
    let detail = json!({ "credential_type": "password", "change_type": "revoke", "initiating_entity": "admin" });
    let claims = claims(ground, "push", "credential-change", &detail);
    let request = ground
        .post()
        .header(http::header::CONTENT_TYPE, "application/secevent+jwt")
        .header(http::header::AUTHORIZATION, authorization)
        .body(ground.provider.sign("secevent+jwt", claims, None)?);
    answered(request.send().await?).await
}
