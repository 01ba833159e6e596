//! What `check` finds beside the targets: whether each source can be looked at or come in, and whether each receiver can be reached. Asks
//! for nothing and changes nothing anywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::Config;
use crate::policy::Mode;
use crate::settings::Period;
use crate::sources::Source;
use crate::store::SourceHealth;
use crate::targets::{Finding, Level};
use crate::transmitter::Delivery;

/// How long it is waited for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A source or a receiver, and what stands in its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Surrounding {
    pub(super) name: String,
    pub(super) kind: String,
    /// How its signals come in, or how it is told.
    pub(super) way: String,
    pub(super) findings: Vec<Finding>,
}

impl Surrounding {
    /// Whether it works as it is.
    pub(super) fn is_usable(&self) -> bool {
        self.findings.iter().all(|finding| finding.level < Level::Error)
    }
}

/// What the daemon has found out about the sources.
pub(super) struct DaemonsWord<'a> {
    /// How they are.
    pub(super) known: &'a [SourceHealth],
    /// What its alerts say of those that it could not look at.
    pub(super) unreadable: &'a BTreeMap<String, String>,
    /// Whether it runs, so that somebody should answer at the endpoints.
    pub(super) running: bool,
}

impl DaemonsWord<'_> {
    /// What the daemon that runs could not read of a source.
    fn trouble_with(&self, source: &str, offline: bool) -> Option<Finding> {
        let why = self.unreadable.get(source).filter(|_| self.running && !offline)?;
        Some(Finding {
            level: Level::Error,
            what: format!("the daemon says: {why}"),
            advice: "mend that: it is looked at again by itself, and this is over once it can be read".to_owned(),
        })
    }
}

/// The configured sources.
pub(super) async fn sources(config: &Config, daemon: &DaemonsWord<'_>, offline: bool) -> Vec<Surrounding> {
    let (known, daemon_running) = (daemon.known, daemon.running);
    let address = config.listen.address;
    let endpoint = match () {
        () if offline || address.port() == 0 => None,
        () if daemon_running => Some(reaches(&address.ip().to_string(), address.port()).await),
        () => None,
    };
    let mut sources = Vec::new();
    for configured in &config.sources {
        let mut findings: Vec<Finding> = configured
            .source
            .cautions()
            .into_iter()
            .map(|caution| Finding {
                level: Level::Warning,
                what: caution,
                advice: String::new(),
            })
            .collect();
        let mut ways = Vec::new();
        if configured.source.push().is_some() {
            ways.push(format!("comes in at {address}/signals/{}", configured.name));
            match &endpoint {
                Some(Err(why)) => findings.push(Finding {
                    level: Level::Error,
                    what: format!("the daemon runs, and nobody answers at {address}: {why}"),
                    advice: "restart the daemon if [listen] was changed since its start".to_owned(),
                }),
                None if !daemon_running && !offline => ways.push("once the daemon runs".to_owned()),
                _ => {}
            }
        }
        if let Some(pull) = configured.source.pull() {
            ways.push(format!("is looked at every {}", Period(pull.interval())));
            if let Some(why) = pull.obstacle().filter(|_| !offline) {
                findings.push(Finding {
                    level: Level::Error,
                    what: why,
                    advice: "mend that: until then nothing of this source is read".to_owned(),
                });
            }
        }
        if matches!(configured.source, Source::Inbox) {
            ways.push("is the table inbox of the store".to_owned());
        }
        if config.policy.mode_of(&configured.name) == Mode::Rehearse {
            findings.push(Finding {
                level: Level::Warning,
                what: "it rehearses: its signals are stored and decided about, and nothing follows".to_owned(),
                advice: format!(
                    "see what would have been done with revoked source rehearsed {}, then take mode = \"rehearse\" away",
                    configured.name
                ),
            });
        }
        // What the daemon runs into may be hidden from here: it is another process, with the rights that it was started with.
        if let Some(why) = daemon.trouble_with(&configured.name, offline) {
            findings.push(why);
        }
        let health = known.iter().find(|health| health.source == configured.name);
        if health.is_some_and(|health| health.alerted_at.is_some()) {
            findings.push(Finding {
                level: Level::Warning,
                what: "it should have spoken by now (silent_after)".to_owned(),
                advice: "ask its sender: signals may be lost".to_owned(),
            });
        }
        sources.push(Surrounding {
            name: configured.name.clone(),
            kind: configured.kind.to_owned(),
            way: ways.join(", "),
            findings,
        });
    }
    for unbuilt in &config.unbuilt_sources {
        sources.push(Surrounding {
            name: unbuilt.name.clone(),
            kind: unbuilt.kind.to_owned(),
            way: "was not looked at: its secrets are the daemon's alone".to_owned(),
            findings: daemon.trouble_with(&unbuilt.name, offline).into_iter().collect(),
        });
    }
    sources
}

/// The receivers of the transmitter, those that we send to by a connection that says nothing.
pub(super) async fn receivers(config: &Config, offline: bool) -> Vec<Surrounding> {
    let mut receivers = Vec::new();
    for settings in config.transmitter.iter().flat_map(|settings| &settings.receivers) {
        let (way, reached) = match &settings.delivery {
            Delivery::Poll => ("fetches its tokens".to_owned(), Ok(())),
            Delivery::Push { endpoint, .. } => {
                let (host, port) = (endpoint.host_str().unwrap_or_default(), endpoint.port_or_known_default());
                let reached = match port {
                    Some(port) if !offline => reaches(host, port).await,
                    _ => Ok(()),
                };
                (format!("is sent to {}", endpoint.origin().ascii_serialization()), reached)
            }
        };
        let findings = reached.err().map(|why| Finding {
            level: Level::Warning,
            what: format!("it cannot be reached: {why}"),
            advice: "what is to be told to it waits; revoked transmitter status shows how much".to_owned(),
        });
        receivers.push(Surrounding {
            name: settings.receiver.name.clone(),
            kind: settings.delivery.word().to_owned(),
            way,
            findings: findings.into_iter().collect(),
        });
    }
    receivers
}

/// Whether somebody takes a connection there.
pub(super) async fn reaches(host: &str, port: u16) -> Result<(), String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no connection within {} s", PATIENCE.as_secs())),
    }
}
