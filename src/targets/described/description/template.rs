//! Templates: texts in which braces name values. There are no expressions: a name, and at most one filter.

use super::table::{Mistakes, Span, unknown_word};
use crate::json::Places;

/// A text with places for values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::targets::described) struct Template(pub(in crate::targets::described) Vec<Part>);

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::targets::described) enum Part {
    /// What the description itself wrote.
    Literal(String),
    /// A value.
    Slot(Slot, Option<Filter>),
}

/// A value that a template names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::targets::described) enum Slot {
    /// The name that is asked for.
    Name,
    /// The account's id.
    Id,
    /// The grant's id.
    Grant,
    /// What the grant hangs on.
    Parent,
    /// The member of the list that this list is read for.
    Each,
    /// The ids of all grants of a set, as a list.
    Grants,
    /// Our own account's id.
    Ours,
    /// A key of the config.
    Key(String),
    /// A credential of the config.
    Secret(String),
    /// The token that was exchanged for our credential.
    Token,
    /// The assertion that is exchanged for a token.
    Assertion,
    /// A text that nobody keeps.
    Random,
    /// The target's URL.
    Url,
    /// The request's own `filter`.
    Filter,
    /// What stands in the account as it was just read.
    Principal(Places),
    /// A name and a password with a colon between them.
    Pair(Box<Slot>, Box<Slot>),
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::targets::described) enum Filter {
    /// As a JSON text in double quotes, which is how SCIM writes one too (RFC 7644 section 3.4.2.2).
    Quoted,
    /// As an `OData` text in single quotes, each of its own doubled (`OData` 4.01 URL conventions, 5.1.1.6.1).
    Odata,
    /// As digits; anything else is refused.
    Number,
    /// In base 64, for HTTP basic authentication (RFC 7617).
    Basic,
}

const FILTERS: [(&str, Filter); 4] = [
    ("quoted", Filter::Quoted),
    ("odata", Filter::Odata),
    ("number", Filter::Number),
    ("basic", Filter::Basic),
];

/// What a template may name where it stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::targets::described) struct Allowed<'d> {
    /// The keys that the config must write.
    pub(in crate::targets::described) keys: &'d [String],
    /// The credentials that the config must name.
    pub(in crate::targets::described) secrets: &'d [String],
    /// Whether the credential is an application's own, so that there is no account of ours.
    pub(in crate::targets::described) application: bool,
    /// Whether a token is exchanged.
    pub(in crate::targets::described) token: bool,
    /// What else there is.
    pub(in crate::targets::described) words: &'d [&'static str],
}

impl<'d> Allowed<'d> {
    /// The same with these words.
    pub(in crate::targets::described) const fn with(self, words: &'d [&'static str]) -> Self {
        Self { words, ..self }
    }

    fn slot(self, text: &str) -> Result<Slot, String> {
        if let Some((first, second)) = text.split_once('+') {
            return Ok(Slot::Pair(Box::new(self.slot(first)?), Box::new(self.slot(second)?)));
        }
        for (before, known, what) in [("key.", self.keys, "keys"), ("secret.", self.secrets, "needs")] {
            if let Some(name) = text.strip_prefix(before) {
                let known_names = || known.iter().map(String::as_str);
                if !known_names().any(|known| known == name) {
                    return Err(match crate::settings::nearest(name, known_names()) {
                        Some(meant) => format!("{{{text}}}: `{what}` does not name it; did you mean {{{before}{meant}}}?"),
                        None => format!("{{{text}}}: `{what}` does not name it"),
                    });
                }
                return Ok(match before {
                    "key." => Slot::Key(name.to_owned()),
                    _ => Slot::Secret(name.to_owned()),
                });
            }
        }
        if let Some(place) = text.strip_prefix("principal:") {
            if !self.words.contains(&"principal:") {
                return Err(format!("{{{text}}} has no value here"));
            }
            return Places::try_from(place.to_owned()).map(Slot::Principal).map_err(str::to_owned);
        }
        let slot = match text {
            "name" => Slot::Name,
            "id" => Slot::Id,
            "grant" => Slot::Grant,
            "parent" => Slot::Parent,
            "each" => Slot::Each,
            "grants" => Slot::Grants,
            "self" if self.application => {
                return Err("{self}: the credential is an application's own (`acts_as`), and no account".to_owned());
            }
            "self" => Slot::Ours,
            "token" if self.token => return Ok(Slot::Token),
            "token" => return Err("{token}: there is no [auth.exchange] that would fetch one".to_owned()),
            "assertion" => Slot::Assertion,
            "random" => Slot::Random,
            "url" => return Ok(Slot::Url),
            "filter" => Slot::Filter,
            _ => {
                let more = ["url"].into_iter().chain(self.words.iter().copied());
                return Err(unknown_word(&format!("{{{text}}}"), text, more));
            }
        };
        if !self.words.contains(&text) {
            return Err(format!("{{{text}}} has no value here; there is {}", self.listed()));
        }
        Ok(slot)
    }

    fn listed(self) -> String {
        let words = self.words.iter().map(|word| format!("{{{word}}}"));
        let mut words: Vec<String> = words.collect();
        words.extend(["{key.…}".to_owned(), "{secret.…}".to_owned(), "{url}".to_owned()]);
        words.join(", ")
    }
}

