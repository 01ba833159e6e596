//! The keys that belong to the kind of a channel, and what is built of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use toml::Spanned;

use crate::bounded_program::{Program, said_path};
use crate::http::{self, Bounds};
use crate::jose::is_loopback;
use crate::notify::{Alertmanager, Carrier, Exec, Mattermost, PagerDuty, Security, SigningKey, Slack, Smtp, SmtpServer, Webhook};
use crate::secret::SecretSource;
use crate::settings::Period;

/// How long a program may take where the config does not say.
const PROGRAM_TIME: Duration = Duration::from_secs(30);
const LONGEST_PROGRAM: Duration = Duration::from_mins(5);
/// How many bytes it may write on each of its outputs.
const OUTPUT: usize = 64 << 10;
/// Where `PagerDuty` takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com";
/// How long a receiver may take.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(5),
    read: Duration::from_secs(15),
    total: Duration::from_secs(20),
};

/// The keys of all kinds; each kind takes its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Written {
    /// Where it goes: a text, or where the secret is.
    url: Option<Place>,
    /// The secret or secrets that webhooks are signed with.
    secret: Option<Secrets>,
    /// The whole value of an `Authorization` header.
    authorization: Option<SecretSource>,
    /// The integration key of a service of `PagerDuty`.
    routing_key: Option<SecretSource>,
    /// The mail server.
    host: Option<String>,
    /// Its port.
    port: Option<u16>,
    /// How the connection is secured.
    tls: Option<TlsWord>,
    /// An authority besides the system's.
    authority: Option<PathBuf>,
    /// Who we are to the mail server.
    login: Option<String>,
    /// With which password.
    password: Option<SecretSource>,
    /// In whose name mail is sent.
    from: Option<String>,
    /// To whom.
    pub(super) to: Option<Vec<Spanned<String>>>,
    /// The program.
    program: Option<String>,
    /// Its arguments.
    args: Option<Vec<String>>,
    /// How long it may take.
    timeout: Option<Period>,
}

impl Written {
    /// The keys that are written.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("url", self.url.is_some()),
            ("secret", self.secret.is_some()),
            ("authorization", self.authorization.is_some()),
            ("routing_key", self.routing_key.is_some()),
            ("host", self.host.is_some()),
            ("port", self.port.is_some()),
            ("tls", self.tls.is_some()),
            ("authority", self.authority.is_some()),
            ("login", self.login.is_some()),
            ("password", self.password.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("program", self.program.is_some()),
            ("args", self.args.is_some()),
            ("timeout", self.timeout.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, is_given)| is_given.then_some(key))
    }
}

/// The keys of each kind.
const KEYS: [(&str, &[&str]); 7] = [
    ("webhook", &["url", "secret", "authorization"]),
    (
        "smtp",
        &["host", "port", "tls", "authority", "login", "password", "from", "to"],
    ),
    ("slack", &["url"]),
    ("mattermost", &["url"]),
    ("pagerduty", &["url", "routing_key"]),
    ("alertmanager", &["url", "authorization"]),
    ("exec", &["program", "args", "timeout"]),
];

