//! What operators use over HTTP: the API and the page. It listens apart from the doors of the sources (`crate::api`), and nothing of it is open
//! to whoever is not known.
//!
//! Reading order: `listeners` with `sockets`, one Unix socket for each role, and `handshake`, TLS at the address for the network; `serve`, the connections of
//! all of them, with the `visitor` at the other end of each; `caller`, who asks, and `pace`, how much; `single_sign_on`, whom an OpenID provider vouches for, and `next`, where a sign-in leads; `guard`, what holds for every request (who, may they, from where, which headers the answer has); [`access`], the table of routes with the least role of each;
//! `routes`, the API, a file for each resource; `page`, the same for people; `refusal`, errors; `openapi`, the API described; `changes`,
//! which tells open pages that something has changed, and `streams`, how many of those; `commands`, commands that the daemon runs for a caller.

pub mod access;
mod batch_sheet;
mod caller;
mod changes;
pub mod commands;
mod guard;
mod handshake;
mod listeners;
mod next;
mod openapi;
mod pace;
mod page;
mod refusal;
mod routes;
mod serve;
mod single_sign_on;
mod sockets;
mod streams;
mod visitor;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::config::{ConsoleSettings, Reloaded};
use crate::model::{Actor, Goals};
use crate::policy::CurrentPolicy;
use crate::store::{PeopleRead, Store};
use crate::transmitter::ReceiverSettings;
use crate::worker::AsksReactivation;
use caller::Caller;

pub use batch_sheet::batch_sheet;
pub use listeners::Listeners;
pub use routes::document;
pub use serve::serve;
pub use single_sign_on::probe as probe_single_sign_on;

/// What every route shares.
#[derive(Clone)]
pub struct Console {
    store: Store,
    settings: Arc<ConsoleSettings>,
    changes: changes::Changes,
    /// A place for each page that is told of changes.
    streams: streams::Streams,
    paces: Arc<pace::Paces>,
    /// A place for each command that runs for somebody.
    places: commands::Places,
    installation: Arc<Installation>,
    /// Whoever reads the config anew, once the daemon has all that can be exchanged.
    reloads: Arc<OnceLock<Box<dyn Reloads>>>,
    single_sign_on: Option<Arc<single_sign_on::SingleSignOn>>,
    stop: CancellationToken,
}

/// What the routes need to know of the rest of the daemon.
pub struct Installation {
    /// How soon access is to end.
    pub goals: Goals,
    /// What is decided about a request.
    pub policy: CurrentPolicy,
    /// The targets' names.
    pub targets: Vec<String>,
    /// Whom we tell what was proved.
    pub receivers: Vec<ReceiverSettings>,
    /// Peers whose `X-Forwarded-For` is believed when strangers are told apart.
    pub proxies: Vec<std::net::IpAddr>,
    /// The files outside the database to which checkpoints go.
    pub anchors: Vec<std::path::PathBuf>,
    /// Whoever asks targets what a release would bring back.
    pub reactivations: Box<dyn AsksReactivation>,
    /// How commands are run for callers; nothing where none are.
    pub commands: Option<commands::Commands>,
}

/// Whoever reads the config anew while the daemon runs.
#[async_trait]
pub trait Reloads: Send + Sync {
    /// Reads it, for whoever has asked.
    async fn reload(&self, by: Actor) -> Reloaded;
}

impl Console {
    /// The console over a store, until `stop`.
    #[must_use]
    pub fn new(store: Store, settings: ConsoleSettings, installation: Installation, stop: CancellationToken) -> Self {
        let single_sign_on = settings.single_sign_on.clone().map(single_sign_on::SingleSignOn::new);
        Self {
            single_sign_on: single_sign_on.map(Arc::new),
            store,
            settings: Arc::new(settings),
            changes: changes::Changes::new(),
            streams: streams::Streams::new(),
            installation: Arc::new(installation),
            paces: Arc::new(pace::Paces::new()),
            reloads: Arc::default(),
            places: commands::Places::default(),
            stop,
        }
    }

    /// Says who reads the config anew.
    pub fn reloaded_by(&self, reloads: impl Reloads + 'static) {
        // It is said once, before anybody is served.
        let _ = self.reloads.set(Box::new(reloads));
    }

    /// Records that somebody has read about the people of these cases. It is answered all the same where that cannot be written.
    async fn note_read(&self, caller: &Caller, with: &'static str, cases: Vec<i64>) {
        let read = PeopleRead {
            cases,
            ..PeopleRead::new(caller.operator.clone(), with)
        };
        self.record_read(&read).await;
    }

    /// The same of whatever was read.
    async fn record_read(&self, read: &PeopleRead) {
        if let Err(error) = self.store.note_read(read).await {
            let with = read.with;
            tracing::warn!(error = %crate::model::error_chain(&error), with, "what was read could not be recorded in the trail");
        }
    }
}
