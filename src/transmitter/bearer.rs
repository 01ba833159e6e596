//! The bearer tokens of a receiver (RFC 6750 section 2.1), compared so that neither content nor length of one shows in the time taken.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};

/// What a receiver may show.
pub(super) struct Bearer(Vec<Digest>);

impl Bearer {
    pub(super) fn new(tokens: &[SecretString]) -> Self {
        let digests = tokens.iter().map(|token| digest(&SHA256, token.expose_secret().as_bytes()));
        Self(digests.collect())
    }

    /// Whether nobody can come in here.
    pub(super) fn is_closed(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the request shows one of the tokens.
    pub(super) fn admits(&self, request: &Request<Bytes>) -> bool {
        let given = digest(&SHA256, shown(request).unwrap_or_default());
        let same = |expected: &&Digest| verify_slices_are_equal(given.as_ref(), expected.as_ref()).is_ok();
        self.0.iter().filter(same).count() > 0
    }
}

/// The token of the one `Authorization` header: two could be read differently by two readers.
fn shown(request: &Request<Bytes>) -> Option<&[u8]> {
    let mut values = request.headers().get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case(b"bearer ")).then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[&str]) -> Request<Bytes> {
        let mut request = Request::new(Bytes::new());
        for header in headers {
            request.headers_mut().append(AUTHORIZATION, header.parse().unwrap());
        }
        request
    }

    #[test]
    fn either_of_two_tokens_is_let_in_and_nothing_else_is() {
        let bearer = Bearer::new(&["one".into(), "two".into()]);
        for good in ["Bearer one", "bearer two", "BEARER  one "] {
            assert!(bearer.admits(&asked(&[good])), "{good}");
        }
        for bad in ["Bearer three", "Bearer ", "Basic one", "one", "Bearer one two"] {
            assert!(!bearer.admits(&asked(&[bad])), "{bad}");
        }
        assert!(!bearer.admits(&asked(&[])));
        assert!(!bearer.admits(&asked(&["Bearer one", "Bearer one"])));
        assert!(!Bearer::new(&[]).admits(&asked(&["Bearer "])));
        assert!(!Bearer::new(&[]).admits(&asked(&[])));
    }
}
