//! A table of a description while it is read: every word asked for, every mistake noted with its place, and in the end every word that nobody
//! asked for.

use std::cell::RefCell;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::json::Places;
use crate::settings::{ConfigError, nearest, unknown_key};

/// Where something stands in the file, in bytes.
pub(in crate::targets::described) type Span = Range<usize>;

/// The mistakes found so far.
#[derive(Default)]
pub(in crate::targets::described) struct Mistakes(RefCell<Vec<ConfigError>>);

impl Mistakes {
    /// Notes one.
    pub(in crate::targets::described) fn add(&self, at: Span, message: impl Into<String>) {
        let mistake = ConfigError::at(at, message);
        let mut found = self.0.borrow_mut();
        if !found.contains(&mistake) {
            found.push(mistake);
        }
    }

    /// Notes several.
    pub(in crate::targets::described) fn extend(&self, mistakes: Vec<ConfigError>) {
        self.0.borrow_mut().extend(mistakes);
    }

    /// All of them.
    pub(in crate::targets::described) fn into_vec(self) -> Vec<ConfigError> {
        self.0.into_inner()
    }
}

/// A table, and what was asked of it.
pub(in crate::targets::described) struct Table<'t> {
    span: Span,
    entries: &'t DeTable<'t>,
    asked: RefCell<Vec<&'static str>>,
    mistakes: &'t Mistakes,
}

impl<'t> Table<'t> {
    /// A table that nothing was asked of yet.
    pub(in crate::targets::described) const fn new(span: Span, entries: &'t DeTable<'t>, mistakes: &'t Mistakes) -> Self {
        Self {
            span,
            entries,
            asked: RefCell::new(Vec::new()),
            mistakes,
        }
    }

