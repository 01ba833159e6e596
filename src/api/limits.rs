//! What a client may take of us.

use std::net::IpAddr;
use std::time::Duration;

/// The bounds of the listening server. The defaults suit identity providers behind or without a reverse proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the connection, or the previous answer, to the end of a request's header. Closes silent and idle clients too.
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
    /// Connections at once, and deliveries at work; further connections wait in the system's backlog.
    pub connections: usize,
    /// Connections at once from one address (IPv6: one /64); further ones are closed at once. Proxies are not bound by it.
    pub connections_per_address: usize,
    /// Refused deliveries that one address may send at once; after them it is answered with 429 without a look at what it sends.
    pub failures: u32,
    /// How long it takes an address to earn back one of them.
    pub failure_recovery: Duration,
    /// Peers whose `X-Forwarded-For` is believed when clients are told apart. Never used to authenticate. A proxy that is not listed makes
    /// one client of all who come through it: one that fails too often then holds off the others.
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
            connections: 256,
            connections_per_address: 16,
            failures: 20,
            failure_recovery: Duration::from_secs(3),
            proxies: Vec::new(),
        }
    }
}
