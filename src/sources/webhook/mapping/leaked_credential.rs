//! Credential values that a sender has found where everybody can read them (GitHub's secret scanning finds tokens in commits).
//!
//! Such a value is a secret from the moment it is read: it is held as one, and only its digest is stored, logged or shown.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::json::Pointer;
use crate::model::{Alarm, AlarmKind, Delivery, Disposition, LeakedValue, Reason, Scope, Signal, Subject};

/// The longest value taken, in bytes.
const LONGEST: usize = 4096;
/// The longest word for what sort of credential it is, in characters.
const LONGEST_SORT: usize = 80;

/// Where an item holds a leaked value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sources::webhook) struct LeakedAt {
    /// The value itself.
    pub(in crate::sources::webhook) pointer: Pointer,
    /// The sender's word for what sort of credential it is.
    sort: Option<Pointer>,
    /// The target where it is good. Without one it is only told to a person.
    pub(in crate::sources::webhook) target: Option<String>,
    /// Whether everything of its owner ends too.
    #[serde(default)]
    pub(in crate::sources::webhook) contain: bool,
}

/// A credential value that was found in the open.
#[derive(Debug)]
pub(in crate::sources::webhook) struct LeakedCredential {
    /// The value.
    pub(in crate::sources::webhook) value: SecretString,
    /// The sender's word for what sort of credential it is.
    pub(in crate::sources::webhook) sort: Option<String>,
    /// Where it is to be ended, and whether everything of its owner is.
    pub(in crate::sources::webhook) end: Option<(String, bool)>,
    /// What else the item says, as the rule reads it: its name, its reason, when, and about whom, if it says that.
    pub(in crate::sources::webhook) signal: Signal,
}

impl LeakedAt {
    /// The value of an item that is otherwise read as `signal`.
    ///
    /// # Errors
    /// Where no value stands there.
    pub(in crate::sources::webhook) fn read(&self, item: &Value, signal: Signal) -> Result<LeakedCredential, String> {
        let value = self.pointer.text(item).filter(|value| value.len() <= LONGEST);
        let value = value.ok_or_else(|| format!("no leaked value stands at {}", self.pointer))?;
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let sort = self.sort.as_ref().and_then(|sort| sort.text(item));
        Ok(LeakedCredential {
            value: SecretString::from(value),
            sort: sort.map(|sort| sort.chars().filter(plain).take(LONGEST_SORT).collect()),
            end: self.target.clone().map(|target| (target, self.contain)),
            signal,
        })
    }
}

impl LeakedCredential {
    /// The signal that it becomes: to end what it opens where a target is named, else noted under the digest of its value.
    fn into_signal(self) -> Signal {
        let value = LeakedValue(self.value);
        let digest = value.digest();
        let sort = self.sort.map(|sort| format!(" of the sort {sort}")).unwrap_or_default();
        let note = format!("a leaked value{sort}, {digest}");
        let note = Some(match self.signal.note.clone() {
            None => note,
            Some(more) => format!("{note}; {more}"),
        });
        match self.end {
            Some((target, contain)) => Signal {
                scope: if contain { Scope::Everything } else { Scope::Leaked },
                target: Some(target),
                note,
                occurred_at: self.signal.occurred_at,
                requested_by: self.signal.requested_by,
                disposition: self.signal.disposition,
                ..Signal::of_leaked(self.signal.key, self.signal.digest, value)
            },
            None => Signal {
                subject: Subject::Credential(digest),
                reason: Reason::Noted,
                priority: Reason::Noted.priority(),
                note,
                disposition: Disposition::Ignore("a leaked value was reported, and is kept as its digest".to_owned()),
                ..self.signal
            },
        }
    }
}

/// Hands leaked values on, as parts of `delivery`: what a target is named for is ended, and a person is told of the rest.
pub(in crate::sources::webhook) fn hand_on(leaked: Vec<LeakedCredential>, delivery: &mut Delivery) {
    let untargeted = leaked.iter().filter(|leaked| leaked.end.is_none()).count();
    if untargeted > 0 {
        delivery.alarms.push(Alarm {
            kind: AlarmKind::LeakedValue,
            about: None,
            summary: Some(format!(
                "source {}: {untargeted} credential values were found in the open; look for them by the digests in the notes of its signals, and \
                 revoke what they give access to",
                delivery.source,
            )),
        });
    }
    delivery.signals.extend(leaked.into_iter().map(LeakedCredential::into_signal));
}
