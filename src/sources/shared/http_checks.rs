//! Checks of HTTP before a byte of the body is read, alike at every push endpoint: method, media type, content encoding, size.

use ::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use ::http::{Method, Request};
use bytes::Bytes;

use super::http_answers::{METHOD, refusal};
use crate::sources::{Rejection, RejectionKind};

/// Whether a POST whose media type `fits` can be looked at; `wanted` says to people which do. The type comes without its parameters, and is
/// empty where the header is missing or stands twice.
///
/// # Errors
/// A refusal with 405, 415 or 413.
pub(in crate::sources) fn admit(
    request: &Request<Bytes>,
    cap: usize,
    wanted: &str,
    fits: impl Fn(&[u8]) -> bool,
) -> Result<(), Rejection> {
    if request.method() != Method::POST {
        return Err(refusal(RejectionKind::Malformed, METHOD, "only POST is taken here"));
    }
    let media = only(request, &CONTENT_TYPE).unwrap_or_default();
    let media = media.split(|byte| *byte == b';').next().unwrap_or_default();
    if !fits(media.trim_ascii()) {
        let why = format!("the content type must be {wanted}");
        return Err(refusal(RejectionKind::MediaType, "media_type", why));
    }
    if request.headers().contains_key(CONTENT_ENCODING) {
        let why = "no content encoding is taken, since it could hide a bomb";
        return Err(refusal(RejectionKind::MediaType, "content_encoding", why));
    }
    if request.body().len() > cap {
        let why = format!("a body may weigh {cap} bytes");
        return Err(refusal(RejectionKind::TooLarge, "too_large", why));
    }
    Ok(())
}

/// The header's value where it stands exactly once: two values could be read differently by two readers.
pub(in crate::sources) fn only<'a>(request: &'a Request<Bytes>, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = request.headers().get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}
