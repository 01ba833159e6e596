//! The checks of HTTP's own, before a byte of the body is read.

use ::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use ::http::{HeaderMap, Method, Request};
use bytes::Bytes;

use super::BODY_CAP;
use super::answer::{METHOD, refusal};
use crate::sources::{Rejection, RejectionKind};

/// Whether a POST can be looked at.
///
/// # Errors
/// A refusal with 405, 415 or 413.
pub(super) fn admit(request: &Request<Bytes>) -> Result<(), Rejection> {
    if request.method() != Method::POST {
        return Err(refusal(RejectionKind::Malformed, METHOD, "only POST is taken here"));
    }
    if !is_json(request.headers()) {
        let why = "the content type must be application/json, or end in +json, and stand once";
        return Err(refusal(RejectionKind::MediaType, "media_type", why));
    }
    if request.headers().contains_key(CONTENT_ENCODING) {
        let why = "no content encoding is taken, since it could hide a bomb";
        return Err(refusal(RejectionKind::MediaType, "content_encoding", why));
    }
    if request.body().len() > BODY_CAP {
        let why = format!("a body may weigh {BODY_CAP} bytes");
        return Err(refusal(RejectionKind::TooLarge, "too_large", why));
    }
    Ok(())
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let media = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let media = media.to_ascii_lowercase();
    media == "application/json"
        || media
            .strip_prefix("application/")
            .is_some_and(|kind| kind.len() > 5 && kind.ends_with("+json"))
}