    /// Where it stands.
    pub(in crate::targets::described) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Where mistakes are noted.
    pub(in crate::targets::described) const fn mistakes(&self) -> &'t Mistakes {
        self.mistakes
    }

    /// Notes a mistake at the value of `key`, or at the table where the key is not written.
    pub(in crate::targets::described) fn complain(&self, key: &str, message: impl Into<String>) {
        let at = self.entries.get(key).map_or_else(|| self.span(), Spanned::span);
        self.mistakes.add(at, message);
    }

    /// Whether `key` is written; without asking for it.
    pub(in crate::targets::described) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether the table `key` has `inner`.
    pub(in crate::targets::described) fn has_inside(&self, key: &str, inner: &str) -> bool {
        let table = self.entries.get(key).and_then(|value| value.get_ref().as_table());
        table.is_some_and(|table| table.contains_key(inner))
    }

    /// The value of `key`.
    pub(in crate::targets::described) fn value(&self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().push(key);
        self.entries.get(key)
    }

    fn of<T>(&self, key: &'static str, wanted: &str, read: impl FnOnce(&'t DeValue<'t>) -> Option<T>) -> Option<(T, Span)> {
        let value = self.value(key)?;
        let read = read(value.get_ref());
        if read.is_none() {
            self.mistakes.add(value.span(), format!("{key}: it must be {wanted}"));
        }
        Some((read?, value.span()))
    }

    /// A text.
    pub(in crate::targets::described) fn text(&self, key: &'static str) -> Option<(&'t str, Span)> {
        self.of(key, "a text in quotes", DeValue::as_str)
    }

    /// A text that must be there.
    pub(in crate::targets::described) fn must_text(&self, key: &'static str) -> Option<(&'t str, Span)> {
        if !self.has(key) {
            self.complain(key, format!("the key `{key}` is missing"));
        }
        self.text(key)
    }

    /// True or false; false where nothing is written.
    pub(in crate::targets::described) fn flag(&self, key: &'static str) -> bool {
        self.of(key, "true or false", DeValue::as_bool).is_some_and(|(flag, _)| flag)
    }

    /// A whole number from nought.
    pub(in crate::targets::described) fn number(&self, key: &'static str) -> Option<usize> {
        let number = self.of(key, "a whole number from 0 up", |value| {
            value.as_integer()?.as_str().parse().ok()
        });
        number.map(|(number, _)| number)
    }

    /// A list of texts; none where nothing is written.
    pub(in crate::targets::described) fn texts(&self, key: &'static str) -> Vec<(&'t str, Span)> {
        let texts = self.of(key, "a list of texts in quotes", |value| {
            let members = value.as_array()?.iter();
            members
                .map(|member| Some((member.get_ref().as_str()?, member.span())))
                .collect::<Option<Vec<_>>>()
        });
        texts.map_or_else(Vec::new, |(texts, _)| texts)
    }

    /// A table.
    pub(in crate::targets::described) fn table(&self, key: &'static str) -> Option<Self> {
        let (entries, span) = self.of(key, "a table", DeValue::as_table)?;
        Some(Self::new(span, entries, self.mistakes))
    }

    /// A list of tables, or one alone.
    pub(in crate::targets::described) fn tables(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        if let Some(one) = value.get_ref().as_table() {
            return vec![Self::new(value.span(), one, self.mistakes)];
        }
        let Some(members) = value.get_ref().as_array() else {
            self.mistakes
                .add(value.span(), format!("{key}: it must be a table or a list of tables"));
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(members.len());
        for member in members {
            match member.get_ref().as_table() {
                Some(entries) => tables.push(Self::new(member.span(), entries, self.mistakes)),
                None => self.mistakes.add(member.span(), format!("{key}: it must be a table")),
            }
        }
        tables
    }

    /// A table whose keys are the author's own, with their values.
    pub(in crate::targets::described) fn pairs(&self, key: &'static str) -> Vec<(&'t str, &'t Spanned<DeValue<'t>>)> {
        let pairs = self.of(key, "a table", DeValue::as_table);
        pairs.map_or_else(Vec::new, |(entries, _)| {
            entries.iter().map(|(name, value)| (name.get_ref().as_ref(), value)).collect()
        })
    }

    /// One place in a JSON value.
    pub(in crate::targets::described) fn place(&self, key: &'static str) -> Option<Places> {
        let places = self.places(key)?;
        if places.has_star() {
            self.complain(key, format!("{key}: one place is meant here, and a star means several"));
        }
        Some(places)
    }

    /// One place or several.
    pub(in crate::targets::described) fn places(&self, key: &'static str) -> Option<Places> {
        let (text, span) = self.text(key)?;
        match Places::try_from(text.to_owned()) {
            Ok(places) => Some(places),
            Err(why) => {
                self.mistakes.add(span, format!("{key}: {why}"));
                None
            }
        }
    }

    /// One of several words.
    pub(in crate::targets::described) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let (text, span) = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            self.mistakes
                .add(span, unknown_word(key, text, words.iter().map(|(word, _)| *word)));
        }
        found
    }

    /// What the words `keys` of this table say, read as a whole.
    pub(in crate::targets::described) fn part<T: DeserializeOwned>(&self, keys: &[&'static str]) -> Option<T> {
        self.asked.borrow_mut().extend(keys);
        let mine = self
            .entries
            .iter()
            .filter(|(name, _)| keys.contains(&name.get_ref().as_ref()));
        let part: DeTable<'t> = mine.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.taken(Spanned::new(self.span(), part))
    }

    /// The same with a pointer to the whole.
    pub(in crate::targets::described) fn part_at_root<T: DeserializeOwned>(&self, keys: &[&'static str]) -> Option<T> {
        self.asked.borrow_mut().extend(keys);
        let mine = self
            .entries
            .iter()
            .filter(|(name, _)| keys.contains(&name.get_ref().as_ref()));
        let mut part: DeTable<'t> = mine.map(|(name, value)| (name.clone(), value.clone())).collect();
        let at = self.span();
        part.insert(
            Spanned::new(at.clone(), "pointer".into()),
            Spanned::new(at.clone(), DeValue::String("".into())),
        );
        self.taken(Spanned::new(at, part))
    }

    fn taken<T: DeserializeOwned>(&self, part: Spanned<DeTable<'_>>) -> Option<T> {
        match crate::settings::read(part) {
            Ok(read) => Some(read),
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                None
            }
        }
    }

    /// Notes every word that nobody asked for.
    pub(in crate::targets::described) fn done(&self) {
        let asked = self.asked.borrow();
        let mut known: Vec<&str> = asked.clone();
        known.sort_unstable();
        known.dedup();
        for (key, _) in self.entries {
            if !known.contains(&key.get_ref().as_ref()) {
                self.mistakes.add(key.span(), unknown_key(key.get_ref(), &known));
            }
        }
    }
}

/// The mistake of a word that is none of `words`.
pub(in crate::targets::described) fn unknown_word<'w>(
    key: &str,
    text: &str,
    words: impl Iterator<Item = &'w str> + Clone,
) -> String {
    if let Some(meant) = nearest(text, words.clone()) {
        return format!("{key}: it cannot be {text:?}; did you mean {meant:?}?");
    }
    let words: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    format!("{key}: it cannot be {text:?}; it must be one of {}", words.join(", "))
}
