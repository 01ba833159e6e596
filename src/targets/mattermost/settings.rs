//! The keys of a `mattermost` target, and what they must look like.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Url;
use serde::Deserialize;
use toml::Spanned;

use super::api::client::Api;
use crate::clock::Clock;
use crate::http::{Bounds, client_trusting};
use crate::secret::SecretSource;
use crate::settings::{ConfigError, Settings};

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Where the server is, `https` unless on loopback; a path before `/api/v4` may follow.
    url: Spanned<String>,
    /// The operator account's token.
    token: Spanned<SecretSource>,
    /// The nodes of a cluster, each by its own URL.
    #[serde(default)]
    nodes: Vec<Spanned<String>>,
    /// Authorities to trust besides the system's, PEM.
    ca_file: Option<Spanned<PathBuf>>,
    /// To open a connection: `5s`.
    connect_timeout: Option<Spanned<String>>,
    /// For a call as a whole: `30s`.
    timeout: Option<Spanned<String>>,
}

/// Builds the connection from a table, or says everything that is wrong with it.
pub(super) fn read(settings: &Settings<'_>, clock: &Clock) -> Result<Api, Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Vec::new();
    let url = take(&mut complaints, &keys.url, |text| base(text));
    let nodes: Vec<_> = keys
        .nodes
        .iter()
        .filter_map(|node| take(&mut complaints, node, |text| base(text)))
        .collect();
    let token = take(&mut complaints, &keys.token, |source| {
        source.read().map_err(anyhow::Error::new)
    });
    let roots = keys
        .ca_file
        .as_ref()
        .map(|path| take(&mut complaints, path, |path: &PathBuf| authorities(path)));
    let fallback = Bounds::default();
    let connect = keys.connect_timeout.as_ref().map_or(Some(fallback.connect), |text| {
        take(&mut complaints, text, |text| length(text))
    });
    let total = keys
        .timeout
        .as_ref()
        .map_or(Some(fallback.total), |text| take(&mut complaints, text, |text| length(text)));
    let (Some(url), Some(token), Some(connect), Some(total), true) = (url, token, connect, total, complaints.is_empty()) else {
        return Err(complaints);
    };
    let bounds = Bounds {
        connect,
        read: fallback.read.min(total),
        total,
    };
    client_trusting(bounds, roots.flatten().unwrap_or_default())
        .and_then(|client| Api::new((url, nodes), clock.clone(), client, (keys.token.into_inner(), &token)))
        .map_err(|error| vec![ConfigError::new(format!("{error:#}"))])
}

/// Reads one value; what is wrong with it becomes a complaint at its place.
fn take<T, U>(complaints: &mut Vec<ConfigError>, value: &Spanned<T>, read: impl FnOnce(&T) -> anyhow::Result<U>) -> Option<U> {
    read(value.get_ref())
        .map_err(|error| {
            complaints.push(ConfigError {
                span: Some(value.span()),
                message: format!("{error:#}"),
            });
        })
        .ok()
}

/// A server's base URL. The credential goes wherever it points, so it must be encrypted or stay on the machine, and may not point at a
/// link-local address, where clouds keep their metadata services.
fn base(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).with_context(|| format!("{text:?} is not a URL; write one such as https://chat.example.org"))?;
    anyhow::ensure!(
        url.username().is_empty() && url.password().is_none(),
        "the URL holds a user name or a password; the credential belongs in `token`"
    );
    anyhow::ensure!(
        url.query().is_none() && url.fragment().is_none(),
        "the URL {text:?} has a query or a fragment; leave it out"
    );
    anyhow::ensure!(
        !url.path().contains("/api/v4"),
        "the URL {text:?} names the API; leave out /api/v4 and what follows"
    );
    let host = url.host_str().unwrap_or_default();
    let address = host
        .trim_matches(['[', ']'])
        .parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical());
    let link_local = match address {
        Some(IpAddr::V4(v4)) => v4.is_link_local(),
        Some(IpAddr::V6(v6)) => v6.is_unicast_link_local(),
        None => false,
    };
    anyhow::ensure!(
        !link_local,
        "{host} is a link-local address; name the server by its host name"
    );
    let loopback = address.map_or(host == "localhost", |address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => anyhow::bail!("{text:?} would send the token unencrypted; write https:// (http:// is for loopback only)"),
        scheme => anyhow::bail!("{text:?} has the scheme {scheme}; write https://"),
    }
}

fn authorities(path: &Path) -> anyhow::Result<Vec<reqwest::Certificate>> {
    let pem = crate::file_modes::read("the certificates in", path)?;
    let found =
        reqwest::Certificate::from_pem_bundle(&pem).with_context(|| format!("{} holds no PEM certificates", path.display()))?;
    anyhow::ensure!(!found.is_empty(), "{} holds no PEM certificates", path.display());
    Ok(found)
}

fn length(text: &str) -> anyhow::Result<Duration> {
    let length = text
        .parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|length| Duration::try_from(length).ok());
    length
        .filter(|length| (Duration::from_millis(100)..=Duration::from_mins(10)).contains(length))
        .with_context(|| format!("{text:?} is not a time between 100ms and 10m; write one such as 30s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_could_leak_the_token_is_refused() {
        for (text, word) in [
            ("http://chat.example.org", "unencrypted"),
            ("https://me:secret@chat.example.org", "belongs in `token`"),
            ("https://chat.example.org/?x=1", "query"),
            ("https://chat.example.org/#x", "fragment"),
            ("https://chat.example.org/api/v4", "/api/v4"),
            ("https://169.254.169.254", "link-local"),
            ("https://[fe80::1]", "link-local"),
            ("https://[::ffff:169.254.169.254]", "link-local"),
            ("http://10.0.0.1", "unencrypted"),
            ("ftp://chat.example.org", "https://"),
            ("chat.example.org", "not a URL"),
        ] {
            let error = format!("{:#}", base(text).unwrap_err());
            assert!(error.contains(word) && !error.contains("secret@"), "{text}: {error}");
        }
    }

    #[test]
    fn a_server_by_name_or_on_loopback_is_taken() {
        for text in [
            "https://chat.example.org",
            "https://example.org/chat/",
            "http://127.0.0.1:8065",
            "http://localhost:8065",
            "http://[::1]:8065",
        ] {
            assert!(base(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn times_are_bounded() {
        assert_eq!(length("5s").unwrap(), Duration::from_secs(5));
        for text in ["0s", "-5s", "2h", "soon", "5"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
