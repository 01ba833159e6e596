//! The source kind `webhook`: JSON posted by anything that can sign it, or at least knows a secret.
//!
//! The way of a delivery, in the order of the checks: what HTTP itself says (`door`), what proves the sender (`proof`), the question that
//! some senders ask first (`handshake`), and what the payload says by the rules of the config (`mapping`). What the vendors do is in
//! `presets`, as the config that one would write otherwise; the keys are in `settings`. What the sender is told is in `answer`.

mod answer;
mod door;
mod handshake;
mod mapping;
mod presets;
mod proof;
mod settings;

use std::sync::Arc;

use ::http::header::HeaderName;
use ::http::{Method, Request};
use async_trait::async_trait;
use bytes::Bytes;

use super::digest::sha256;
use super::{House, Kind, Push, Received, Rejection, Source, Standing};
use crate::clock::Clock;
use crate::model::{Delivery, Receipt};
use handshake::Handshake;
use mapping::Mapping;
use proof::Proof;

pub use presets::PRESETS;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "webhook",
    about: "JSON posted by a SIEM, an HR system or a script (Standard Webhooks, vendors' signatures, a static bearer)",
    build: |settings, clock| settings::build(settings, clock).map(|source| Source::Push(Arc::new(source))),
};

/// The largest body taken, in bytes.
pub const BODY_CAP: usize = 1 << 20;

/// A built receiver for one sender.
pub struct Webhook {
    name: String,
    proof: Proof,
    handshake: Option<Handshake>,
    /// The header that names a delivery, where none is signed.
    key_header: Option<HeaderName>,
    mapping: Mapping,
    cautions: Vec<String>,
    clock: Clock,
}

impl Webhook {
    fn read(&self, request: &Request<Bytes>, proven: bool) -> Result<Received, Rejection> {
        if request.method() == Method::GET && self.handshake == Some(Handshake::Okta) {
            return Handshake::answer_get(request.headers()).map(Received::Reply);
        }
        door::admit(request)?;
        let now = self.clock.now();
        let signed_id = if proven {
            self.proof.check(request, now)?
        } else {
            self.proof.unproven_id(request.headers())
        };
        if let Some(handshake) = self.handshake
            && let Some(answer) = handshake.answer_post(request.body())?
        {
            return Ok(Received::Reply(answer));
        }
        let id = signed_id.or_else(|| self.header_id(request));
        let read = self.mapping.read(request.body(), id.as_deref(), now)?;
        let mut delivery = Delivery::of(&self.name, read.signals, now);
        delivery.refused = read.refused;
        Ok(Received::Delivery(delivery))
    }

    /// What the configured header calls the delivery, where it stands once.
    fn header_id(&self, request: &Request<Bytes>) -> Option<String> {
        let mut values = request.headers().get_all(self.key_header.as_ref()?).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        let id = value.to_str().ok()?.trim();
        (!id.is_empty()).then(|| id.to_owned())
    }

    /// `rejection` with the hash of the body, where that is worth the hashing.
    fn hashed(request: &Request<Bytes>, rejection: Rejection) -> Rejection {
        Rejection {
            digest: (request.body().len() <= BODY_CAP).then(|| sha256(request.body())),
            ..rejection
        }
    }
}

#[async_trait]
impl Push for Webhook {
    fn body_cap(&self) -> usize {
        BODY_CAP
    }

    fn methods(&self) -> &'static [Method] {
        const POST: &[Method] = &[Method::POST];
        const BOTH: &[Method] = &[Method::GET, Method::POST];
        if self.handshake == Some(Handshake::Okta) { BOTH } else { POST }
    }

    fn reaches(&self, _below: &str) -> bool {
        // Whether it is the secret is seen in a place that takes as long for any answer.
        self.proof.is_in_path()
    }

    async fn admits(&self, head: &Request<Bytes>) -> Result<Standing, Rejection> {
        // A sender that asks with a GET first has nothing to show yet.
        if head.method() == Method::POST {
            self.proof.check_head(head)
        } else {
            Ok(Standing::Unread)
        }
    }

    async fn proves(&self, request: &Request<Bytes>) -> bool {
        self.proof.check(request, self.clock.now()).is_ok()
    }

    async fn receive(&self, request: &Request<Bytes>, _: &dyn House) -> Result<Received, Rejection> {
        self.read(request, true).map_err(|rejection| Self::hashed(request, rejection))
    }

    fn read_unproven(&self, request: &Request<Bytes>) -> Option<Result<Received, Rejection>> {
        Some(
            self.read(request, false)
                .map_err(|rejection| Self::hashed(request, rejection)),
        )
    }

    fn cautions(&self) -> Vec<String> {
        self.cautions.clone()
    }

    fn accepted(&self, receipt: &Receipt) -> ::http::Response<Bytes> {
        answer::accepted(receipt)
    }

    fn rejected(&self, rejection: &Rejection) -> ::http::Response<Bytes> {
        answer::rejected(rejection, self.proof.challenge())
    }
}
