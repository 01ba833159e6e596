//! Whom a command is about, as people write it: `alice@example.org`, `username:alice`, `case:17`, and a login alone where only one person has it.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::UsageError;
use super::output::{plain, remark};
use crate::model::{Subject, SubjectError};
use crate::settings::nearest;
use crate::store::{FoundKind, Store};

/// The most names that are offered where a word names nobody, or several.
const OFFERED: usize = 5;

/// Whom somebody has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// A name in one of its forms.
    Named(Subject),
    /// A word that says nothing of what it is.
    Bare(String),
    /// Whom a case is about.
    Case(i64),
}

impl FromStr for Whom {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let case = text.trim().strip_prefix("case:").and_then(|number| number.parse().ok());
        if let Some(case) = case {
            return Ok(Self::Case(case));
        }
        match text.parse() {
            Ok(subject) => Ok(Self::Named(subject)),
            Err(SubjectError::NoFormat(word)) => Ok(Self::Bare(word.trim().to_owned())),
            Err(error) => Err(error),
        }
    }
}

impl Whom {
    /// Who that is. Where it had to be found out, standard error says whom it was taken for.
    ///
    /// # Errors
    /// Where a word names nobody, or several people; where there is no such case, or its person was erased.
    pub(super) async fn known_to(&self, store: &Store) -> anyhow::Result<Subject> {
        match self {
            Self::Named(subject) => Ok(subject.clone()),
            Self::Case(number) => {
                let case = store.case(*number).await?;
                let subject = case.subject.as_deref().and_then(|subject| subject.parse::<Subject>().ok());
                let subject = subject.ok_or_else(|| UsageError(format!("whom case {number} is about was erased")))?;
                remark(format!("case:{number} is about {}", shown(&subject)));
                Ok(subject)
            }
            Self::Bare(word) => found(store, word).await,
        }
    }
}

/// The one person whom a word names.
async fn found(store: &Store, word: &str) -> anyhow::Result<Subject> {
    let mut people: BTreeMap<String, Subject> = BTreeMap::new();
    let all = store.search(word).await?;
    let names = all.found.iter().filter(|found| found.what == FoundKind::Person);
    let names: Vec<Subject> = names.filter_map(|found| found.name.as_deref()?.parse().ok()).collect();
    let means = |whole: bool| names.iter().filter(move |name| is_meant(name, word, whole));
    // Whoever is called so as a whole comes before those whose address only begins so.
    let meant: Vec<&Subject> = match means(true).count() {
        0 => means(false).collect(),
        _ => means(true).collect(),
    };
    for name in meant {
        let person = store.with_known_names(name).await?;
        people.entry(person.to_string()).or_insert_with(|| name.clone());
    }
    let mut people = people.into_values();
    match (people.next(), people.next()) {
        (Some(only), None) => {
            remark(format!("{} is taken for {}", plain(word), shown(&only)));
            Ok(only)
        }
        (Some(first), Some(second)) => {
            let several = [first, second].into_iter().chain(people);
            let several: Vec<String> = several.take(OFFERED).map(|name| shown(&name)).collect();
            Err(UsageError(format!(
                "{:?} may be several people: {}; write which",
                plain(word),
                several.join(", ")
            ))
            .into())
        }
        (None, _) => {
            let near = nearest_names(store, word).await?;
            let meant = match near.as_slice() {
                [] => format!("revoked find {} looks further", quoted(word)),
                names => format!("did you mean {}?", names.join(", ")),
            };
            Err(UsageError(format!(
                "nobody is known as {:?}; {meant} Somebody who was never seen is written username:{0} or as an address",
                plain(word)
            ))
            .into())
        }
    }
}

/// Whether a word is what a name says, or, where not the whole is asked for, the part of an address before its `@`.
fn is_meant(name: &Subject, word: &str, whole: bool) -> bool {
    let name = name.to_string().to_lowercase();
    let value = name.split_once(':').map_or(name.as_str(), |(_, value)| value);
    let part = if whole {
        Some(value)
    } else {
        value.split_once('@').map(|(local, _)| local)
    };
    part == Some(word.to_lowercase().as_str())
}

/// The known names that are nearest to a word that nobody bears.
pub(super) async fn nearest_names(store: &Store, word: &str) -> anyhow::Result<Vec<String>> {
    let names = store.names().await?;
    let mut parts: Vec<(&str, &str)> = Vec::with_capacity(names.len() * 2);
    for name in &names {
        let value = name.split_once(':').map_or(name.as_str(), |(_, value)| value);
        parts.push((value, name));
        if let Some((local, _)) = value.split_once('@') {
            parts.push((local, name));
        }
    }
    let mut near = Vec::new();
    while near.len() < OFFERED {
        let Some(best) = nearest(word, parts.iter().map(|(part, _)| *part)) else {
            break;
        };
        let best = best.to_owned();
        near.extend(parts.iter().filter(|(part, _)| *part == best).map(|(_, name)| plain(name)));
        parts.retain(|(part, _)| *part != best);
    }
    near.truncate(OFFERED);
    Ok(near)
}

/// A subject for a sentence: its names, one after the other.
fn shown(subject: &Subject) -> String {
    let names: Vec<String> = subject.names().iter().map(ToString::to_string).collect();
    plain(&names.join(", "))
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let word = plain(word);
    let safe = |c: char| c.is_alphanumeric() || "@._-:+/%=,".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Whom, quoted};

    #[test]
    fn what_is_no_form_of_a_name_is_a_word_to_look_for() {
        assert_eq!("amara".parse(), Ok(Whom::Bare("amara".to_owned())));
        assert_eq!("case:17".parse(), Ok(Whom::Case(17)));
        assert!(matches!("amara@example.org".parse(), Ok(Whom::Named(_))));
        assert!("email:amara".parse::<Whom>().is_err(), "a form that is not kept is a mistake");
        assert!("".parse::<Whom>().is_err());
    }

    #[test]
    fn a_word_can_be_typed_again() {
        assert_eq!(quoted("username:amara"), "username:amara");
        assert_eq!(quoted("iss_sub:https://idp#0 a'b"), r"'iss_sub:https://idp#0 a'\''b'");
    }
}
