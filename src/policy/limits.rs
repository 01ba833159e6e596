//! Blast-radius limits: how much a source may ask for before a human is asked.

use std::fmt;
use std::time::Duration;

use crate::model::Reason;

/// The reasons that share a limit. `compromised` and `departed` never do: a bad HR feed must not hold back an incident, nor the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `departed` and `suspended`: a feed that is wrong about them locks people out.
    Departures,
    /// `compromised`.
    Compromises,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 2] = [Self::Departures, Self::Compromises];

    /// The class of a reason; `None` where nothing is limited, since all it does is end sessions, which costs a new sign-in.
    #[must_use]
    pub const fn of(reason: Reason) -> Option<Self> {
        match reason {
            Reason::Departed | Reason::Suspended => Some(Self::Departures),
            Reason::Compromised => Some(Self::Compromises),
            Reason::CredentialChanged | Reason::Logout | Reason::RiskElevated | Reason::Reactivated | Reason::Noted => None,
        }
    }

    /// The reasons in it.
    pub fn reasons(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| Self::of(*reason) == Some(self))
    }

    /// How far back signals of the class are counted.
    #[must_use]
    pub const fn window(self) -> Duration {
        match self {
            Self::Departures => Duration::from_hours(1),
            Self::Compromises => Duration::from_mins(1),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Departures => "departures",
            Self::Compromises => "compromises",
        })
    }
}

/// How much one source may ask for before a human is asked. `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A delivery with more departures is held whole.
    pub departures_per_delivery: Option<usize>,
    /// Departures beyond it wait, until an hour has fewer.
    pub departures_per_hour: Option<usize>,
    /// Compromises beyond it wait, until a minute has fewer.
    pub compromises_per_minute: Option<usize>,
    /// Whether departures that took effect long ago wait.
    pub old_news_is_held: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            departures_per_delivery: Some(20),
            departures_per_hour: Some(20),
            compromises_per_minute: Some(5),
            old_news_is_held: true,
        }
    }
}

impl Limits {
    /// How many signals of a class are acted on within its window before a human is asked.
    #[must_use]
    pub const fn within_window(&self, class: Class) -> Option<usize> {
        match class {
            Class::Departures => self.departures_per_hour,
            Class::Compromises => self.compromises_per_minute,
        }
    }

    /// For the operators' inbox: a human asks there for each person by name, so what guards against a bad feed is off; a script that runs
    /// away is still stopped at the compromises, which have the shortest way to the targets.
    #[must_use]
    pub fn operators() -> Self {
        Self {
            departures_per_delivery: None,
            departures_per_hour: None,
            old_news_is_held: false,
            ..Self::default()
        }
    }
}