impl Template {
    /// Reads `text`; notes what is wrong with it.
    pub(in crate::targets::described) fn read(text: &str, at: &Span, allowed: Allowed<'_>, mistakes: &Mistakes) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            let inner = &rest[open + 1..];
            let Some(close) = inner.find('}').filter(|_| rest[open..].starts_with('{')) else {
                mistakes.add(
                    at.clone(),
                    "a brace names a value, as {name} does, and this one has no partner",
                );
                return Self(parts);
            };
            match slot(&inner[..close], allowed) {
                Ok(part) => parts.push(part),
                Err(why) => mistakes.add(at.clone(), why),
            }
            rest = &inner[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Self(parts)
    }

    /// The slots in it.
    pub(in crate::targets::described) fn slots(&self) -> impl Iterator<Item = (&Slot, Option<Filter>)> {
        self.0.iter().filter_map(|part| match part {
            Part::Slot(slot, filter) => Some((slot, *filter)),
            Part::Literal(_) => None,
        })
    }

    /// The slot that it is, where it is nothing else.
    pub(in crate::targets::described) fn sole(&self) -> Option<(&Slot, Option<Filter>)> {
        match self.0.as_slice() {
            [Part::Slot(slot, filter)] => Some((slot, *filter)),
            _ => None,
        }
    }

    /// What it says where it names no value.
    pub(in crate::targets::described) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl Slot {
    /// Whether its value comes from outside: from a signal, or from what people name things at the target.
    pub(in crate::targets::described) const fn is_foreign(&self) -> bool {
        matches!(
            self,
            Self::Name | Self::Id | Self::Grant | Self::Parent | Self::Each | Self::Grants | Self::Principal(_)
        )
    }
}

fn slot(text: &str, allowed: Allowed<'_>) -> Result<Part, String> {
    // A pointer may hold the bar.
    let (name, filter) = match text.rsplit_once('|') {
        Some((name, filter)) if !text.starts_with("principal:") => (name, Some(filter)),
        _ => (text, None),
    };
    let filter = filter.map(|word| {
        let found = FILTERS.iter().find(|(known, _)| *known == word);
        found
            .map(|(_, filter)| *filter)
            .ok_or_else(|| unknown_word(&format!("{{{text}}}"), word, FILTERS.iter().map(|(known, _)| *known)))
    });
    let filter = filter.transpose()?;
    let slot = allowed.slot(name)?;
    if matches!(slot, Slot::Pair(..)) != (filter == Some(Filter::Basic)) {
        return Err(format!(
            "{{{text}}}: two values with a plus between them are for |basic, and for nothing else"
        ));
    }
    if filter.is_some() && matches!(slot, Slot::Grants | Slot::Principal(_)) {
        return Err(format!("{{{text}}}: a filter writes one text, and this may be more"));
    }
    Ok(Part::Slot(slot, filter))
}
