//! Where an issuer's keys come from: a file, a URL, or the URL that the issuer's own metadata names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Url;
use serde_json::Value;

use super::{KeySet, cache_control, read_object};
use crate::file_modes;
use crate::http::{self, Bounds};

/// What a key set or a metadata document may weigh, in bytes.
pub const JWKS_CAP: usize = 256 << 10;

/// A signal waits while keys are fetched, so an issuer that does not answer may not hold it long.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(2),
    read: Duration::from_secs(3),
    total: Duration::from_secs(5),
};

/// Where an issuer's keys come from. Every URL is https, or http to this very host, and stays on the host that the config allows.
#[derive(Debug, Clone)]
pub enum JwksOrigin {
    /// A JWK set in a file, read again when a key is missing.
    File(PathBuf),
    /// A JWK set at a URL.
    Url {
        /// The set's address.
        url: Url,
        /// The client, which follows no redirect.
        client: reqwest::Client,
    },
    /// A JWK set at the `jwks_uri` of a metadata document (SSF 1.0 section 7, OpenID Connect Discovery).
    Metadata {
        /// The document's address.
        url: Url,
        /// What its member `issuer` must be, byte for byte.
        issuer: String,
        /// The host that `jwks_uri` must be on.
        host: String,
        /// The client, which follows no redirect.
        client: reqwest::Client,
    },
}

impl JwksOrigin {
    /// Keys in the file at `path`, which is read here already, so that a bad one is a fault of the config and not of the first token.
    ///
    /// # Errors
    /// Where the file cannot be read, may be written by others, is larger than [`JWKS_CAP`], or holds no key that may be used.
    pub fn file(path: &Path) -> anyhow::Result<Self> {
        let bytes = file_modes::read("the key set", path)?;
        anyhow::ensure!(
            bytes.len() <= JWKS_CAP,
            "the key set {} is larger than {JWKS_CAP} bytes",
            path.display()
        );
        let keys = KeySet::read(&bytes).with_context(|| format!("in {}", path.display()))?;
        anyhow::ensure!(
            keys.usable() > 0,
            "the key set {} holds no key that may be used",
            path.display()
        );
        Ok(Self::File(path.to_owned()))
    }

    /// Keys at `url`, which must be on `host`.
    ///
    /// # Errors
    /// Where the URL may not be asked, or TLS cannot be set up.
    pub fn url(url: &str, host: &str) -> anyhow::Result<Self> {
        Ok(Self::Url {
            url: checked(url, host)?,
            client: http::client(BOUNDS)?,
        })
    }

    /// Keys at the `jwks_uri` of the metadata that `issuer` publishes under `/.well-known/<document>`, inserted between its host and its
    /// path; `jwks_uri` must be on `host`.
    ///
    /// # Errors
    /// Where the issuer is not a URL that may be asked, or TLS cannot be set up.
    pub fn metadata(issuer: &str, document: &str, host: &str) -> anyhow::Result<Self> {
        Self::described(issuer, host, well_known_url(issuer, document)?)
    }

    /// Keys at the `jwks_uri` of the metadata that `issuer` publishes as an OpenID provider: `/.well-known/openid-configuration` after
    /// its path (OpenID Connect Discovery 1.0 section 4.1); `jwks_uri` must be on `host`.
    ///
    /// # Errors
    /// As [`JwksOrigin::metadata`].
    pub fn discovery(issuer: &str, host: &str) -> anyhow::Result<Self> {
        Self::described(issuer, host, discovery_url(issuer)?)
    }

    /// Keys by way of the document at `url`.
    fn described(issuer: &str, host: &str, url: Url) -> anyhow::Result<Self> {
        Ok(Self::Metadata {
            url,
            issuer: issuer.to_owned(),
            host: host.to_owned(),
            client: http::client(BOUNDS)?,
        })
    }

    /// Gets the keys as they are now, and how long the issuer says that they are good for.
    ///
    /// # Errors
    /// Where they cannot be had or are not a key set. No URL query is in the text.
    pub async fn fetch(&self) -> anyhow::Result<(KeySet, Option<Duration>)> {
        match self {
            Self::File(path) => {
                file_modes::check_at("the key set", path)?;
                let bytes = tokio::fs::read(path).await;
                let bytes = bytes.with_context(|| format!("reading the key set {}", path.display()))?;
                anyhow::ensure!(
                    bytes.len() <= JWKS_CAP,
                    "the key set {} is larger than {JWKS_CAP} bytes",
                    path.display()
                );
                Ok((KeySet::read(&bytes)?, None))
            }
            Self::Url { url, client } => keys_at(client, url).await,
            Self::Metadata {
                url,
                issuer,
                host,
                client,
            } => {
                let (document, _) = get(client, url).await?;
                let document =
                    read_object(&document).map_err(|why| anyhow::anyhow!("the issuer's metadata cannot be read: {why}"))?;
                let named = document.get("issuer").and_then(Value::as_str);
                anyhow::ensure!(
                    named == Some(issuer.as_str()),
                    "the metadata at {} is another issuer's",
                    place(url)
                );
                let keys = document.get("jwks_uri").and_then(Value::as_str);
                let keys = checked(keys.context("the issuer's metadata names no jwks_uri")?, host)?;
                keys_at(client, &keys).await
            }
        }
    }
}

