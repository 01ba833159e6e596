//! What is pushed to the provider: it is a receiver of security event tokens too (RFC 8935).

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::demo::tour::loopback_server::BODY_CAP;
use crate::jose::Compact;
use crate::model::Timestamp;

/// The tokens that came, unjudged.
pub(super) struct ReceivedTokens {
    received: Mutex<Received>,
    came: Notify,
    clock: Clock,
}

#[derive(Default)]
struct Received {
    /// What a sender must show.
    authorization: String,
    tokens: Vec<(String, Timestamp)>,
}

impl ReceivedTokens {
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            received: Mutex::default(),
            came: Notify::new(),
            clock: clock.clone(),
        }
    }

    pub(super) fn expect(&self, authorization: &str) {
        authorization.clone_into(&mut self.lock().authorization);
    }

    pub(super) async fn take(&self, request: Request<Incoming>) -> (StatusCode, Value) {
        let shown = request
            .headers()
            .get(header::AUTHORIZATION)
            .map(|value| value.as_bytes().to_vec());
        if shown != Some(self.lock().authorization.clone().into_bytes()) {
            return refused("authentication_failed");
        }
        let body = Limited::new(request.into_body(), BODY_CAP).collect().await;
        let Some(token) = body.ok().and_then(|body| String::from_utf8(body.to_bytes().to_vec()).ok()) else {
            return refused("invalid_request");
        };
        let at = self.clock.now();
        self.lock().tokens.push((token, at));
        self.came.notify_waiters();
        (StatusCode::ACCEPTED, Value::Null)
    }

    /// The first token about the cause `txn`, and when it came.
    pub(super) async fn about(&self, txn: &str) -> (String, Timestamp) {
        loop {
            let came = self.came.notified();
            let found = self.lock().tokens.iter().find(|(token, _)| is_about(token, txn)).cloned();
            if let Some(found) = found {
                return found;
            }
            came.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        // Nothing between lock and unlock can leave it half-written.
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_about(token: &str, txn: &str) -> bool {
    Compact::read(token.as_bytes()).is_ok_and(|token| token.claims.get("txn").and_then(Value::as_str) == Some(txn))
}

fn refused(err: &str) -> (StatusCode, Value) {
    (StatusCode::BAD_REQUEST, json!({ "err": err, "description": "not taken" }))
}
