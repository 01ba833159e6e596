//! Sources whose senders come to us: who is let in, what becomes of a delivery, and what is left of a refusal.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use super::Intake;
use super::source_state::StoredState;
use crate::model::{Delivery, NoFault, Receipt, Trace};
use crate::sources::{Push, Received, Rejection, RejectionKind, SenderAuth, UNKNOWN_KEY};
use crate::telemetry::table;

/// How long a sender waits before it tries again when the trouble is ours.
const OUR_TROUBLE: Duration = Duration::from_secs(5);

/// A refusal for what stands in the header of a request.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub rejection: Rejection,
    /// The answer, as the source's protocol has it.
    pub answer: Response<Bytes>,
}

impl Intake {
    /// The push endpoint of `source`; `None` where no source of that name has one.
    #[must_use]
    pub fn push_source(&self, source: &str) -> Option<Arc<dyn Push>> {
        self.sources.push(source).map(|(push, _)| push)
    }

    /// What the header of a request says of its sender; the body of `head` is empty.
    ///
    /// # Errors
    /// Where it says that the sender does not belong here. Our own trouble is none: the delivery is answered for it.
    pub async fn admits(&self, source: &str, head: &Request<Bytes>) -> Result<SenderAuth, Box<Refused>> {
        let Some(push) = self.push_source(source) else {
            return Ok(SenderAuth::Unread);
        };
        match push.admits(head).await {
            Ok(standing) => Ok(standing),
            Err(rejection) if is_ours(&rejection) => Ok(SenderAuth::Unread),
            Err(rejection) => Err(Box::new(Refused {
                answer: push.rejected(&rejection),
                rejection,
            })),
        }
    }

    /// Whether a whole request proves who sent it, whatever else may be wrong with it.
    pub async fn proves(&self, source: &str, request: &Request<Bytes>) -> bool {
        match self.push_source(source) {
            Some(push) => push.proves(request).await,
            None => false,
        }
    }

    /// Takes one pushed delivery and answers it as its protocol says. `None` where no such source is configured. An answer to a sender who has
    /// proved who it is says so ([`NoFault`]). Among the request's extensions may be a [`Trace`]: what a refusal of any other leaves behind.
    ///
    /// The answer is a yes only after the commit. A commit whose outcome is unknown is answered as our trouble: the sender comes again,
    /// and the key of its signal makes that harmless.
    pub async fn deliver(&self, source: &str, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let (push, turn) = self.sources.push(source)?;
        let _turn = match turn {
            Some(turn) if !push.is_read_only(request) => Some(turn.lock_owned().await),
            _ => None,
        };
        let state = StoredState::new(&self.store, source);
        let taken = match push.receive(request, &state).await {
            Ok(Received::Reply(reply)) => {
                if push.knows_who_asks() {
                    self.activity.spoke(source, self.store.clock().now());
                }
                return Some(faultless(reply));
            }
            Ok(Received::Delivery(delivery)) => match (self.store_pushed(source, delivery).await, push.lookup_timeout()) {
                (Ok(receipt), None) => Ok(push.accepted(&receipt)),
                (Ok(receipt), Some(patience)) => {
                    let known = self.look_up_subject(source, &receipt, patience).await;
                    Ok(push.answered(&receipt, known))
                }
                (Err(rejection), _) => Err(rejection),
            },
            Ok(Received::Answered(delivery, answer)) => self.store_pushed(source, delivery).await.map(|_| answer),
            Err(rejection) => Err(rejection),
        };
        let rejection = match taken {
            Ok(answer) => {
                table::DELIVERIES.add([source, "accepted"], 1);
                return Some(faultless(answer));
            }
            Err(rejection) => rejection,
        };
        let answer = push.rejected(&rejection);
        if is_ours(&rejection) {
            table::DELIVERIES.add([source, rejection.code], 1);
            return Some(answer);
        }
        // Who is refused for want of a proof has given none.
        let proven = rejection.kind != RejectionKind::Unauthenticated && push.proves(request).await;
        let trace = request.extensions().get().copied().unwrap_or(Trace::Entry);
        self.refuse(source, &rejection, proven, trace).await;
        Some(if proven { faultless(answer) } else { answer })
    }

