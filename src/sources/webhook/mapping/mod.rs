//! From a payload to signals, by what the config says: where the items are, which rule is about an item, and what its pointers name.
//!
//! Nothing here trusts a header but for the name of the delivery, since few senders sign their headers. Reading order: [`Mapping::read`]
//! here, one rule in `rule`, what its parts name in `whom`, `moment`, `condition` and `pointer`.

mod condition;
mod moment;
mod pointer;
mod reason;
mod rule;
mod whom;

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::answer::{malformed, unmappable};
use crate::jose::read_value;
use crate::model::{Reason, Refused, Signal, Timestamp, Wish};
use crate::sources::Rejection;
use crate::sources::digest::sha256;
use crate::sources::whom::{SubjectRules, Whom};

pub(super) use moment::TimeForm;
pub(super) use pointer::Pointer;
pub(super) use rule::Rule;

/// How many items one body may hold.
pub(super) const MOST_ITEMS: usize = 1000;
/// The longest key, in bytes; a longer one is replaced by its hash.
const LONGEST_KEY: usize = 256;

/// How a source's payloads are read.
pub(super) struct Mapping {
    /// Where the items are; a value that is no list is the one item.
    pub(super) items: Pointer,
    /// The first whose conditions hold is the item's.
    pub(super) rules: Vec<Rule>,
    /// What becomes of an item that no rule is about.
    pub(super) unmatched: Unmatched,
    /// The reasons that the sender may give.
    pub(super) reasons: Vec<Reason>,
    /// How RFC 9493 subjects are read.
    pub(super) subjects: SubjectRules,
    /// For how long the same item without a name of its own is the same signal; `None` for ever.
    pub(super) repeat_window: Option<Duration>,
}

/// What becomes of an item that no rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unmatched {
    /// It is kept as a signal that is ignored.
    #[default]
    Record,
    /// Nothing is kept: for a stream of which most is about something else.
    Drop,
    /// It is refused: for a sender of our own schema, who must hear that it was not understood.
    Refuse,
}

/// What was read of one body.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The signals.
    pub(super) signals: Vec<Signal>,
    /// The items that could not be read, where others could.
    pub(super) refused: Vec<Refused>,
}

/// How one item is named within its source.
struct Naming<'a> {
    /// What the delivery is called by its sender.
    id: Option<&'a str>,
    /// The body's hash, where nobody names the delivery.
    body: &'a [u8; 32],
    /// Where the item stands in a list.
    place: Option<usize>,
}

impl Mapping {
    /// Reads a body that its sender calls `id`.
    ///
    /// # Errors
    /// 400 where it is not JSON or holds too much, 422 where none of it can be understood. What cannot be understood beside what can is
    /// told in [`Read::refused`]: a sender who is refused would send none of it again.
    pub(super) fn read(&self, body: &[u8], id: Option<&str>, now: Timestamp) -> Result<Read, Rejection> {
        let whole = read_value(body).map_err(|why| malformed(format!("the body cannot be read: {why}")))?;
        let digest = sha256(body);
        let naming = |place| Naming {
            id,
            body: &digest,
            place,
        };
        let mut read = Read::default();
        let Some(items) = self.items.of(&whole) else {
            // A ping, or another kind of message than the one with the list.
            read.signals
                .extend(self.stranger(&whole, &naming(None), now).map_err(unmappable)?);
            return Ok(read);
        };
        let Value::Array(items) = items else {
            read.signals.extend(self.item(items, &naming(None), now).map_err(unmappable)?);
            return Ok(read);
        };
        if items.len() > MOST_ITEMS {
            return Err(malformed(format!(
                "the body holds {} items; {MOST_ITEMS} are taken at once",
                items.len()
            )));
        }
        let mut first_fault = None;
        for (n, item) in items.iter().enumerate() {
            match self.item(item, &naming(Some(n)), now) {
                Ok(signal) => read.signals.extend(signal),
                Err(why) => {
                    read.refused.push(Refused {
                        place: format!("item {n}"),
                        why: why.clone(),
                    });
                    first_fault.get_or_insert(format!("item {n}: {why}"));
                }
            }
        }
        match first_fault {
            Some(why) if read.refused.len() == items.len() => Err(unmappable(why)),
            _ => Ok(read),
        }
    }

    /// The signal of one item, if one is to be kept; or why it cannot be read.
    fn item(&self, item: &Value, naming: &Naming<'_>, now: Timestamp) -> Result<Option<Signal>, String> {
        let Some(rule) = self.rules.iter().find(|rule| rule.is_about(item)) else {
            return self.stranger(item, naming, now);
        };
        let key = rule.key.as_ref().and_then(|key| key.text(item));
        let mut signal = rule.signal(item, &self.subjects, now)?;
        if !self.reasons.contains(&signal.reason) {
            return Err(format!("the reason {} may not be given by this sender", signal.reason));
        }
        signal.key = self.key(key, naming, now);
        Ok(Some(signal))
    }

    /// What becomes of an item that no rule is about.
    fn stranger(&self, item: &Value, naming: &Naming<'_>, now: Timestamp) -> Result<Option<Signal>, String> {
        match self.unmatched {
            Unmatched::Drop => Ok(None),
            Unmatched::Refuse => Err("no rule of this source is about it".to_owned()),
            Unmatched::Record => {
                let subject = Whom::nobody("webhook", item).subject;
                let mut signal = Signal::new(self.key(None, naming, now), digest(item), subject, Reason::Noted);
                signal.wish = Wish::Ignore("no rule of the source is about it".to_owned());
                Ok(Some(signal))
            }
        }
    }

    /// What the item is called: by its own name, by its delivery's, or by what the body holds.
    fn key(&self, own: Option<String>, naming: &Naming<'_>, now: Timestamp) -> String {
        if let Some(own) = own {
            return plain_key(own);
        }
        let place = naming.place.map(|n| format!("#{n}")).unwrap_or_default();
        if let Some(id) = naming.id {
            return plain_key(format!("{id}{place}"));
        }
        // The same words a week later may be another incident. A sender who tries again does so soon, and a try on either side of the
        // turn of a window makes one signal more, which joins the same case.
        let window = self.repeat_window.and_then(|window| i64::try_from(window.as_millis()).ok());
        let window = window
            .map(|ms| format!("@{}", now.ms().div_euclid(ms.max(1))))
            .unwrap_or_default();
        format!("body:{}{place}{window}", hex(naming.body))
    }
}

/// The digest of an item: of what it says, however it was written.
fn digest(item: &Value) -> [u8; 32] {
    sha256(item.to_string().as_bytes())
}

/// A key that a line of a log can hold.
fn plain_key(key: String) -> String {
    if key.is_empty() || key.len() > LONGEST_KEY || key.chars().any(char::is_control) {
        return format!("hash:{}", hex(&sha256(key.as_bytes())));
    }
    key
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
