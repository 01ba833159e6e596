//! The source kind `back-channel-logout`: a receiver of logout tokens (OpenID Connect Back-Channel Logout 1.0).
//!
//! The way of a delivery, in the order of the checks: the HTTP form and the one field `logout_token` (`request_form`), the token's form, its
//! header, its issuer, key and signature, its claims and whom it is about (`token_reader`). What the sender is told is in `answer`.

mod answer;
mod request_form;
mod settings;
mod token_reader;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Kind, Push, Received, Rejection, Source, SourceState};
use crate::clock::Clock;
use crate::digest::sha256;
use crate::model::{Delivery, Receipt};
use token_reader::TokenReader;

pub use token_reader::{LONGEST_LIFE, UNTOLD_LIFE};

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "back-channel-logout",
    about: "logout tokens posted by an OpenID provider (OpenID Connect Back-Channel Logout 1.0)",
    build: |settings, clock| settings::build(settings, clock).map(|source| Source::Push(Arc::new(source))),
};

/// The largest body taken, in bytes. A logout token is below 2 KiB.
pub const BODY_CAP: usize = 64 << 10;

/// A built receiver for the logout tokens of one issuer.
pub struct BackChannelLogout {
    name: String,
    reader: TokenReader,
    /// What `revoked check` says.
    cautions: Vec<String>,
    clock: Clock,
}

impl BackChannelLogout {
    async fn read(&self, request: &::http::Request<Bytes>) -> Result<Delivery, Rejection> {
        let received_at = self.clock.now();
        let token = request_form::logout_token(request)?;
        let signal = self.reader.read(token.as_bytes(), received_at).await?;
        Ok(Delivery::of(&self.name, vec![signal], received_at))
    }
}

#[async_trait]
impl Push for BackChannelLogout {
    fn body_cap(&self) -> usize {
        BODY_CAP
    }

    async fn proves(&self, request: &::http::Request<Bytes>) -> bool {
        match request_form::field(request.body()) {
            Ok(token) => self.reader.proves(token.as_bytes()).await,
            Err(_) => false,
        }
    }

    async fn receive(&self, request: &::http::Request<Bytes>, _: &dyn SourceState) -> Result<Received, Rejection> {
        let read = self.read(request).await.map_err(|rejection| Rejection {
            // What is too large is not worth the hashing.
            digest: (request.body().len() <= BODY_CAP).then(|| sha256(request.body())),
            ..rejection
        });
        read.map(Received::Delivery)
    }

    fn cautions(&self) -> Vec<String> {
        self.cautions.clone()
    }

    fn accepted(&self, receipt: &Receipt) -> ::http::Response<Bytes> {
        answer::accepted(receipt)
    }

    fn rejected(&self, rejection: &Rejection) -> ::http::Response<Bytes> {
        answer::rejected(rejection)
    }
}
