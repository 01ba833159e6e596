//! From a payload to signals, by what the config says: where the items are, which rule is about an item, and what its pointers name.
//!
//! Nothing here trusts a header but for the name of the delivery, since few senders sign their headers. Reading order: [`Mapping::read`]
//! here, one rule in `rule`, what its parts name in
//! `subject`, `reason`, `item_time` and `key`; `expected_items` for what no rule is about, `leaked_credential` for what ends no access of a person.

mod decode;
mod expected_items;
mod item_time;
mod key;
mod leaked_credential;
mod reason;
mod rule;
mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::answer::{malformed, unmappable, untrusted};
use super::body::{Body, MOST_ITEMS};
use super::proof::ItemSecret;
use crate::digest::{hex, sha256};
use crate::json::Pointer;
use crate::model::{Disposition, Reason, Refused, Signal, Timestamp};
use crate::sources::Rejection;
use crate::sources::shared::subject_identifiers::{EventSubject, SubjectRules};
use leaked_credential::LeakedCredential;

pub(super) use decode::Decode;
pub(super) use expected_items::ExpectedItem;
pub(super) use leaked_credential::hand_on;
pub(super) use rule::Rule;

/// The longest key, in bytes; a longer one is replaced by its hash.
const LONGEST_KEY: usize = 256;

/// How a source's payloads are read.
pub(super) struct Mapping {
    /// Texts of a body that are unpacked before anything else is looked for.
    pub(super) decode: Vec<Decode>,
    /// Where the items are, the first place that is there; a value that is no list is the one item.
    pub(super) items: Vec<Pointer>,
    /// Where a body says what its delivery is called.
    pub(super) name: Option<Pointer>,
    /// The first whose conditions hold is the item's.
    pub(super) rules: Vec<Rule>,
    /// The kinds of items that this sender is known to send; empty where that is not known.
    pub(super) known_by: Vec<ExpectedItem>,
    /// Places that differ from one try of a delivery to the next, and do not count for whether two items are alike.
    pub(super) volatile: Vec<Pointer>,
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
#[serde(rename_all = "snake_case")]
pub(super) enum Unmatched {
    /// It is kept as a signal that is ignored.
    #[default]
    Record,
    /// It is kept likewise, and a person is told: for a sender of whom nothing else is expected.
    Alert,
    /// Nothing is kept: for a stream of which most is about something else.
    Drop,
    /// It is refused: for a sender of our own schema, who must hear that it was not understood.
    Refuse,
}

/// What was read of one body.
#[derive(Debug, Default)]
pub(super) struct MappedBody {
    /// The signals.
    pub(super) signals: Vec<Signal>,
    /// Credential values that were found in the open.
    pub(super) leaked: Vec<LeakedCredential>,
    /// The items that could not be read, where others could.
    pub(super) refused: Vec<Refused>,
    /// How many items are nothing that this sender is known to send, or that a rule should have been about.
    pub(super) strangers: usize,
    /// What rules have a person told.
    pub(super) notices: BTreeSet<String>,
    /// How many items there were.
    items: usize,
}

/// How the items of one body are named within their source.
struct ItemNaming<'a> {
    /// What the delivery is called by its sender.
    id: Option<String>,
    /// The body's hash, where nobody names the delivery.
    body: &'a [u8; 32],
    /// Where the item stands in a list.
    place: Option<usize>,
    /// When it arrived.
    now: Timestamp,
}

impl Mapping {
    /// Reads a body with the SHA-256 `digest`, which its sender calls `id`. Where items prove themselves, `member` says how.
    ///
    /// # Errors
    /// 400 where it holds too much, 401 where no item proves itself, 422 where none of it can be understood. What cannot be understood
    /// beside what can is told in [`MappedBody::refused`]: a sender who is refused would send none of it again.
    pub(super) fn read(
        &self,
        body: Body,
        digest: &[u8; 32],
        id: Option<String>,
        member: Option<&ItemSecret>,
        now: Timestamp,
    ) -> Result<MappedBody, Rejection> {
        let mut read = MappedBody::default();
        let mut naming = ItemNaming {
            id,
            body: digest,
            place: None,
            now,
        };
        match body {
            Body::Whole(value) => self.value(value, member, &mut naming, &mut read)?,
            Body::Lines(lines) => {
                naming.place = Some(0);
                for (n, line) in lines.into_iter().enumerate() {
                    match line {
                        Ok(value) => self.value(value, member, &mut naming, &mut read)?,
                        Err(why) => {
                            read.items += 1;
                            // What cannot be read proves nothing either.
                            let why = if member.is_some() { UNPROVEN.to_owned() } else { why };
                            read.put_aside(format!("line {}", n + 1), why);
                        }
                    }
                }
            }
        }
        if read.items > 0 && read.refused.len() == read.items {
            let Some(told) = read.refused.iter().find(|part| part.why != UNPROVEN) else {
                return Err(untrusted("no item holds the secret of this source"));
            };
            return Err(unmappable(match naming.place {
                None => told.why.clone(),
                Some(_) => format!("{}: {}", told.place, told.why),
            }));
        }
        if member.is_some() && read.items == 0 {
            return Err(untrusted("the body holds no item that could prove its sender"));
        }
        read.tell_apart();
        Ok(read)
    }

