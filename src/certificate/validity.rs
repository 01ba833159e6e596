//! From when until when a certificate is good (RFC 5280 section 4.1.2.5). The library that checks signatures tells that only of a chain that ends
//! in an authority at hand, which a certificate of our own need not, and SNS serves its certificates without the chain.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first and the last moment at which the certificate is good; `None` where it cannot be read.
#[must_use]
pub fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let certificate = only(SEQUENCE, certificate)?;
    let (tag, signed, _) = element(certificate)?;
    let mut rest = (tag == SEQUENCE).then_some(signed)?;
    // The version may be missing; the serial number, the algorithm and the issuer stand before the validity.
    let before = if rest.first() == Some(&VERSION) { 4 } else { 3 };
    for _ in 0..before {
        rest = element(rest)?.2;
    }
    let (tag, validity, _) = element(rest)?;
    let validity = (tag == SEQUENCE).then_some(validity)?;
    let (from_tag, from, rest) = element(validity)?;
    let (until_tag, until, rest) = element(rest)?;
    rest.is_empty().then_some((time(from_tag, from)?, time(until_tag, until)?))
}

/// The content of the one element of `bytes`.
fn only(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    let (found, content, rest) = element(bytes)?;
    (found == tag && rest.is_empty()).then_some(content)
}

/// The tag and content of the first element, and what follows it (X.690 section 8.1, lengths of up to three bytes).
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        long @ 0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(long - 0x80)?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `YYMMDDHHMMSSZ`, whose years are those from 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, content: &[u8]) -> Option<Timestamp> {
    let digits = str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let number = |digits: &str| {
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse::<i16>().ok())
            .flatten()
    };
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        (GENERALIZED_TIME, 14) => {
            let (year, rest) = digits.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let part = |n: usize| {
        rest.get(n * 2..n * 2 + 2)
            .and_then(number)
            .and_then(|part| i8::try_from(part).ok())
    };
    let time = DateTime::new(year, part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, 0).ok()?;
    let at = time.to_zoned_datetime(TimeZone::UTC).ok()?;
    Some(Timestamp::from(at.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_time_are_read_and_nothing_else() {
        let read = |tag, text: &str| time(tag, text.as_bytes()).map(|at| at.to_string());
        assert_eq!(read(UTC_TIME, "260131184200Z").as_deref(), Some("2026-01-31T18:42:00.000Z"));
        assert_eq!(read(UTC_TIME, "500131184200Z").as_deref(), Some("1950-01-31T18:42:00.000Z"));
        assert_eq!(
            read(GENERALIZED_TIME, "21260131184200Z").as_deref(),
            Some("2126-01-31T18:42:00.000Z")
        );
        for text in [
            "260131184200",
            "2601311842Z",
            "26013118420+Z",
            "260231184200Z",
            "\u{e4}60131184200Z",
            "Z",
            "",
        ] {
            assert_eq!(read(UTC_TIME, text), None, "{text}");
        }
        assert_eq!(read(GENERALIZED_TIME, "260131184200Z"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = validity(&bytes);
            let _ = validity(&[&[SEQUENCE, 0x81, 0x7f][..], &bytes].concat());
        }
    }
}
