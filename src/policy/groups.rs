//! Groups of people whom policy treats apart: those of whom a human is always asked, and those for whom the work only goes so far.
//!
//! The members stand in the config, or in a file that is read again whenever it changes ([`MemberList`]). What has become of such a file is
//! judged here ([`judged`]), so that a half-written one never takes the protection from anybody.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use super::Policy;
use super::ladder::Level;
use crate::model::Subject;

/// The subjects of a list, such as those that are never acted on without a human. Compared without regard to case: here it is safer to match
/// too much.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protected(BTreeSet<String>);

impl Protected {
    /// Whether `subject`, or one of its aliases, is among them.
    #[must_use]
    pub fn holds(&self, subject: &Subject) -> bool {
        subject
            .names()
            .iter()
            .any(|name| self.0.contains(&name.to_string().to_lowercase()))
    }

    /// Their names in canonical form and lower case.
    #[must_use]
    pub const fn names(&self) -> &BTreeSet<String> {
        &self.0
    }

    /// A list of names as [`Protected::names`] has them.
    #[must_use]
    pub const fn of_names(names: BTreeSet<String>) -> Self {
        Self(names)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Subject> for Protected {
    fn from_iter<I: IntoIterator<Item = Subject>>(subjects: I) -> Self {
        let names = subjects.into_iter().flat_map(|subject| subject.names().to_vec());
        Self(names.map(|name| name.to_string().to_lowercase()).collect())
    }
}

/// The members of a file as it was last read and believed. All copies of a policy share it: the daemon puts a newer list in the place of the
/// older one, and every decision from then on knows it.
#[derive(Debug, Clone, Default)]
pub struct MemberList(Arc<RwLock<Arc<Protected>>>);

impl MemberList {
    /// A list of these.
    #[must_use]
    pub fn of(members: Protected) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(members))))
    }

    /// The list as it stands.
    #[must_use]
    pub fn now(&self) -> Arc<Protected> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another list in its place.
    pub fn replace(&self, members: Protected) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(members);
    }
}

impl PartialEq for MemberList {
    fn eq(&self, other: &Self) -> bool {
        self.now() == other.now()
    }
}

impl Eq for MemberList {}

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name in the config.
    pub name: String,
    /// The members that stand in the config.
    pub members: Protected,
    /// Those of its file, where it has one.
    pub listed: Option<MemberList>,
    /// The file.
    pub file: Option<PathBuf>,
    /// Whether a human is asked whatever is asked for.
    pub hold: bool,
    /// How far the work goes at most that no operator has asked for.
    pub highest: Option<Level>,
    /// How many people must approve what is held for it.
    pub approvals: u8,
}

impl Group {
    /// Whether one of the names is a member's.
    #[must_use]
    pub fn holds(&self, person: &Subject) -> bool {
        self.members.holds(person) || self.listed.as_ref().is_some_and(|listed| listed.now().holds(person))
    }

    /// The names of all its members in canonical form and lower case.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = self.members.names().clone();
        if let Some(listed) = &self.listed {
            names.extend(listed.now().names().iter().cloned());
        }
        names
    }
}

/// A group as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct GroupState {
    /// Its name.
    pub group: String,
    /// How many names, those of the file among them.
    pub names: usize,
    /// Whether a human is asked whatever is asked for.
    pub hold: bool,
    /// How far the work goes at most that no operator has asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest: Option<&'static str>,
    /// How many people must approve what is held for it.
    pub approvals: u8,
    /// The file of its members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What is wrong with the file, so that an earlier list stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Policy {
    /// Its groups, the list `protected` first, as the group that it is; `fault` says what is wrong with a group's file.
    #[must_use]
    pub fn group_states(&self, fault: impl Fn(&Group) -> Option<String>) -> Vec<GroupState> {
        let protected = (!self.protected.is_empty()).then(|| GroupState {
            group: "protected".to_owned(),
            names: self.protected.len(),
            hold: true,
            highest: None,
            approvals: 1,
            file: None,
            fault: None,
        });
        let groups = self.groups.iter().map(|group| GroupState {
            group: group.name.clone(),
            names: group.names().len(),
            hold: group.hold,
            highest: group.highest.map(Level::word),
            approvals: group.approvals,
            file: group.file.as_ref().map(|file| file.display().to_string()),
            fault: fault(group),
        });
        protected.into_iter().chain(groups).collect()
    }
}

/// What was wrong with a group's file, so that the list before it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFault {
    /// It cannot be read, and why.
    Unreadable(String),
    /// A line is no subject.
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it. Never names anybody.
        why: String,
    },
    /// It names nobody.
    Empty,
    /// It names less than half of those that it named.
    Shrunk {
        /// How many it named.
        before: usize,
        /// How many it names.
        now: usize,
    },
}

impl fmt::Display for ListFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "it cannot be read: {why}"),
            Self::Line { line, why } => write!(f, "line {line} is no subject: {why}"),
            Self::Empty => f.write_str("it names nobody"),
            Self::Shrunk { before, now } => write!(f, "it names {now} where it named {before}, less than half"),
        }
    }
}

/// The members that a file names: one subject a line; empty lines and what follows a `#` at the beginning of a line or after a space say nothing.
///
/// # Errors
/// The first line that is no subject: a list of which only a part is understood protects only a part.
pub fn listed(text: &str) -> Result<Protected, ListFault> {
    let mut members = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let said = match line.find(" #").or_else(|| line.find("\t#")) {
            _ if line.trim_start().starts_with('#') => continue,
            Some(at) => line[..at].trim(),
            None => line.trim(),
        };
        if said.is_empty() {
            continue;
        }
        let fault = |_| ListFault::Line {
            line: n + 1,
            why: "write one such as email:ann@example.org or username:ann".to_owned(),
        };
        members.push(said.parse::<Subject>().map_err(fault)?);
    }
    Ok(members.into_iter().collect())
}

/// Whether a list may take the place of the one before.
///
/// # Errors
/// Why not.
pub fn judged(before: Option<&Protected>, now: Protected) -> Result<Protected, ListFault> {
    if now.is_empty() {
        return Err(ListFault::Empty);
    }
    match before.map(Protected::len) {
        Some(before) if now.len() * 2 < before => Err(ListFault::Shrunk { before, now: now.len() }),
        _ => Ok(now),
    }
}
