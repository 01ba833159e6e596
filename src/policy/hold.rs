//! Holds for approval: why a human must decide.

use std::fmt;

use super::Class;

/// Why a human must decide before anything is done. Prints as a sentence that names nobody, since holds and alerts show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldReason {
    /// The subject, or a name of the account it resolved to, is in `protected`.
    Protected,
    /// The names of the signal belong to several people, or to one only by a name in dispute.
    Unclear,
    /// It names its person only by addresses of domains that are not ours.
    EmailDomain,
    /// The source's own rules ask for it.
    Source(String),
    /// The source knows the person by another record, which stands.
    Stays(String),
    /// A risk is not yet a compromise.
    Risk,
    /// One delivery holds more departures than its source may send at once: all of them wait.
    DeliveryLimit {
        /// How many the delivery holds.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The source has used up what its class may do within its window.
    WindowLimit {
        /// The class.
        class: Class,
        /// How many are allowed.
        limit: usize,
        /// How many were asked for as one, where they were.
        together: Option<usize>,
        /// How many were asked for before them, within the window.
        before: usize,
    },
    /// It happened long before it was first seen.
    Old,
}

/// The class of the holds over one record's end while another record of the person stands.
pub const STAYS: &str = "stays";

impl HoldReason {
    /// The word in the tables and the output; what a source sends for the same class, in the same words, waits under one hold.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Unclear => "unclear",
            Self::EmailDomain => "email_domain",
            Self::Source(_) => "source",
            Self::Stays(_) => STAYS,
            Self::Risk => "risk",
            Self::DeliveryLimit { .. } => "delivery_limit",
            Self::WindowLimit { class, .. } => match class {
                Class::Departures => "departures_limit",
                Class::Compromises => "compromises_limit",
            },
            Self::Old => "old",
        }
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protected => f.write_str("a protected subject is never acted on without a human"),
            Self::Unclear => f.write_str("the signal's names are linked to several people, or are in dispute between sources"),
            Self::EmailDomain => f.write_str("it names its person only by an address of a domain that is not in email_domains"),
            Self::Source(why) | Self::Stays(why) => f.write_str(why),
            Self::Risk => f.write_str("a risk is not yet a compromise"),
            Self::DeliveryLimit { count, limit } => {
                write!(
                    f,
                    "one delivery holds {count} departures, and its source may send {limit} at once"
                )
            }
            Self::WindowLimit {
                class,
                limit,
                together,
                before,
            } => {
                let (window, the_window) = match class {
                    Class::Departures => ("an hour", "the hour"),
                    Class::Compromises => ("a minute", "the minute"),
                };
                match together {
                    // That they are too many is no fault of theirs alone.
                    Some(count) if *before > 0 => write!(
                        f,
                        "a list asks for {count} {class} as one, {before} were asked for in {the_window} before, and {limit} {window} need \
                         nobody's word"
                    ),
                    Some(count) => write!(
                        f,
                        "a list asks for {count} {class} as one, and {limit} {window} need nobody's word"
                    ),
                    None => write!(f, "the source may ask for {limit} {class} {window}, and has"),
                }
            }
            Self::Old => f.write_str("it happened long before it was first seen, as in a replayed feed"),
        }
    }
}
