//! What a signal asked for beyond its reason, kept with it, so that it can be run through another policy one day.

use serde::{Deserialize, Serialize};

use crate::model::{Departure, DepartureStep, Disposition, Leaves, Priority, Scope, Signal, Timestamp, When};
use crate::store::Result;
use crate::store::columns::written;

/// What a signal asked for beyond its reason. Names nobody: a session or a token stands here by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::store) struct AskedFor {
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    playbook: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// When it asks for action.
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
    /// What becomes of a departure: `leave`, `rescind`, `rehire`, `vanished`.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// What the source's own rules said, `hold`, `stays` or `ignore`, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    own_word: Option<(String, String)>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::store) unclear: bool,
}

impl AskedFor {
    /// What a signal asks for, where it is `unclear` or not who is meant.
    pub(in crate::store) fn of(signal: &Signal, unclear: bool) -> Self {
        let (due, step) = match &signal.when {
            When::Now => (None, None),
            When::At(at) => (Some(at.ms()), None),
            When::Departure(departure) => match &departure.step {
                DepartureStep::Leave { fire_at, .. } => (Some(fire_at.ms()), Some("leave")),
                DepartureStep::Rescind => (None, Some("rescind")),
                DepartureStep::Rehire => (None, Some("rehire")),
                DepartureStep::Vanished { at } => (Some(at.ms()), Some("vanished")),
            },
        };
        let own_word = match &signal.disposition {
            Disposition::Act => None,
            Disposition::Hold(why) => Some(("hold", why)),
            Disposition::Stays(why) => Some(("stays", why)),
            Disposition::Ignore(why) => Some(("ignore", why)),
        };
        Self {
            priority: (signal.priority != signal.reason.priority()).then_some(signal.priority.0),
            scope: (signal.scope != Scope::Everything).then(|| signal.scope.clone()),
            playbook: signal.playbook.clone(),
            target: signal.target.clone(),
            due,
            step: step.map(str::to_owned),
            own_word: own_word.map(|(word, why)| (word.to_owned(), why.clone())),
            unclear,
        }
    }

    /// As the column holds it.
    pub(in crate::store) fn text(&self) -> Result<String> {
        written("what a signal asked for", self)
    }

    /// Asks the same of a signal that has only its reason.
    pub(in crate::store) fn onto(&self, mut signal: Signal) -> Signal {
        if let Some(priority) = self.priority {
            signal.priority = Priority(priority);
        }
        if let Some(scope) = &self.scope {
            signal.scope = scope.clone();
        }
        signal.playbook.clone_from(&self.playbook);
        signal.target.clone_from(&self.target);
        let due = self.due.map(Timestamp::from_ms);
        let departure = |step| {
            When::Departure(Departure {
                employee: String::new(),
                employment: String::new(),
                step,
            })
        };
        signal.when = match (self.step.as_deref(), due) {
            (Some("rescind"), _) => departure(DepartureStep::Rescind),
            (Some("rehire"), _) => departure(DepartureStep::Rehire),
            (Some("vanished"), Some(at)) => departure(DepartureStep::Vanished { at }),
            (Some("leave"), Some(at)) => departure(DepartureStep::Leave {
                leaves: Leaves::Instant { at },
                fire_at: at,
            }),
            (_, Some(at)) => When::At(at),
            (_, None) => When::Now,
        };
        signal.disposition = match self.own_word.as_ref().map(|(word, why)| (word.as_str(), why.clone())) {
            Some(("hold", why)) => Disposition::Hold(why),
            Some(("stays", why)) => Disposition::Stays(why),
            Some(("ignore", why)) => Disposition::Ignore(why),
            _ => Disposition::Act,
        };
        signal
    }
}
