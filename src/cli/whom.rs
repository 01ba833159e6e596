//! Whom a command is about, as people name somebody: a name with its format, a bare address, a bare name that is known, or a case.

use std::str::FromStr;

use super::near::near_names;
use super::output::{plain, remark};
use super::{StoreArgs, UsageError};
use crate::model::{LONGEST_SUBJECT, Subject, SubjectError};
use crate::store::{KnownName, SearchWord, Store};

/// Whom a command is about, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// A name that says what it is.
    Named(Subject),
    /// Whoever this case is about.
    OfCase(i64),
    /// A word without a format: what is known must say what it means.
    Bare(String),
}

impl FromStr for Whom {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let text = text.trim();
        if let Some(case) = text.strip_prefix("case:").and_then(|number| number.parse().ok()) {
            return Ok(Self::OfCase(case));
        }
        match text.parse() {
            Ok(subject) => Ok(Self::Named(subject)),
            // What follows a colon is of a format that nobody knows, or of one that was mistyped.
            Err(SubjectError::NoFormat(_)) if !text.contains(':') && text.len() <= LONGEST_SUBJECT && plain(text) == text => {
                Ok(Self::Bare(text.to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}

impl Whom {
    /// What was typed, as a search takes it.
    pub(super) fn typed(&self) -> String {
        match self {
            Self::Named(subject) => subject.to_string(),
            Self::OfCase(case) => format!("case:{case}"),
            Self::Bare(text) => text.clone(),
        }
    }

    /// The subject that is meant. What a bare word or a case was taken for is said on standard error.
    ///
    /// # Errors
    /// With exit code 2, where a word means nobody, or several, and where the person of a case was erased.
    pub(super) async fn subject(&self, store: &Store) -> anyhow::Result<Subject> {
        match self {
            Self::Named(subject) => Ok(subject.clone()),
            Self::OfCase(number) => {
                let case = store.case(*number).await?;
                let Some(name) = case.subject else {
                    return Err(usage(format!("case {number} is about somebody who was erased")));
                };
                let subject: Subject = name.parse()?;
                remark(format!("taken for {}, whom case {number} is about", shown(&subject)));
                Ok(subject)
            }
            Self::Bare(text) => bare(store, text).await,
        }
    }

    /// The person who is meant, for whoever looks at what is known: a name that nobody came by, and that only the accounts of cases have, means
    /// whom those cases are about. What acts on somebody takes the name for itself, which the target reads.
    ///
    /// # Errors
    /// As [`Whom::subject`], and where the cases are about several.
    pub(super) async fn person(&self, store: &Store) -> anyhow::Result<Subject> {
        let known = match self {
            Self::OfCase(_) => return self.subject(store).await,
            Self::Bare(text) => the_known(store, text).await?,
            Self::Named(subject) => {
                let Some(known) = seen_only(store, subject).await? else {
                    return Ok(subject.clone());
                };
                known
            }
        };
        if let Some(person) = whom_its_cases_are_about(store, &known).await? {
            return Ok(person);
        }
        remark(format!("taken for {}{}", shown(&known.name), whence(&known)));
        Ok(known.name)
    }

    /// The same by the store that a command looks at, which is opened only where it has a say.
    ///
    /// # Errors
    /// As [`Whom::subject`], and where the store is needed and cannot be opened.
    pub(super) async fn subject_at(&self, at: &StoreArgs) -> anyhow::Result<Subject> {
        if let Self::Named(subject) = self {
            return Ok(subject.clone());
        }
        let store = at.open().await?;
        let subject = self.subject(&store).await;
        store.close().await;
        subject
    }
}

/// The same for what may be left out.
///
/// # Errors
/// As [`Whom::subject`].
pub(super) async fn subject_of(store: &Store, whom: Option<&Whom>) -> anyhow::Result<Option<Subject>> {
    match whom {
        Some(whom) => whom.subject(store).await.map(Some),
        None => Ok(None),
    }
}

async fn bare(store: &Store, text: &str) -> anyhow::Result<Subject> {
    let known = the_known(store, text).await?;
    remark(format!("taken for {}{}", shown(&known.name), whence(&known)));
    Ok(known.name)
}

/// A name with its format that nobody came by, where accounts of cases have it.
async fn seen_only(store: &Store, subject: &Subject) -> anyhow::Result<Option<KnownName>> {
    let Some(word) = SearchWord::new(&subject.to_string()) else {
        return Ok(None);
    };
    if !store.references(subject).await?.is_empty() {
        return Ok(None);
    }
    let names = store.names_called(&word).await?;
    Ok(names
        .into_iter()
        .find(|known| known.name == *subject && !known.accounts_of.is_empty()))
}

/// Whom the cases are about whose accounts have a name that nobody came by; nothing where those were erased, or where there are none.
async fn whom_its_cases_are_about(store: &Store, known: &KnownName) -> anyhow::Result<Option<Subject>> {
    let mut people: Vec<(i64, Subject, Subject)> = Vec::new();
    for case in &known.accounts_of {
        let Some(name) = store.case(*case).await?.subject else {
            continue;
        };
        let subject: Subject = name.parse()?;
        let names = store.with_known_names(&subject).await?;
        if !people.iter().any(|(_, _, known)| *known == names) {
            people.push((*case, subject, names));
        }
    }
    match people.as_slice() {
        [] => Ok(None),
        [(case, subject, _)] => {
            remark(format!(
                "taken for {}, whose account was called {} in case {case}",
                shown(subject),
                shown(&known.name)
            ));
            Ok(Some(subject.clone()))
        }
        several => {
            let people: Vec<String> = several
                .iter()
                .map(|(case, subject, _)| format!("{} (case {case})", shown(subject)))
                .collect();
            Err(usage(format!(
                "accounts of several people were called {}, those of {}: write whose",
                shown(&known.name),
                people.join(", and of ")
            )))
        }
    }
}

/// The one name that is known by a word, surest first.
async fn the_known(store: &Store, text: &str) -> anyhow::Result<KnownName> {
    let Some(word) = SearchWord::new(text) else {
        return Err(SubjectError::Empty.into());
    };
    let names = store.names_called(&word).await?;
    match the_one(&names) {
        Some(known) => Ok(known.clone()),
        None if names.is_empty() => {
            let near = match near(store, &word).await? {
                Some(name) => format!("did you mean {}?", shown_text(&name)),
                None => format!("look with revoked find {}", plain(text)),
            };
            Err(usage(format!(
                "nobody is known by the bare name {0:?}: {near} (a user name that is not known here is written username:{0})",
                plain(text)
            )))
        }
        None => {
            let names: Vec<String> = names
                .iter()
                .map(|known| format!("{}{}", shown(&known.name), whence(known)))
                .collect();
            Err(usage(format!(
                "{:?} may be {}: write which",
                plain(text),
                names.join(", or ")
            )))
        }
    }
}

/// The name that a word means, where it means one person: of several names of theirs the login name, which is what people type.
fn the_one(names: &[KnownName]) -> Option<&KnownName> {
    let first = names.first()?;
    let is_one_person = names.len() == 1 || first.person.is_some() && names.iter().all(|known| known.person == first.person);
    let login = names.iter().find(|known| matches!(known.name, Subject::Username(_)));
    is_one_person.then_some(login.unwrap_or(first))
}

/// The known name that is nearest to a word that nobody is called by.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn near(store: &Store, word: &SearchWord) -> anyhow::Result<Option<String>> {
    Ok(near_names(store, word).await?.into_iter().next())
}

/// Where a name is known from.
fn whence(known: &KnownName) -> String {
    match (&known.case, &known.source, known.person) {
        (Some(case), _, _) => format!(" (known from case {case})"),
        (None, Some(source), _) => format!(" (known from source {})", plain(source)),
        (None, None, Some(_)) => " (linked by an operator)".to_owned(),
        (None, None, None) => String::new(),
    }
}

/// A subject on one line, as it may be typed again.
fn shown(subject: &Subject) -> String {
    let names: Vec<String> = subject.names().iter().map(ToString::to_string).collect();
    plain(&names.join(", "))
}

/// The same of a canonical form.
pub(super) fn shown_text(name: &str) -> String {
    plain(name.strip_prefix("email:").unwrap_or(name))
}

fn usage(text: String) -> anyhow::Error {
    UsageError(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Whom, String> {
        text.parse().map_err(|error: SubjectError| error.to_string())
    }

    #[test]
    fn a_name_with_its_format_an_address_a_case_and_a_bare_word_are_told_apart() {
        assert_eq!(read("case:17"), Ok(Whom::OfCase(17)));
        assert_eq!(read("amara"), Ok(Whom::Bare("amara".to_owned())));
        assert_eq!(
            read("Amara@Example.org"),
            Ok(Whom::Named(Subject::Email("amara@example.org".to_owned())))
        );
        assert_eq!(
            read("employee_id:4711"),
            Ok(Whom::Named(Subject::EmployeeId("4711".to_owned())))
        );
        for odd in ["", "usrname:amara", "am\u{202e}ara", "case:x"] {
            assert!(read(odd).is_err(), "{odd:?}");
        }
    }

    fn known(name: &str, person: Option<i64>) -> KnownName {
        KnownName {
            name: name.parse().unwrap(),
            person,
            source: None,
            case: None,
            accounts_of: Vec::new(),
        }
    }

    #[test]
    fn a_word_means_somebody_where_it_means_one_person() {
        let login = known("username:amara", Some(1));
        let number = known("employee_id:amara", Some(1));
        let other = known("employee_id:amara", Some(2));
        let alone = known("employee_id:amara", None);
        let meant = |names: &[KnownName]| the_one(names).map(|known| known.name.to_string());
        assert_eq!(meant(&[number, login.clone()]).as_deref(), Some("username:amara"));
        assert_eq!(meant(&[other, login.clone()]), None);
        assert_eq!(meant(&[alone.clone(), login]), None);
        assert_eq!(meant(&[alone]).as_deref(), Some("employee_id:amara"));
        assert_eq!(meant(&[]), None);
    }
}
