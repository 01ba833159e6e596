//! Who is at the other end of a connection, and the place that the connection takes.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};
use tokio::sync::OwnedSemaphorePermit;

use super::caller::Entrance;
use super::guard;
use crate::api::{ClientKey, ConnectionSlot, Stage, client};

/// Who that is.
pub(super) enum Visitor {
    /// Somebody at a role's socket.
    Socket {
        entrance: Entrance,
        _place: OwnedSemaphorePermit,
    },
    /// Somebody on the network.
    Network { peer: IpAddr, slot: Arc<ConnectionSlot> },
}

impl Visitor {
    pub(super) fn socket(entrance: Entrance, place: OwnedSemaphorePermit) -> Self {
        Self::Socket { entrance, _place: place }
    }

    pub(super) fn network(peer: IpAddr, slot: ConnectionSlot) -> Self {
        let slot = Arc::new(slot);
        Self::Network { peer, slot }
    }

    /// Comes when the connection must make room for others.
    pub(super) async fn evicted(&self) {
        match self {
            Self::Socket { .. } => std::future::pending().await,
            Self::Network { slot, .. } => slot.evicted().await,
        }
    }

    /// Answers one request, under the word of those `proxies` about where it comes from.
    pub(super) async fn answer(
        &self,
        router: Router,
        proxies: &[IpAddr],
        mut request: Request<Body>,
    ) -> Result<Response, Infallible> {
        let entrance = self.entrance(proxies, request.headers());
        request.extensions_mut().insert(entrance);
        let Self::Network { slot, .. } = self else {
            return guard::answer(router, request).await;
        };
        slot.set_stage(Stage::Unproven);
        request.extensions_mut().insert(Arc::clone(slot));
        let answer = guard::answer(router, request).await;
        // The page that is told of changes goes on taking its answer.
        let is_stream = |answer: &Response| {
            let kind = answer.headers().get(CONTENT_TYPE);
            kind.is_some_and(|kind| kind == "text/event-stream")
        };
        if !answer.as_ref().is_ok_and(is_stream) {
            slot.set_stage(Stage::Idle);
        }
        answer
    }

    fn entrance(&self, proxies: &[IpAddr], headers: &HeaderMap) -> Entrance {
        match self {
            Self::Socket { entrance, .. } => entrance.clone(),
            Self::Network { peer, .. } => Entrance::Network {
                client: ClientKey::at(client(*peer, proxies, headers), proxies),
            },
        }
    }
}
