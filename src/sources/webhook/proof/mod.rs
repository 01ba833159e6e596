//! What proves that a delivery is its sender's: Standard Webhooks, a signature of the vendor's own form, or a static bearer.
//!
//! Every check is over the bytes as they arrived. A body that was parsed and written again is another body.

mod bearer;
mod encoding;
mod scheme;
mod standard;
mod template;

use std::time::Duration;

use ::http::header::HeaderName;
use ::http::{HeaderMap, Request};
use bytes::Bytes;

use super::answer::untrusted;
use crate::model::Timestamp;
use crate::sources::{Rejection, Standing};

pub(super) use bearer::{Bearer, Place};
pub(super) use encoding::Encoding;
pub(super) use scheme::{Algorithm, Members, Scheme};
pub(super) use standard::Standard;
pub(super) use template::Template;

/// How a sender proves who it is.
pub(super) enum Proof {
    /// Standard Webhooks.
    Standard(Standard),
    /// A signature of the vendor's own form.
    Scheme(Scheme),
    /// A static secret in a header.
    Bearer(Bearer),
}

/// What a proven delivery is called by its sender under the signature; `None` where the signature names nothing.
pub(super) type SignedId = Option<String>;

impl Proof {
    /// Checks `request`.
    ///
    /// # Errors
    /// 401, whatever is wrong with it.
    pub(super) fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<SignedId, Rejection> {
        let (headers, body) = (request.headers(), request.body());
        match self {
            Self::Standard(standard) => standard.check(headers, body, now).map(Some),
            Self::Scheme(scheme) => scheme.check(headers, body, now),
            Self::Bearer(bearer) => bearer.check(request).map(|()| None),
        }
    }

    /// Checks what stands in the header of a request alone.
    ///
    /// # Errors
    /// 401 where that is a secret, and it is not there or not ours.
    pub(super) fn check_head(&self, head: &Request<Bytes>) -> Result<Standing, Rejection> {
        match self {
            Self::Standard(_) | Self::Scheme(_) => Ok(Standing::Unread),
            Self::Bearer(bearer) => bearer.check(head).map(|()| Standing::Proven),
        }
    }

    /// What the delivery is called, unproven.
    pub(super) fn unproven_id(&self, headers: &HeaderMap) -> SignedId {
        match self {
            Self::Standard(_) => standard::id(headers).ok(),
            Self::Scheme(scheme) => scheme.id(headers).ok().flatten(),
            Self::Bearer(_) => None,
        }
    }

    /// Whether an old delivery is refused for its age, so that a recorded one cannot be sent again later.
    pub(super) fn is_dated(&self) -> bool {
        match self {
            Self::Standard(_) => true,
            Self::Scheme(scheme) => scheme.is_dated(),
            Self::Bearer(_) => false,
        }
    }

    /// Whether the sender adds something to the source's own path.
    pub(super) fn is_in_path(&self) -> bool {
        matches!(self, Self::Bearer(bearer) if bearer.is_in_path())
    }

    /// What a refused sender is challenged with (RFC 9110 section 11.6.1).
    pub(super) fn challenge(&self) -> &'static str {
        match self {
            Self::Standard(_) | Self::Scheme(_) => "Signature",
            Self::Bearer(_) => "Bearer",
        }
    }
}

/// The header's value where it stands exactly once: two values could be read differently by two readers.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Rejection> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(untrusted(format!("send the header {name} once")));
    };
    let text = value
        .to_str()
        .map_err(|_| untrusted(format!("the header {name} is not plain text")))?;
    Ok(text.trim())
}

/// Whether a delivery of that time is neither old nor from the future.
fn fresh(at: Timestamp, now: Timestamp, tolerance: Duration) -> Result<(), Rejection> {
    if at > now.plus(tolerance) {
        return Err(untrusted("the timestamp is in the future"));
    }
    if at < now.minus(tolerance) {
        return Err(untrusted("the timestamp is too old"));
    }
    Ok(())
}
