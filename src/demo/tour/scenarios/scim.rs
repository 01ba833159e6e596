//! A directory deactivates a user whom it had provisioned (SCIM 2.0, as Entra ID does it).

use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use anyhow::Context as _;

use super::{Scenario, ScenarioContext, answered};

/// The secret that the directory is given.
const TOKEN: &str = "directory-token";
const MEDIA: &str = "application/scim+json";

pub(super) const SCENARIO: Scenario = Scenario {
    kind: "scim",
    source: "directory",
    who: "user28",
    sends: "a directory that had provisioned {who} deactivates the account over SCIM",
    answer: "200 OK",
    reason: "departed",
    told_back: false,
    configure,
    send: |context| Box::pin(deactivate(context)),
};

fn configure(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    Ok(format!(
        "url = \"https://revoked.example.test/signals/directory\"
token = {{ file = {} }}
",
        context.secret(TOKEN, "")?
    ))
}

async fn deactivate(context: &ScenarioContext<'_>) -> anyhow::Result<String> {
    let token = context.read(TOKEN)?;
    let (given, family) = context.who.name.split_once(' ').unwrap_or(("", &context.who.name));
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": context.who.email,
        "name": { "givenName": given, "familyName": family },
        "emails": [{ "value": context.who.email, "type": "work", "primary": true }],
        "active": true,
    });
    let request = context.call(http::Method::POST, "/Users").bearer_auth(&token);
    let made = request.header(CONTENT_TYPE, MEDIA).body(user.to_string()).send().await?;
    let made: Value = made.json().await.context("reading what the SCIM server made")?;
    let id = made["id"].as_str().context("the SCIM server gave the user no id")?;

    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "Replace", "path": "active", "value": "False" }],
    });
    let request = context.call(http::Method::PATCH, &format!("/Users/{id}")).bearer_auth(&token);
    answered(request.header(CONTENT_TYPE, MEDIA).body(patch.to_string()).send().await?).await
}