/// An address that is written down, or that is a secret.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an address, or { credential = \"…\" } or { file = \"…\" } where it is a secret"
)]
enum Place {
    Plain(String),
    Secret(SecretSource),
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TlsWord {
    Implicit,
    Starttls,
    None,
}

/// Builds what brings messages to a channel of `kind`. `None` where something was complained about.
pub(super) fn carrier(
    kind: &str,
    written: &Written,
    source: &str,
    complain: &mut impl FnMut(&str, String),
) -> Option<Arc<dyn Carrier>> {
    let keys = KEYS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
    for key in written.given().filter(|key| !keys.contains(key)) {
        complain(
            key,
            format!("a channel of the kind {kind} has no such key; it has {}", keys.join(", ")),
        );
    }
    Some(match kind {
        "webhook" => Arc::new(webhook(written, complain)?),
        "slack" => Arc::new(Slack {
            url: secret_url(written, complain)?,
            client: client(complain)?,
        }),
        "mattermost" => Arc::new(Mattermost {
            url: secret_url(written, complain)?,
            client: client(complain)?,
        }),
        "pagerduty" => {
            let key =
                needed(written.routing_key.as_ref(), "routing_key", complain).and_then(|key| read(key, "routing_key", complain));
            if key.as_ref().is_some_and(|key| key.expose_secret().len() != 32) {
                complain("routing_key", "an integration key has 32 characters".to_owned());
            }
            Arc::new(PagerDuty {
                url: below(written, Some(PAGERDUTY), "/v2/enqueue", complain)?,
                routing_key: key?,
                source: source.to_owned(),
                client: client(complain)?,
            })
        }
        "alertmanager" => {
            let authorization = authorization(written, complain)?;
            Arc::new(Alertmanager {
                url: below(written, None, "/api/v2/alerts", complain)?,
                authorization,
                source: source.to_owned(),
                client: client(complain)?,
            })
        }
        "smtp" => Arc::new(smtp(written, complain)?),
        _ => Arc::new(exec(written, complain)?),
    })
}

fn webhook(written: &Written, complain: &mut impl FnMut(&str, String)) -> Option<Webhook> {
    let sources = match &written.secret {
        None => &[][..],
        Some(Secrets::One(source)) => std::slice::from_ref(source),
        Some(Secrets::More(sources)) => sources,
    };
    if sources.is_empty() {
        complain(
            "secret",
            "a webhook is signed: write where its secret is, and make one with echo whsec_$(openssl rand -base64 32)".to_owned(),
        );
    }
    let mut keys = Vec::new();
    for source in sources {
        if let Some(secret) = read(source, "secret", complain) {
            match SigningKey::new(&secret) {
                Ok(key) => keys.push(key),
                Err(why) => complain("secret", why.to_owned()),
            }
        }
    }
    let authorization = authorization(written, complain)?;
    let url = url(written, complain)?;
    Some(Webhook {
        url,
        is_secret: matches!(written.url, Some(Place::Secret(_))),
        keys: (keys.len() == sources.len() && !keys.is_empty()).then_some(keys)?,
        authorization,
        client: client(complain)?,
    })
}

fn exec(written: &Written, complain: &mut impl FnMut(&str, String)) -> Option<Exec> {
    let program = needed(written.program.as_ref(), "program", complain)?;
    let args = written.args.clone().unwrap_or_default();
    let time = written.timeout.map_or(PROGRAM_TIME, |period| period.0);
    if time.is_zero() || time > LONGEST_PROGRAM {
        complain("timeout", format!("it must be up to {}", Period(LONGEST_PROGRAM)));
    }
    let command: Vec<String> = std::iter::once(program.clone()).chain(args.iter().cloned()).collect();
    // One that is missing keeps no daemon from starting: it is looked at before each run.
    let path = said_path(&command)
        .map_err(|error| complain("program", format!("{error:#}")))
        .ok()?;
    Some(Exec {
        program: Program {
            path,
            args: args.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            folder: PathBuf::from("/"),
            time,
            output: OUTPUT,
        },
    })
}

fn smtp(written: &Written, complain: &mut impl FnMut(&str, String)) -> Option<Smtp> {
    let host = needed(written.host.as_ref(), "host", complain);
    let from = needed(written.from.as_ref(), "from", complain);
    let from = from.and_then(|from| mailbox(from, "from", complain));
    let to = written.to.as_deref().unwrap_or_default();
    if to.is_empty() {
        complain("to", "write to whom, as to = [\"ops@example.org\"]".to_owned());
    }
    let whole = to.iter().filter(|to| mailbox(to.get_ref(), "to", complain).is_some()).count();
    let port = written.port.unwrap_or(587);
    let security = match (written.tls, port) {
        (Some(TlsWord::Implicit), _) | (None, 465) => Security::Implicit,
        (Some(TlsWord::Starttls) | None, _) => Security::Required,
        (Some(TlsWord::None), _) => Security::Loopback,
    };
    let host = host?;
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if security == Security::Loopback && !is_here {
        complain("tls", "mail is sent without TLS to a server of this host only".to_owned());
    }
    let password = written.password.as_ref().map(|password| read(password, "password", complain));
    let login = match (&written.login, password) {
        (None, None) => None,
        (Some(login), Some(password)) => Some((login.clone(), password?)),
        (Some(_), None) => {
            complain("login", "it needs a password".to_owned());
            return None;
        }
        (None, Some(_)) => {
            complain("password", "it needs a login".to_owned());
            return None;
        }
    };
    let authority = match &written.authority {
        None => None,
        Some(path) => Some(
            std::fs::read(path)
                .map_err(|error| complain("authority", format!("{} cannot be read: {error}", path.display())))
                .ok()?,
        ),
    };
    let server = SmtpServer {
        host: host.clone(),
        port,
        security,
        login,
        authority,
    };
    if whole == 0 || whole != to.len() {
        return None;
    }
    Smtp::new(&server, from?)
        .map_err(|error| complain("host", format!("TLS cannot be set up: {error}")))
        .ok()
}

/// An address of mail. lettre refuses what would end a line of the header.
fn mailbox(text: &str, key: &str, complain: &mut impl FnMut(&str, String)) -> Option<Mailbox> {
    text.parse()
        .map_err(|_| complain(key, "it is no address of mail, such as \"ops@example.org\"".to_owned()))
        .ok()
}

fn needed<'w, T>(written: Option<&'w T>, key: &str, complain: &mut impl FnMut(&str, String)) -> Option<&'w T> {
    if written.is_none() {
        complain(key, "the key is missing".to_owned());
    }
    written
}

