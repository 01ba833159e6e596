//! A SOAR posts JSON and signs it (Standard Webhooks).

use anyhow::Context as _;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use revoked_trail::key::random_key;
use serde_json::json;

use super::{Scenario, ScenarioContext, answered};

/// The secret that both sides have.
const SECRET: &str = "soar-secret";
/// What stands before it, by the standard.
const PREFIX: &str = "whsec_";

/// What the SOAR says.
const REASON: &str = "compromised";

pub(super) const SCENARIO: Scenario = Scenario {
    kind: "webhook",
    source: "soar",
    who: "user19",
    sends: "a SOAR posts signed JSON: {who} is compromised, ticket INC-1",
    answer: "204 No Content",
    reason: REASON,
    told_back: false,
    configure,
    send: |context| Box::pin(post(context)),
};

fn configure(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let secret = format!("{PREFIX}{}\n", STANDARD.encode(random_key()?));
    Ok(format!(
        "secrets = [{{ file = {} }}]
reasons = [\"compromised\", \"logout\"]   # what this sender may ask for
",
        context.write(SECRET, &secret)?
    ))
}

async fn post(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let body = json!({
        "type": "revoked.request.v1",
        "data": {
            "subject": { "format": "email", "email": context.who.email },
            "reason": REASON,
            "ticket": "INC-1",
            "requested_by": "soar",
        },
    })
    .to_string();
    let (id, seconds) = (format!("msg_{}", uuid::Uuid::now_v7().simple()), context.seconds());
    let secret = context.read(SECRET)?;
    let secret = secret.strip_prefix(PREFIX).context("the secret is none of the standard's")?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret).context("reading the secret")?);
    let signature = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    let request = context
        .post()
        .header(http::header::CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", format!("v1,{}", STANDARD.encode(signature)));
    answered(request.body(body).send().await?).await
}
