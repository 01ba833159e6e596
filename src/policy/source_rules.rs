//! What a source may claim, of whom, and how far what follows may go; and whether it is taken at its word at all.

use std::collections::BTreeSet;
use std::fmt;

use super::ladder::Level;
use crate::model::{Priority, Reason, Subject};

/// Whether a source is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It is.
    #[default]
    Act,
    /// Its signals are stored and decided about, and nothing follows: the decision is kept as what would have been done.
    Rehearse,
}

impl Mode {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Act, Self::Rehearse];

    /// The word in a config, the tables and the output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Rehearse => "rehearse",
        }
    }

    /// The mode that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a source may claim, of whom, and how far what follows may go. `None` bounds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceRules {
    /// Whether it is acted on.
    pub mode: Mode,
    /// The reasons that it may give.
    pub reasons: Option<BTreeSet<Reason>>,
    /// The playbooks that its signals may lead to.
    pub playbooks: Option<BTreeSet<String>>,
    /// The domains of whose people it may speak.
    pub domains: Option<BTreeSet<String>>,
    /// How far the work goes at most.
    pub highest: Option<Level>,
    /// The most urgent priority that it may ask for.
    pub urgency: Option<Priority>,
}

impl SourceRules {
    /// Whether it may speak of whoever has these names: an address of one of its domains must be among them, and none of another. With a single
    /// one it could give its own people somebody else's name.
    #[must_use]
    pub fn may_speak_of(&self, person: &Subject) -> bool {
        let Some(domains) = &self.domains else { return true };
        let mut theirs = person.names().iter().filter_map(Subject::domain).peekable();
        theirs.peek().is_some() && theirs.all(|domain| domains.contains(domain))
    }

    /// The priority that it gets where it asks for `asked`.
    #[must_use]
    pub fn capped(&self, asked: Priority) -> Priority {
        self.urgency.map_or(asked, |most| asked.max(most))
    }
}
