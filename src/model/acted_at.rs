//! When what was done took effect: proofs by a moment and residuals are counted from there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, GrantKind, Timestamp};

/// When our own changes were made at a target. No target keeps it, and no look shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActedAt {
    /// The last change that takes something away, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The last suspension or new password, by the target's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Timestamp>,
    /// The last end of all of a kind since then, by the target's clock.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended_all: BTreeMap<GrantKind, Timestamp>,
}

impl ActedAt {
    /// Takes note of a change that the target accepted at `at` by our clock; it was sent at `sent` by the target's own.
    pub fn note(&mut self, action: &Action, at: Timestamp, sent: Timestamp) {
        if !action.revokes() {
            return;
        }
        self.last = Some(at);
        match action {
            // Until then somebody could sign in, so an end of all before it proves nothing any more.
            Action::Suspend | Action::ResetPassword => {
                self.block = Some(sent);
                self.ended_all.clear();
            }
            Action::EndAll { kind } => {
                self.ended_all.insert(*kind, sent);
            }
            _ => {}
        }
    }

    /// Whether something was done that ends this kind.
    #[must_use]
    pub fn has_ended(&self, kind: GrantKind) -> bool {
        self.block.is_some() || self.ended_all.contains_key(&kind)
    }

    /// Takes note of a change of which nobody knows whether the target made it.
    pub fn note_unknown(&mut self, action: &Action, at: Timestamp) {
        if action.revokes() {
            self.last = Some(at);
        }
    }

    /// Whether everything of `kind` that was alive when we acted is dead where the target says that nothing issued before `valid_from`
    /// works. Whole seconds: targets write no finer ones. Nothing is proved where we did nothing that ends the kind.
    #[must_use]
    pub fn is_proved_by(&self, kind: GrantKind, valid_from: Timestamp) -> bool {
        let acted = self.ended_all.get(&kind).copied().or(self.block);
        acted.is_some_and(|acted| valid_from.ms().div_euclid(1000) >= acted.ms().div_euclid(1000))
    }
}
