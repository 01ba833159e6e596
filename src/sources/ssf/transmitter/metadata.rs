//! What a transmitter says about itself: its metadata (SSF 1.0 section 7).

use std::time::Duration;

use anyhow::Context as _;
use reqwest::Url;
use serde_json::{Map, Value};

use crate::http;
use crate::jose::{ensure_fetchable, read_object, well_known_url};

/// What a metadata document may weigh, in bytes.
const CAP: usize = 256 << 10;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A delivery method, by the names of the final specification and of the drafts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The transmitter comes to us (RFC 8935).
    Push,
    /// We ask it (RFC 8936).
    Poll,
}

impl Method {
    /// Its URN.
    #[must_use]
    pub const fn urn(self) -> &'static str {
        match self {
            Self::Push => "urn:ietf:rfc:8935",
            Self::Poll => "urn:ietf:rfc:8936",
        }
    }

    /// What a config calls it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Poll => "poll",
        }
    }

    /// The method of a name, new or old.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let legacy = name.strip_prefix("https://schemas.openid.net/secevent/risc/delivery-method/");
        match (name, legacy) {
            ("urn:ietf:rfc:8935", _) | (_, Some("push")) => Some(Self::Push),
            ("urn:ietf:rfc:8936", _) | (_, Some("poll")) => Some(Self::Poll),
            _ => None,
        }
    }
}

/// A transmitter's metadata, as far as a receiver needs it. Every address is on the host that the config allows, since our token goes
/// there.
#[derive(Debug, Clone)]
pub struct Transmitter {
    /// The version of the specification: `1_0` is the final one, `1_0-ID1` stands for a document that says none.
    pub version: String,
    /// The delivery methods, where the document names any.
    pub methods: Option<Vec<Method>>,
    /// Where streams are made and looked at.
    pub configuration: Option<Url>,
    /// Where a stream's status is read and set.
    pub status: Option<Url>,
    /// Where a subject is added.
    pub add_subject: Option<Url>,
    /// Where a subject is taken out.
    pub remove_subject: Option<Url>,
    /// Where a verification is asked for.
    pub verification: Option<Url>,
    /// The members of a complex subject that must be understood.
    pub critical: Vec<String>,
    /// Whether a new stream is about nobody until subjects are added.
    pub subjects_none: bool,
}

/// Where a transmitter's metadata is, and how far it is believed.
#[derive(Debug, Clone)]
pub(in crate::sources::ssf) struct Discovery {
    url: Url,
    issuer: String,
    host: String,
}

impl Discovery {
    /// The metadata of `issuer`, whose endpoints must be on `host`.
    ///
    /// # Errors
    /// Where the issuer is not a URL that may be asked.
    pub(in crate::sources::ssf) fn new(issuer: &str, host: Option<&str>) -> anyhow::Result<Self> {
        let url = well_known_url(issuer, "ssf-configuration")?;
        let own = url.host_str().context("the issuer has no host")?.to_owned();
        Ok(Self {
            host: host.map_or(own, str::to_owned),
            url,
            issuer: issuer.to_owned(),
        })
    }

    /// Asks for the metadata.
    ///
    /// # Errors
    /// Where it cannot be had, is another issuer's, or sends our token elsewhere.
    pub(in crate::sources::ssf) async fn transmitter(&self, client: &reqwest::Client) -> anyhow::Result<Transmitter> {
        let asked = client
            .get(self.url.clone())
            .timeout(PATIENCE)
            .header(::http::header::ACCEPT, "application/json");
        let answer = asked.send().await.map_err(reqwest::Error::without_url);
        let answer = answer.with_context(|| format!("asking for the transmitter's metadata at {}", self.url))?;
        let status = answer.status();
        anyhow::ensure!(
            status == ::http::StatusCode::OK,
            "{} answered {status}; is the issuer right, and does it offer SSF streams?",
            self.url
        );
        let body = http::read_body(answer, CAP).await?;
        let document = read_object(&body).map_err(|why| anyhow::anyhow!("the transmitter's metadata cannot be read: {why}"))?;
        self.read(&document)
    }

    fn read(&self, document: &Map<String, Value>) -> anyhow::Result<Transmitter> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        // Nothing of a document is used that is not the issuer's own (SSF 1.0 section 7.2.3).
        anyhow::ensure!(
            text("issuer") == Some(self.issuer.as_str()),
            "the metadata at {} is another issuer's",
            self.url
        );
        let endpoint = |name: &str| {
            text(name)
                .map(|url| self.allowed(url).context(format!("reading {name}")))
                .transpose()
        };
        let texts = |name: &str| {
            let list = document.get(name)?.as_array()?;
            Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>())
        };
        Ok(Transmitter {
            version: text("spec_version").unwrap_or("1_0-ID1").to_owned(),
            methods: texts("delivery_methods_supported").map(|names| names.into_iter().filter_map(Method::named).collect()),
            configuration: endpoint("configuration_endpoint")?,
            status: endpoint("status_endpoint")?,
            add_subject: endpoint("add_subject_endpoint")?,
            remove_subject: endpoint("remove_subject_endpoint")?,
            verification: endpoint("verification_endpoint")?,
            critical: texts("critical_subject_members")
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            subjects_none: text("default_subjects") == Some("NONE"),
        })
    }

    /// An address that our token may be sent to.
    ///
    /// # Errors
    /// Where it is not https, or not on the host that the config allows.
    pub(in crate::sources::ssf) fn allowed(&self, url: &str) -> anyhow::Result<Url> {
        let url = Url::parse(url).context("the transmitter names an address that is no URL")?;
        ensure_fetchable(&url)?;
        let own = url.host_str().unwrap_or_default();
        anyhow::ensure!(
            own.eq_ignore_ascii_case(&self.host),
            "the transmitter names an address on {own}, and the token may go to {} only; if that is meant, set endpoint_host = {own:?}",
            self.host
        );
        Ok(url)
    }
}
