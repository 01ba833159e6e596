//! Limits as a config writes them: a whole number, a share of the people who are known, or no limit.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use crate::policy::Share;

/// The word for no limit.
const UNLIMITED: &str = "unlimited";

/// A limit of a source: a whole number, or `"unlimited"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound(pub(super) Option<usize>);

/// The limit of one delivery: a whole number, a share such as `"5%"`, or `"unlimited"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeliveryBound {
    Count(Bound),
    Share(Share),
}

/// A share such as `"2%"`, or `"unlimited"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShareBound(pub(super) Option<Share>);

/// What was written, whichever of the three reads it.
#[derive(Debug, Clone, Copy)]
enum Written {
    Count(usize),
    Share(Share),
    Unlimited,
}

/// What each of them takes, in words.
#[derive(Debug, Clone, Copy)]
struct Form {
    expected: &'static str,
    counts: bool,
    shares: bool,
}

impl Visitor<'_> for Form {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Written, E> {
        let found = Unexpected::Signed(number);
        match usize::try_from(number) {
            Ok(count) if self.counts => Ok(Written::Count(count)),
            _ => Err(E::invalid_value(found, &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Written, E> {
        if self.counts {
            Ok(Written::Count(usize::try_from(number).unwrap_or(usize::MAX)))
        } else {
            Err(E::invalid_value(Unexpected::Unsigned(number), &self))
        }
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Written, E> {
        match Share::parse(word) {
            _ if word == UNLIMITED => Ok(Written::Unlimited),
            Some(share) if self.shares => Ok(Written::Share(share)),
            _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form {
            expected: "a whole number from 0 up, or \"unlimited\"",
            counts: true,
            shares: false,
        };
        Ok(match deserializer.deserialize_any(form)? {
            Written::Count(count) => Self(Some(count)),
            Written::Share(_) | Written::Unlimited => Self(None),
        })
    }
}

impl<'de> Deserialize<'de> for DeliveryBound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form {
            expected: "a whole number from 0 up, a share of the people who are known such as \"5%\", or \"unlimited\"",
            counts: true,
            shares: true,
        };
        Ok(match deserializer.deserialize_any(form)? {
            Written::Count(count) => Self::Count(Bound(Some(count))),
            Written::Share(share) => Self::Share(share),
            Written::Unlimited => Self::Count(Bound(None)),
        })
    }
}

impl<'de> Deserialize<'de> for ShareBound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form {
            expected: "a share of the people who are known such as \"2%\" or \"0.5%\", or \"unlimited\"",
            counts: false,
            shares: true,
        };
        Ok(match deserializer.deserialize_any(form)? {
            Written::Share(share) => Self(Some(share)),
            Written::Count(_) | Written::Unlimited => Self(None),
        })
    }
}
