//! The checks of HTTP's own, before a byte of the body is read.

use ::http::Request;
use bytes::Bytes;

use super::BODY_CAP;
use crate::sources::Rejection;
use crate::sources::admission::admit as admit_post;

/// Whether a POST can be looked at.
///
/// # Errors
/// A refusal with 405, 415 or 413.
pub(super) fn admit(request: &Request<Bytes>) -> Result<(), Rejection> {
    admit_post(
        request,
        BODY_CAP,
        "application/json, or end in +json, and stand once",
        is_json,
    )
}

fn is_json(media: &[u8]) -> bool {
    let media = media.to_ascii_lowercase();
    media == b"application/json"
        || media
            .strip_prefix(b"application/")
            .is_some_and(|kind| kind.len() > 5 && kind.ends_with(b"+json"))
}
