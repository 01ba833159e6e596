//! A transmitter's stream of security events, made by us: one scenario that is polled (RFC 8936), and one that is pushed (RFC 8935).

use serde_json::{Value, json};

use super::super::identity_provider::{ALGORITHM, audience};
use super::{Scenario, ScenarioContext, answered};

/// Where the event types of the CAEP profile stand.
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
/// What the transmitter sees of a poll.
const ACKNOWLEDGED: &str = "acknowledged by the next poll";
/// The door of the pushed stream, as the transmitter has it.
const ENDPOINT: &str = "https://revoked.example.test/signals/pushed-stream";

pub(super) const POLLED: Scenario = Scenario {
    kind: "ssf",
    source: "polled-stream",
    who: "user31",
    sends: "an administrator ends the sessions of {who} at the identity provider, whose stream we poll",
    answer: ACKNOWLEDGED,
    reason: "compromised",
    told_back: true,
    configure: |context| configure(context, "polled-stream-token", "poll", ""),
    send: |context| Box::pin(offer(context)),
};

pub(super) const PUSHED: Scenario = Scenario {
    kind: "ssf",
    source: "pushed-stream",
    who: "user34",
    sends: "the password of {who} is taken away at the identity provider, whose stream is pushed to us",
    answer: "202 Accepted",
    reason: "credential_changed",
    told_back: true,
    configure: |context| {
        let authorization = context.secret("pushed-stream-authorization", "Bearer ")?;
        let keys = format!("endpoint = \"{ENDPOINT}\"\nauthorization = {{ file = {authorization} }}\n");
        configure(context, "pushed-stream-token", "push", &keys)
    },
    send: |context| Box::pin(push(context)),
};

fn configure(context: &ScenarioContext<'_>, token: &str, delivery: &str, more: &str) -> anyhow::Result<String> {
    Ok(format!(
        "issuer = \"{issuer}\"
audience = \"{audience}\"
algorithms = [\"{ALGORITHM}\"]
delivery = \"{delivery}\"
token = {{ file = {token} }}
{more}",
        issuer = context.provider.issuer(),
        audience = audience(delivery),
        token = context.write(token, &format!("{}\n", context.provider.token()))?,
    ))
}

fn claims(context: &ScenarioContext<'_>, delivery: &str, event: &str, detail: &Value) -> Value {
    json!({
        "aud": audience(delivery),
        "sub_id": { "format": "email", "email": context.who.email },
        "events": { format!("{CAEP}{event}"): detail },
    })
}

async fn offer(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let detail = json!({ "initiating_entity": "admin" });
    context
        .provider
        .offer(claims(context, "poll", "session-revoked", &detail))
        .await?;
    Ok(ACKNOWLEDGED.to_owned())
}

/// Pushes as the stream's configuration says; the proxy that stands before the endpoint is left out.
async fn push(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let (endpoint, authorization) = context.provider.pushes_to()?;
    anyhow::ensure!(endpoint == ENDPOINT, "the stream goes to {endpoint}");
    let detail = json!({ "credential_type": "password", "change_type": "revoke", "initiating_entity": "admin" });
    let claims = claims(context, "push", "credential-change", &detail);
    let request = context
        .post()
        .header(http::header::CONTENT_TYPE, "application/secevent+jwt")
        .header(http::header::AUTHORIZATION, authorization)
        .body(context.provider.sign("secevent+jwt", claims, None)?);
    answered(request.send().await?).await
}
