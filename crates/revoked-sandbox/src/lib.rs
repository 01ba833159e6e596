//! A faithful Mattermost stand-in: for the demo, the tests and the benchmarks.
//!
//! It speaks the part of the Mattermost API v4 that a revoking tool and an intruder need, over real HTTP on the loopback, and does what
//! a server of the chosen [`Version`] does, its traps included: a personal access token survives `sessions/revoke/all`, an unknown id
//! is revoked with `200 OK`, a dead token and a database that is down are the same 401. `tests/it/recordings.rs` holds it to the
//! answers of a real 6.7.0.
//!
//! A [`World`] is what the server stores; [`Sandbox::start`] puts it on the network; [`Sandbox::world`], [`Sandbox::requests`] and
//! [`Sandbox::faults`] look at it and break it while it runs. A request goes through `serve` (connection, faults, `rate_limiter`), `routes` (one
//! file for each part of the API, with the `call` in hand) and `wire` (how an answer is written).
//!
//! Left out: the websocket protocol (a count of open and muted sockets stands for it), posts and channels, SAML.

mod app_error;
mod call;
mod clock;
mod fault_control;
mod faults;
mod id;
mod node;
mod rate_limiter;
mod replica;
mod request_log;
mod routes;
mod serve;
mod settings;
mod state;
mod version;
mod wire;
pub mod world;

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use clock::Clock;
pub use fault_control::Faults;
pub use faults::{Effect, Fault};
pub use id::{Id, Ids};
pub use rate_limiter::RateSettings;
pub use request_log::LoggedRequest;
pub use settings::Settings;
pub use version::Version;
pub use world::World;

use node::Node;
use rate_limiter::Limiters;
use replica::Replica;
use request_log::RequestLog;
use serve::Shared;
use state::State;

/// How a sandbox is put on the network. The server's own settings and version are part of its [`World`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the first node listens; port 0 takes a free one. Further nodes take the ports after it, or free ones.
    pub listen: SocketAddr,
    /// How many nodes serve the one world, each with its own session cache and rate limiter.
    pub nodes: usize,
    /// The server's rate limiter; off where absent, as it is by default.
    pub rate: Option<RateSettings>,
    /// Added to every answer.
    pub latency: Duration,
    /// Tells the time that the world writes down.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            nodes: 1,
            rate: None,
            latency: Duration::ZERO,
            clock: Clock::system(),
        }
    }
}

/// A running server. It stops when this is dropped.
pub struct Sandbox {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    _nodes: JoinSet<()>,
}

impl Sandbox {
    /// Starts the nodes and returns once they listen.
    ///
    /// # Errors
    /// Where an address cannot be bound.
    pub async fn start(world: World, options: Options) -> io::Result<Self> {
        let nodes = options.nodes.max(1);
        let limiters = Limiters::new(options.rate);
        let request_ids = Ids::from_seed(0x07E5 ^ u64::from(options.listen.port()));
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                world,
                replica: Replica::Live,
                nodes: vec![Node::new(limiters); nodes],
                faults: Vec::new(),
                database_down: false,
                log: RequestLog::default(),
                request_ids,
            }),
            clock: options.clock,
            latency: options.latency,
            changed: Notify::new(),
        });
        let mut addresses = Vec::with_capacity(nodes);
        let mut running = JoinSet::new();
        for node in 0..nodes {
            let mut address = options.listen;
            if address.port() != 0 {
                address.set_port(address.port() + u16::try_from(node).unwrap_or_default());
            }
            let listener = TcpListener::bind(address).await?;
            addresses.push(listener.local_addr()?);
            running.spawn(serve::accept(Arc::clone(&shared), listener, node));
        }
        Ok(Self {
            shared,
            addresses,
            _nodes: running,
        })
    }

    /// The base URL of the first node, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addresses[0])
    }

    /// The base URLs of all nodes.
    #[must_use]
    pub fn node_urls(&self) -> Vec<String> {
        self.addresses.iter().map(|address| format!("http://{address}")).collect()
    }

    /// The world, locked: no request is answered while this is held, so never hold it over an `await`.
    #[must_use]
    pub fn world(&self) -> Locked<'_> {
        Locked(self.shared.lock())
    }

    /// The faults, locked like the world.
    #[must_use]
    pub fn faults(&self) -> Faults<'_> {
        Faults(self.shared.lock())
    }

    /// The newest 100,000 requests that were answered, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.lock().log.kept.iter().cloned().collect()
    }

    /// How many requests were answered in all.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.shared.lock().log.total
    }

    /// Waits until `holds` says so of the world and the requests, asked after every request. It has no limit of its own: a test puts a
    /// timeout around it.
    pub async fn until(&self, mut holds: impl FnMut(&World, &VecDeque<LoggedRequest>) -> bool) {
        loop {
            // Interest is registered before the look, so that a request in between is not missed.
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            if self.holds(&mut holds) {
                return;
            }
            changed.await;
        }
    }

    fn holds(&self, holds: &mut impl FnMut(&World, &VecDeque<LoggedRequest>) -> bool) -> bool {
        let state = self.shared.lock();
        holds(&state.world, &state.log.kept)
    }
}

/// A lock on the world of a running sandbox.
pub struct Locked<'a>(MutexGuard<'a, State>);

impl Deref for Locked<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0.world
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut World {
        let State { world, replica, .. } = &mut *self.0;
        replica.before_change(world, tokio::time::Instant::now());
        world
    }
}
