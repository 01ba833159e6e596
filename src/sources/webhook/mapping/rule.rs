//! One rule: which items it is about, and what signal each becomes.

use serde::Deserialize;
use serde_json::Value;

use super::item_time::TimeAt;
use super::key::KeyAt;
use super::leaked_credential::LeakedAt;
use super::reason::ReasonAt;
use super::subject::{self, SubjectAt};
use crate::json::Condition;
use crate::json::Pointer;
use crate::model::{Disposition, Reason, Scope, Signal, Timestamp, When};
use crate::sources::shared::subject_identifiers::SubjectRules;

/// The longest note, in characters.
const LONGEST_NOTE: usize = 500;
/// The longest name of who asked, in characters.
const LONGEST_ASKER: usize = 200;
/// How far ahead an item may ask for action: what is further away is a slip.
const FURTHEST: std::time::Duration = std::time::Duration::from_hours(24 * 366 * 2);

/// One rule, as a config writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sources::webhook) struct Rule {
    /// All of these must hold.
    #[serde(default)]
    when: Vec<Condition>,
    /// Where the item names its subject; several places are names of the same person.
    #[serde(default)]
    subject: Vec<SubjectAt>,
    /// Why.
    reason: ReasonAt,
    /// When it happened.
    time: Option<TimeAt>,
    /// When to act, where that is not at once.
    effective: Option<TimeAt>,
    /// What the item is called by its sender, the same when it is sent again.
    pub(super) key: Option<KeyAt>,
    /// How much of the person's access is meant.
    scope: Option<ScopeAt>,
    /// Places whose texts are kept with the case.
    #[serde(default)]
    note: Vec<Pointer>,
    /// Places that may name who asked; the first that does counts.
    #[serde(default)]
    requested_by: Vec<Pointer>,
    /// A human decides, and why.
    hold: Option<String>,
    /// Nothing is done, and why.
    ignore: Option<String>,
    /// A person is told, and what.
    pub(super) alert: Option<String>,
    /// Where a credential value stands that was found in the open.
    pub(super) leaked: Option<LeakedAt>,
}

/// How much of a person's access an item is about.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"everything\", \"all_sessions\", or a table with one of session, access_token and pointer"
)]
enum ScopeAt {
    Always(Whole),
    Named(Named),
}

