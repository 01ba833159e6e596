//! The source kind `ssf-push`: the push endpoint alone, for a stream that somebody else made on the transmitter's side.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;

use super::endpoint::answer;
use super::endpoint::request_checks::RequestChecks;
use super::tokens::stream_events::{StreamEvent, unasked};
use super::tokens::token_reader::{TokenReader, VerifiedToken};
use super::tokens::token_settings::{self, Authorization};
use super::{BODY_CAP, named};
use crate::clock::Clock;
use crate::model::{Alarm, AlarmKind, Delivery, Receipt};
use crate::settings::{ConfigError, Settings};
use crate::sources::{Kind, Push, Received, Rejection, SenderAuth, Source, SourceState};

/// The row in [`crate::sources::KINDS`].
pub const KIND: Kind = Kind {
    name: "ssf-push",
    about: "security event tokens pushed by an identity provider (RFC 8935; CAEP and RISC events)",
    build: |settings, clock| build(settings, clock).map(|source| Source::Push(Arc::new(source))),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The whole value of the `Authorization` header that the transmitter was told to send; a list while one replaces another.
    authorization: Option<Authorization>,
    /// The `state` of a verification that the operator asked the transmitter for.
    verification_state: Option<String>,
}

/// A built receiver for one stream of one issuer.
struct SsfPush {
    name: String,
    request_checks: RequestChecks,
    reader: TokenReader,
    /// The `state` that a verification event may carry, where the operator asked for one.
    verification_state: Option<String>,
    clock: Clock,
}

fn build(settings: &Settings<'_>, clock: &Clock) -> Result<SsfPush, Vec<ConfigError>> {
    let (tokens, own) = token_settings::apart(settings);
    let reader = token_settings::reader(&tokens);
    let written = own.read::<Written>().map_err(token_settings::with_ours).and_then(|written| {
        let authorization = Authorization::read(written.authorization.as_ref());
        let authorization = authorization.map_err(|why| vec![settings.complain("authorization", why)])?;
        Ok((authorization, written.verification_state))
    });
    let (reader, (authorization, verification_state)) = token_settings::both(reader, written)?;
    Ok(SsfPush {
        name: settings.name.to_owned(),
        request_checks: RequestChecks::new(&authorization),
        reader,
        verification_state,
        clock: clock.clone(),
    })
}

impl SsfPush {
    /// What is to be stored of a token. Nothing is known here of the stream but what the operator has written.
    fn delivery(&self, token: VerifiedToken, received_at: crate::model::Timestamp) -> Result<Delivery, Rejection> {
        let mut delivery = Delivery::of(&self.name, vec![token.signal], received_at);
        delivery.renamed.extend(token.renamed);
        match token.stream_event {
            Some(StreamEvent::Verification { state: Some(state) }) => {
                if self.verification_state.as_ref() != Some(&state) {
                    return Err(unasked());
                }
                delivery.verified = true;
            }
            Some(StreamEvent::Updated { status, .. }) if status == "enabled" => {
                delivery.alarms.push(Alarm {
                    kind: AlarmKind::StreamStopped,
                    about: None,
                    summary: None,
                });
            }
            _ => {}
        }
        Ok(delivery)
    }
}

#[async_trait]
impl Push for SsfPush {
    fn body_cap(&self) -> usize {
        BODY_CAP
    }

    async fn admits(&self, head: &::http::Request<Bytes>) -> Result<SenderAuth, Rejection> {
        self.request_checks.check_head(head)
    }

    async fn proves(&self, request: &::http::Request<Bytes>) -> bool {
        match self.request_checks.check_head(request) {
            Ok(SenderAuth::Proven) => true,
            Ok(SenderAuth::Unread) => self.reader.proves(request.body()).await,
            Err(_) => false,
        }
    }

    async fn receive(&self, request: &::http::Request<Bytes>, _: &dyn SourceState) -> Result<Received, Rejection> {
        let received_at = self.clock.now();
        let read = match self.request_checks.admit(request) {
            Ok(()) => self.reader.read(request.body(), &[], received_at).await,
            Err(rejection) => Err(rejection),
        };
        let delivery = read.and_then(|token| self.delivery(token, received_at));
        delivery
            .map(Received::Delivery)
            .map_err(|rejection| named(rejection, request.body()))
    }

    fn cautions(&self) -> Vec<String> {
        self.reader.cautions()
    }

    fn accepted(&self, receipt: &Receipt) -> ::http::Response<Bytes> {
        answer::accepted(receipt)
    }

    fn rejected(&self, rejection: &Rejection) -> ::http::Response<Bytes> {
        answer::rejected(rejection)
    }
}
