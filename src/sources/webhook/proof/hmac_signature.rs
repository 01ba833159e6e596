//! A signature of a vendor's own form: an HMAC in a header over what a template says.

use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::HeaderName;
use aws_lc_rs::hmac;
use serde::Deserialize;

use super::{SignedId, SignedTemplate, fresh, only};
use crate::model::Timestamp;
use crate::sources::Rejection;
use crate::sources::webhook::answer::untrusted;
use crate::sources::webhook::values::encoding::Encoding;
use crate::sources::webhook::values::time_format::TimeFormat;

/// The longest timestamp or id in a header, in bytes.
const LONGEST: usize = 256;
/// How many members a header that is a list may have.
const MOST_MEMBERS: usize = 32;

/// The hash under the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::sources::webhook) enum Algorithm {
    /// Read so that it can be refused with a reason.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA512.
    Sha512,
}

impl Algorithm {
    /// A key of this algorithm; `None` where it is not taken.
    pub(in crate::sources::webhook) fn key(self, secret: &[u8]) -> Option<hmac::Key> {
        match self {
            Self::Sha1 => None,
            Self::Sha256 => Some(hmac::Key::new(hmac::HMAC_SHA256, secret)),
            Self::Sha512 => Some(hmac::Key::new(hmac::HMAC_SHA512, secret)),
        }
    }
}

/// The members of a header that is a list, such as `t=1492774577,v1=5257a8…`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sources::webhook) struct Members {
    /// The name of each signature.
    pub(in crate::sources::webhook) signature: String,
    /// The name of the time, where it stands there.
    pub(in crate::sources::webhook) timestamp: Option<String>,
}

/// A signature of a vendor's own form.
pub(in crate::sources::webhook) struct HmacSignature {
    /// Where the signature is.
    pub(in crate::sources::webhook) header: HeaderName,
    /// What stands before it (`sha256=`).
    pub(in crate::sources::webhook) prefix: String,
    /// The members of the header, where it is a list.
    pub(in crate::sources::webhook) members: Option<Members>,
    /// How it is written.
    pub(in crate::sources::webhook) encoding: Encoding,
    /// What is signed.
    pub(in crate::sources::webhook) signed: SignedTemplate,
    /// Where the time is, if not in the list.
    pub(in crate::sources::webhook) timestamp_header: Option<HeaderName>,
    /// How the time is written.
    pub(in crate::sources::webhook) timestamp_form: TimeFormat,
    /// Where the id is.
    pub(in crate::sources::webhook) id_header: Option<HeaderName>,
    /// The keys, any of which may have signed.
    pub(in crate::sources::webhook) keys: Vec<hmac::Key>,
    /// How old a delivery may be, and how far in the future.
    pub(in crate::sources::webhook) tolerance: Duration,
}

impl HmacSignature {
    /// Whether the time is signed, and checked.
    pub(super) fn is_dated(&self) -> bool {
        self.signed.has_timestamp()
    }

    /// Checks one delivery and gives the id that is signed.
    ///
    /// # Errors
    /// 401.
    pub(super) fn check(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<SignedId, Rejection> {
        let value = only(headers, &self.header)?;
        let (signatures, listed) = self.signatures(value)?;
        let timestamp = match (self.is_dated(), &self.timestamp_header) {
            (false, _) => "",
            (true, Some(name)) => only(headers, name)?,
            (true, None) => listed.ok_or_else(|| untrusted(format!("the header {} names no time", self.header)))?,
        };
        if self.is_dated() {
            let at = Some(timestamp).filter(|text| text.len() <= LONGEST);
            let at = at.and_then(|text| self.timestamp_form.read_text(text));
            fresh(
                at.ok_or_else(|| untrusted("the timestamp cannot be read"))?,
                now,
                self.tolerance,
            )?;
        }
        let id = self.id(headers)?;
        let signed = self.signed.fill(id.as_deref().unwrap_or_default(), timestamp, body);
        let good = |signature: &Vec<u8>| self.keys.iter().any(|key| hmac::verify(key, &signed, signature).is_ok());
        if !signatures.iter().any(good) {
            return Err(untrusted("no signature is by a configured secret over this body"));
        }
        Ok(id)
    }

    /// The signatures of the header, and the time where it stands there too.
    fn signatures<'a>(&self, value: &'a str) -> Result<(Vec<Vec<u8>>, Option<&'a str>), Rejection> {
        let wrong = || untrusted(format!("the header {} is not of the sender's form", self.header));
        let decode = |text: &str| {
            // Some put a blank behind the prefix (`sha256= 7571…`); the bytes that it says are the same.
            text.strip_prefix(self.prefix.as_str())
                .and_then(|text| self.encoding.decode(text.trim_start()))
        };
        let Some(members) = &self.members else {
            return Ok((vec![decode(value).ok_or_else(wrong)?], None));
        };
        let (mut signatures, mut timestamp) = (Vec::new(), None);
        for member in value.split(',').take(MOST_MEMBERS) {
            let (name, text) = member.trim().split_once('=').ok_or_else(wrong)?;
            if name == members.signature {
                signatures.extend(decode(text));
            } else if members.timestamp.as_deref() == Some(name) && timestamp.replace(text).is_some() {
                return Err(wrong());
            }
        }
        Ok((signatures, timestamp))
    }

    /// The id that the header names, where one is signed.
    pub(super) fn id(&self, headers: &HeaderMap) -> Result<SignedId, Rejection> {
        let Some(name) = self.id_header.as_ref().filter(|_| self.signed.has_id()) else {
            return Ok(None);
        };
        let id = only(headers, name)?;
        let ends = self.signed.ends_id();
        if id.is_empty() || id.len() > LONGEST || id.chars().any(|c| !c.is_ascii_graphic() || Some(c) == ends) {
            return Err(untrusted(format!(
                "the header {name} is empty, too long or holds characters that no id may hold"
            )));
        }
        Ok(Some(id.to_owned()))
    }
}
