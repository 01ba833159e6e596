//! The provider as it describes itself (OpenID Connect Discovery 1.0), and the one call to it: a code for a token.

use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION};
use reqwest::Url;
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::attempt::Attempt;
use super::refused::Refused;
use crate::config::SingleSignOnSettings;
use crate::http::read_body;
use crate::jose::{JWKS_CAP, discovery_url, ensure_fetchable, read_object};

/// How old the description may be.
const FRESH: Duration = Duration::from_mins(10);
/// How old it may be where the provider does not answer.
const OLDEST: Duration = Duration::from_hours(24);
/// How long after a failure the provider is not asked again.
const PAUSE: Duration = Duration::from_secs(5);
/// How much is shown of what a provider says of an error.
const LONGEST_ERROR: usize = 200;

/// What the provider says of itself.
#[derive(Debug, Clone)]
pub(super) struct Description {
    /// Where browsers go.
    pub(super) authorization: Url,
    /// Where codes are exchanged.
    pub(super) token: Url,
    /// Whether the secret goes into the form, for want of a header.
    secret_in_form: bool,
    /// Whether it says who it is when it sends a browser back (RFC 9207).
    pub(super) says_issuer: bool,
    /// The whole of it.
    pub(super) members: Map<String, Value>,
}

/// The provider's description, kept for a while.
#[derive(Default)]
pub(super) struct Descriptions(tokio::sync::Mutex<Kept>);

#[derive(Default)]
struct Kept {
    last: Option<(Instant, Description)>,
    failed: Option<(Instant, Refused)>,
}

impl Descriptions {
    /// As it is now, or was a moment ago. Whoever waits shares one fetch.
    pub(super) async fn now(&self, settings: &SingleSignOnSettings) -> Result<Description, Refused> {
        let mut kept = self.0.lock().await;
        let last = kept.last.as_ref();
        if let Some((_, description)) = last.filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(description.clone());
        }
        let old = last
            .filter(|(at, _)| at.elapsed() < OLDEST)
            .map(|(_, description)| description.clone());
        if let Some((_, why)) = kept.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE) {
            return old.ok_or_else(|| why.clone());
        }
        match describe(settings).await {
            Ok(description) => {
                kept.last = Some((Instant::now(), description.clone()));
                kept.failed = None;
                Ok(description)
            }
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the OpenID provider's description cannot be had; a known one is used for a day"
                );
                let why = Refused::unasked(&error);
                kept.failed = Some((Instant::now(), why.clone()));
                old.ok_or(why)
            }
        }
    }
}

/// Reads what the provider says of itself.
pub(super) async fn describe(settings: &SingleSignOnSettings) -> anyhow::Result<Description> {
    let url = discovery_url(&settings.issuer)?;
    let asked = settings.client.get(url).header(ACCEPT, "application/json").send().await;
    let answer = asked
        .map_err(reqwest::Error::without_url)
        .context("asking for its description")?;
    let status = answer.status();
    anyhow::ensure!(status == StatusCode::OK, "asked for its description it answers {status}");
    let body = read_body(answer, JWKS_CAP).await.context("reading its description")?;
    let members = read_object(&body).map_err(|why| anyhow::anyhow!("its description cannot be read: {why}"))?;
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    anyhow::ensure!(
        text("issuer") == Some(settings.issuer.as_str()),
        "its description is of another issuer than the config names"
    );
    let place = |name: &str| {
        let url = text(name).with_context(|| format!("its description names no {name}"))?;
        let url = Url::parse(url).with_context(|| format!("its {name} is no URL"))?;
        ensure_fetchable(&url)?;
        anyhow::ensure!(url.fragment().is_none(), "its {name} has a fragment");
        Ok(url)
    };
    let (authorization, token) = (place("authorization_endpoint")?, place("token_endpoint")?);
    let host = token.host_str().unwrap_or_default();
    anyhow::ensure!(
        host.eq_ignore_ascii_case(&settings.token_host),
        "its token_endpoint is on {host}, not on {}; if that is meant, set token_host = {host:?}",
        settings.token_host
    );
    let methods = list(&members, "token_endpoint_auth_methods_supported");
    let by = |method: &str| methods.as_ref().is_none_or(|methods| methods.contains(&method));
    anyhow::ensure!(
        by("client_secret_basic") || by("client_secret_post"),
        "it takes no client secret at its token_endpoint"
    );
    let secret_in_form = !by("client_secret_basic");
    Ok(Description {
        authorization,
        token,
        secret_in_form,
        says_issuer: members.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        members,
    })
}

/// A list of texts of a description; `None` where it says nothing of it.
pub(super) fn list<'m>(members: &'m Map<String, Value>, name: &str) -> Option<Vec<&'m str>> {
    let list = members.get(name)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).collect())
}

/// What came for a code.
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: Option<String>,
}

/// Exchanges a code.
pub(super) async fn exchange(
    settings: &SingleSignOnSettings,
    description: &Description,
    code: &str,
    attempt: &Attempt,
) -> Result<Tokens, Refused> {
    let verifier = attempt.verifier();
    let secret = settings.client_secret.as_ref().map(ExposeSecret::expose_secret);
    let secret = secret.ok_or_else(|| Refused::unbelieved("the client secret could not be read"))?;
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &settings.redirect_uri),
        ("code_verifier", &verifier),
    ];
    let mut request = settings
        .client
        .post(description.token.clone())
        .header(ACCEPT, "application/json");
    if description.secret_in_form {
        form.extend([("client_id", settings.client_id.as_str()), ("client_secret", secret)]);
    } else {
        request = request.header(AUTHORIZATION, basic(&settings.client_id, secret));
    }
    let answer = request.form(&form).send().await.map_err(reqwest::Error::without_url);
    let answer = answer
        .context("exchanging the code")
        .map_err(|error| Refused::unasked(&error))?;
    let status = answer.status();
    let body = read_body(answer, JWKS_CAP).await;
    let body = body.map_err(|error| Refused::unasked(&error.context("exchanging the code")))?;
    let members = read_object(&body);
    if status != StatusCode::OK {
        let said = members.as_ref().ok().and_then(|members| members.get("error")?.as_str());
        let said = said.map_or_else(String::new, |said| format!(": {}", cut(said)));
        if matches!(status.as_u16(), 429 | 500..) {
            return Err(Refused::unasked(&anyhow::anyhow!(
                "asked for the token it answers {status}{said}"
            )));
        }
        return Err(Refused::unbelieved(format!(
            "the provider gives nothing for the code ({status}{said})"
        )));
    }
    let members =
        members.map_err(|why| Refused::unbelieved(format!("what the provider gives for the code cannot be read: {why}")))?;
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(Refused::unbelieved("the provider gives a token that is no bearer's"));
    }
    Ok(Tokens {
        id_token: text("id_token")
            .ok_or_else(|| Refused::unbelieved("the provider gives no ID token: is openid among the scopes?"))?,
        access_token: text("access_token"),
    })
}

/// What a provider says, so much as is shown.
pub(super) fn cut(said: &str) -> String {
    said.chars().take(LONGEST_ERROR).collect()
}

/// RFC 6749 section 2.3.1: both are encoded as in a form, before they are put together.
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| {
        let mut pair = serde_urlencoded::to_string([("", text)]).unwrap_or_default();
        pair.remove(0);
        pair
    };
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_encoded_before_they_are_put_together() {
        let shown = basic("a:b", "p%ä s");
        let shown = STANDARD.decode(shown.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(shown, b"a%3Ab:p%25%C3%A4+s");
    }
}