impl ScopeAt {
    /// Where its id stands.
    fn pointer(&self) -> Option<&Pointer> {
        match self {
            Self::Always(_) => None,
            Self::Named(Named::Session(pointer) | Named::AccessToken(pointer) | Named::Pointer(pointer)) => Some(pointer),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Whole {
    Everything,
    AllSessions,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    /// The place of the target's id of one session.
    Session(Pointer),
    /// The place of the target's id of one access token.
    AccessToken(Pointer),
    /// The place of one of our words.
    Pointer(Pointer),
}

impl Rule {
    /// What is wrong with it as it is written.
    pub(in crate::sources::webhook) fn fault(&self) -> Option<&'static str> {
        if let Some(leaked) = &self.leaked {
            let shown = self.note.iter().chain(&self.requested_by);
            let shown = shown.chain(self.key.as_ref().and_then(KeyAt::shown));
            let shown = shown.chain(self.subject.iter().map(SubjectAt::pointer));
            let shown = shown.chain(self.scope.iter().filter_map(ScopeAt::pointer));
            if shown
                .into_iter()
                .any(|shown| shown.holds(&leaked.pointer) || leaked.pointer.holds(shown))
            {
                return Some("what is leaked is a secret, and must not stand in note, requested_by, key, subject or scope");
            }
            if leaked.target.is_some() && self.reason.all() != [Reason::Compromised] {
                return Some("a rule that ends a leaked credential gives the reason \"compromised\"");
            }
            if leaked.target.is_some() && (self.ignore.is_some() || self.scope.is_some() || !self.subject.is_empty()) {
                return Some(
                    "a leaked credential says by itself whom it is about and what ends: leave subject, scope and ignore out",
                );
            }
            if leaked.contain && leaked.target.is_none() {
                return Some("to contain the owner of a leaked credential, name the target where it is good, as target = \"chat\"");
            }
        }
        if self.subject.is_empty() && self.acts() {
            return Some("a rule that acts needs a subject, as subject = [{ pointer = \"/user/email\", is = \"email\" }]");
        }
        if self.hold.is_some() && self.ignore.is_some() {
            return Some("a rule holds or ignores, not both");
        }
        self.key.as_ref().and_then(KeyAt::fault)
    }

    /// Whether it can give one of `reasons`. A word of the item is judged when it comes.
    pub(in crate::sources::webhook) fn can_give(&self, reasons: &[Reason]) -> bool {
        self.reason.all().iter().any(|reason| reasons.contains(reason))
    }

    /// Whether something may follow from an item that the item itself does not name.
    pub(in crate::sources::webhook) fn is_nameless(&self) -> bool {
        self.key.is_none() && self.ignore.is_none() && self.leaked.is_none()
    }

    /// The target at which it ends leaked credentials.
    pub(in crate::sources::webhook) fn target(&self) -> Option<&str> {
        self.leaked.as_ref()?.target.as_deref()
    }

    /// Whether it is about an item.
    pub(super) fn is_about(&self, item: &Value) -> bool {
        self.when.iter().all(|condition| condition.holds(item))
    }

    /// The signal that an item with this digest becomes, without its key.
    ///
    /// # Errors
    /// Why it cannot be read, without quoting what may be personal.
    pub(super) fn signal(&self, item: &Value, digest: [u8; 32], subjects: &SubjectRules, now: Timestamp) -> Result<Signal, String> {
        let reason = self.reason.read(item)?;
        let (subject, disposition) = subject::read(&self.subject, item, subjects, &self.disposition())?;
        let mut signal = Signal::new("", digest, subject, reason);
        signal.disposition = match &self.leaked {
            // Whose a credential is, its target says, and not the item.
            Some(_) => self.disposition(),
            None => disposition,
        };
        signal.scope = self.scope(item)?;
        let mut notes: Vec<String> = self.note.iter().filter_map(|pointer| pointer.text(item)).collect();
        match self.time.as_ref().map(|time| time.read(item)) {
            Some(Ok(at)) => signal.occurred_at = at.map(|at| at.min(now)),
            // Whether it is an old story matters to what acts by itself. Where a person looks anyway, nothing is lost for a time.
            Some(Err(why)) if self.acts() => return Err(why),
            Some(Err(_)) => notes.push("its time cannot be read".to_owned()),
            None => {}
        }
        if let Some(at) = self.effective.as_ref().map(|at| at.read(item)).transpose()?.flatten() {
            if at > now.plus(FURTHEST) {
                return Err("the effective time is more than two years away".to_owned());
            }
            signal.when = When::At(at);
        }
        signal.note = plain(&notes.join("; "), LONGEST_NOTE);
        let asker = self.requested_by.iter().find_map(|pointer| pointer.text(item));
        signal.requested_by = asker.and_then(|asker| plain(&asker, LONGEST_ASKER));
        Ok(signal)
    }

    fn acts(&self) -> bool {
        self.hold.is_none() && self.ignore.is_none() && self.leaked.is_none()
    }

    fn disposition(&self) -> Disposition {
        match (&self.ignore, &self.hold) {
            (Some(why), _) => Disposition::Ignore(why.clone()),
            (None, Some(why)) => Disposition::Hold(why.clone()),
            (None, None) => Disposition::Act,
        }
    }

    fn scope(&self, item: &Value) -> Result<Scope, String> {
        let named = match &self.scope {
            None | Some(ScopeAt::Always(Whole::Everything)) => return Ok(Scope::Everything),
            Some(ScopeAt::Always(Whole::AllSessions)) => return Ok(Scope::AllSessions),
            Some(ScopeAt::Named(named)) => named,
        };
        let id = |pointer: &Pointer| {
            let id = pointer
                .text(item)
                .filter(|id| id.len() <= 256 && !id.chars().any(char::is_control));
            // Wider than what was asked for would be a surprise.
            id.ok_or_else(|| format!("no id stands at {pointer}"))
        };
        match named {
            Named::Session(pointer) => Ok(Scope::Session(id(pointer)?)),
            Named::AccessToken(pointer) => Ok(Scope::AccessToken(id(pointer)?)),
            Named::Pointer(pointer) => match pointer.of(item).as_deref().map(Value::as_str) {
                None | Some(Some("everything")) => Ok(Scope::Everything),
                Some(Some("all_sessions")) => Ok(Scope::AllSessions),
                Some(_) => Err(format!("{pointer} must be \"everything\" or \"all_sessions\"")),
            },
        }
    }
}

/// A text on one line, cut to `longest` characters; `None` where nothing is left.
fn plain(text: &str, longest: usize) -> Option<String> {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(longest)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
