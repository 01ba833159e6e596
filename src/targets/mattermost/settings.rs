//! The keys of a `mattermost` target, and what they must look like.

use std::path::PathBuf;

use reqwest::Url;
use serde::Deserialize;
use toml::Spanned;

use super::api::client::Api;
use crate::clock::Clock;
use crate::http::Bounds;
use crate::secret::SecretSource;
use crate::settings::{Complaints, ConfigError, Period, Settings};
use crate::targets::connection::{CALL_TIME, authorities, base_url, client};

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
    connect_timeout: Option<Spanned<Period>>,
    /// For a call as a whole: `30s`.
    timeout: Option<Spanned<Period>>,
}

/// Builds the connection from a table, or says everything that is wrong with it.
pub(super) fn read(settings: &Settings<'_>, clock: &Clock) -> Result<Api, Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Complaints::default();
    let url = complaints.take(&keys.url, |text| base(text));
    let nodes: Vec<_> = keys
        .nodes
        .iter()
        .filter_map(|node| complaints.take(node, |text| base(text)))
        .collect();
    let token = complaints.take(&keys.token, |source| source.read().map_err(anyhow::Error::new));
    let roots = keys
        .ca_file
        .as_ref()
        .and_then(|path| complaints.take(path, |path: &PathBuf| authorities(path)));
    let fallback = Bounds::default();
    let connect = complaints.time(keys.connect_timeout.as_ref(), fallback.connect, &CALL_TIME);
    let total = complaints.time(keys.timeout.as_ref(), fallback.total, &CALL_TIME);
    let (Some(url), Some(token), true) = (url, token, complaints.is_empty()) else {
        return Err(complaints.0);
    };
    client(Some(connect), Some(total), roots)
        .and_then(|client| Api::new((url, nodes), clock.clone(), client, (keys.token.into_inner(), &token)))
        .map_err(|error| vec![ConfigError::new(format!("{error:#}"))])
}

/// A server's base URL, without the path of the API.
fn base(text: &str) -> anyhow::Result<Url> {
    let url = base_url(text)?;
    anyhow::ensure!(
        !url.path().contains("/api/v4"),
        "the URL {text:?} names the API; leave out /api/v4 and what follows"
    );
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_names_the_api_is_refused() {
        let error = format!("{:#}", base("https://chat.example.org/api/v4").unwrap_err());
        assert!(error.contains("/api/v4"), "{error}");
    }
}
