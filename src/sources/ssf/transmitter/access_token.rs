//! The token that opens a transmitter's management API and poll endpoint: written down, or had from an authorization server.

use std::time::Duration;

use ::http::HeaderValue;
use anyhow::Context as _;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::http;

/// What an answer of an authorization server may weigh, in bytes.
const CAP: usize = 64 << 10;
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a token is used whose end was not told.
const UNTOLD: Duration = Duration::from_mins(5);

/// Where the token comes from.
pub(in crate::sources::ssf) enum AccessToken {
    /// A file or credential. It does not change while the daemon runs.
    Fixed(SecretString),
    /// The client credentials grant (RFC 6749 section 4.4).
    Granted(Box<Grant>),
}

/// The client credentials grant at one authorization server.
pub(in crate::sources::ssf) struct Grant {
    /// The token endpoint.
    pub(in crate::sources::ssf) endpoint: Url,
    /// Who we are there.
    pub(in crate::sources::ssf) client_id: String,
    /// The proof of it.
    pub(in crate::sources::ssf) client_secret: SecretString,
    /// What is asked for.
    pub(in crate::sources::ssf) scope: String,
    /// The token at hand, and until when it is used.
    pub(in crate::sources::ssf) held: Mutex<Option<(SecretString, Instant)>>,
}

impl AccessToken {
    /// The value of the `Authorization` header; with `anew`, never one that was used before, where another can be had.
    ///
    /// # Errors
    /// Where no token can be had, or it is nothing that a header may hold.
    pub(in crate::sources::ssf) async fn header(&self, client: &reqwest::Client, anew: bool) -> anyhow::Result<HeaderValue> {
        let header = match self {
            Self::Fixed(token) => value(token),
            Self::Granted(grant) => value(&grant.token(client, anew).await?),
        };
        header.context("the transmitter's token holds what no HTTP header may")
    }

    /// Whether another token may be had when this one is refused.
    pub(in crate::sources::ssf) fn renews(&self) -> bool {
        matches!(self, Self::Granted(_))
    }
}

impl Grant {
    async fn token(&self, client: &reqwest::Client, anew: bool) -> anyhow::Result<SecretString> {
        // Whoever waits here for another's request is served by its outcome.
        let mut held = self.held.lock().await;
        if anew {
            *held = None;
        }
        if let Some((token, until)) = held.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let (token, lives) = self
            .ask(client)
            .await
            .context("asking the authorization server for a token")?;
        let until = Instant::now() + lives.saturating_sub(MARGIN).max(Duration::from_secs(1));
        *held = Some((token.clone(), until));
        Ok(token)
    }

    async fn ask(&self, client: &reqwest::Client) -> anyhow::Result<(SecretString, Duration)> {
        let form = [("grant_type", "client_credentials"), ("scope", self.scope.as_str())];
        let asked = client
            .post(self.endpoint.clone())
            .timeout(PATIENCE)
            .basic_auth(&self.client_id, Some(self.client_secret.expose_secret()))
            .header(::http::header::ACCEPT, "application/json")
            .form(&form);
        let answer = asked.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        anyhow::ensure!(
            status == ::http::StatusCode::OK,
            "it answered {status}; check client_id, client_secret and scope"
        );
        let body = http::read_body(answer, CAP).await?;
        // The text of serde's complaint could quote the token.
        let body: Value = serde_json::from_slice(&body).map_err(|_| anyhow::anyhow!("its answer is not JSON"))?;
        let token = body
            .get("access_token")
            .and_then(Value::as_str)
            .context("its answer holds no access_token")?;
        let lives = body
            .get("expires_in")
            .and_then(Value::as_u64)
            .map_or(UNTOLD, Duration::from_secs);
        Ok((SecretString::from(token.to_owned()), lives))
    }
}

fn value(token: &SecretString) -> Result<HeaderValue, ::http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))?;
    value.set_sensitive(true);
    Ok(value)
}
