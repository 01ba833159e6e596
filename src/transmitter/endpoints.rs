//! The paths of the transmitter: which endpoint is at each. All of them follow from the issuer, as SSF 1.0 section 7.2 asks for the first.

use anyhow::Context as _;
use http::Method;
use reqwest::Url;

use crate::jose::is_loopback;

/// Our name, and the paths that follow from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The issuer, byte for byte.
    text: String,
    /// Its path without a slash at the end; empty for none.
    prefix: String,
}

/// What is at one of our paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The transmitter's metadata.
    Metadata,
    /// Its public keys.
    Keys,
    /// Where the receiver of that name fetches its tokens.
    Poll(String),
    /// How a stream is set up.
    Configuration,
    /// Whether a stream is enabled.
    Status,
    /// Where a receiver asks for a handshake.
    Verification,
}

impl Endpoint {
    /// The methods it takes.
    #[must_use]
    pub const fn methods(&self) -> &'static [Method] {
        match self {
            Self::Metadata | Self::Keys | Self::Status => &[Method::GET, Method::HEAD],
            Self::Configuration => &[Method::GET, Method::HEAD, Method::POST],
            Self::Poll(_) | Self::Verification => &[Method::POST],
        }
    }

    /// Whether everybody may read it.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Metadata | Self::Keys)
    }
}

impl Issuer {
    /// The ours of `issuer`: https, or http on this very host.
    ///
    /// # Errors
    /// Where it is not such a URL, or has a query, a fragment or a user.
    pub fn new(issuer: &str) -> anyhow::Result<Self> {
        let url = Url::parse(issuer).context("it is not a URL; write the https address at which receivers reach this server")?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        anyhow::ensure!(secure, "it must be https; http is taken on this very host only");
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
        anyhow::ensure!(plain, "it must have neither user nor query nor fragment");
        anyhow::ensure!(
            url.as_str().trim_end_matches('/') == issuer.trim_end_matches('/'),
            "write it as {}, so that it is the same byte for byte wherever it is compared",
            url.as_str().trim_end_matches('/')
        );
        Ok(Self {
            text: issuer.to_owned(),
            prefix: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The issuer.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address of something below us, as others reach it.
    #[must_use]
    pub fn url(&self, below: &str) -> String {
        format!("{}/ssf/{below}", self.text.trim_end_matches('/'))
    }

    /// What is at `path`.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> Option<Endpoint> {
        if let Some(after) = path.strip_prefix("/.well-known/ssf-configuration") {
            return (after == self.prefix).then_some(Endpoint::Metadata);
        }
        let below = path.strip_prefix(self.prefix.as_str())?.strip_prefix("/ssf/")?;
        match below {
            "jwks.json" => Some(Endpoint::Keys),
            "stream" => Some(Endpoint::Configuration),
            "status" => Some(Endpoint::Status),
            "verification" => Some(Endpoint::Verification),
            _ => {
                let name = below.strip_prefix("poll/")?;
                (!name.is_empty() && !name.contains('/')).then(|| Endpoint::Poll(name.to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_stands_between_host_and_path() {
        for (issuer, metadata, keys) in [
            ("https://r.example.org", "/.well-known/ssf-configuration", "/ssf/jwks.json"),
            ("https://r.example.org/", "/.well-known/ssf-configuration", "/ssf/jwks.json"),
            (
                "https://r.example.org/a/b",
                "/.well-known/ssf-configuration/a/b",
                "/a/b/ssf/jwks.json",
            ),
        ] {
            let ours = Issuer::new(issuer).unwrap();
            assert_eq!(ours.endpoint(metadata), Some(Endpoint::Metadata), "{issuer}");
            assert_eq!(ours.endpoint(keys), Some(Endpoint::Keys));
            assert!(ours.url("jwks.json").ends_with(keys));
            assert_eq!(ours.as_str(), issuer);
            for other in [
                "/.well-known/ssf-configuration/x",
                "/ssf",
                "/ssf/poll/",
                "/ssf/poll/a/b",
                "/x/ssf/jwks.json",
                "/",
            ] {
                assert_eq!(ours.endpoint(other), None, "{other}");
            }
        }
        let ours = Issuer::new("https://r.example.org").unwrap();
        assert_eq!(ours.endpoint("/ssf/poll/idp"), Some(Endpoint::Poll("idp".to_owned())));
    }

    #[test]
    fn an_issuer_that_others_could_write_otherwise_is_refused() {
        for issuer in [
            "http://r.example.org",
            "https://r.example.org?x=1",
            "https://r.example.org#x",
            "https://me@r.example.org",
            "https://R.example.org",
            "https://r.example.org:443",
            "r.example.org",
        ] {
            assert!(Issuer::new(issuer).is_err(), "{issuer}");
        }
        assert!(Issuer::new("http://127.0.0.1:8480").is_ok());
    }
}
