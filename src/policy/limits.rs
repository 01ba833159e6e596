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

/// A share of the people who are known, in hundredths of a per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// The share that a text such as `2%` or `0.5%` names: above nothing, and no more than everybody, with two decimals at most.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || part.len() > 2 || !digits(whole) || !digits(part) || number.ends_with('.') {
            return None;
        }
        let hundredths: u32 = format!("{whole}{part:0<2}").parse().ok()?;
        (1..=10_000).contains(&hundredths).then_some(Self(hundredths))
    }

    /// How many of so many people it is: at least one, since a limit of nobody would hold everything.
    #[must_use]
    pub fn of(self, population: usize) -> usize {
        let share = u128::from(self.0) * population as u128 / 10_000;
        usize::try_from(share).unwrap_or(usize::MAX).max(1)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / 100)?;
        match self.0 % 100 {
            0 => f.write_str("%"),
            part if part % 10 == 0 => write!(f, ".{}%", part / 10),
            part => write!(f, ".{part:02}%"),
        }
    }
}

/// How much one source may ask for before a human is asked. `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A delivery with more departures is held whole.
    pub departures_per_delivery: Option<usize>,
    /// The same as a share of the people who are known.
    pub delivery_share: Option<Share>,
    /// With a delivery by which an hour would have more departures than this share, all of that delivery waits.
    pub departures_share: Option<Share>,
    /// Compromises beyond this share wait, until a minute has fewer.
    pub compromises_share: Option<Share>,
    /// Compromises beyond it by one and the same operator wait, until a minute has fewer.
    pub compromises_per_operator: Option<usize>,
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
            delivery_share: None,
            departures_share: None,
            compromises_share: None,
            compromises_per_operator: None,
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

    /// Whether any share of the people who are known bounds a class.
    #[must_use]
    pub const fn has_share(&self, class: Class) -> bool {
        match class {
            Class::Departures => self.delivery_share.is_some() || self.departures_share.is_some(),
            Class::Compromises => self.compromises_share.is_some(),
        }
    }

    /// Up to how many recent signals of a class it matters to count them: one beyond the largest of its limits within the window. `None` where
    /// there is none.
    #[must_use]
    pub fn counted_to(&self, class: Class, population: usize) -> Option<usize> {
        let share = match class {
            Class::Departures => self.departures_share,
            Class::Compromises => self.compromises_share,
        };
        let limits = [self.within_window(class), share.map(|share| share.of(population))];
        limits.into_iter().flatten().max().map(|limit| limit.saturating_add(1))
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
