//! What is checked before a byte of the token is read: method, media type and size, and that the form holds `logout_token` once.

use ::http::Request;
use bytes::Bytes;

use super::BODY_CAP;
use super::answer::malformed;
use crate::sources::Rejection;
use crate::sources::shared::http_checks::admit;
use crate::sources::shared::urlencoded_form::{MEDIA, pairs};

/// The token of a request. Other fields of the form are not looked at (section 2.5).
///
/// # Errors
/// A refusal with 405, 415, 413 or 400.
pub(super) fn logout_token(request: &Request<Bytes>) -> Result<String, Rejection> {
    admit(request, BODY_CAP, MEDIA, |media| media.eq_ignore_ascii_case(MEDIA.as_bytes()))?;
    field(request.body())
}

/// The token of a form.
///
/// # Errors
/// 400 where the body is no form, or does not hold one token.
pub(super) fn field(body: &[u8]) -> Result<String, Rejection> {
    let form = pairs(body).map_err(malformed)?;
    let mut tokens = form.into_iter().filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Ok(token),
        (None, _) => Err(malformed("the form holds no logout_token")),
        // Two readers could each believe another one.
        (Some(_), Some(_)) => Err(malformed("the form holds logout_token more than once")),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    #[test]
    fn one_token_is_read_from_among_other_fields() {
        for form in [
            "logout_token=a.b.c",
            "x=1&logout_token=a.b.c&state=",
            "logout_token=a%2Eb%2ec",
            "&&logout%5Ftoken=a.b.c&",
        ] {
            assert_eq!(field(form.as_bytes()).unwrap(), "a.b.c", "{form}");
        }
        assert_eq!(field(b"logout_token=a#b%23c").unwrap(), "a#b#c");
    }

    #[test]
    fn no_token_two_tokens_and_what_is_no_form_are_refused() {
        for form in [
            &b""[..],
            b"a.b.c",
            b"Logout_token=a.b.c",
            b"logout_token=a.b.c&logout_token=a.b.c",
            b"logout_token=a.b.c&logout%5ftoken=",
            b"logout_token=a.b.c\r\n",
            b"logout_token=a. b.c",
            b"logout_token=\xff",
        ] {
            assert!(field(form).is_err(), "{form:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_token_comes_back_as_it_was_encoded(token in "\\PC{0,40}", other in "[a-z]{1,8}") {
            let mut url = Url::parse("form:").unwrap();
            url.query_pairs_mut().append_pair(&other, &token).append_pair("logout_token", &token);
            assert_eq!(field(url.query().unwrap().as_bytes()).unwrap(), token);
        }
    }
}
