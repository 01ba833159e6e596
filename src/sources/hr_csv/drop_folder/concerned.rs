//! Whom a file is about that is waited for: what is about the same people comes after it.

use std::collections::HashSet;

use crate::model::Subject;
use crate::sources::hr_csv::rows::contents::FileContents;
use crate::sources::hr_csv::settings::rules::Rules;

/// Whom a file is about.
#[derive(Debug)]
pub(in crate::sources::hr_csv) enum Concerned {
    /// These people, by each of their names.
    People(HashSet<Subject>),
    /// It names everybody, also by leaving them out.
    Everybody,
}

impl Concerned {
    /// Whom a file is about that says nothing as it stands.
    pub(in crate::sources::hr_csv) fn nobody() -> Self {
        Self::People(HashSet::new())
    }

    /// Whom a file of this content is about.
    pub(in crate::sources::hr_csv) fn of(contents: &FileContents, rules: &Rules) -> Self {
        match contents.rejected {
            Some(_) => Self::nobody(),
            None if rules.full_file => Self::Everybody,
            None => Self::People(names(contents).cloned().collect()),
        }
    }

    /// Whether a file of this content is about any of them.
    pub(in crate::sources::hr_csv) fn is_met_by(&self, contents: &FileContents, rules: &Rules) -> bool {
        let speaks = contents.rejected.is_none();
        match self {
            Self::Everybody => speaks,
            Self::People(people) if people.is_empty() => false,
            Self::People(_) if rules.full_file => speaks,
            Self::People(people) => speaks && names(contents).any(|name| people.contains(name)),
        }
    }
}

fn names(contents: &FileContents) -> impl Iterator<Item = &Subject> {
    contents.rows.iter().flat_map(|(_, row)| &row.names)
}
