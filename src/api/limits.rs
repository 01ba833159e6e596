//! Limits of the HTTP server: timeouts, header and body limits, the connection limit, and the rate limit of refused requests.

use std::net::IpAddr;
use std::time::Duration;

/// The bounds of the listening server. The defaults suit identity providers behind or without a reverse proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the connection to its first byte, and from there, or from the previous answer, to the end of a request's header. Closes silent and
    /// idle clients too.
    pub header: Duration,
    /// From the header to the end of the body; then 408.
    pub body: Duration,
    /// From the body to the answer; then 503.
    pub answer: Duration,
    /// Without any byte of an answer taken by the client; then the connection is cut.
    pub write: Duration,
    /// From the order to stop until connections that still work are cut.
    pub grace: Duration,
    /// Bytes of a header; more is answered with 431. At least 8 KiB.
    pub header_bytes: usize,
    /// Fields of a header; more is answered with 431.
    pub header_fields: usize,
    /// Connections at once. Where all are taken, one that waits for its client goes for each that comes; where none does, those that come
    /// wait in the system's backlog.
    pub connections: usize,
    /// Connections at once from one address (IPv6: one /64). A further one takes the place of one of them that waits for its client, or is
    /// closed at once. This host and the proxies are not bound by it: they stand for many.
    pub connections_per_address: usize,
    /// Bytes of bodies in memory at once, those of deliveries at work among them; more is answered with 503.
    pub body_bytes: usize,
    /// Deliveries at work at once at one endpoint; further ones wait a second for a place, and are answered with 503.
    pub deliveries: usize,
    /// Refused requests that one unauthenticated client may send to one endpoint at once; after them it is answered with 429 where it is refused. Who proves
    /// who it is never is.
    pub failures: u32,
    /// How long it takes it to earn back one of them.
    pub failure_recovery: Duration,
    /// Peers whose `X-Forwarded-For` is believed when clients are told apart. Never used to authenticate.
    pub proxies: Vec<IpAddr>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            write: Duration::from_secs(10),
            grace: Duration::from_secs(20),
            header_bytes: 16 << 10,
            header_fields: 64,
            connections: 1024,
            connections_per_address: 16,
            body_bytes: 64 << 20,
            deliveries: 256,
            failures: 20,
            failure_recovery: Duration::from_secs(3),
            proxies: Vec::new(),
        }
    }
}
