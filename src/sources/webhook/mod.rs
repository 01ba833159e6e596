//! The source kind `webhook`: JSON posted by anything that can sign it, or at least knows a secret.
//!
//! The way of a delivery, in the order of the checks: what HTTP itself says (`request_checks`), what proves the sender (`proof`), the question
//! that some senders ask first (`handshake`), the bytes (`body`), and what they say by the rules of the config (`mapping`), credential values
//! found in the open among it. What the vendors do is in `presets`, as the config that one would write otherwise; the keys are in `settings`,
//! and what payloads and headers are made of in `values`. What the sender is told is in `answer`.

mod answer;
mod body;
mod handshake;
mod mapping;
mod presets;
mod proof;
mod request_checks;
mod settings;
mod values;

use std::sync::Arc;

use ::http::header::HeaderName;
use ::http::{Method, Request};
use async_trait::async_trait;
use bytes::Bytes;

use super::{Kind, Push, Received, Rejection, SenderAuth, Source, SourceState};
use crate::clock::Clock;
use crate::digest::sha256;
use crate::model::{Alarm, AlarmKind, Delivery, Receipt, Timestamp};
use body::Body;
use handshake::Handshakes;
use mapping::{MappedBody, Mapping};
use proof::{Proof, SignedId};

pub use presets::PRESETS;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "webhook",
    about: "JSON posted by a cloud, a SIEM, an HR system or a script (signatures of many forms, signed tokens, a static bearer)",
    build: |settings, clock| settings::build(settings, clock).map(|source| Source::Push(Arc::new(source))),
};

/// The largest body taken, in bytes.
pub const BODY_CAP: usize = 1 << 20;

/// A built receiver for one sender.
pub struct Webhook {
    name: String,
    proof: Proof,
    handshakes: Handshakes,
    /// The header that names a delivery, where none is signed.
    key_header: Option<HeaderName>,
    /// The field of a form that holds the message.
    form_field: Option<String>,
    mapping: Mapping,
    cautions: Vec<String>,
    clock: Clock,
}

/// What is known of a request before it is proved.
enum Admission {
    /// It was a question that needs no proof.
    Answered(Box<Received>),
    /// It can be looked at; whether its body may be a form.
    Admitted { form: bool },
}

impl Webhook {
    fn admission(&self, request: &Request<Bytes>) -> Result<Admission, Rejection> {
        if let Some(answered) = self.handshakes.before_proof(request)? {
            return Ok(Admission::Answered(Box::new(answered)));
        }
        let form = !self.handshakes.has_no_body(request) && request_checks::admit(request)?;
        Ok(Admission::Admitted { form })
    }

    /// Reads a request whose sender is believed; `proven` says whether it was checked.
    fn read(
        &self,
        request: &Request<Bytes>,
        form: bool,
        id: SignedId,
        proven: bool,
        now: Timestamp,
    ) -> Result<Received, Rejection> {
        if let Some(answered) = self.handshakes.by_http(request)? {
            return Ok(answered);
        }
        let body = Body::read(request.body(), form, self.form_field.as_deref());
        let member = self.proof.member().filter(|_| proven);
        let body = body.map_err(|why| match member {
            None => answer::malformed(format!("the body cannot be read: {why}")),
            Some(_) => answer::untrusted("the body cannot be read, so that nothing in it proves its sender"),
        })?;
        if let Some(value) = body.whole()
            && let Some(answered) = self.handshakes.by_body(value, &self.name, now)?
        {
            return Ok(answered);
        }
        let id = id.or_else(|| self.header_id(request));
        let read = self.mapping.read(body, &sha256(request.body()), id, member, now)?;
        Ok(Received::Delivery(self.delivery(read, now)))
    }

    /// What is stored of what was read.
    fn delivery(&self, read: MappedBody, now: Timestamp) -> Delivery {
        let mut delivery = Delivery::of(&self.name, read.signals, now);
        delivery.refused = read.refused;
        let mut tell = |kind, summary: String| {
            delivery.alarms.push(Alarm {
                kind,
                about: None,
                summary: Some(format!("source {}: {summary}", self.name)),
            });
        };
        if read.strangers > 0 {
            tell(
                AlarmKind::NotUnderstood,
                format!(
                    "{} parts of a delivery are nothing that its rules understand, and were only recorded: nobody's access ends by them",
                    read.strangers
                ),
            );
        }
        if !read.notices.is_empty() {
            tell(AlarmKind::SenderNotice, Vec::from_iter(read.notices).join("; "));
        }
        mapping::hand_on(read.leaked, &mut delivery);
        delivery
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
        self.handshakes.methods()
    }

    fn has_path_below(&self, _below: &str) -> bool {
        // Whether it is the secret is seen in a place that takes as long for any answer.
        self.proof.is_in_path()
    }

    async fn admits(&self, head: &Request<Bytes>) -> Result<SenderAuth, Rejection> {
        // A sender that asks first has nothing to show yet.
        if head.method() == Method::POST && matches!(self.handshakes.before_proof(head), Ok(None)) {
            self.proof.check_head(head, self.clock.now()).await
        } else {
            Ok(SenderAuth::Unread)
        }
    }

    async fn proves(&self, request: &Request<Bytes>) -> bool {
        // Where each item proves itself, the whole proves nobody.
        self.proof.member().is_none() && self.proof.check(request, self.clock.now()).await.is_ok()
    }

    async fn receive(&self, request: &Request<Bytes>, _: &dyn SourceState) -> Result<Received, Rejection> {
        let taken = async {
            let form = match self.admission(request)? {
                Admission::Answered(answered) => return Ok(*answered),
                Admission::Admitted { form } => form,
            };
            let now = self.clock.now();
            let id = self.proof.check(request, now).await?;
            self.read(request, form, id, true, now)
        };
        taken.await.map_err(|rejection| Self::hashed(request, rejection))
    }

    fn read_unproven(&self, request: &Request<Bytes>) -> Option<Result<Received, Rejection>> {
        let read = self.admission(request).and_then(|admission| match admission {
            Admission::Answered(answered) => Ok(*answered),
            Admission::Admitted { form } => {
                let id = self.proof.unproven_id(request.headers());
                self.read(request, form, id, false, self.clock.now())
            }
        });
        Some(read.map_err(|rejection| Self::hashed(request, rejection)))
    }

    fn cautions(&self) -> Vec<String> {
        self.cautions.clone()
    }

    fn targets(&self) -> Vec<&str> {
        self.mapping.rules.iter().filter_map(mapping::Rule::target).collect()
    }

    fn accepted(&self, receipt: &Receipt) -> ::http::Response<Bytes> {
        answer::accepted(receipt)
    }

    fn rejected(&self, rejection: &Rejection) -> ::http::Response<Bytes> {
        answer::rejected(rejection, self.proof.challenge())
    }
}
