//! Checks of HTTP before a byte of the body is read: method, size, and the media types, which senders write as they like.

use ::http::Request;
use ::http::header::CONTENT_TYPE;
use bytes::Bytes;

use super::BODY_CAP;
use crate::sources::Rejection;
use crate::sources::shared::http_checks::{admit as admit_post, only};
use crate::sources::shared::urlencoded_form::MEDIA;

/// Kinds of `application/` that are never JSON or a form.
const BINARY: [&str; 5] = ["pdf", "zip", "gzip", "x-gzip", "x-tar"];
/// Kinds of `text/` that may be JSON.
const TEXT: [&str; 6] = ["plain", "json", "x-json", "ndjson", "x-ndjson", "jsonl"];

/// Whether a POST can be looked at, and whether its body may be a form.
///
/// # Errors
/// A refusal with 405, 415 or 413.
pub(super) fn admit(request: &Request<Bytes>) -> Result<bool, Rejection> {
    let doubled = request.headers().get_all(CONTENT_TYPE).iter().count() > 1;
    admit_post(
        request,
        BODY_CAP,
        "one of JSON, lines of it, text/plain or a form, and stand once at most",
        |media| !doubled && is_taken(media),
    )?;
    let media = only(request, &CONTENT_TYPE).unwrap_or_default();
    Ok(starts(media, MEDIA.as_bytes()))
}

/// What is read follows from the bytes, and senders write what they like: SNS `text/plain`, scripts nothing, log streams several names. What
/// names another format is refused, so that whoever configured it hears of it.
fn is_taken(media: &[u8]) -> bool {
    let Ok(media) = str::from_utf8(media) else { return false };
    if media.is_empty() {
        return true;
    }
    let media = media.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_');
    match media.split_once('/') {
        Some((_, kind)) if kind.is_empty() || !kind.bytes().all(plain) => false,
        Some(("application", kind)) => !kind.ends_with("xml") && !BINARY.contains(&kind),
        Some(("text", kind)) => TEXT.contains(&kind),
        _ => false,
    }
}

/// Whether a media type with its parameters is `wanted`.
fn starts(media: &[u8], wanted: &[u8]) -> bool {
    let bare = media.split(|byte| *byte == b';').next().unwrap_or_default();
    bare.trim_ascii().eq_ignore_ascii_case(wanted)
}
