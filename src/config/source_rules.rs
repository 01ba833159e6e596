//! What a source may claim, of whom, and how far: from what is written to what policy asks.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::Diagnostics;
use super::file;
use super::names::domain;
use crate::model::{Priority, Reason};
use crate::policy::{INBOX, Level, Mode, Playbook, SourceRules};
use crate::settings::nearest;

/// The keys of a source that bound what it may claim, as written.
#[derive(Debug, Default)]
pub(super) struct WrittenRules {
    mode: Option<Spanned<String>>,
    reasons: Option<Vec<Spanned<String>>>,
    playbooks: Option<Vec<Spanned<String>>>,
    domains: Option<Vec<Spanned<String>>>,
    highest: Option<Spanned<String>>,
    urgency: Option<Spanned<String>>,
}

/// How urgent a source may be, in words.
const URGENCIES: [(&str, Priority); 3] = [
    ("urgent", Priority::URGENT),
    ("prompt", Priority::PROMPT),
    ("routine", Priority::ROUTINE),
];

impl WrittenRules {
    pub(super) fn of(source: &mut file::Source) -> Self {
        Self {
            mode: source.mode.take(),
            reasons: source.reasons.take(),
            playbooks: source.playbooks.take(),
            domains: source.domains.take(),
            highest: source.highest.take(),
            urgency: source.urgency.take(),
        }
    }

    /// Checked, for a source of this name.
    pub(super) fn checked(&self, source: &str, playbooks: &BTreeMap<String, Playbook>, found: &mut Diagnostics) -> SourceRules {
        let mode = self
            .mode
            .as_ref()
            .and_then(|mode| one_of("mode", mode, Mode::ALL.map(|mode| (mode.word(), mode)), found));
        if let (INBOX, Some(Mode::Rehearse), Some(written)) = (source, mode, &self.mode) {
            found.complain(
                written.span(),
                "mode: operators are always taken at their word; to see what would be done, they write revoke --rehearse",
            );
        }
        let claims = Reason::ALL.into_iter().filter(|reason| leads_somewhere(*reason));
        let claims: Vec<(&str, Reason)> = claims.map(|reason| (reason.word(), reason)).collect();
        let named: Vec<(&str, String)> = playbooks.keys().map(|name| (name.as_str(), name.clone())).collect();
        SourceRules {
            mode: mode.unwrap_or_default(),
            reasons: each("reasons", self.reasons.as_deref(), &claims, found),
            playbooks: each("playbooks", self.playbooks.as_deref(), &named, found),
            domains: self.domains.as_ref().map(|domains| {
                let domains = domains.iter();
                domains.filter_map(|text| domain("domains", text, found)).collect()
            }),
            highest: self.highest.as_ref().and_then(|written| level(written, found)),
            urgency: self
                .urgency
                .as_ref()
                .and_then(|written| one_of("urgency", written, URGENCIES, found)),
        }
    }
}

/// Whether anything ever follows from a reason: where nothing does, nothing needs to be allowed.
const fn leads_somewhere(reason: Reason) -> bool {
    !matches!(reason, Reason::Reactivated | Reason::Noted)
}

/// A level of the ladder.
pub(super) fn level(written: &Spanned<String>, found: &mut Diagnostics) -> Option<Level> {
    one_of("highest", written, Level::ALL.map(|level| (level.word(), level)), found)
}

fn each<T: Clone + Ord>(
    key: &str,
    written: Option<&[Spanned<String>]>,
    known: &[(&str, T)],
    found: &mut Diagnostics,
) -> Option<BTreeSet<T>> {
    let words = written?.iter();
    Some(
        words
            .filter_map(|word| one_of(key, word, known.iter().cloned(), found))
            .collect(),
    )
}

/// What a word of a closed list means.
fn one_of<'k, T>(
    key: &str,
    written: &Spanned<String>,
    known: impl IntoIterator<Item = (&'k str, T)>,
    found: &mut Diagnostics,
) -> Option<T> {
    let (mut words, mut meant) = (Vec::new(), None);
    for (word, value) in known {
        words.push(word);
        if word == written.get_ref() {
            meant = Some(value);
        }
    }
    if meant.is_none() {
        let shown: String = written.get_ref().chars().take(40).collect();
        let message = match nearest(&shown, words.iter().copied()) {
            Some(near) => format!("{key}: {shown:?} is none of the words here; did you mean {near:?}?"),
            None => format!("{key}: {shown:?} is none of the words here; there are {}", words.join(", ")),
        };
        found.complain(written.span(), message);
    }
    meant
}
