//! The source kind `global-token-revocation`: the endpoint of draft-parecki-oauth-global-token-revocation, which Okta calls Universal
//! Logout. One authenticated POST says "log this person out everywhere".
//!
//! The way of a request, in the order of the checks: what HTTP says about it (`receive`), the signed token in its `Authorization` header
//! (`caller_token`), then the subject in its body (`request_body`). What the sender is told is in `answer`.
//!
//! The draft's 404 and 422 need a look at the targets. The signal is stored first and the work begins; its answer is what the work finds
//! within [`PATIENCE`], so that no lookup delays the first revoke.

mod answer;
mod caller_token;
mod request_body;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use ::http::Request;
use async_trait::async_trait;
use bytes::Bytes;

use super::shared::http_checks::admit;
use super::shared::subject_identifiers::SubjectRules;
use super::{Kind, Push, Received, Rejection, SenderAuth, Source, SourceState, SubjectLookup};
use crate::clock::Clock;
use crate::digest::sha256;
use crate::model::{Delivery, Reason, Receipt, Signal, Timestamp};
use caller_token::CallerToken;

pub use caller_token::LONGEST_LIFETIME;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "global-token-revocation",
    about: "the Universal Logout endpoint that an identity provider calls (Global Token Revocation)",
    build: |settings, clock| settings::build(settings, clock).map(|source| Source::Push(Arc::new(source))),
};

/// The largest body taken, in bytes. A body holds one subject.
pub const BODY_CAP: usize = 16 << 10;

/// How long an answer waits for what the targets know of its subject; after it the answer is that the work goes on.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// A built endpoint for one issuer.
pub struct GlobalTokenRevocation {
    name: String,
    caller: CallerToken,
    subjects: SubjectRules,
    clock: Clock,
}

#[async_trait]
impl Push for GlobalTokenRevocation {
    fn body_cap(&self) -> usize {
        BODY_CAP
    }

    async fn admits(&self, head: &Request<Bytes>) -> Result<SenderAuth, Rejection> {
        self.caller.check(head, self.clock.now()).await.map(|_| SenderAuth::Proven)
    }

    async fn receive(&self, request: &Request<Bytes>, _: &dyn SourceState) -> Result<Received, Rejection> {
        let received_at = self.clock.now();
        let signal = self.read(request, received_at).await.map_err(|rejection| Rejection {
            // What is too large is not worth the hashing.
            digest: (request.body().len() <= BODY_CAP).then(|| sha256(request.body())),
            ..rejection
        })?;
        Ok(Received::Delivery(Delivery::of(&self.name, vec![signal], received_at)))
    }

    fn accepted(&self, receipt: &Receipt) -> ::http::Response<Bytes> {
        answer::accepted(receipt)
    }

    fn lookup_timeout(&self) -> Option<Duration> {
        Some(PATIENCE)
    }

    fn answered(&self, receipt: &Receipt, known: SubjectLookup) -> ::http::Response<Bytes> {
        answer::answered(receipt, known)
    }

    fn rejected(&self, rejection: &Rejection) -> ::http::Response<Bytes> {
        answer::rejected(rejection)
    }
}

impl GlobalTokenRevocation {
    async fn read(&self, request: &Request<Bytes>, now: Timestamp) -> Result<Signal, Rejection> {
        admit(request, BODY_CAP, "application/json", |media| {
            media.eq_ignore_ascii_case(b"application/json")
        })?;
        let token = self.caller.check(request, now).await?;
        let subject = request_body::read(request.body(), &self.subjects)?;
        // The token says nothing about the body, so both are in the digest. Each is hashed by itself first: where one ends and the other
        // begins must not be open to two readings.
        let content = sha256(&[sha256(&token.payload), sha256(request.body())].concat());
        let mut signal = Signal::new(token.key, content, subject, Reason::Compromised);
        signal.occurred_at = Some(token.issued_at.min(now));
        signal.note = Some("global token revocation".to_owned());
        Ok(signal)
    }
}
