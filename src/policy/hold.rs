//! Holds for approval: why a human must decide.

use std::fmt;

use super::ladder::Level;
use super::limits::{Class, Share};
use crate::model::{HeldFor, Reason};

/// Why a human must decide before anything is done. Prints as a sentence that names nobody, since holds and alerts show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldReason {
    /// The subject, or a name of the account it resolved to, is in `protected`.
    Protected,
    /// The person is of a group of which a human is always asked.
    Group(HeldFor),
    /// The account that was found is of a group for which nobody may go as far as this without a human.
    GroupLevel {
        /// The group.
        group: HeldFor,
        /// How far one may go.
        highest: Level,
    },
    /// The source may not give this reason.
    SourceReason(Reason),
    /// What the source asks for follows a playbook that it may not use.
    SourcePlaybook(String),
    /// The source may not speak of people of these domains, or nobody knows of which the person is.
    SourceDomain,
    /// Nothing of what the source asks for is left on the highest level that it may ask for.
    SourceLevel {
        /// The level.
        highest: Level,
        /// Whose bound it is.
        by: String,
    },
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
    /// Signals of a class ask for more than a share of the people who are known.
    ShareLimit {
        /// The class.
        class: Class,
        /// Whether one delivery alone does.
        in_delivery: bool,
        /// How many are asked for, with those before within the window.
        count: usize,
        /// The share, and how many people it is of how many.
        share: Share,
        /// How many it allows.
        limit: usize,
        /// How many people are known.
        population: usize,
    },
    /// One operator has asked for too many compromises within the window.
    OperatorLimit {
        /// How many are allowed.
        limit: usize,
    },
    /// It happened long before it was first seen.
    Old,
}

/// The class of the holds over one record's end while another record of the person stands.
pub const STAYS: &str = "stays";

/// The class of the holds over people of a group: a hold for each group.
pub const GROUP: &str = "group";

/// The class of the holds that a target's own answer has caused: whose the account is, or that there are several.
pub const PRINCIPAL: &str = "principal";

/// The classes of the holds that ask whether this person's account may be acted on. Whoever approves another one has looked at how many they are,
/// how old a signal is or who sent it, and nobody knew then whose the accounts are.
const OF_THE_ACCOUNT: [&str; 4] = ["protected", GROUP, "unclear", PRINCIPAL];

/// Whether an approval of a hold of this class also answers what a target may ask later: that the account is protected, or that there are several.
#[must_use]
pub fn answers_for_the_account(class: &str) -> bool {
    OF_THE_ACCOUNT.contains(&class)
}

impl HoldReason {
    /// The group that asks for the decision, where one does.
    #[must_use]
    pub const fn held_for(&self) -> Option<&HeldFor> {
        match self {
            Self::Group(group) | Self::GroupLevel { group, .. } => Some(group),
            _ => None,
        }
    }

    /// The word in the tables and the output; what a source sends for the same class, in the same words, waits under one hold.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Group(_) | Self::GroupLevel { .. } => GROUP,
            Self::SourceReason(_) => "source_reason",
            Self::SourcePlaybook(_) => "source_playbook",
            Self::SourceDomain => "source_domain",
            Self::SourceLevel { .. } => "source_level",
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
            Self::ShareLimit { in_delivery: true, .. } => "delivery_share",
            Self::ShareLimit { class, .. } => match class {
                Class::Departures => "departures_share",
                Class::Compromises => "compromises_share",
            },
            Self::OperatorLimit { .. } => "operator_limit",
            Self::Old => "old",
        }
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protected => f.write_str("a protected subject is never acted on without a human"),
            Self::Group(group) => write!(f, "people of the group {group} are never acted on without a human"),
            Self::GroupLevel { group, highest } => write!(
                f,
                "the account is one of the group {group}, for which the work goes no further than {highest} without a human"
            ),
            Self::SourceReason(reason) => write!(f, "the source may not say {reason} (reasons)"),
            Self::SourcePlaybook(playbook) => write!(f, "the source may not ask for the playbook {playbook} (playbooks)"),
            Self::SourceDomain => {
                f.write_str("the source may not speak of this person: not every address is of its domains (domains)")
            }
            Self::SourceLevel { highest, by } => write!(
                f,
                "nothing of what is asked for is left on the level {highest}, which is as far as {by} may go (highest)"
            ),
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
            Self::ShareLimit {
                class,
                in_delivery,
                count,
                share,
                limit,
                population,
            } => {
                let within = match (in_delivery, class) {
                    (true, _) => "one delivery asks",
                    (false, Class::Departures) => "an hour would ask",
                    (false, Class::Compromises) => "a minute would ask",
                };
                write!(
                    f,
                    "{within} for {count} {class}, and its source may ask for {share} of the {population} people who are known, which is {limit}"
                )
            }
            Self::OperatorLimit { limit } => {
                write!(f, "one operator may ask for {limit} compromises a minute, and has")
            }
            Self::Old => f.write_str("it happened long before it was first seen, as in a replayed feed"),
        }
    }
}
