//! Reads one logout token (OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6) into a signal.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::{malformed, refusal};
use crate::digest::sha256;
use crate::jose::{Compact, is_ahead, is_over, time_claim};
use crate::model::{Disposition, Reason, Scope, Signal, Timestamp};
use crate::sources::shared::audience::Audience;
use crate::sources::shared::subject_identifiers::{Breadth, EventSubject, SubjectRules};
use crate::sources::shared::trusted_issuer::{TokenHeader, TrustedIssuer, Untrusted};
use crate::sources::{Rejection, RejectionKind};

/// The longest time from `iat` to `exp`. The specification recommends two minutes.
pub const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// How long a token lives that does not say it: what the specification recommends.
pub const UNTOLD_LIFE: Duration = Duration::from_mins(2);
/// The longest `jti` or `sid`, in characters.
const LONGEST_NAME: usize = 256;
/// The member of `events` that makes a token a logout token. With `http:`, unlike the events of SSF.
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What an issuer's logout tokens must be like.
pub(super) struct TokenReader {
    /// The OpenID provider.
    pub(super) issuer: TrustedIssuer,
    /// Our client ids, one of which must be in `aud`.
    pub(super) audience: Audience,
    /// What is forgiven.
    pub(super) leniency: Leniency,
    /// What the issuer's `sub` is.
    pub(super) subjects: SubjectRules,
}

/// What some providers leave out, and an operator has said to forgive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Leniency {
    /// `typ` may be missing or `JWT`.
    pub(super) untyped: bool,
    /// `exp` may be missing.
    pub(super) missing_exp: bool,
    /// A token may name a session and no person.
    pub(super) sid_only: bool,
}

impl TokenReader {
    /// Checks `token` and says what it means.
    ///
    /// # Errors
    /// A refusal, whose description the sender reads.
    pub(super) async fn read(&self, token: &[u8], now: Timestamp) -> Result<Signal, Rejection> {
        let token = self.verified(token).await?;
        let issued_at = self.check_claims(&token.claims, now)?;
        self.signal(&token, issued_at)
    }

    /// Whether `token` is the issuer's and meant for us, whatever else it says.
    pub(super) async fn proves(&self, token: &[u8]) -> bool {
        let token = self.verified(token).await;
        token.is_ok_and(|token| self.audience.is_named_by(token.claims.get("aud")))
    }

    /// `token` taken apart, signed by the issuer.
    async fn verified<'t>(&self, token: &'t [u8]) -> Result<Compact<'t>, Rejection> {
        let header = TokenHeader {
            typ: "logout+jwt",
            // No kind of token but this one has the event, so that a missing type does not let an ID token in.
            untyped: self.leniency.untyped,
            // Section 10.1 of OpenID Connect Core asks for a kid only where the issuer has several keys.
            kid_optional: true,
        };
        self.issuer
            .verified(token, header)
            .await
            .map_err(|untrusted| match untrusted {
                Untrusted::Token(error) => error.into(),
                Untrusted::OtherIssuer => {
                    let why = "this receiver listens to another issuer";
                    refusal(RejectionKind::Unauthenticated, "invalid_issuer", why)
                }
                Untrusted::NoIssuer => malformed("iss is missing or not a text"),
            })
    }

    /// Checks every claim but those about the subject, and gives the time of issue.
    fn check_claims(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, Rejection> {
        if !self.audience.is_named_by(claims.get("aud")) {
            let why = "aud does not name this client";
            return Err(refusal(RejectionKind::Unauthenticated, "invalid_audience", why));
        }
        let time = |name: &str| time_claim(claims, name).map_err(malformed);
        let issued_at = time("iat")?.ok_or_else(|| malformed("iat is missing"))?;
        if is_ahead(issued_at, now) {
            return Err(malformed("iat is in the future"));
        }
        let expires_at = match time("exp")? {
            Some(expires_at) => expires_at,
            // Without an end a token would be good for ever wherever its jti is not remembered.
            None if self.leniency.missing_exp => issued_at.plus(UNTOLD_LIFE),
            None => {
                return Err(malformed(
                    "exp is missing; where the provider sends none, set allow_missing_exp",
                ));
            }
        };
        if is_over(expires_at, now) {
            return Err(malformed("the token has expired (exp)"));
        }
        if expires_at < issued_at || expires_at.since(issued_at) > LONGEST_LIFE {
            return Err(malformed("exp must be after iat, and within a day of it"));
        }
        if time("nbf")?.is_some_and(|nbf| is_ahead(nbf, now)) {
            return Err(malformed("nbf is in the future"));
        }
        if name(claims, "jti")?.is_none() {
            return Err(malformed("jti is missing"));
        }
        let events = claims.get("events").and_then(Value::as_object);
        let events = events.ok_or_else(|| malformed("events is missing or not an object"))?;
        if !events.get(LOGOUT).is_some_and(Value::is_object) {
            return Err(malformed(format!("events must hold {LOGOUT} with an object")));
        }
        // An ID token has it, so that one can never be taken for the other.
        if claims.contains_key("nonce") {
            return Err(malformed("nonce must not be present"));
        }
        Ok(issued_at)
    }

    fn signal(&self, token: &Compact<'_>, issued_at: Timestamp) -> Result<Signal, Rejection> {
        let claims = &token.claims;
        let sid = name(claims, "sid")?;
        let whom = match (claims.get("sub").filter(|sub| !sub.is_null()), sid) {
            (Some(Value::String(sub)), _) if !sub.is_empty() => {
                let sub_id = json!({"format": "iss_sub", "iss": self.issuer.name, "sub": sub});
                self.subjects.read(&sub_id, false, false)?
            }
            (Some(_), _) => return Err(malformed("sub is empty or not a text")),
            (None, Some(sid)) if self.leniency.sid_only => EventSubject {
                breadth: Breadth::Session,
                ..EventSubject::nobody("sid", &json!({"iss": self.issuer.name, "sid": sid}))
            },
            (None, Some(_)) => {
                let why =
                    "the token names a session and nobody: have the provider send sub, or set allow_sid_only to have a human told";
                return Err(malformed(why));
            }
            (None, None) => return Err(malformed("sub or sid must be present")),
        };
        let jti = name(claims, "jti")?.unwrap_or_default();
        let mut signal = Signal::new(
            format!("{}|{jti}", self.issuer.name),
            sha256(&token.payload),
            whom.subject.clone(),
            Reason::Logout,
        );
        signal.scope = Scope::AllSessions;
        signal.disposition = whom.restrict(&Disposition::Act);
        signal.occurred_at = Some(issued_at);
        signal.note = Some(match sid {
            // A sid names a living session to whoever knows it, so it is said to be there and not quoted.
            Some(_) => "back-channel logout of one session at the OpenID provider".to_owned(),
            None => "back-channel logout of every session at the OpenID provider".to_owned(),
        });
        Ok(signal)
    }
}

/// A claim that names something: a plain text that is neither empty nor long. A null is how some providers write that there is none.
fn name<'a>(claims: &'a Map<String, Value>, claim: &str) -> Result<Option<&'a str>, Rejection> {
    let Some(value) = claims.get(claim).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let plain = |text: &&str| !text.is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control);
    let text = value.as_str().filter(plain);
    let text = text.ok_or_else(|| malformed(format!("{claim} is empty, too long or not a plain text")))?;
    Ok(Some(text))
}
