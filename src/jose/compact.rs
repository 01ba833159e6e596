//! The compact form of a JWS (RFC 7515 section 7.1): three base64url parts with dots between them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{Algorithm, TokenError, read_object};

/// A token taken apart. Nothing in it is believed yet.
#[derive(Debug)]
pub struct Compact<'a> {
    /// The JOSE header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
    /// The claims' bytes as they were signed, for a digest.
    pub payload: Vec<u8>,
    /// What the signature is over: the first two parts with their dot.
    pub signed: &'a str,
    /// The third part, as sent.
    pub signature: &'a str,
}

/// What a source demands of a header.
#[derive(Debug, Clone, Copy)]
pub struct HeaderRules<'a> {
    /// The algorithms accepted.
    pub algorithms: &'a [Algorithm],
    /// The `typ` demanded, without `application/`.
    pub typ: &'static str,
    /// Whether `typ` may also be missing, or only say `JWT`. Another claim must tell the token from one of another kind then.
    pub untyped: bool,
    /// Whether `kid` may be missing, where the issuer has a single key.
    pub kid_optional: bool,
}

impl<'a> Compact<'a> {
    /// Takes `body` apart. White space around it is dropped, inside it is a fault.
    ///
    /// # Errors
    /// [`TokenError::Encrypted`] for five parts, [`TokenError::Malformed`] for every other fault.
    pub fn read(body: &'a [u8]) -> Result<Self, TokenError> {
        let malformed = |why: &str| TokenError::Malformed(why.to_owned());
        let text = str::from_utf8(body.trim_ascii()).map_err(|_| malformed("the token is not text"))?;
        let parts: Vec<&str> = text.splitn(6, '.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(if parts.len() == 5 {
                TokenError::Encrypted
            } else {
                malformed("the token is not three parts with dots between them")
            });
        };
        let header = decode(header).ok_or_else(|| malformed("the header is not base64url"))?;
        let payload = decode(payload).ok_or_else(|| malformed("the payload is not base64url"))?;
        // An empty signature passes here, so that the algorithm `none` is refused as what it is.
        if !signature.is_empty() && decode(signature).is_none() {
            return Err(malformed("the signature is not base64url"));
        }
        Ok(Self {
            header: read_object(&header).map_err(|why| TokenError::Malformed(format!("the header cannot be read: {why}")))?,
            claims: read_object(&payload).map_err(|why| TokenError::Malformed(format!("the payload cannot be read: {why}")))?,
            payload,
            signed: &text[..text.len() - signature.len() - 1],
            signature,
        })
    }

    /// Checks the header and says which algorithm and key it names.
    ///
    /// The algorithm comes first, so that `none` and HMAC are named as such. `typ` is compared without regard to ASCII case and with or
    /// without `application/` (RFC 7515 section 4.1.9). No `crit` extension is known here, so any `crit` is refused, and `b64` with it. What
    /// is not signed at all is refused here too: no key could make it good, so none is looked up for it.
    ///
    /// # Errors
    /// [`TokenError::Algorithm`], [`TokenError::Type`], [`TokenError::Key`] without a `kid`, [`TokenError::Signature`] without a signature,
    /// else [`TokenError::Malformed`].
    pub fn check_header(&self, rules: &HeaderRules<'_>) -> Result<(Algorithm, Option<&str>), TokenError> {
        let algorithm = self
            .header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(Algorithm::from_word)
            .filter(|algorithm| rules.algorithms.contains(algorithm))
            .ok_or_else(|| TokenError::Algorithm(words(rules.algorithms)))?;
        if !self.is_of_type(rules) {
            return Err(TokenError::Type(rules.typ));
        }
        if self.header.contains_key("crit") {
            return Err(TokenError::Malformed(
                "the header names critical extensions, and none is known here".to_owned(),
            ));
        }
        if self.header.get("b64").is_some_and(|b64| *b64 != Value::Bool(true)) {
            return Err(TokenError::Malformed("an unencoded payload (b64) is not accepted".to_owned()));
        }
        let kid = match self.header.get("kid") {
            Some(Value::String(kid)) if !kid.is_empty() => Some(kid.as_str()),
            None if rules.kid_optional => None,
            None => return Err(TokenError::Key("the header names no key (kid)".to_owned())),
            Some(_) => return Err(TokenError::Malformed("the header's kid is not a text".to_owned())),
        };
        if self.signature.is_empty() {
            return Err(TokenError::Signature);
        }
        Ok((algorithm, kid))
    }

    fn is_of_type(&self, rules: &HeaderRules<'_>) -> bool {
        let typ = match self.header.get("typ") {
            Some(typ) => typ.as_str().unwrap_or_default(),
            None => return rules.untyped,
        };
        let bare = match typ.get(.."application/".len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case("application/") => &typ["application/".len()..],
            _ => typ,
        };
        bare.eq_ignore_ascii_case(rules.typ) || (rules.untyped && typ.eq_ignore_ascii_case("JWT"))
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    if part.is_empty() {
        return None;
    }
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn words(algorithms: &[Algorithm]) -> String {
    let words: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.word()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: HeaderRules<'_> = HeaderRules {
        algorithms: &[Algorithm::Rs256],
        typ: "secevent+jwt",
        untyped: false,
        kid_optional: false,
    };

    fn token(header: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"))
    }

    fn checked(header: &str) -> Result<Algorithm, TokenError> {
        let token = token(header);
        let compact = Compact::read(token.as_bytes())?;
        compact.check_header(&RULES).map(|(algorithm, _)| algorithm)
    }

    #[test]
    fn the_figure_of_rfc_8935_is_read_although_its_header_ends_in_a_newline() {
        let compact = Compact::read(b" eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJIUzI1NiJ9Cg.e30.c2ln\r\n").unwrap();
        assert_eq!(compact.signed, "eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJIUzI1NiJ9Cg.e30");
        assert_eq!(compact.check_header(&RULES), Err(TokenError::Algorithm("RS256".into())));
    }

    #[test]
    fn a_body_that_is_not_three_parts_is_refused() {
        for body in [
            "",
            "a",
            "e30.e30",
            "e30.e30.e30.e30",
            "e30..c2ln",
            ".e30.c2ln",
            "e30.e30.c2l=",
            "e3 0.e30.c2ln",
            "e30.e30.c2l+",
        ] {
            assert!(
                matches!(Compact::read(body.as_bytes()), Err(TokenError::Malformed(_))),
                "{body}"
            );
        }
        assert!(matches!(Compact::read(b"e30.e30.e30.e30.e30"), Err(TokenError::Encrypted)));
        assert!(matches!(Compact::read(b"\xff.e30.c2ln"), Err(TokenError::Malformed(_))));
    }

    #[test]
    fn typ_is_read_without_case_and_with_the_media_type_prefix() {
        for typ in [
            "secevent+jwt",
            "SecEvent+JWT",
            "application/secevent+jwt",
            "Application/secevent+jwt",
        ] {
            assert_eq!(
                checked(&format!(r#"{{"alg":"RS256","typ":"{typ}","kid":"k"}}"#)),
                Ok(Algorithm::Rs256)
            );
        }
        for typ in ["JWT", "logout+jwt", "", "text/secevent+jwt", "äpplication/secevent+jwt"] {
            let error = checked(&format!(r#"{{"alg":"RS256","typ":"{typ}","kid":"k"}}"#)).unwrap_err();
            assert_eq!(error, TokenError::Type("secevent+jwt"), "{typ}");
        }
        assert_eq!(checked(r#"{"alg":"RS256","kid":"k"}"#), Err(TokenError::Type("secevent+jwt")));
    }

    #[test]
    fn critical_extensions_and_unencoded_payloads_are_refused() {
        for more in [
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""b64":false"#,
            r#""b64":0"#,
            r#""crit":["b64"],"b64":true"#,
        ] {
            let header = format!(r#"{{"alg":"RS256","typ":"secevent+jwt","kid":"k",{more}}}"#);
            assert!(matches!(checked(&header), Err(TokenError::Malformed(_))), "{more}");
        }
    }

    #[test]
    fn a_missing_kid_is_a_fault_of_the_key() {
        assert!(matches!(
            checked(r#"{"alg":"RS256","typ":"secevent+jwt"}"#),
            Err(TokenError::Key(_))
        ));
        assert!(matches!(
            checked(r#"{"alg":"RS256","typ":"secevent+jwt","kid":7}"#),
            Err(TokenError::Malformed(_))
        ));
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_what_was_sent(body in "[ \\n]{0,2}[A-Za-z0-9_.-]{0,40}[.][\\PC.]{0,40}[ \\n]{0,2}") {
            if let Ok(compact) = Compact::read(body.as_bytes()) {
                assert_eq!(format!("{}.{}", compact.signed, compact.signature), body.trim_ascii());
            }
        }

        #[test]
        fn any_header_and_payload_are_read_or_refused(header: Vec<u8>, payload: Vec<u8>, garbage: Vec<u8>) {
            let token = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
            for body in [token.as_bytes(), &garbage] {
                match Compact::read(body) {
                    Ok(compact) => assert!(compact.check_header(&RULES).is_err(), "no such bytes name RS256"),
                    Err(error) => assert!(matches!(error, TokenError::Malformed(_) | TokenError::Encrypted)),
                }
            }
        }
    }
}
