//! `[transmitter]` and `[[receiver]]`: whom we tell what was proved, how, and under which key.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Diagnostics, SourceConfig, entries};
use crate::http::{self, Bounds};
use crate::jose::{JWKS_CAP, KeySet, is_loopback, read_object};
use crate::model::Reason;
use crate::secret::SecretSource;
use crate::settings::{Settings, salvage};
use crate::statement::{EventType, Receiver, SubjectForm};
use crate::transmitter::{self, Delivery, Issuer, ReceiverSettings};

/// Members of a JWK that only a private or a shared key has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    /// Our name: the https address at which receivers reach this server.
    issuer: Option<Spanned<String>>,
    /// The private RSA key; made beside the database without it.
    key: Option<Spanned<SecretSource>>,
    /// A JWK set of public keys to be published beside our own.
    more_keys: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Spanned<String>,
    /// What the receiver calls itself: `aud`.
    audience: String,
    delivery: Way,
    /// For push: where to.
    endpoint: Option<String>,
    /// For push: the whole value of the `Authorization` header.
    authorization: Option<SecretSource>,
    /// The bearer token or tokens that the receiver shows to us.
    token: Option<Secrets>,
    events: Option<Vec<Wanted>>,
    #[serde(default)]
    subject: SubjectForm,
    #[serde(default)]
    sources: Vec<Spanned<String>>,
    #[serde(default)]
    reasons: Vec<Spanned<String>>,
    #[serde(default)]
    single_sessions: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    Push,
    Poll,
}

/// The events that may be asked for; the handshake is always sent.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wanted {
    SessionRevoked,
    CredentialChange,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected { credential = \"…\" } or { file = \"…\" }, or a list of them"
)]
enum Secrets {
    One(SecretSource),
    More(Vec<SecretSource>),
}

/// Takes `[transmitter]` out of the file.
pub(super) fn take<'a>(root: &mut Spanned<DeTable<'a>>, found: &mut Diagnostics) -> Option<Spanned<DeTable<'a>>> {
    let (key, value) = root.get_mut().remove_entry("transmitter")?;
    let span = value.span();
    if let DeValue::Table(table) = value.into_inner() {
        return Some(Spanned::new(span, table));
    }
    found.complain(
        key.span(),
        "write [transmitter], with one bracket and its keys on the lines after it",
    );
    None
}

/// Builds the transmitter; `None` where none is written, or it cannot be built.
pub(super) fn transmitter(
    table: Option<Spanned<DeTable<'_>>>,
    receivers: Vec<Spanned<DeTable<'_>>>,
    sources: &[SourceConfig],
    found: &mut Diagnostics,
) -> Option<transmitter::Settings> {
    let Some(table) = table else {
        if let Some(first) = receivers.first() {
            found.complain(first.span(), "a [[receiver]] needs the table [transmitter] with our issuer");
        }
        return None;
    };
    let at = table.span();
    let (written, errors) = salvage::<Table>(table);
    found.errors.extend(errors);
    let written = written?;
    let issuer = match &written.issuer {
        None => {
            found.complain(at, "the key `issuer` is missing");
            None
        }
        Some(issuer) => Issuer::new(issuer.get_ref())
            .map_err(|error| found.complain(issuer.span(), format!("issuer: {error:#}")))
            .ok(),
    };
    if let Some(key) = &written.key {
        let read = key.get_ref().read_bytes().map_err(anyhow::Error::from);
        if let Err(error) = read.and_then(|key| transmitter::read_key(&key).map(drop)) {
            found.complain(key.span(), format!("key: {error:#}"));
        }
    }
    let more_keys = written.more_keys.as_ref().map_or_else(Vec::new, |path| {
        public_keys(path.get_ref()).unwrap_or_else(|error| {
            found.complain(path.span(), format!("more_keys: {error:#}"));
            Vec::new()
        })
    });
    if receivers.is_empty() {
        found.warn("[transmitter] is there and no [[receiver]]: nobody is told what was contained");
    }
    let our_name = issuer.as_ref().map(|issuer| issuer.as_str().to_owned()).unwrap_or_default();
    let mut names = Vec::new();
    let mut built: Vec<ReceiverSettings> = Vec::new();
    for entry in receivers {
        let at = entry.span();
        let Some((receiver, name)) = receiver(entry, &our_name, sources, found) else {
            continue;
        };
        entries::claim(&name, &mut names, "receiver", found);
        if let Some(other) = built.iter().find(|other| share(&other.tokens, &receiver.tokens)) {
            let other = &other.receiver.name;
            found.complain(
                at,
                format!("token: receiver {other} shows the same one, so nobody could tell them apart"),
            );
        }
        built.push(receiver);
    }
    Some(transmitter::Settings {
        issuer: issuer?,
        key: written.key.map(Spanned::into_inner),
        more_keys,
        receivers: built,
    })
}

