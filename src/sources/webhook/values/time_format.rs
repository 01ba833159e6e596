//! How times are written: RFC 3339, or seconds or milliseconds since 1970.

use serde::Deserialize;

use crate::model::Timestamp;

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sources::webhook) enum TimeFormat {
    /// RFC 3339, with an offset; `+0000` without a colon and the word `UTC` behind the time are taken too.
    #[default]
    Rfc3339,
    /// Seconds since 1970, in a number or a text; a fraction is taken.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

/// The first second of the year 10000: no time of a payload is later.
const LATEST: i64 = 253_402_300_800;

/// From here on a number is milliseconds: as seconds it would lie in the year 5138, and as milliseconds it lies in 1973. Vendors have
/// changed from the one to the other without a word.
const MILLISECONDS: i64 = 100_000_000_000;

impl TimeFormat {
    /// Reads a time that is written as a text.
    pub(in crate::sources::webhook) fn read_text(self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Rfc3339 => {
                let with_offset = text.strip_suffix(" UTC").map(|time| format!("{time}Z"));
                let text = with_offset.as_deref().unwrap_or(text);
                text.parse::<jiff::Timestamp>().ok().map(Timestamp::from)
            }
            Self::Unix | Self::UnixMs => since_1970(text),
        }
    }

    /// Its word in the config.
    pub(in crate::sources::webhook) const fn word(self) -> &'static str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Unix => "unix",
            Self::UnixMs => "unix_ms",
        }
    }
}

/// Seconds or milliseconds, told apart by their size.
fn since_1970(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let fraction = digits(fraction).map(|_| format!("{fraction:0<3}"))?;
    let fraction = fraction.get(..3).and_then(digits)?;
    let ms = match digits(whole)? {
        seconds if seconds < MILLISECONDS => seconds * 1000 + fraction,
        ms => ms,
    };
    Some(Timestamp::from_ms(ms)).filter(|_| ms < LATEST * 1000)
}

/// A number of ASCII digits alone: a sign or a blank could be read in two ways once it is part of what is signed.
fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}
