//! What a signed token says, judged: a proof of a sign-in (ID token, OpenID Connect Core 1.0 section 3.1.3.7), or leave to use the API (access token,
//! RFC 9068). Neither is ever taken for the other.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::refused::Refused;
use crate::jose::{Algorithm, time_claim};
use crate::model::Timestamp;

/// How far the provider's clock and ours may be apart.
const LEEWAY: Duration = Duration::from_mins(1);
/// How old an access token may be, whatever it says of its end: the groups in it are as old.
const OLDEST: Duration = Duration::from_hours(12);
/// The longest subject (OpenID Connect Core 1.0 section 2).
const LONGEST_SUBJECT: usize = 255;

type Claims = Map<String, Value>;

/// Whether an ID token proves the sign-in that was begun with `nonce`, by us as `client_id`.
pub(super) fn proves_sign_in(claims: &Claims, client_id: &str, nonce: &str, now: Timestamp) -> Result<(), Refused> {
    let audience = audience(claims)?;
    if !audience.contains(&client_id) {
        return Err(Refused::unbelieved("it is for another client (aud)"));
    }
    match claims.get("azp") {
        Some(azp) if azp.as_str() != Some(client_id) => return Err(Refused::unbelieved("it was made for another client (azp)")),
        None if audience.len() > 1 => {
            return Err(Refused::unbelieved(
                "it is for several and does not say for whom it was made (azp)",
            ));
        }
        _ => {}
    }
    in_time(claims, now)?;
    let said = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
    verify_slices_are_equal(said.as_bytes(), nonce.as_bytes()).map_err(|_| Refused::unbelieved("it is of another sign-in (nonce)"))
}

/// Whether the access token that came with an ID token is the one that it speaks of, where it speaks of one.
pub(super) fn speaks_of(claims: &Claims, algorithm: Algorithm, access_token: Option<&str>) -> Result<(), Refused> {
    let Some(said) = claims.get("at_hash") else { return Ok(()) };
    let by = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &SHA256,
        Algorithm::Rs384 => &SHA384,
        Algorithm::Rs512 | Algorithm::EdDsa => &SHA512,
    };
    let whole = digest(by, access_token.unwrap_or_default().as_bytes());
    let half = whole.as_ref().split_at(whole.as_ref().len() / 2).0;
    if access_token.is_some() && said.as_str() == Some(&URL_SAFE_NO_PAD.encode(half)) {
        return Ok(());
    }
    Err(Refused::unbelieved(
        "it came with another access token than it speaks of (at_hash)",
    ))
}

/// Whether an access token is for our API, `ours`. One that is for our client may be an ID token.
pub(super) fn gives_leave(claims: &Claims, ours: &str, client_id: &str, now: Timestamp) -> Result<(), Refused> {
    let audience = audience(claims)?;
    if !audience.contains(&ours) {
        return Err(Refused::unbelieved("the token is for another audience (aud)"));
    }
    if audience.contains(&client_id) {
        return Err(Refused::unbelieved(
            "the token is for the page's client too (aud), as what proves a sign-in is",
        ));
    }
    if claims.contains_key("cnf") {
        return Err(Refused::unbelieved(
            "the token is bound to a key (cnf), which is not asked for here",
        ));
    }
    in_time(claims, now)?;
    let issued = time(claims, "iat")?;
    if issued.is_none_or(|issued| issued.plus(OLDEST) <= now) {
        return Err(Refused::unbelieved("the token is older than 12 hours (iat)"));
    }
    Ok(())
}

/// What the provider calls whoever it is about.
pub(super) fn subject(claims: &Claims) -> Result<&str, Refused> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.chars().any(char::is_control) {
        return Err(Refused::unbelieved("it names nobody (sub)"));
    }
    Ok(subject)
}

/// `exp` and `iat` are there, and neither they nor `nbf` say that it is not now.
fn in_time(claims: &Claims, now: Timestamp) -> Result<(), Refused> {
    let ends = time(claims, "exp")?.ok_or_else(|| Refused::unbelieved("it has no end (exp)"))?;
    if ends.plus(LEEWAY) <= now {
        return Err(Refused::unbelieved("it is over (exp)"));
    }
    let issued = time(claims, "iat")?.ok_or_else(|| Refused::unbelieved("it does not say when it was made (iat)"))?;
    let begins = time(claims, "nbf")?.unwrap_or(issued);
    if issued.max(begins) > now.plus(LEEWAY) {
        return Err(Refused::unbelieved("it is of the future (iat, nbf)"));
    }
    Ok(())
}

fn time(claims: &Claims, name: &str) -> Result<Option<Timestamp>, Refused> {
    time_claim(claims, name).map_err(Refused::NotBelieved)
}

/// `aud`: a text, or a list of nothing but texts.
fn audience(claims: &Claims) -> Result<Vec<&str>, Refused> {
    let none = || Refused::unbelieved("it does not say for whom it is (aud)");
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(list)) => list.iter().map(|one| one.as_str().ok_or_else(none)).collect(),
        _ => Err(none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_text_of_at_most_255_bytes_without_controls() {
        let of = |sub: Value| subject(&Map::from_iter([("sub".to_owned(), sub)])).map(str::to_owned);
        let longest = "x".repeat(LONGEST_SUBJECT);
        assert_eq!(of(longest.clone().into()).unwrap(), longest);
        for none in [
            "".into(),
            format!("{longest}x").into(),
            "a\u{7}b".into(),
            "a\nb".into(),
            7.into(),
        ] {
            assert!(of(none).is_err());
        }
    }
}
