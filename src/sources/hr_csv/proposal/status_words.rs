//! What the words of a status column may mean.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::sources::hr_csv::format::presets::PRESETS;
use crate::sources::hr_csv::format::status_words::{EmploymentStatus, plain};

/// Words that several systems use, beside those of the presets.
const COMMON: &[(&str, EmploymentStatus)] = &[
    ("Left", EmploymentStatus::Terminated),
    ("Resigned", EmploymentStatus::Terminated),
    ("Retired", EmploymentStatus::Terminated),
    ("Ausgeschieden", EmploymentStatus::Terminated),
    ("Ausgetreten", EmploymentStatus::Terminated),
    ("Elternzeit", EmploymentStatus::Active),
    ("Parental leave", EmploymentStatus::Active),
    ("Sick leave", EmploymentStatus::Active),
    ("deleted", EmploymentStatus::Deleted),
];

/// A column of more words than this is none of a status.
const MOST: usize = 40;

/// A word of the status column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Word {
    /// The word as written.
    pub word: String,
    /// How many rows hold it.
    pub rows: u64,
    /// What it means wherever it is known: the key under `status_words`.
    pub means: Option<&'static str>,
}

/// The words of a column, the most frequent first.
pub(super) fn words<'c>(cells: impl Iterator<Item = &'c str>) -> Vec<Word> {
    let mut counts: BTreeMap<String, (String, u64)> = BTreeMap::new();
    for cell in cells {
        let shown: String = cell.trim().chars().take(60).collect();
        counts.entry(plain(cell)).or_insert((shown, 0)).1 += 1;
    }
    let known = known();
    let mut words: Vec<Word> = counts
        .into_iter()
        .map(|(plain, (word, rows))| Word {
            means: known
                .get(&plain)
                .and_then(|meanings| match meanings.iter().collect::<Vec<_>>()[..] {
                    [one] => Some(*one),
                    _ => None,
                }),
            word,
            rows,
        })
        .collect();
    words.sort_by(|one, other| other.rows.cmp(&one.rows).then_with(|| one.word.cmp(&other.word)));
    words
}

/// What is to be decided by a person.
pub(super) fn undecided(header: &str, words: &mut Vec<Word>) -> Vec<String> {
    if words.len() > MOST {
        let why = format!(
            "status: {header:?} holds {} different words, and is hardly a status",
            words.len()
        );
        words.clear();
        return vec![why];
    }
    let open = words.iter().filter(|word| word.means.is_none());
    open.map(|word| {
        format!(
            "status_words: {:?} (in {} {}) means one thing here and another there: say whether it is terminated, active or ignore",
            word.word,
            word.rows,
            if word.rows == 1 { "row" } else { "rows" }
        )
    })
    .collect()
}

/// What each word means in some system.
fn known() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut known: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    let mut add = |word: &str, key: &'static str| {
        known.entry(plain(word)).or_default().insert(key);
    };
    for preset in PRESETS {
        // The presets are tested to be read.
        let table: toml::Table = preset.keys.parse().unwrap_or_default();
        let lists = table.get("status_words").and_then(toml::Value::as_table);
        for (_, key) in EmploymentStatus::ALL {
            let words = lists.and_then(|lists| lists.get(key)?.as_array());
            words
                .into_iter()
                .flatten()
                .filter_map(toml::Value::as_str)
                .for_each(|word| add(word, key));
        }
    }
    for (word, standing) in COMMON {
        for (_, key) in EmploymentStatus::ALL.into_iter().filter(|(other, _)| other == standing) {
            add(word, key);
        }
    }
    known
}
