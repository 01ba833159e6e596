//! What proves that a delivery is its sender's: Standard Webhooks, a signature of the vendor's own form or by a published key, Amazon SNS's
//! certificate, a signed token, or a static secret.
//!
//! Every check is over the bytes as they arrived. A body that was parsed and written again is another body.

mod hmac_signature;
mod issuer_token;
mod item_secret;
mod key_list;
mod signed_template;
mod sns;
mod standard_webhooks;
mod static_bearer;
mod static_secrets;

use std::time::Duration;

use ::http::header::HeaderName;
use ::http::{HeaderMap, Request};
use bytes::Bytes;

use super::answer::untrusted;
use crate::model::Timestamp;
use crate::sources::{Rejection, Standing};

pub(super) use hmac_signature::{Algorithm, Members, Scheme};
pub(super) use issuer_token::{Claim, Token};
pub(super) use item_secret::Member;
pub(super) use key_list::Listed;
pub(super) use signed_template::Template;
pub(super) use sns::{Certificates, Sns, shown};
pub(super) use standard_webhooks::Standard;
pub(super) use static_bearer::{Bearer, Place};
use static_secrets::Secrets;

/// How a sender proves who it is.
pub(super) enum Proof {
    /// Standard Webhooks.
    Standard(Standard),
    /// A signature of the vendor's own form.
    Scheme(Scheme),
    /// A static secret in a header or the URL.
    Bearer(Bearer),
    /// A static secret in each item of the body.
    Member(Member),
    /// A signed token in a header.
    Token(Token),
    /// A signature by a key of a published list.
    Listed(Listed),
    /// Amazon SNS.
    Sns(Sns),
}

/// What a proven delivery is called by its sender under the signature; `None` where the signature names nothing.
pub(super) type SignedId = Option<String>;

impl Proof {
    /// Checks `request`, as far as it is proved as a whole: see [`Proof::member`].
    ///
    /// # Errors
    /// 401, whatever is wrong with it; 503 where what it is checked against cannot be had.
    pub(super) async fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<SignedId, Rejection> {
        let (headers, body) = (request.headers(), request.body());
        match self {
            Self::Standard(standard) => standard.check(headers, body, now).map(Some),
            Self::Scheme(scheme) => scheme.check(headers, body, now),
            Self::Bearer(bearer) => bearer.check(request).map(|()| None),
            Self::Member(_) => Ok(None),
            Self::Token(token) => token.check(request, now).await.map(|()| None),
            Self::Listed(listed) => listed.check(headers, body).await.map(|()| None),
            Self::Sns(sns) => sns.check(headers, body, now).await.map(Some),
        }
    }

    /// What each item proves itself by, where the request as a whole proves nothing.
    pub(super) fn member(&self) -> Option<&Member> {
        match self {
            Self::Member(member) => Some(member),
            _ => None,
        }
    }

    /// Checks what stands in the header of a request alone.
    ///
    /// # Errors
    /// 401 where that is a secret or a token, and it is not there or not good here; 503 as [`Proof::check`].
    pub(super) async fn check_head(&self, head: &Request<Bytes>, now: Timestamp) -> Result<Standing, Rejection> {
        match self {
            Self::Bearer(bearer) => bearer.check(head).map(|()| Standing::Proven),
            Self::Token(token) => token.check(head, now).await.map(|()| Standing::Proven),
            Self::Standard(_) | Self::Scheme(_) | Self::Member(_) | Self::Listed(_) | Self::Sns(_) => Ok(Standing::Unread),
        }
    }

    /// What the delivery is called, unproven.
    pub(super) fn unproven_id(&self, headers: &HeaderMap) -> SignedId {
        match self {
            Self::Standard(_) => standard_webhooks::id(headers).ok(),
            Self::Scheme(scheme) => scheme.id(headers).ok().flatten(),
            _ => None,
        }
    }

    /// Whether an old delivery is refused for its age, so that a recorded one cannot be sent again later.
    pub(super) fn is_dated(&self) -> bool {
        match self {
            Self::Standard(_) | Self::Sns(_) => true,
            Self::Scheme(scheme) => scheme.is_dated(),
            Self::Bearer(_) | Self::Member(_) | Self::Token(_) | Self::Listed(_) => false,
        }
    }

    /// Whether the body is signed, so that whoever has recorded one delivery cannot make another.
    pub(super) fn covers_body(&self) -> bool {
        match self {
            Self::Standard(_) | Self::Scheme(_) | Self::Listed(_) | Self::Sns(_) => true,
            Self::Bearer(_) | Self::Member(_) | Self::Token(_) => false,
        }
    }

    /// Whether the sender adds something to the source's own path.
    pub(super) fn is_in_path(&self) -> bool {
        matches!(self, Self::Bearer(bearer) if bearer.is_in_path())
    }

    /// What a refused sender is challenged with (RFC 9110 section 11.6.1).
    pub(super) fn challenge(&self) -> &'static str {
        match self {
            Self::Standard(_) | Self::Scheme(_) | Self::Listed(_) | Self::Sns(_) | Self::Member(_) => "Signature",
            Self::Bearer(_) | Self::Token(_) => "Bearer",
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
