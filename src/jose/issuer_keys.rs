//! What a config says about where an issuer publishes its keys, made into a [`JwksOrigin`].

use std::path::Path;

use anyhow::Context as _;

use super::JwksOrigin;

/// The settings `issuer`, `jwks_file`, `jwks_url` and `jwks_host` of a source, as written.
#[derive(Debug, Clone, Copy)]
pub struct IssuerKeys<'a> {
    /// The issuer, byte for byte.
    pub issuer: &'a str,
    /// A file with its keys.
    pub file: Option<&'a Path>,
    /// Where its keys are.
    pub url: Option<&'a str>,
    /// The host of its keys, where it is not the issuer's.
    pub host: Option<&'a str>,
}

/// The document that an issuer's keys are looked up in, where neither a file nor an address is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataDocument {
    /// SSF 1.0 section 7: `/.well-known/ssf-configuration` between host and path.
    Ssf,
    /// OpenID Connect Discovery 1.0 section 4: `/.well-known/openid-configuration` after the path.
    OpenId,
    /// The same, of an issuer without a path: OpenID Connect puts the document after an issuer's path and RFC 8414 before it, so that only without
    /// one there is a single place.
    OpenIdAtRoot,
}

impl IssuerKeys<'_> {
    /// Where the keys come from. A file is read here already.
    ///
    /// # Errors
    /// The setting that is wrong, and why.
    pub fn origin(&self, document: MetadataDocument) -> Result<JwksOrigin, (&'static str, anyhow::Error)> {
        match (self.file, self.url) {
            (Some(_), Some(_)) => Err(("jwks_url", anyhow::anyhow!("write either jwks_file or jwks_url"))),
            (Some(path), None) => JwksOrigin::file(path).map_err(|error| ("jwks_file", error)),
            (None, Some(url)) => {
                let origin = self.host().and_then(|host| JwksOrigin::url(url, &host));
                origin.map_err(|error| ("jwks_url", error))
            }
            (None, None)
                if document == MetadataDocument::OpenIdAtRoot
                    && reqwest::Url::parse(self.issuer).is_ok_and(|url| url.path() != "/") =>
            {
                let why = "the issuer has a path, so its keys cannot be looked up; write jwks_url or jwks_file";
                Err(("issuer", anyhow::anyhow!(why)))
            }
            (None, None) => {
                let origin = self.host().and_then(|host| match document {
                    MetadataDocument::Ssf => JwksOrigin::metadata(self.issuer, "ssf-configuration", &host),
                    MetadataDocument::OpenId | MetadataDocument::OpenIdAtRoot => JwksOrigin::discovery(self.issuer, &host),
                });
                let origin = origin.context("the issuer's keys cannot be looked up; write jwks_url or jwks_file");
                origin.map_err(|error| ("issuer", error))
            }
        }
    }

    fn host(&self) -> anyhow::Result<String> {
        if let Some(host) = self.host {
            return Ok(host.to_owned());
        }
        let url = reqwest::Url::parse(self.issuer).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str).map(str::to_owned);
        host.context("the issuer is not a URL with a host, so jwks_host must name the host of its keys")
    }
}
