//! The parts of answers and refusals that every pushed protocol shares.

use std::time::Duration;

use ::http::header::{ALLOW, RETRY_AFTER};
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;

use crate::model::Suspect;
use crate::sources::{Rejection, RejectionKind};

/// The code of a refusal of any method but POST, answered with 405.
pub(in crate::sources) const METHOD: &str = "method_not_allowed";

/// The code where an issuer's keys cannot be had, which is our trouble.
pub(in crate::sources) const KEYS_UNAVAILABLE: &str = "keys_unavailable";
/// The code where a token's key is none of the issuer's as they were a moment ago. The sender is asked to come again, since the key may
/// have been made since; and as a forger comes with such a key too, it counts like a refusal.
pub(crate) const UNKNOWN_KEY: &str = "unknown_key";

/// The body is no token, or its event does not conform.
pub(in crate::sources) const INVALID_REQUEST: &str = "invalid_request";
/// The key or algorithm is not acceptable.
pub(in crate::sources) const INVALID_KEY: &str = "invalid_key";
/// The sender or the signature could not be authenticated.
pub(in crate::sources) const AUTHENTICATION_FAILED: &str = "authentication_failed";
/// The issuer may not speak about this subject.
pub(in crate::sources) const ACCESS_DENIED: &str = "access_denied";

/// A refusal of `kind`, under `code` in the answer, the trail or the metric, as the protocol has it.
pub(in crate::sources) fn refusal(kind: RejectionKind, code: &'static str, description: impl Into<String>) -> Rejection {
    Rejection {
        kind,
        code,
        description: description.into(),
        digest: None,
    }
}

/// The answer to a refusal for which HTTP itself has a status, its body made by `told`; `None` where the protocol says how.
pub(in crate::sources) fn by_http(rejection: &Rejection, told: impl Fn(StatusCode) -> Response<Bytes>) -> Option<Response<Bytes>> {
    let mut answer = match rejection.kind {
        RejectionKind::MediaType => told(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        RejectionKind::TooLarge => told(StatusCode::PAYLOAD_TOO_LARGE),
        RejectionKind::NotNow(wait) => later(StatusCode::SERVICE_UNAVAILABLE, wait),
        RejectionKind::TooFast(wait) => later(StatusCode::TOO_MANY_REQUESTS, wait),
        RejectionKind::Malformed if rejection.code == METHOD => {
            let mut response = told(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
        RejectionKind::Malformed | RejectionKind::Unauthenticated => return None,
    };
    if rejection.code == UNKNOWN_KEY {
        answer.extensions_mut().insert(Suspect);
    }
    Some(answer)
}

/// A status with nothing in its body.
pub(in crate::sources) fn bare(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// A status that asks the sender to come again after `wait`.
pub(in crate::sources) fn later(status: StatusCode, wait: Duration) -> Response<Bytes> {
    let mut response = bare(status);
    // Rounded up: a sender that comes a fraction of a second early is refused again.
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