    /// Counts a refused delivery, and records it where `trace` says so and there is room. It never stands in the way of its own answer: a
    /// store that cannot be written is logged.
    pub async fn refuse(&self, source: &str, rejection: &Rejection, proven: bool, trace: Trace) {
        table::DELIVERIES.add([source, rejection.code], 1);
        let recorded = (proven || trace == Trace::Entry) && self.quota.take(source, proven);
        if !recorded {
            table::REFUSALS_COUNTED.add([source], 1);
            self.activity.refused(source, rejection.code);
            tracing::debug!(source, code = rejection.code, "refused a delivery: {}", rejection.description);
            return;
        }
        tracing::warn!(source, code = rejection.code, "refused a delivery: {}", rejection.description);
        let (why, digest) = (rejection.description.clone(), rejection.digest);
        if let Err(error) = self.store.record_rejection(source, rejection.code, why, digest).await {
            tracing::error!(source, error = %crate::model::error_chain(&error), "could not record a refused delivery");
        }
    }

    /// Alerts that `source` holds strangers off.
    pub async fn endpoint_closed(&self, source: &str) {
        let summary = format!(
            "the door of source {source} is closed to strangers: too many requests to it proved nothing. Who proves who it is gets in"
        );
        let raised = self.store.raise_alert("door_closed", alert_key(source), summary).await;
        if let Err(error) = raised {
            tracing::error!(source, error = %crate::model::error_chain(&error), "could not alert that a door is closed");
        }
    }

    /// Ends the alert that `source` holds strangers off.
    pub async fn endpoint_opened(&self, source: &str) {
        if let Err(error) = self.store.end_alert("door_closed", alert_key(source)).await {
            tracing::error!(source, error = %crate::model::error_chain(&error), "could not end the alert about a closed door");
        }
    }

    /// Takes note of a request that came by way of a proxy which the config does not name, for `revoked check`.
    pub async fn passed_on(&self, by: IpAddr) {
        if !self.activity.passed_on(by) {
            return;
        }
        tracing::warn!(
            proxy = %by,
            "requests come by way of a proxy that [listen] proxies does not name: all its clients look like one"
        );
        if let Err(error) = self.store.note_proxies(self.activity.take_proxies()).await {
            tracing::error!(error = %crate::model::error_chain(&error), "could not keep that a proxy is not named");
        }
    }

    async fn store_pushed(&self, source: &str, delivery: Delivery) -> Result<Receipt, Rejection> {
        // What its own sender pushes is said by the source even where nothing follows from it; the store notes all else by itself.
        let silent = !delivery.speaks();
        let receipt = self.store(delivery).await.map_err(|error| {
            tracing::error!(source, error = %crate::model::error_chain(&error), "could not store a delivery");
            not_now()
        })?;
        if silent {
            self.activity.spoke(source, self.store.clock().now());
        }
        Ok(receipt)
    }
}

fn alert_key(source: &str) -> String {
    format!("source:{source}")
}

/// Whether a refusal is our own trouble, which is no fault of the delivery; and while the store is full nothing could be written anyway.
/// Whoever comes with a key that nobody has published may be asked to come again, and is a stranger all the same.
fn is_ours(rejection: &Rejection) -> bool {
    matches!(rejection.kind, RejectionKind::NotNow(_) | RejectionKind::TooFast(_)) && rejection.code != UNKNOWN_KEY
}

fn faultless(mut answer: Response<Bytes>) -> Response<Bytes> {
    answer.extensions_mut().insert(NoFault);
    answer
}

fn not_now() -> Rejection {
    Rejection {
        kind: RejectionKind::NotNow(OUR_TROUBLE),
        code: "not_stored",
        description: "the delivery could not be stored; send it again".to_owned(),
        digest: None,
    }
}
