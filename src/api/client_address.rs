//! Telling clients apart by where they connect from: behind a trusted proxy by `X-Forwarded-For`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

/// The unit in which clients are counted: an IPv4 address, or an IPv6 /64, since one host commands a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Block(IpAddr);

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
#[must_use]
pub fn client(peer: IpAddr, proxies: &[IpAddr], headers: &HeaderMap) -> IpAddr {
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
        match address_of(hop.trim()) {
            Some(address) => nearest = address.to_canonical(),
            None => break,
        }
    }
    nearest
}

/// The address that a hop names. Some gateways put its port behind it: `198.51.100.9:1234`, `[2001:db8::9]:1234`.
fn address_of(hop: &str) -> Option<IpAddr> {
    if let Ok(address) = hop.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(socket) = hop.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let bare = hop.strip_prefix('[')?.strip_suffix(']')?;
    bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// The network that a client is in, as its share of the connections is counted: an IPv4 /24, or an IPv6 /48, which is what one site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, ..] = v6.segments();
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
            }
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Self(IpAddr::V4(Ipv4Addr::new(a, b, c, 0)))
            }
        }
    }
}

/// Whether those who come from `peer` are many: a program on this host passes on what others send, and so does a proxy that is named.
pub(super) fn is_shared(peer: IpAddr, proxies: &[IpAddr]) -> bool {
    let peer = peer.to_canonical();
    peer.is_loopback() || proxies.contains(&peer)
}

/// Whom a refusal is counted against, where nothing proves who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKey {
    /// One client.
    One(Block),
    /// Everybody who comes by way of this host, or of a proxy that does not say for whom: they cannot be told apart.
    Shared,
}

impl ClientKey {
    /// Whoever is behind the address `client`.
    #[must_use]
    pub fn at(client: IpAddr, proxies: &[IpAddr]) -> Self {
        if is_shared(client, proxies) {
            Self::Shared
        } else {
            Self::One(client.into())
        }
    }
}

/// Whether a request says that somebody passed it on.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded")
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
    fn a_client_cannot_choose_its_address() {
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
    fn a_hop_may_have_a_port_behind_it() {
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        for (hop, expected) in [
            ("198.51.100.9:1234", "198.51.100.9"),
            ("203.0.113.9, 198.51.100.9:1234,10.0.0.2:80", "198.51.100.9"),
            ("[2001:db8::9]:1234", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("[::ffff:198.51.100.9]:1234", "198.51.100.9"),
            // An address of version 6 without brackets has no port: all of it is the address.
            ("2001:db8::9:1234", "2001:db8::9:1234"),
        ] {
            assert_eq!(client(ip("10.0.0.1"), &proxies, &forwarded(&[hop])), ip(expected), "{hop}");
        }
        for none in [
            "198.51.100.9:",
            "198.51.100.9:99999",
            "198.51.100.9:x",
            "[198.51.100.9]:1",
            "[2001:db8::9",
            "[]",
            ":1",
        ] {
            assert_eq!(
                client(ip("10.0.0.1"), &proxies, &forwarded(&[none])),
                ip("10.0.0.1"),
                "{none}"
            );
        }
    }

    #[test]
    fn a_64_is_one_client_and_mapped_ipv4_is_ipv4() {
        assert_eq!(Block::from(ip("2001:db8:1:2::1")), Block::from(ip("2001:db8:1:2:ffff::9")));
        assert_ne!(Block::from(ip("2001:db8:1:2::1")), Block::from(ip("2001:db8:1:3::1")));
        assert_eq!(Block::from(ip("::ffff:192.0.2.1")), Block::from(ip("192.0.2.1")));
    }

    #[test]
    fn a_network_is_a_24_or_a_48() {
        assert_eq!(Network::from(ip("192.0.2.1")), Network::from(ip("::ffff:192.0.2.250")));
        assert_ne!(Network::from(ip("192.0.2.1")), Network::from(ip("192.0.3.1")));
        assert_eq!(Network::from(ip("2001:db8:1:2::1")), Network::from(ip("2001:db8:1:ffff::9")));
        assert_ne!(Network::from(ip("2001:db8:1::1")), Network::from(ip("2001:db8:2::1")));
    }

    #[test]
    fn who_comes_by_way_of_this_host_or_of_a_named_proxy_is_nobody_in_particular() {
        let proxies = [ip("10.0.0.1")];
        for many in [
            "127.0.0.1",
            "127.9.8.7",
            "::1",
            "::ffff:127.0.0.1",
            "10.0.0.1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(ClientKey::at(ip(many), &proxies), ClientKey::Shared, "{many}");
        }
        assert_eq!(ClientKey::at(ip("10.0.0.2"), &proxies), ClientKey::One(ip("10.0.0.2").into()));
    }
}