fn read(source: &SecretSource, key: &str, complain: &mut impl FnMut(&str, String)) -> Option<SecretString> {
    source
        .read()
        .map_err(|error| complain(key, format!("{:#}", anyhow::Error::from(error))))
        .ok()
}

/// `None` where it is written and cannot be used.
#[expect(clippy::option_option, reason = "the inner one is whether it is written at all")]
fn authorization(written: &Written, complain: &mut impl FnMut(&str, String)) -> Option<Option<SecretString>> {
    let Some(source) = &written.authorization else {
        return Some(None);
    };
    let secret = read(source, "authorization", complain)?;
    if ::http::HeaderValue::from_str(secret.expose_secret()).is_err() {
        complain("authorization", "it holds something that no header can hold".to_owned());
        return None;
    }
    Some(Some(secret))
}

fn client(complain: &mut impl FnMut(&str, String)) -> Option<reqwest::Client> {
    http::client(BOUNDS)
        .map_err(|error| complain("url", format!("{error:#}")))
        .ok()
}

/// The address, which must be a secret: whoever knows it may write there.
fn secret_url(written: &Written, complain: &mut impl FnMut(&str, String)) -> Option<Url> {
    if matches!(written.url, Some(Place::Plain(_))) {
        complain(
            "url",
            "the address of the webhook is its secret; write { credential = \"NAME\" } or { file = \"PATH\" }".to_owned(),
        );
        return None;
    }
    url(written, complain)
}

fn url(written: &Written, complain: &mut impl FnMut(&str, String)) -> Option<Url> {
    let text = match needed(written.url.as_ref(), "url", complain)? {
        Place::Plain(text) => text.clone(),
        Place::Secret(source) => read(source, "url", complain)?.expose_secret().to_owned(),
    };
    checked(&text, complain)
}

/// The address of a server, and what stands below it.
fn below(written: &Written, default: Option<&str>, path: &str, complain: &mut impl FnMut(&str, String)) -> Option<Url> {
    let base = match (&written.url, default) {
        (None, Some(default)) => default.to_owned(),
        _ => url(written, complain)?.to_string(),
    };
    checked(&format!("{}{path}", base.trim_end_matches('/')), complain)
}

/// Says nothing of the address: it may be a secret.
fn checked(text: &str, complain: &mut impl FnMut(&str, String)) -> Option<Url> {
    let Ok(url) = Url::parse(text.trim()) else {
        complain("url", "it is no URL".to_owned());
        return None;
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        complain("url", "it must be https; http is taken on this very host only".to_owned());
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        complain("url", "it must hold neither user nor password".to_owned());
        return None;
    }
    Some(url)
}