/// Builds one receiver.
fn receiver(
    entry: Spanned<DeTable<'_>>,
    issuer: &str,
    sources: &[SourceConfig],
    found: &mut Diagnostics,
) -> Option<(ReceiverSettings, Spanned<String>)> {
    let settings = Settings { name: "", table: entry };
    let written: Written = match settings.read() {
        Ok(written) => written,
        Err(errors) => {
            let at = settings.table.span();
            found
                .errors
                .extend(errors.into_iter().map(|complaint| complaint.or_at(at.clone())));
            return None;
        }
    };
    let name = written.name.clone();
    let mut errors = Vec::new();
    let mut complain = |key: &str, message: String| errors.push(settings.complain(key, format!("{key}: {message}")));
    if written.audience.trim().is_empty() {
        complain("audience", "it must be what the receiver calls itself".to_owned());
    }
    if written.events.as_ref().is_some_and(Vec::is_empty) {
        complain(
            "events",
            "it must not be an empty list; leave the receiver out instead".to_owned(),
        );
    }
    let tokens = secrets(written.token.as_ref(), "token", &mut complain);
    let delivery = delivery(&written, &mut complain);
    for source in &written.sources {
        if !sources.iter().any(|known| known.name == *source.get_ref()) {
            complain("sources", format!("there is no source called {:?}", source.get_ref()));
        }
    }
    let mut reasons = Vec::new();
    for word in &written.reasons {
        match Reason::from_word(word.get_ref()) {
            Some(reason) => reasons.push(reason),
            None => complain("reasons", format!("there is no reason called {:?}", word.get_ref())),
        }
    }
    if matches!(written.delivery, Way::Push) && tokens.is_empty() {
        found.warn(format!(
            "receiver {} has no token: it cannot ask for a verification, so it cannot tell silence from failure",
            name.get_ref()
        ));
    }
    let delivery = delivery.filter(|_| errors.is_empty());
    found.errors.extend(errors);
    let events: BTreeSet<EventType> = match written.events {
        None => [EventType::SessionRevoked, EventType::CredentialChange].into(),
        Some(wanted) => wanted
            .into_iter()
            .map(|event| match event {
                Wanted::SessionRevoked => EventType::SessionRevoked,
                Wanted::CredentialChange => EventType::CredentialChange,
            })
            .collect(),
    };
    let receiver = Receiver {
        name: name.get_ref().clone(),
        issuer: issuer.to_owned(),
        audience: written.audience,
        events,
        subject: written.subject,
        sources: written.sources.into_iter().map(Spanned::into_inner).collect(),
        reasons,
        single_sessions: written.single_sessions,
    };
    Some((
        ReceiverSettings {
            receiver,
            delivery: delivery?,
            tokens,
        },
        name,
    ))
}

fn share(some: &[SecretString], others: &[SecretString]) -> bool {
    let mut others = others.iter();
    others.any(|other| some.iter().any(|one| one.expose_secret() == other.expose_secret()))
}

