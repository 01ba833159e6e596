//! Telling clients apart by where they connect from.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;

/// The unit in which clients are counted: an IPv4 address, or an IPv6 /64, since one host commands a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Block(IpAddr);

impl From<IpAddr> for Block {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

/// The client behind `peer`: the peer itself, or, where it is one of `proxies`, the last address of `X-Forwarded-For` that is not. What
/// stands further left was written by the client and could say anything.
pub(super) fn client(peer: IpAddr, proxies: &[IpAddr], headers: &HeaderMap) -> IpAddr {
    let mut nearest = peer.to_canonical();
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.into_iter().rev() {
        if !proxies.contains(&nearest) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => nearest = address.to_canonical(),
            Err(_) => break,
        }
    }
    nearest
}

/// How many connections each address holds now. It cannot outgrow the number of connections allowed in all.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts(Arc<Mutex<HashMap<Block, usize>>>);

impl Counts {
    /// Counts one more connection, unless the address has `most` already. It counts until the guard is dropped.
    pub(super) fn enter(&self, address: IpAddr, most: usize) -> Option<Counted> {
        let block = Block::from(address);
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = table.entry(block).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted {
            counts: self.clone(),
            block,
        })
    }
}

/// One counted connection.
#[derive(Debug)]
pub(super) struct Counted {
    counts: Counts,
    block: Block,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut table = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = table.get_mut(&self.block) {
            *count -= 1;
            if *count == 0 {
                table.remove(&self.block);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn forwarded(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (http::HeaderName::from_static("x-forwarded-for"), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        let headers = forwarded(&["203.0.113.9"]);
        assert_eq!(client(ip("192.0.2.1"), &[], &headers), ip("192.0.2.1"));
    }

    #[test]
    fn behind_a_proxy_the_nearest_unknown_hop_is_the_client() {
        let headers = forwarded(&["203.0.113.9, 198.51.100.7", "10.0.0.2"]);
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        assert_eq!(client(ip("10.0.0.1"), &proxies, &headers), ip("198.51.100.7"));
    }

    #[test]
    fn an_unreadable_hop_counts_against_the_proxy() {
        let headers = forwarded(&["203.0.113.9, unknown"]);
        assert_eq!(client(ip("10.0.0.1"), &[ip("10.0.0.1")], &headers), ip("10.0.0.1"));
    }

    #[test]
    fn a_64_is_one_client_and_mapped_ipv4_is_ipv4() {
        assert_eq!(Block::from(ip("2001:db8:1:2::1")), Block::from(ip("2001:db8:1:2:ffff::9")));
        assert_ne!(Block::from(ip("2001:db8:1:2::1")), Block::from(ip("2001:db8:1:3::1")));
        assert_eq!(Block::from(ip("::ffff:192.0.2.1")), Block::from(ip("192.0.2.1")));
    }

    #[test]
    fn a_dropped_connection_makes_room_and_leaves_no_row() {
        let counts = Counts::default();
        let first = counts.enter(ip("192.0.2.1"), 1).unwrap();
        assert!(counts.enter(ip("192.0.2.1"), 1).is_none());
        assert!(counts.enter(ip("192.0.2.2"), 1).is_some());
        drop(first);
        assert!(counts.0.lock().unwrap().is_empty());
        assert!(counts.enter(ip("192.0.2.1"), 1).is_some());
    }
}
