//! What is checked before a byte of the token is read: method, media type and size, and that the form holds `logout_token` once.

use ::http::Request;
use bytes::Bytes;
use reqwest::Url;

use super::BODY_CAP;
use super::answer::malformed;
use crate::sources::Rejection;
use crate::sources::admission::admit;

/// The token of a request. Other fields of the form are not looked at (section 2.5).
///
/// # Errors
/// A refusal with 405, 415, 413 or 400.
pub(super) fn logout_token(request: &Request<Bytes>) -> Result<String, Rejection> {
    let wanted = "application/x-www-form-urlencoded";
    admit(request, BODY_CAP, wanted, |media| {
        media.eq_ignore_ascii_case(wanted.as_bytes())
    })?;
    field(request.body())
}

/// The token of a form.
///
/// # Errors
/// 400 where the body is no form, or does not hold one token.
pub(super) fn field(body: &[u8]) -> Result<String, Rejection> {
    // The URL parser would drop a line break, and what was dropped was never seen by the sender's signature.
    if !body.iter().all(u8::is_ascii_graphic) {
        return Err(malformed(
            "the body is not a form: it holds bytes that must be percent-encoded",
        ));
    }
    let text = str::from_utf8(body).map_err(|_| malformed("the body is not a form"))?;
    // A form is written like a query, and the URL crate has the reader of the standard.
    let mut form = Url::parse("form:").map_err(|_| malformed("the body is not a form"))?;
    form.set_query(Some(text));
    let mut tokens = form.query_pairs().filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Ok(token.into_owned()),
        (None, _) => Err(malformed("the form holds no logout_token")),
        // Two readers could each believe another one.
        (Some(_), Some(_)) => Err(malformed("the form holds logout_token more than once")),
    }
}

#[cfg(test)]
mod tests {
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