impl fmt::Display for JwksOrigin {
    /// For logs: the file or the address, without user, query and fragment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url { url, .. } | Self::Metadata { url, .. } => f.write_str(&place(url)),
        }
    }
}

/// A URL that may be asked for keys: see [`JwksOrigin`].
fn checked(url: &str, host: &str) -> anyhow::Result<Url> {
    let url = Url::parse(url).context("the address of the keys is not a URL")?;
    ensure_fetchable(&url)?;
    let own = url.host_str().unwrap_or_default();
    anyhow::ensure!(
        own.eq_ignore_ascii_case(host),
        "the keys are on {own}, not on {host}; if that is meant, set jwks_host = {own:?}"
    );
    Ok(url)
}

/// Where the metadata `document` of `issuer` is: under `/.well-known/`, inserted between its host and its path (SSF 1.0 section 7.2).
///
/// # Errors
/// Where the issuer is not a URL that may be asked.
pub fn well_known_url(issuer: &str, document: &str) -> anyhow::Result<Url> {
    placed(issuer, |path| format!("/.well-known/{document}{path}"))
}

/// Where `issuer` publishes what it is as an OpenID provider: after its path (OpenID Connect Discovery 1.0 section 4.1).
///
/// # Errors
/// Where the issuer is not a URL that may be asked.
pub fn discovery_url(issuer: &str) -> anyhow::Result<Url> {
    placed(issuer, |path| format!("{path}/.well-known/openid-configuration"))
}

/// The URL at the path that `place` makes of the issuer's.
fn placed(issuer: &str, place: impl Fn(&str) -> String) -> anyhow::Result<Url> {
    let mut url = Url::parse(issuer).context("the issuer is not a URL, so it has no metadata")?;
    ensure_fetchable(&url)?;
    let path = place(url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// Checks that a URL may be asked: https, or http to this very host, and no user name or password in it.
///
/// # Errors
/// What is wrong with it. No query is in the text.
pub fn ensure_fetchable(url: &Url) -> anyhow::Result<()> {
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    anyhow::ensure!(
        secure,
        "{} must be https; http is taken on this very host only (127.0.0.1, [::1], localhost)",
        place(url)
    );
    anyhow::ensure!(
        url.username().is_empty() && url.password().is_none(),
        "{} must not hold a user name or password",
        place(url)
    );
    Ok(())
}

/// Whether `url` is on this very host.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A URL for a complaint: without user, query and fragment.
fn place(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

async fn keys_at(client: &reqwest::Client, url: &Url) -> anyhow::Result<(KeySet, Option<Duration>)> {
    let (bytes, fresh_for) = get(client, url).await?;
    Ok((KeySet::read(&bytes)?, fresh_for))
}

async fn get(client: &reqwest::Client, url: &Url) -> anyhow::Result<(bytes::Bytes, Option<Duration>)> {
    let asked = client
        .get(url.clone())
        .header(::http::header::ACCEPT, "application/jwk-set+json, application/json");
    let answer = asked.send().await.map_err(reqwest::Error::without_url);
    let answer = answer.with_context(|| format!("asking {}", place(url)))?;
    let status = answer.status();
    anyhow::ensure!(status == ::http::StatusCode::OK, "{} answered {status}", place(url));
    let fresh_for = cache_control::fresh_for(answer.headers());
    let body = http::read_body(answer, JWKS_CAP).await;
    Ok((body.with_context(|| format!("asking {}", place(url)))?, fresh_for))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_on_the_issuers_host_and_behind_tls() {
        assert!(JwksOrigin::url("https://idp.example.org/keys", "idp.example.org").is_ok());
        assert!(JwksOrigin::url("http://127.0.0.1:9/keys", "127.0.0.1").is_ok());
        assert!(JwksOrigin::url("http://[::1]:9/keys", "[::1]").is_ok());
        for (url, host) in [
            ("http://idp.example.org/keys", "idp.example.org"),
            ("https://keys.example.org/keys", "idp.example.org"),
            ("https://me:secret@idp.example.org/keys", "idp.example.org"),
            ("http://127.0.0.1.example.org/keys", "127.0.0.1.example.org"),
            ("file:///etc/passwd", ""),
            ("keys", "idp.example.org"),
        ] {
            let error = JwksOrigin::url(url, host).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn metadata_is_inserted_between_host_and_path() {
        for (issuer, at) in [
            (
                "https://tr.example.com",
                "https://tr.example.com/.well-known/ssf-configuration",
            ),
            (
                "https://tr.example.com/",
                "https://tr.example.com/.well-known/ssf-configuration",
            ),
            (
                "https://tr.example.com/issuer1",
                "https://tr.example.com/.well-known/ssf-configuration/issuer1",
            ),
        ] {
            match JwksOrigin::metadata(issuer, "ssf-configuration", "tr.example.com").unwrap() {
                JwksOrigin::Metadata { url, .. } => assert_eq!(url.as_str(), at),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_openid_providers_metadata_stands_after_its_path() {
        for (issuer, at) in [
            (
                "https://id.example.com/",
                "https://id.example.com/.well-known/openid-configuration",
            ),
            (
                "https://id.example.com/realms/staff",
                "https://id.example.com/realms/staff/.well-known/openid-configuration",
            ),
        ] {
            match JwksOrigin::discovery(issuer, "id.example.com").unwrap() {
                JwksOrigin::Metadata { url, .. } => assert_eq!(url.as_str(), at),
                other => panic!("{other:?}"),
            }
        }
    }
}