fn delivery(written: &Written, complain: &mut impl FnMut(&str, String)) -> Option<Delivery> {
    match written.delivery {
        Way::Poll => {
            if written.token.is_none() {
                complain("token", "a receiver that polls needs one to show".to_owned());
            }
            if written.endpoint.is_some() {
                complain(
                    "endpoint",
                    "a receiver that polls has none; we have, and its metadata names it".to_owned(),
                );
            }
            if written.authorization.is_some() {
                complain(
                    "authorization",
                    "this is what we show a receiver that is pushed to".to_owned(),
                );
            }
            Some(Delivery::Poll)
        }
        Way::Push => {
            let Some(endpoint) = &written.endpoint else {
                complain("endpoint", "a receiver that is pushed to needs an address".to_owned());
                return None;
            };
            let endpoint = endpoint_url(endpoint)
                .map_err(|error| complain("endpoint", format!("{error:#}")))
                .ok();
            let authorization = written.authorization.as_ref().and_then(|source| {
                let secret = source
                    .read()
                    .map_err(|error| complain("authorization", format!("{:#}", anyhow::Error::from(error))))
                    .ok()?;
                if ::http::HeaderValue::from_str(secret.expose_secret()).is_err() {
                    complain("authorization", "it holds something that no header can hold".to_owned());
                }
                Some(secret)
            });
            let client = http::client(Bounds::default())
                .map_err(|error| complain("endpoint", format!("{error:#}")))
                .ok();
            Some(Delivery::Push {
                endpoint: endpoint?,
                authorization,
                client: client?,
            })
        }
    }
}

fn secrets(written: Option<&Secrets>, key: &str, complain: &mut impl FnMut(&str, String)) -> Vec<SecretString> {
    let sources = match written {
        None => return Vec::new(),
        Some(Secrets::One(source)) => std::slice::from_ref(source),
        Some(Secrets::More(sources)) => sources,
    };
    if sources.is_empty() {
        complain(key, "it must not be an empty list".to_owned());
    }
    let mut secrets = Vec::new();
    for source in sources {
        match source.read() {
            // A short token could be found by trying.
            Ok(secret) if secret.expose_secret().len() < 16 => {
                complain(
                    key,
                    format!("the {source} is shorter than 16 characters; make one with openssl rand -hex 32"),
                );
            }
            Ok(secret) => secrets.push(secret),
            Err(error) => complain(key, format!("{:#}", anyhow::Error::from(error))),
        }
    }
    secrets
}

/// An address of others: encrypted, or on this host.
pub(super) fn endpoint_url(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).map_err(|_| anyhow::anyhow!("it is not a URL"))?;
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    anyhow::ensure!(secure, "it must be https; http is taken on this very host only");
    anyhow::ensure!(
        url.username().is_empty() && url.password().is_none(),
        "it must hold neither user nor password; write authorization"
    );
    Ok(url)
}

/// Reads keys that are published beside our own. A private key in such a file would be told to everybody.
fn public_keys(path: &Path) -> anyhow::Result<Vec<Value>> {
    use anyhow::Context as _;
    let bytes = std::fs::read(path).with_context(|| format!("reading the key set {}", path.display()))?;
    anyhow::ensure!(
        bytes.len() <= JWKS_CAP,
        "the key set {} is larger than {JWKS_CAP} bytes",
        path.display()
    );
    let keys = KeySet::read(&bytes).with_context(|| format!("in {}", path.display()))?;
    let document = read_object(&bytes).map_err(|why| anyhow::anyhow!("the key set cannot be read: {why}"))?;
    let list = document.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
    anyhow::ensure!(
        keys.usable() == list.len() && list.iter().all(|key| key["kid"].is_string()),
        "the key set {} holds a key that may not be used, or one without a name (kid)",
        path.display()
    );
    let private = list.iter().any(|key| PRIVATE.iter().any(|member| key.get(member).is_some()));
    anyhow::ensure!(
        !private,
        "the key set {} holds a private key, which would be published",
        path.display()
    );
    Ok(list)
}
