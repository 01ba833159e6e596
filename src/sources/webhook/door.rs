//! The checks of HTTP's own, before a byte of the body is read.

use ::http::Request;
use ::http::header::CONTENT_TYPE;
use bytes::Bytes;

use super::BODY_CAP;
use crate::sources::Rejection;
use crate::sources::admission::{admit as admit_post, only};
use crate::sources::form::MEDIA;

/// Names under which lines of JSON come.
const LINES: [&[u8]; 5] = [
    b"application/x-ndjson",
    b"application/ndjson",
    b"application/jsonl",
    b"application/x-jsonlines",
    b"application/json-lines",
];

/// Whether a POST can be looked at, and whether its body may be a form.
///
/// # Errors
/// A refusal with 405, 415 or 413.
pub(super) fn admit(request: &Request<Bytes>) -> Result<bool, Rejection> {
    admit_post(
        request,
        BODY_CAP,
        "application/json, or end in +json, or be text/plain, application/x-ndjson or a form, and stand once",
        is_taken,
    )?;
    let media = only(request, &CONTENT_TYPE).unwrap_or_default();
    Ok(starts(media, MEDIA.as_bytes()))
}

/// SNS sends its JSON as `text/plain`, and log streams theirs under several names.
fn is_taken(media: &[u8]) -> bool {
    let media = media.to_ascii_lowercase();
    media == b"application/json"
        || media == b"text/plain"
        || media == MEDIA.as_bytes()
        || LINES.contains(&media.as_slice())
        || media
            .strip_prefix(b"application/")
            .is_some_and(|kind| kind.len() > 5 && kind.ends_with(b"+json"))
}

/// Whether a media type with its parameters is `wanted`.
fn starts(media: &[u8], wanted: &[u8]) -> bool {
    let bare = media.split(|byte| *byte == b';').next().unwrap_or_default();
    bare.trim_ascii().eq_ignore_ascii_case(wanted)
}
