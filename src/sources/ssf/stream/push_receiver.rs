//! The push endpoint of a stream that we made (RFC 8935).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::stream_config::Stream;
use crate::model::{Delivery, Receipt};
use crate::sources::ssf::endpoint::answer;
use crate::sources::ssf::{BODY_CAP, named};
use crate::sources::{Push, Received, Rejection, SenderAuth, SourceState};

/// The push endpoint of one stream.
pub(in crate::sources::ssf) struct Receiver(pub(in crate::sources::ssf) Arc<Stream>);

impl Receiver {
    async fn delivery(&self, request: &::http::Request<Bytes>, own_state: &dyn SourceState) -> Result<Delivery, Rejection> {
        let stream = &self.0;
        let received_at = stream.clock.now();
        stream.config.request_checks.admit(request)?;
        let mut delivery = Delivery::of(&stream.name, Vec::new(), received_at);
        stream.take(request.body(), None, own_state, &mut delivery).await?;
        Ok(delivery)
    }
}

#[async_trait]
impl Push for Receiver {
    fn body_cap(&self) -> usize {
        BODY_CAP
    }

    async fn admits(&self, head: &::http::Request<Bytes>) -> Result<SenderAuth, Rejection> {
        self.0.config.request_checks.check_head(head)
    }

    async fn receive(&self, request: &::http::Request<Bytes>, own_state: &dyn SourceState) -> Result<Received, Rejection> {
        let delivery = self.delivery(request, own_state).await;
        delivery
            .map(Received::Delivery)
            .map_err(|rejection| named(rejection, request.body()))
    }

    fn cautions(&self) -> Vec<String> {
        self.0.reader.cautions()
    }

    fn accepted(&self, receipt: &Receipt) -> ::http::Response<Bytes> {
        answer::accepted(receipt)
    }

    fn rejected(&self, rejection: &Rejection) -> ::http::Response<Bytes> {
        answer::rejected(rejection)
    }
}
