//! What a source hands in at once, and what became of it.

use super::{CaseId, Signal, Timestamp};

/// Signals that arrived together: a pushed token, a file, a poll round. Stored, or refused, as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The source's name in the config.
    pub source: String,
    /// What it is called for people: a file's name. Makes it a batch where it holds more than one signal.
    pub name: Option<String>,
    /// SHA-256 of the whole, where the source would notice a repetition by it (a file).
    pub digest: Option<[u8; 32]>,
    /// The signals, in the source's order.
    pub signals: Vec<Signal>,
    /// Parts that could not be read: each goes into the trail and raises one alert together.
    pub refused: Vec<Refused>,
    /// Where the source reads on next time; stored with the signals.
    pub cursor: Option<String>,
    /// The rows of the inbox behind the signals, one for each, to be answered in the same transaction; empty for other sources.
    pub inbox: Vec<i64>,
    /// When the bytes were received.
    pub received_at: Timestamp,
}

impl Delivery {
    /// Signals that arrived together, without a name, a cursor or anything that could not be read.
    #[must_use]
    pub fn of(source: impl Into<String>, signals: Vec<Signal>, received_at: Timestamp) -> Self {
        Self {
            source: source.into(),
            name: None,
            digest: None,
            signals,
            refused: Vec::new(),
            cursor: None,
            inbox: Vec::new(),
            received_at,
        }
    }
}

/// A part of a delivery that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands: `line 17`.
    pub place: String,
    /// Why, without quoting personal data.
    pub why: String,
}

/// What became of a delivery once it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// One for each signal, in order.
    pub signals: Vec<SignalReceipt>,
    /// The hold that the whole delivery, or a part of it, came under.
    pub hold: Option<i64>,
}

/// What became of one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalReceipt {
    /// New, and work follows or was joined.
    Accepted {
        /// The case.
        case: CaseId,
        /// Whether it waits for a human.
        held: bool,
    },
    /// New, and only kept.
    Ignored {
        /// Why.
        why: String,
    },
    /// Seen before, with the same content: harmless.
    Repeated {
        /// The case it led to the first time, if any.
        case: Option<CaseId>,
    },
    /// The same key with other content: refused, and an alert raised.
    Conflict,
}
