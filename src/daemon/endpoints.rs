//! What lies behind the HTTP endpoints: the intake and the transmitter, as the ports of the listening server.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::health::Health;
use crate::api::{Admission, EarlyRefusal, Endpoint, Limits, Ports, Refusal};
use crate::config::Listen;
use crate::intake::Intake;
use crate::sources::{Rejection, RejectionKind, SenderAuth};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::transmitter::Transmitter;
use crate::worker::Lanes;

pub(super) fn ports(store: &Store, lanes: &Lanes, intake: Intake, transmitter: Option<Transmitter>, metrics: Metrics) -> Ports {
    let health = Arc::new(Health::new(store.clone(), lanes.clone(), transmitter.clone()));
    Ports {
        intake: Arc::new(SourceEndpoints(intake)),
        transmitter: transmitter.map(|transmitter| Arc::new(SsfEndpoints(transmitter)) as Arc<dyn crate::api::Transmitter>),
        readiness: health.clone(),
        metrics,
        gauges: health,
    }
}

pub(super) fn limits(listen: &Listen) -> Limits {
    Limits {
        header: listen.header,
        body: listen.body,
        connections: super::descriptors::connections(listen.connections),
        connections_per_address: listen.per_peer,
        proxies: listen.proxies.clone(),
        ..Limits::default()
    }
}

struct SourceEndpoints(Intake);

/// The largest body that a receiver may send: a thousand acknowledgements and as many errors fit.
const RECEIVER_BODY_CAP: usize = 256 << 10;

struct SsfEndpoints(Transmitter);

#[async_trait]
impl crate::api::Transmitter for SsfEndpoints {
    fn endpoint(&self, path: &str) -> Option<Endpoint> {
        self.0.endpoint(path).map(|endpoint| Endpoint {
            body_cap: RECEIVER_BODY_CAP,
            methods: endpoint.methods(),
        })
    }

    fn admits(&self, head: &http::Request<Bytes>) -> Admission {
        match self.0.is_authorized(head) {
            None => Admission::Unread,
            Some(true) => Admission::Proven,
            Some(false) => Admission::Refused(Refusal {
                code: "unauthorized",
                why: "the receiver's token is missing or not valid here".to_owned(),
                answer: Transmitter::unauthorized(),
            }),
        }
    }

    async fn answer(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        self.0.answer(&request).await
    }
}

#[async_trait]
impl crate::api::Intake for SourceEndpoints {
    fn endpoint(&self, source: &str, below: Option<&str>) -> Option<Endpoint> {
        let push = self.0.push_source(source)?;
        below.is_none_or(|below| push.has_path_below(below)).then(|| Endpoint {
            body_cap: push.body_cap(),
            methods: push.methods(),
        })
    }

    async fn admits(&self, source: &str, head: &http::Request<Bytes>) -> Admission {
        match self.0.admits(source, head).await {
            Ok(SenderAuth::Proven) => Admission::Proven,
            Ok(SenderAuth::Unread) => Admission::Unread,
            Err(refused) => Admission::Refused(Refusal {
                code: refused.rejection.code,
                why: refused.rejection.description,
                answer: refused.answer,
            }),
        }
    }

    async fn proves(&self, source: &str, request: &http::Request<Bytes>) -> bool {
        self.0.proves(source, request).await
    }

    async fn deliver(&self, source: &str, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        self.0.deliver(source, &request).await
    }

    async fn refused_early(&self, source: &str, refused: EarlyRefusal<'_>) {
        let rejection = Rejection {
            kind: RejectionKind::Malformed,
            code: refused.code,
            description: refused.why.to_owned(),
            digest: None,
        };
        self.0.refuse(source, &rejection, refused.proven, refused.trace).await;
    }

    async fn throttling_started(&self, source: &str) {
        self.0.endpoint_closed(source).await;
    }

    async fn throttling_ended(&self, source: &str) {
        self.0.endpoint_opened(source).await;
    }

    async fn forwarded_by_unnamed(&self, by: IpAddr) {
        self.0.passed_on(by).await;
    }
}
