//! What is said of a delivery: names of people only where the channel may have them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Timestamp, Urgency, urgency_of, without_names};
use crate::store::{Message, Sending, What};

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// How many messages there are.
    pub count: u64,
    /// How many of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// The first of them.
    pub alerts: Vec<ToldAlert>,
}

/// What is said of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldAlert {
    /// What has come about.
    pub what: What,
    /// Its number; a trial has none.
    pub id: Option<i64>,
    /// Its kind.
    pub kind: String,
    /// Kind and object: the same whenever the same trouble comes again.
    pub dedup_key: String,
    /// Whether it may wait.
    pub urgency: Urgency,
    /// One sentence.
    pub summary: String,
    /// Whom it is about, where that may be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who looks after it, where that may be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// The case that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// The target that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How often it was raised.
    pub times: i64,
    /// When it was first raised.
    pub raised_at: Timestamp,
    /// When this came about.
    pub at: Timestamp,
    /// What to type about it.
    pub next: String,
    /// Where the console shows it, to whoever signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Told {
    /// What is said of a delivery. `details` is whether people may be named, `origin` where the console is.
    #[must_use]
    pub fn of(sending: &Sending, details: bool, origin: Option<&str>) -> Self {
        let messages = sending.messages.iter();
        Self {
            count: sending.count(),
            kinds: sending.kinds.clone(),
            alerts: messages.map(|message| ToldAlert::of(message, details, origin)).collect(),
        }
    }

    /// The only alert.
    #[must_use]
    pub fn only(&self) -> Option<&ToldAlert> {
        match self.alerts.as_slice() {
            [only] if self.count == 1 => Some(only),
            _ => None,
        }
    }

    /// Whether any of it is urgent.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.kinds.keys().any(|kind| urgency_of(kind) == Urgency::Urgent)
    }

    /// The word for the whole: `alert.raised`, or `alerts.summary` of several.
    #[must_use]
    pub fn type_word(&self) -> String {
        self.only()
            .map_or_else(|| "alerts.summary".to_owned(), |only| format!("alert.{}", only.what.word()))
    }
}

impl ToldAlert {
    /// What is said of one message.
    #[must_use]
    pub fn of(message: &Message, details: bool, origin: Option<&str>) -> Self {
        let (kind, _) = message.thread.split_once('/').unwrap_or((&message.thread, ""));
        let Some(alert) = &message.alert else {
            let trial = message.what == What::Trial;
            let summary = match &message.note {
                Some(note) if details || !trial => note.clone(),
                _ => "a test of this channel; nothing is wrong".to_owned(),
            };
            return Self {
                what: message.what,
                id: None,
                kind: kind.to_owned(),
                dedup_key: message.thread.clone(),
                urgency: urgency_of(kind),
                summary,
                subject: None,
                acknowledged_by: None,
                case: None,
                target: None,
                times: 1,
                raised_at: message.at,
                at: message.at,
                next: if trial { "revoked notify list" } else { "revoked alert list" }.to_owned(),
                link: None,
            };
        };
        Self {
            what: message.what,
            id: Some(alert.id),
            kind: alert.kind.clone(),
            dedup_key: message.thread.clone(),
            urgency: urgency_of(&alert.kind),
            summary: if details {
                alert.summary.clone()
            } else {
                without_names(&alert.kind).to_owned()
            },
            subject: alert.subject.clone().filter(|_| details),
            acknowledged_by: alert.acknowledged_by.clone().filter(|_| details),
            case: alert.case,
            target: alert.target.clone(),
            times: alert.times,
            raised_at: alert.raised_at,
            at: message.at,
            next: alert.next.clone(),
            link: origin.map(|origin| format!("{origin}{}", page_of(&alert.key, alert.case))),
        }
    }

    /// Before the sentence: what has come about.
    #[must_use]
    pub fn head(&self) -> String {
        let urgent = if self.urgency == Urgency::Urgent && self.what.needs_somebody() {
            "URGENT "
        } else {
            ""
        };
        let how = match self.what {
            What::Raised => "",
            What::Trial => "test, ",
            What::Again => "again: ",
            What::Unstable => "comes and goes: ",
            What::Reminder => "nobody looks after it yet: ",
            What::Expired => "looked after for an hour, still open: ",
            What::Acknowledged => "looked after: ",
            What::Over => "over: ",
        };
        format!("{urgent}{how}{}", self.kind)
    }
}

/// The page of the console about something.
fn page_of(key: &str, case: Option<i64>) -> String {
    let hold = key
        .strip_prefix("hold:")
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
    match (hold, case) {
        (Some(hold), _) => format!("/holds/{hold}"),
        (None, Some(case)) => format!("/cases/{case}"),
        (None, None) => "/".to_owned(),
    }
}
