//! Why a decision is what it is: which rules were looked at, in their order, and what each said. Written by the rule itself while it decides,
//! where somebody asks for it.

use super::{Decision, Work};

/// One rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The key of the config that bears it, or a word for it.
    pub rule: &'static str,
    /// What it said about this signal. Names nobody but groups and sources.
    pub said: String,
    /// Whether it made the decision.
    pub decides: bool,
}

impl Decision {
    /// It in a few words, by which two are told apart: `act`, `act, only revoke_sessions`, `hold: delivery_limit`, `rehearse: act`.
    #[must_use]
    pub fn outcome(&self) -> String {
        let lowered = |work: &Work| {
            let lowered = work.lowered.as_ref();
            lowered.map_or(String::new(), |lowered| format!(", only {}", lowered.to))
        };
        match self {
            Self::Act(work) => format!("act{}", lowered(work)),
            Self::Hold { class, work, .. } => format!("hold: {class}{}", lowered(work)),
            Self::Ignore { .. } => "ignore".to_owned(),
            Self::Withdraw => "withdraw".to_owned(),
            Self::Rehearse(would) => format!("rehearse: {}", would.outcome()),
        }
    }
}

/// A decision with the rules that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The decision.
    pub decision: Decision,
    /// The rules that were looked at, in their order.
    pub steps: Vec<Step>,
}

/// Who listens while a rule decides: nobody on the way of a signal, where no words are made then.
#[derive(Debug, Default)]
pub(super) struct Steps(Option<Vec<Step>>);

impl Steps {
    pub(super) const fn unheard() -> Self {
        Self(None)
    }

    pub(super) const fn heard() -> Self {
        Self(Some(Vec::new()))
    }

    /// A rule that lets the signal pass, or changes what is done.
    pub(super) fn passes(&mut self, rule: &'static str, said: impl FnOnce() -> String) {
        self.push(rule, said, false);
    }

    /// The rule that decides.
    pub(super) fn decides(&mut self, rule: &'static str, said: impl FnOnce() -> String) {
        self.push(rule, said, true);
    }

    fn push(&mut self, rule: &'static str, said: impl FnOnce() -> String, decides: bool) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step {
                rule,
                said: said(),
                decides,
            });
        }
    }

    pub(super) fn into_explained(self, decision: Decision) -> Explained {
        Explained {
            decision,
            steps: self.0.unwrap_or_default(),
        }
    }
}
