//! Credential values that a sender has found where everybody can read them (GitHub's secret scanning finds tokens in commits).
//!
//! Such a value is a secret from the moment it is read: it is held as one, and only its digest is stored, logged or shown.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::mapping::Pointer;
use crate::model::{Alarm, AlarmKind, Delivery, Reason, Signal, Subject, Wish, digest_of};

/// The longest value taken, in bytes.
const LONGEST: usize = 4096;
/// The longest word for what sort of credential it is, in characters.
const LONGEST_SORT: usize = 80;

/// Where an item holds a leaked value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeakedAt {
    /// The value itself.
    pub(super) pointer: Pointer,
    /// The sender's word for what sort of credential it is.
    sort: Option<Pointer>,
}

/// A credential value that was found in the open.
#[derive(Debug)]
pub(super) struct Leaked {
    /// The value.
    pub(super) value: SecretString,
    /// The sender's word for what sort of credential it is.
    pub(super) sort: Option<String>,
    /// What else the item says, as the rule reads it: its name, its reason, when, and about whom, if it says that.
    pub(super) signal: Signal,
}

impl LeakedAt {
    /// The value of an item that is otherwise read as `signal`.
    ///
    /// # Errors
    /// Where no value stands there.
    pub(super) fn read(&self, item: &Value, signal: Signal) -> Result<Leaked, String> {
        let value = self.pointer.text(item).filter(|value| value.len() <= LONGEST);
        let value = value.ok_or_else(|| format!("no leaked value stands at {}", self.pointer))?;
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let sort = self.sort.as_ref().and_then(|sort| sort.text(item));
        Ok(Leaked {
            value: SecretString::from(value),
            sort: sort.map(|sort| sort.chars().filter(plain).take(LONGEST_SORT).collect()),
            signal,
        })
    }
}

/// Hands leaked values on, as parts of `delivery`. Whatever is to end the access that such a value gives begins here.
///
/// Each is kept as a signal that is only noted, under the digest of its value, and a person is told.
pub(super) fn hand_on(leaked: Vec<Leaked>, delivery: &mut Delivery) {
    if leaked.is_empty() {
        return;
    }
    delivery.alarms.push(Alarm {
        kind: AlarmKind::LeakedValue,
        summary: Some(format!(
            "source {}: {} credential values were found in the open; look for them by the digests in the notes of its signals, and \
             revoke what they give access to",
            delivery.source,
            leaked.len()
        )),
    });
    for Leaked { value, sort, signal } in leaked {
        let digest = digest_of(value.expose_secret());
        let sort = sort.map(|sort| format!(" of the sort {sort}")).unwrap_or_default();
        let note = format!("a leaked value{sort}, {digest}");
        delivery.signals.push(Signal {
            subject: Subject::Credential(digest),
            reason: Reason::Noted,
            priority: Reason::Noted.priority(),
            note: Some(match signal.note {
                None => note,
                Some(more) => format!("{note}; {more}"),
            }),
            wish: Wish::Ignore("a leaked value was reported, and is kept as its digest".to_owned()),
            ..signal
        });
    }
}
