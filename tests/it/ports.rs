//! A port of the loopback that is known before anybody listens at it.
//!
//! One that was free a moment ago may be somebody else's now: every connection that is made takes one. So it is held by a socket that is
//! bound and does not listen: callers are refused, no other is given it, and whoever names it can listen at it all the same.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    socket: TcpSocket,
}

impl Default for Port {
    fn default() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Both sides must say so, and whoever listens does.
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        Self { socket }
    }
}

impl Port {
    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(crate) fn number(&self) -> u16 {
        self.address().port()
    }
}

#[tokio::test]
async fn a_held_port_refuses_callers_is_given_to_nobody_else_and_can_be_listened_at_again_and_again() {
    let port = Port::default();
    for _ in 0..2 {
        let refused = tokio::net::TcpStream::connect(port.address()).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        let listener = tokio::net::TcpListener::bind(port.address()).await.unwrap();
        let called = tokio::net::TcpStream::connect(port.address()).await.unwrap();
        listener.accept().await.unwrap();
        drop((listener, called));
    }
    for _ in 0..2000 {
        let other = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert_ne!(other.local_addr().unwrap(), port.address());
    }
}
