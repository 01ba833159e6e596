//! What the transmitter tells the identity provider about the case: a security event token, checked as its receiver would, with our keys alone.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::identity_provider::IdentityProvider;
use super::outcome::ToldBack;
use super::record;
use crate::http::{Bounds, client, read_body};
use crate::jose::{Algorithm, Compact, HeaderRules, KeySet};
use crate::model::Timestamp;

/// Our name as a transmitter.
pub(super) const ISSUER: &str = "https://revoked.example.test";
/// The event that says that a person's sessions are over.
const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
/// How long the statement may take, after the verdict.
const PATIENCE: Duration = Duration::from_mins(1);
/// What our key set may weigh.
const KEYS_CAP: usize = 64 * 1024;

/// The tables of the config by which the identity provider is told about what `sources` have sent.
pub(super) fn config(provider: &IdentityProvider, authorization: &str, sources: &[&str]) -> String {
    let sources: Vec<String> = sources.iter().map(|source| format!("\"{source}\"")).collect();
    format!(
        "
[transmitter]
issuer = \"{ISSUER}\"

[[receiver]]
name = \"idp\"
audience = \"{issuer}\"
delivery = \"push\"
endpoint = \"{issuer}/events\"
authorization = {{ file = {authorization} }}
sources = [{sources}]
",
        issuer = provider.issuer(),
        sources = sources.join(", ")
    )
}

/// Waits for the statement about a case, and checks it. `None` where none comes in time.
pub(super) async fn heard(
    provider: &IdentityProvider,
    daemon: &str,
    case: i64,
    since: Timestamp,
) -> anyhow::Result<Option<ToldBack>> {
    let Some((token, at)) = provider.statement(&format!("revoked:{case}"), PATIENCE).await else {
        return Ok(None);
    };
    let compact = Compact::read(token.as_bytes()).context("reading the statement")?;
    let claims = Value::Object(compact.claims.clone());
    let event = claims["events"].as_object().and_then(|events| events.keys().next());
    Ok(Some(ToldBack {
        event: event
            .and_then(|event| event.rsplit('/').next())
            .unwrap_or_default()
            .to_owned(),
        subject: claims["sub_id"]["email"].as_str().unwrap_or_default().to_owned(),
        stands: event.is_some_and(|event| event == SESSION_REVOKED)
            && claims["iss"] == ISSUER
            && claims["aud"] == provider.issuer()
            && is_signed(&compact, daemon).await?,
        sent_to_told_ms: record::ms(at.since(since)),
    }))
}

/// Whether the key that the token names is published by us, and has signed it. The proxy before our address is left out.
async fn is_signed(token: &Compact<'_>, daemon: &str) -> anyhow::Result<bool> {
    let keys = client(Bounds::default())?
        .get(format!("{daemon}/ssf/jwks.json"))
        .send()
        .await?;
    let keys = KeySet::read(&read_body(keys, KEYS_CAP).await?)?;
    let rules = HeaderRules {
        algorithms: &[Algorithm::Rs256],
        typ: "secevent+jwt",
        untyped: false,
        kid_optional: false,
    };
    let (algorithm, kid) = token.check_header(&rules)?;
    let key = keys
        .find(kid, algorithm)
        .context("the key of the statement is not published")??;
    Ok(key.verify(token, algorithm).is_ok())
}