    /// Reads one value of a body. Items of a list are counted on in `naming`.
    fn value(
        &self,
        mut value: Value,
        member: Option<&ItemSecret>,
        naming: &mut ItemNaming<'_>,
        read: &mut MappedBody,
    ) -> Result<(), Rejection> {
        for decode in &self.decode {
            decode.unpack(&mut value);
        }
        if naming.id.is_none() {
            naming.id = self.name.as_ref().and_then(|name| name.text(&value));
        }
        let found = self.items.iter().find_map(|items| items.inside(&value));
        let (items, listed): (&[Value], bool) = match found.as_deref() {
            Some(Value::Array(items)) => (items, true),
            Some(item) => (std::slice::from_ref(item), false),
            // A ping, or another kind of message than the one with the list.
            None => (std::slice::from_ref(&value), false),
        };
        if listed && naming.place.is_none() {
            naming.place = Some(0);
        }
        if read.items + items.len() > MOST_ITEMS {
            return Err(malformed(format!(
                "the body holds {} items; {MOST_ITEMS} are taken at once",
                read.items + items.len()
            )));
        }
        for item in items {
            let place = read.items;
            read.items += 1;
            let proven = member.is_none_or(|member| member.holds(item));
            let done = if proven {
                self.item(item, found.is_some(), naming, read)
            } else {
                Err(UNPROVEN.to_owned())
            };
            if let Err(why) = done {
                read.put_aside(format!("item {place}"), why);
            }
            if let Some(place) = &mut naming.place {
                *place += 1;
            }
        }
        Ok(())
    }

    /// Reads one item; or says why it cannot be read.
    fn item(&self, item: &Value, found: bool, naming: &ItemNaming<'_>, read: &mut MappedBody) -> Result<(), String> {
        let rule = self.rules.iter().find(|rule| found && rule.is_about(item));
        let Some(rule) = rule else {
            return self.stranger(item, naming, read);
        };
        let own = rule.key.as_ref().and_then(|key| key.name(item));
        let mut signal = rule.signal(item, self.digest(item), &self.subjects, naming.now)?;
        if !self.reasons.contains(&signal.reason) {
            return Err(format!("the reason {} may not be given by this sender", signal.reason));
        }
        signal.key = self.key(own, naming);
        if let Some(why) = &rule.alert {
            read.notices.insert(why.clone());
        }
        match &rule.leaked {
            None => read.signals.push(signal),
            Some(leaked) => read.leaked.push(leaked.read(item, signal)?),
        }
        Ok(())
    }

    /// What becomes of an item that no rule is about.
    fn stranger(&self, item: &Value, naming: &ItemNaming<'_>, read: &mut MappedBody) -> Result<(), String> {
        let known = self.known_by.is_empty() || self.known_by.iter().any(|known| known.covers(item));
        if known && self.unmatched == Unmatched::Drop {
            return Ok(());
        }
        if self.unmatched == Unmatched::Refuse {
            return Err("no rule of this source is about it".to_owned());
        }
        read.strangers += usize::from(!known || self.unmatched == Unmatched::Alert);
        let subject = EventSubject::nobody("webhook", item).subject;
        let mut signal = Signal::new(self.key(None, naming), self.digest(item), subject, Reason::Noted);
        signal.disposition = Disposition::Ignore("no rule of the source is about it".to_owned());
        read.signals.push(signal);
        Ok(())
    }

    /// The digest of an item: of what it says, however it was written and however often it was tried.
    fn digest(&self, item: &Value) -> [u8; 32] {
        let mut item = std::borrow::Cow::Borrowed(item);
        for place in &self.volatile {
            if place.of(&item).is_some() {
                place.remove(item.to_mut());
            }
        }
        sha256(item.to_string().as_bytes())
    }

    /// What the item is called: by its own name, by its delivery's, or by what the body holds.
    fn key(&self, own: Option<String>, naming: &ItemNaming<'_>) -> String {
        if let Some(own) = own {
            return plain_key(own);
        }
        let place = naming.place.map(|n| format!("#{n}")).unwrap_or_default();
        if let Some(id) = &naming.id {
            return plain_key(format!("{id}{place}"));
        }
        // The same words a week later may be another incident. A sender who tries again does so soon, and a try on either side of the
        // turn of a window makes one signal more, which joins the same case.
        let window = self.repeat_window.and_then(|window| i64::try_from(window.as_millis()).ok());
        let window = window
            .map(|ms| format!("@{}", naming.now.ms().div_euclid(ms.max(1))))
            .unwrap_or_default();
        format!("body:{}{place}{window}", hex(naming.body))
    }
}

/// Why an item is put aside that does not hold the secret of its source.
const UNPROVEN: &str = "it does not hold the secret of this source";

impl MappedBody {
    fn put_aside(&mut self, place: String, why: String) {
        self.refused.push(Refused { place, why });
    }

    /// Gives items of one body that share a name without being alike a name each: some senders give the rows of a search the name of the
    /// search, and the second person in it must not pass for a repetition of the first.
    fn tell_apart(&mut self) {
        let mut seen: BTreeMap<String, [u8; 32]> = BTreeMap::new();
        let leaked = self.leaked.iter_mut().map(|leaked| &mut leaked.signal);
        for signal in self.signals.iter_mut().chain(leaked) {
            match seen.get(&signal.key) {
                Some(other) if *other != signal.digest => {
                    signal.key = plain_key(format!("{}#{}", signal.key, &hex(&signal.digest)[..16]));
                }
                Some(_) => {}
                None => {
                    seen.insert(signal.key.clone(), signal.digest);
                }
            }
        }
    }
}

/// A key that a line of a log can hold.
fn plain_key(key: String) -> String {
    if key.is_empty() || key.len() > LONGEST_KEY || key.chars().any(char::is_control) {
        return format!("hash:{}", hex(&sha256(key.as_bytes())));
    }
    key
}
