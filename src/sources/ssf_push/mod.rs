//! The source kind `ssf-push`: a receiver of security event tokens by push (RFC 8935), with the events of CAEP 1.0 and RISC 1.0.
//!
//! The way of a delivery, in the order of the checks: the HTTP form and the `Authorization` header (`door`), the token's form, its
//! header, its issuer, key and signature and its claims (`reader`), whom it is about (`whom`) and what it means (`meaning`).
//! What the sender is told is in `answer`.

mod answer;
mod door;
mod meaning;
mod reader;
mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::digest::sha256;
use super::{House, Kind, Push, Received, Rejection, Source};
use crate::clock::Clock;
use crate::model::{Delivery, Receipt};
use door::Door;
use reader::Reader;

pub use reader::{LATE, SKEW};

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "ssf-push",
    about: "security event tokens pushed by an identity provider (RFC 8935; CAEP and RISC events)",
    build: |settings, clock| settings::build(settings, clock).map(|source| Source::Push(Arc::new(source))),
};

/// The largest body taken, in bytes. A token with every optional member is below 4 KiB.
pub const BODY_CAP: usize = 256 << 10;

/// A built receiver for one stream of one issuer.
pub struct SsfPush {
    name: String,
    door: Door,
    reader: Reader,
    clock: Clock,
}

#[async_trait]
impl Push for SsfPush {
    fn body_cap(&self) -> usize {
        BODY_CAP
    }

    async fn receive(&self, request: &::http::Request<Bytes>, _: &dyn House) -> Result<Received, Rejection> {
        let received_at = self.clock.now();
        let read = match self.door.admit(request) {
            Ok(()) => self.reader.read(request.body(), received_at).await,
            Err(rejection) => Err(rejection),
        };
        let signal = read.map_err(|rejection| Rejection {
            // What is too large is not worth the hashing.
            digest: (request.body().len() <= BODY_CAP).then(|| sha256(request.body())),
            ..rejection
        })?;
        Ok(Received::Delivery(Delivery::of(&self.name, vec![signal], received_at)))
    }

    fn accepted(&self, receipt: &Receipt) -> ::http::Response<Bytes> {
        answer::accepted(receipt)
    }

    fn rejected(&self, rejection: &Rejection) -> ::http::Response<Bytes> {
        answer::rejected(rejection)
    }
}
