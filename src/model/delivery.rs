//! What a source hands in at once, and what became of it.

use super::{CaseId, Signal, Subject, Timestamp};

/// Signals that arrived together: a pushed token, a file, a poll round. Decided about, stored or refused as one; of a large file what is stored
/// before a crash stays, and the rest follows when it is read again.
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
    /// Where whoever sent it finds what of it could not be read; nothing where nobody is told.
    pub put_aside: Option<PutAside>,
    /// Where the source reads on next time; stored with the signals.
    pub cursor: Option<String>,
    /// The rows of the inbox behind the signals, one for each, to be answered in the same transaction; empty for other sources.
    pub inbox: Vec<i64>,
    /// The list of the inbox that the rows are of, as people write its id: `0123456789abcdef-1764000000000`.
    pub list: Option<String>,
    /// What the source wants to remember, or no longer; stored with the signals.
    pub state_changes: Vec<StateChange>,
    /// Names that the source says are one person's.
    pub identities: Vec<Identity>,
    /// People whom the source makes known as active. What still waits about them on its own word is called off.
    pub active: Vec<Subject>,
    /// Names that have changed hands.
    pub renamed: Vec<Renamed>,
    /// Employments that the source says stand: they block the departure of the person who has another one that ends. Kept before the
    /// signals, which may be about the same people.
    pub employments: Vec<Employment>,
    /// Alerts about the source itself, to be raised or cleared.
    pub alarms: Vec<Alarm>,
    /// Whether the delivery proves that the source is alive: the answer to a verification that we asked for.
    pub verified: bool,
    /// When the bytes were received.
    pub received_at: Timestamp,
}

impl Delivery {
    /// Signals that arrived together, and nothing else.
    #[must_use]
    pub fn of(source: impl Into<String>, signals: Vec<Signal>, received_at: Timestamp) -> Self {
        Self {
            source: source.into(),
            name: None,
            digest: None,
            signals,
            refused: Vec::new(),
            put_aside: None,
            cursor: None,
            inbox: Vec::new(),
            list: None,
            state_changes: Vec::new(),
            identities: Vec::new(),
            active: Vec::new(),
            renamed: Vec::new(),
            employments: Vec::new(),
            alarms: Vec::new(),
            verified: false,
            received_at,
        }
    }

    /// Whether its source says something in it. What a source that we look after notes for itself is not said by it.
    #[must_use]
    pub fn speaks(&self) -> bool {
        self.verified || self.name.is_some() || !self.signals.is_empty() || !self.refused.is_empty()
    }
}

/// What a source keeps for itself between two deliveries: a person whom it provisioned, a stream that it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateEntry {
    /// Which of the source's namespaces it lies in.
    pub namespace: String,
    /// Its name in that namespace.
    pub key: String,
    /// A second name that it is found by; need not be unique.
    pub look_up: Option<String>,
    /// Whom it is about, so that erasing a person erases it too.
    pub about: Option<Subject>,
    /// What is kept. Never a secret.
    pub body: String,
}

/// What becomes of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateChange {
    /// It is kept, in the place of one with the same key.
    Put(StateEntry),
    /// It goes.
    Delete {
        /// The namespace.
        namespace: String,
        /// The key.
        key: String,
    },
}

/// Names that a source says are one person's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The names, the strongest first: simple subjects, never aliases.
    pub names: Vec<Subject>,
    /// The names that the source knew the person by until now: whose they are, the person is. Empty where it did not know the person.
    pub before: Vec<Subject>,
    /// Those of `names` that the person has only now, or that somebody else has had since, and that nobody else has who is active at the
    /// source: whoever had one of them there, and has left or has another by now, has it no longer.
    pub given: Vec<Subject>,
    /// Names of others who are active at the source and share none of `names`: the person is none of them, whatever it had in common with
    /// them until now.
    pub apart: Vec<Subject>,
    /// Names that the person has in common with somebody else who is active at the source: the source says no longer whose they are.
    pub shared: Vec<Subject>,
}

impl Identity {
    /// Names that are one person's, where the source says no more than that.
    #[must_use]
    pub fn of(names: Vec<Subject>) -> Self {
        Self {
            names,
            ..Self::default()
        }
    }
}

/// A name that has changed hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renamed {
    /// The same person has another name from now on.
    Changed {
        /// The name before: a simple subject, as both are.
        from: Subject,
        /// The name now.
        to: Subject,
    },
    /// The name is somebody else's from now on.
    Recycled(Subject),
}

/// An employment that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Employment {
    /// The HR system's number of the person.
    pub employee: String,
    /// The HR system's number of the employment; empty where there is only one.
    pub employment: String,
    /// Whose it is.
    pub subject: Subject,
    /// When HR last changed the record, where it says.
    pub stated_at: Option<Timestamp>,
}

/// An alert about a source, decided by the source itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What is wrong.
    pub kind: AlarmKind,
    /// What of the source it is about, where several alerts of a kind can stand beside each other; none of a sender's words, since it stands
    /// in the trail.
    pub about: Option<String>,
    /// What to tell the operator; `None` where it is over.
    pub summary: Option<String>,
}

/// What a source can find wrong with itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmKind {
    /// A transmitter that is polled takes no acknowledgement: what is stored here it keeps and sends again.
    AcksRefused,
    /// A stream that was asked to prove that it is alive did not answer.
    StreamSilent,
    /// The transmitter sends nothing any more: it paused, disabled or lost the stream.
    StreamStopped,
    /// A directory deactivated somebody who is not known here, so that nobody's access ends by it.
    UnknownUser,
    /// A proven sender sent something that is nothing of what it is known to send.
    NotUnderstood,
    /// A sender says something about its own service or subscription that a person must act on.
    SenderNotice,
    /// A sender found credential values in the open.
    LeakedValue,
    /// What was put aside since it could not be read has come again and was read. Only ever over: the store raises it with the delivery.
    PutAside,
}

impl AlarmKind {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::AcksRefused,
        Self::StreamSilent,
        Self::StreamStopped,
        Self::UnknownUser,
        Self::NotUnderstood,
        Self::SenderNotice,
        Self::LeakedValue,
        Self::PutAside,
    ];

    /// The alert's kind.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AcksRefused => "acks_refused",
            Self::StreamSilent => "stream_silent",
            Self::StreamStopped => "stream_stopped",
            Self::UnknownUser => "unknown_user",
            Self::NotUnderstood => "not_understood",
            Self::SenderNotice => "sender_notice",
            Self::LeakedValue => "leaked_value",
            Self::PutAside => "quarantine",
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

/// Where the parts of a delivery were put that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutAside {
    /// The file that says why, or the folder that it lies in.
    pub reason: String,
    /// Whether the source will say itself when nobody need look after it any more.
    pub over_by_itself: bool,
}

impl Refused {
    /// The place of what rejects a delivery as a whole: nothing in it is acted on.
    pub const WHOLE: &str = "file";
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

/// Among the extensions of an answer: its sender has proved who it is, so that 4xx says no more than it says, and is no attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoFault;

/// What a refusal leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// An entry in the trail, where there is room for one; else a count.
    Entry,
    /// A count alone.
    Count,
}

/// Among the extensions of an answer: that it asks a sender who proved nothing to come again, and counts as a refusal all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect;
