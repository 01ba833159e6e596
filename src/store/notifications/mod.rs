//! Notifications: who is told of alerts, what, and what came of it.
//!
//! An alert leads to *messages*, one for each *channel* that is to be told, written in the alert's own transaction, whatever program raised it
//! (`tell`, over the rows of `channels`). What is due is bound into bundles, alone or together, and each bundle is a *delivery* for every
//! recipient (`bundles`); a delivery keeps its `uid` over all its attempts, and its outcome is recorded (`outcome`). `escalation` has what time
//! alone brings about: an acknowledgement that ends, a channel that fails for long. `reached` finds whether a channel reaches somebody who is being
//! contained, and `withhold` passes it over then. `pending` reads what is to be sent, `trial` tries a channel on an operator's word.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::Alert;
use crate::model::Timestamp;

mod bundles;
mod channels;
mod escalation;
mod outcome;
mod pending;
mod reached;
mod tell;
mod trial;
mod withhold;

pub use channels::ChannelState;
pub use outcome::SendingOutcome;
pub use reached::Suspended;
pub use trial::TrialOutcome;

/// The name of the channel that the program of `[alerts] exec` is. No other can have it: names in a config have no dot.
pub const EXEC_CHANNEL: &str = "alerts.exec";

/// The same alert again is told no sooner than this: what counts up every minute is not told every minute.
pub(in crate::store) const AGAIN: Duration = Duration::from_mins(15);

/// Which alerts a channel is told of, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct ChannelRules {
    /// The channel's name.
    pub name: String,
    /// What brings it there: a kind of `[[notify]]`.
    pub carrier: &'static str,
    /// Only these kinds of alerts; all where there are none.
    pub kinds: Vec<String>,
    /// Only urgent ones.
    pub urgent_only: bool,
    /// Only where nobody has acknowledged for so long.
    pub after: Duration,
    /// Told again every hour until somebody acknowledges: the last step.
    pub repeats: bool,
    /// For how long what is not urgent is gathered.
    pub wait: Duration,
    /// Told that somebody looks after an alert.
    pub tells_care: bool,
    /// Told that an alert is over.
    pub tells_over: bool,
    /// Told of each raised alert, however often it comes and however soon it is over.
    pub tells_each: bool,
}

/// How messages that are due are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gathering {
    /// Each by itself, however many.
    Each,
    /// Each by itself up to a number a minute; the rest as one.
    Singly,
    /// What is not urgent together; what is urgent by itself up to a number a minute, the rest as one.
    Together,
    /// All that is there, up to so many at once: the receiver tells them apart.
    Sets(usize),
}

/// What is told about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was raised.
    Raised,
    /// It was raised again.
    Again,
    /// It comes and goes: no more is told until it is quiet.
    Unstable,
    /// It is still open, and nobody looks after it.
    Reminder,
    /// Whoever looked after it has not ended it: it needs somebody again.
    Expired,
    /// Somebody looks after it.
    Acknowledged,
    /// It is over, or was cleared.
    Over,
    /// There is no alert: the channel is tried.
    Trial,
}

impl What {
    /// Every word.
    pub const ALL: [Self; 8] = [
        Self::Raised,
        Self::Again,
        Self::Unstable,
        Self::Reminder,
        Self::Expired,
        Self::Acknowledged,
        Self::Over,
        Self::Trial,
    ];

    /// The word, as it is stored and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Again => "again",
            Self::Unstable => "unstable",
            Self::Reminder => "reminder",
            Self::Expired => "expired",
            Self::Acknowledged => "acknowledged",
            Self::Over => "over",
            Self::Trial => "trial",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }

    /// Whether it asks for somebody.
    #[must_use]
    pub const fn needs_somebody(self) -> bool {
        !matches!(self, Self::Acknowledged | Self::Over)
    }
}

/// One message of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is told.
    pub what: What,
    /// Kind and object: the same whenever the same trouble comes again.
    pub thread: String,
    /// When that was.
    pub at: Timestamp,
    /// The alert as it stands now. `None` for a trial, and for one that cannot be read.
    pub alert: Option<Alert>,
    /// What is said of a trial, or of an alert that cannot be read.
    pub note: Option<String>,
}

/// A delivery that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// Its number.
    pub id: i64,
    /// Its name for ever.
    pub uid: String,
    /// To whom, where the channel has several; else empty.
    pub recipient: String,
    /// The bundle that it brings.
    pub bundle: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first of its messages, in order.
    pub messages: Vec<Message>,
    /// How many messages it has, by kind of alert; trials are not counted.
    pub kinds: BTreeMap<String, u64>,
}

impl Sending {
    /// How many messages it has, those beside `messages` included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.kinds.values().sum::<u64>().max(self.messages.len() as u64)
    }

    /// Its only message.
    #[must_use]
    pub fn only(&self) -> Option<&Message> {
        match self.messages.as_slice() {
            [only] if self.count() == 1 => Some(only),
            _ => None,
        }
    }

    /// Whether it is a trial, which is tried once.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.messages.iter().any(|message| message.what == What::Trial)
    }
}
