//! An identity provider pushes a security event token (RFC 8935).

use serde_json::json;

use super::super::identity_provider::ALGORITHM;
use super::{Scenario, ScenarioContext, answered};

/// Our name at the identity provider.
const AUDIENCE: &str = "https://revoked.example.test/signals/pushed-events";
/// An account that somebody has taken over is locked, of the RISC profile.
const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";

pub(super) const SCENARIO: Scenario = Scenario {
    kind: "ssf-push",
    source: "pushed-events",
    who: "user01",
    sends: "an identity provider pushes a signed RISC event: the account of {who} is disabled, for hijacking",
    answer: "202 Accepted",
    reason: "compromised",
    told_back: true,
    configure,
    send: |context| Box::pin(push(context)),
};

fn configure(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let authorization = context.secret("pushed-events-authorization", "Bearer ")?;
    Ok(format!(
        "issuer = \"{issuer}\"
audience = \"{AUDIENCE}\"
algorithms = [\"{ALGORITHM}\"]
authorization = {{ file = {authorization} }}
",
        issuer = context.provider.issuer(),
    ))
}

async fn push(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let token = context.provider.sign(
        "secevent+jwt",
        json!({
            "aud": AUDIENCE,
            "sub_id": { "format": "email", "email": context.who.email },
            "events": { DISABLED: { "reason": "hijacking" } },
        }),
        None,
    )?;
    let request = context
        .post()
        .header(http::header::CONTENT_TYPE, "application/secevent+jwt")
        .header(http::header::AUTHORIZATION, context.read("pushed-events-authorization")?)
        .body(token);
    answered(request.send().await?).await
}
