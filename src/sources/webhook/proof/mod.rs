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

use std::time::Duration;

use ::http::header::HeaderName;
use ::http::{HeaderMap, Request};
use bytes::Bytes;

use super::answer::untrusted;
use crate::model::Timestamp;
use crate::sources::{Rejection, SenderAuth};

pub(super) use hmac_signature::{Algorithm, HmacSignature, Members};
pub(super) use issuer_token::{Claim, IssuerToken};
pub(super) use item_secret::ItemSecret;
pub(super) use key_list::KeyList;
pub(super) use signed_template::SignedTemplate;
pub(super) use sns::{Certificates, Sns, shown};
pub(super) use standard_webhooks::StandardWebhooks;
pub(super) use static_bearer::{Place, StaticBearer};

/// How a sender proves who it is.
pub(super) enum Proof {
    /// Standard Webhooks.
    StandardWebhooks(StandardWebhooks),
    /// A signature of the vendor's own form.
    HmacSignature(HmacSignature),
    /// A static secret in a header or the URL.
    StaticBearer(StaticBearer),
    /// A static secret in each item of the body.
    ItemSecret(ItemSecret),
    /// A signed token in a header.
    IssuerToken(IssuerToken),
    /// A signature by a key of a published list.
    KeyList(KeyList),
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
            Self::StandardWebhooks(standard) => standard.check(headers, body, now).map(Some),
            Self::HmacSignature(scheme) => scheme.check(headers, body, now),
            Self::StaticBearer(bearer) => bearer.check(request).map(|()| None),
            Self::ItemSecret(_) => Ok(None),
            Self::IssuerToken(token) => token.check(request, now).await.map(|()| None),
            Self::KeyList(listed) => listed.check(headers, body).await.map(|()| None),
            Self::Sns(sns) => sns.check(headers, body, now).await.map(Some),
        }
    }

    /// What each item proves itself by, where the request as a whole proves nothing.
    pub(super) fn member(&self) -> Option<&ItemSecret> {
        match self {
            Self::ItemSecret(member) => Some(member),
            _ => None,
        }
    }

    /// Checks what stands in the header of a request alone.
    ///
    /// # Errors
    /// 401 where that is a secret or a token, and it is not there or not good here; 503 as [`Proof::check`].
    pub(super) async fn check_head(&self, head: &Request<Bytes>, now: Timestamp) -> Result<SenderAuth, Rejection> {
        match self {
            Self::StaticBearer(bearer) => bearer.check(head).map(|()| SenderAuth::Proven),
            Self::IssuerToken(token) => token.check(head, now).await.map(|()| SenderAuth::Proven),
            Self::StandardWebhooks(_) | Self::HmacSignature(_) | Self::ItemSecret(_) | Self::KeyList(_) | Self::Sns(_) => {
                Ok(SenderAuth::Unread)
            }
        }
    }

    /// What the delivery is called, unproven.
    pub(super) fn unproven_id(&self, headers: &HeaderMap) -> SignedId {
        match self {
            Self::StandardWebhooks(_) => standard_webhooks::id(headers).ok(),
            Self::HmacSignature(scheme) => scheme.id(headers).ok().flatten(),
            _ => None,
        }
    }

    /// Whether an old delivery is refused for its age, so that a recorded one cannot be sent again later.
    pub(super) fn is_dated(&self) -> bool {
        match self {
            Self::StandardWebhooks(_) | Self::Sns(_) => true,
            Self::HmacSignature(scheme) => scheme.is_dated(),
            Self::StaticBearer(_) | Self::ItemSecret(_) | Self::IssuerToken(_) | Self::KeyList(_) => false,
        }
    }

    /// Whether the body is signed, so that whoever has recorded one delivery cannot make another.
    pub(super) fn covers_body(&self) -> bool {
        match self {
            Self::StandardWebhooks(_) | Self::HmacSignature(_) | Self::KeyList(_) | Self::Sns(_) => true,
            Self::StaticBearer(_) | Self::ItemSecret(_) | Self::IssuerToken(_) => false,
        }
    }

    /// Whether the sender adds something to the source's own path.
    pub(super) fn is_in_path(&self) -> bool {
        matches!(self, Self::StaticBearer(bearer) if bearer.is_in_path())
    }

    /// What a refused sender is challenged with (RFC 9110 section 11.6.1).
    pub(super) fn challenge(&self) -> &'static str {
        match self {
            Self::StandardWebhooks(_) | Self::HmacSignature(_) | Self::KeyList(_) | Self::Sns(_) | Self::ItemSecret(_) => {
                "Signature"
            }
            Self::StaticBearer(_) | Self::IssuerToken(_) => "Bearer",
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
