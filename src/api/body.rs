//! Reading a request body: within the body limit (413), its timeout (408) and the memory that there is for all bodies.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;

use super::connection_limit::ConnectionSlot;
use super::{Endpoint, Fault, Problem, request};

/// How much of a body that nobody will look at is read and thrown away, so that a sender which writes all before it reads gets to see the
/// answer rather than a broken connection.
const DISCARD_CAP: usize = 1 << 20;

/// Reads the body up to the endpoint's cap.
pub(super) async fn read(endpoint: &Endpoint, mut body: Body, slot: Option<&ConnectionSlot>) -> Result<Bytes, Fault> {
    let most = endpoint.body_cap.saturating_add(DISCARD_CAP);
    let mut whole = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fault {
            code: "body_broken",
            problem: Problem::new(
                StatusCode::BAD_REQUEST,
                "the body broke off or is not framed as HTTP/1.1 asks",
            ),
        })?;
        // Trailers say nothing that a delivery needs.
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > most {
            break;
        }
        if seen <= endpoint.body_cap {
            if let Some(slot) = slot
                && !slot.reserve_memory(data.len()).await
            {
                return Err(Fault {
                    code: "no_room",
                    problem: request::busy(),
                });
            }
            whole.extend_from_slice(&data);
        }
    }
    if seen > endpoint.body_cap {
        return Err(too_large(endpoint));
    }
    Ok(whole.freeze())
}

/// The fault of a body that is said to be so large that none of it is read.
pub(super) fn declared_too_large(endpoint: &Endpoint, headers: &HeaderMap) -> Option<Fault> {
    let length = declared(headers)?;
    (length > endpoint.body_cap.saturating_add(DISCARD_CAP)).then(|| too_large(endpoint))
}

fn too_large(endpoint: &Endpoint) -> Fault {
    let detail = format!("the body is larger than the {} bytes taken here", endpoint.body_cap);
    Fault {
        code: "too_large",
        problem: Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
    }
}

/// The fault of a body under an encoding: a bomb of a few bytes could unfold into gigabytes, and no sender needs it.
pub(super) fn encoding_fault(headers: &HeaderMap) -> Option<Fault> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let encoded = codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    encoded.then(|| Fault {
        code: "content_encoding",
        problem: Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the body without a Content-Encoding"),
    })
}

/// Reads on for a while and keeps nothing. A sender that asks first whether to send its body gets its answer in the place of that.
pub(super) async fn discard(headers: HeaderMap, mut body: Body) {
    if headers.contains_key(EXPECT) || declared(&headers).is_some_and(|length| length > DISCARD_CAP) {
        return;
    }
    let mut left = DISCARD_CAP;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(less) = left.checked_sub(length) else { return };
        left = less;
    }
}

fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
