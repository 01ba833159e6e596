//! A document of statements, each with the numbers of the trail's entries that carry it, whatever it is written as.

use std::collections::BTreeSet;

use revoked_trail::CitedEntries;
use revoked_trail::report_verifier::MEMBER;
use serde::Serialize;
use serde_json::{Map, Value};

use super::words::Words;
use crate::model::Timestamp;
use crate::trail::{BESIDE_THE_STORE, Cited};
use crate::wording::plain;

/// A report.
#[derive(Debug, Clone)]
pub struct Document {
    /// What it is: `case`, `person` or `handover`.
    pub(super) kind: &'static str,
    /// What it is about, for programs.
    pub(super) about: Map<String, Value>,
    /// Its heading.
    pub(super) title: Words,
    /// When it was made.
    pub(super) made_at: Timestamp,
    /// The same for people.
    pub(super) made: String,
    /// In which zone its times are told, as a sentence.
    pub(super) zone: String,
    /// What it says.
    pub(super) sections: Vec<Section>,
    /// What it rests on; nothing where the document is a message and no evidence.
    pub(super) trail: Option<TrailState>,
    /// The entries that it cites, with their proofs; nothing where it is a message.
    pub(super) inclusion: Option<CitedEntries>,
    /// Whether it is a message: without room between its parts.
    pub(super) compact: bool,
}

/// Statements of one sort under one heading.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    /// Its name for programs.
    pub(super) name: &'static str,
    /// Its heading; none for what stands at the top.
    pub(super) heading: &'static str,
    /// The columns of a table; none for a list of sentences.
    pub(super) columns: &'static [&'static str],
    /// The statements.
    pub(super) statements: Vec<Statement>,
    /// What stands there where there is none; nothing where the section is left out then.
    pub(super) nothing: &'static str,
    /// How many there are in all, where the heading says it.
    pub(super) count: Option<usize>,
    /// How many more there are than are told, and the command that shows them.
    pub(super) more: Option<(usize, String)>,
}

/// One sentence, or one row of a table, that the trail carries.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// The sentence, or the cells of the row.
    pub(super) cells: Vec<Words>,
    /// When what it says came about.
    pub(super) at: Option<Timestamp>,
    /// The entries that carry it, in order.
    pub(super) entries: Vec<u64>,
    /// What to type about it.
    pub(super) command: Option<String>,
}

impl Statement {
    /// A sentence that these entries carry.
    pub(super) fn new(words: Words, at: impl Into<Option<Timestamp>>, entries: impl IntoIterator<Item = u64>) -> Self {
        Self::row(vec![words], at, entries)
    }

    /// A row of a table that these entries carry.
    pub(super) fn row(cells: Vec<Words>, at: impl Into<Option<Timestamp>>, entries: impl IntoIterator<Item = u64>) -> Self {
        let mut entries: Vec<u64> = entries.into_iter().collect();
        entries.sort_unstable();
        entries.dedup();
        Self {
            cells,
            at: at.into(),
            entries,
            command: None,
        }
    }

    /// The same, with what to type about it.
    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// The entries as a reader looks them up: `#3, #5-#9`.
    pub(super) fn cited(&self) -> String {
        runs(&self.entries)
    }
}

/// Numbers of entries in order, neighbours as one: `#3, #5-#9`.
pub(super) fn runs(entries: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for entry in entries {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *entry => *last = *entry,
            _ => runs.push((*entry, *entry)),
        }
    }
    let runs = runs.iter().map(|(first, last)| match last - first {
        0 => format!("#{first}"),
        1 => format!("#{first}, #{last}"),
        _ => format!("#{first}-#{last}"),
    });
    runs.collect::<Vec<_>>().join(", ")
}

/// How the trail stands that a document rests on.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub struct TrailState {
    /// Whether every entry was verified; nothing where that could not be tried.
    pub(super) verified: Option<bool>,
    /// How many entries there are.
    pub(super) entries: u64,
    /// How many of them signed checkpoints outside the database confirm.
    pub(super) confirmed: u64,
    /// What is wrong, or why it could not be tried.
    pub(super) findings: Vec<String>,
    /// The files of checkpoints that whoever owns the store's folder owns too.
    pub(super) anchors_beside_the_store: Vec<String>,
    /// The newest signed checkpoint.
    pub(super) checkpoint: Option<SignedHead>,
}

/// What a checkpoint signs.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SignedHead {
    /// The trail's origin.
    pub(super) origin: String,
    /// How many entries it covers.
    pub(super) size: u64,
    /// The root of their tree.
    pub(super) root: String,
}

impl Document {
    /// The same with what it rests on, and with the proofs of the entries that it cites.
    #[must_use]
    pub fn resting_on(mut self, mut trail: TrailState, cited: Cited) -> Self {
        trail.findings.extend(cited.findings);
        self.trail = Some(trail);
        self.inclusion = Some(cited.entries);
        self
    }

    /// The numbers of the entries that it cites.
    #[must_use]
    pub fn cited(&self) -> BTreeSet<u64> {
        let statements = self.sections.iter().flat_map(|section| &section.statements);
        statements.flat_map(|told| told.entries.iter().copied()).collect()
    }

    /// The document for programs.
    ///
    /// # Errors
    /// Where the state of the trail cannot be written as JSON.
    pub fn json(&self) -> serde_json::Result<Value> {
        let mut document = Map::new();
        document.insert("report".to_owned(), self.kind.into());
        document.extend(self.about.clone());
        document.insert("title".to_owned(), self.title.text().into());
        document.insert("made_at".to_owned(), self.made_at.to_string().into());
        document.insert("times".to_owned(), self.zone.clone().into());
        for section in &self.sections {
            let statements: Vec<Value> = section.statements.iter().map(|told| told.json(section)).collect();
            document.insert(section.name.to_owned(), statements.into());
            if let Some((more, command)) = &section.more {
                let more = serde_json::json!({ "count": more, "command": command });
                document.insert(format!("{}_more", section.name), more);
            }
        }
        if let Some(state) = &self.trail {
            document.insert("trail".to_owned(), serde_json::to_value(state)?);
        }
        if let Some(inclusion) = &self.inclusion {
            document.insert(MEMBER.to_owned(), serde_json::to_value(inclusion)?);
        }
        Ok(Value::Object(document))
    }

    /// Whether nothing at all is written.
    pub(super) fn is_empty(&self) -> bool {
        self.sections.iter().all(Section::is_left_out)
    }

    /// Who made it, when, and in which zone its times are told.
    pub(super) fn footer(&self) -> String {
        format!(
            "Made by revoked {} at {}. {}",
            env!("CARGO_PKG_VERSION"),
            self.made,
            self.zone
        )
    }

    /// How the trail stands, in sentences for people.
    pub(super) fn trail_sentences(&self) -> Vec<Words> {
        let Some(state) = &self.trail else { return Vec::new() };
        let mut said = vec![match state.verified {
            Some(true) => Words::of(format!(
                "Verified when this was made: all {} entries; {} of them are confirmed by signed checkpoints outside the database.",
                state.entries, state.confirmed
            )),
            Some(false) => {
                Words::of("NOT VERIFIED: what this document rests on may have been changed. See: ").command("revoked trail verify")
            }
            None => {
                Words::of("Not all of the trail was verified when this was made. To verify it: ").command("revoked trail verify")
            }
        }];
        said.extend(state.findings.iter().map(|finding| Words::of("Finding: ").name(finding)));
        let beside = state.anchors_beside_the_store.iter();
        said.extend(beside.map(|path| Words::of("Note: ").name(path).and(format!(" {BESIDE_THE_STORE}."))));
        said.push(match &state.checkpoint {
            Some(head) => {
                let newest = self.cited().last().copied();
                let beyond = newest.filter(|newest| *newest >= head.size);
                let covers = match (newest, beyond) {
                    (_, Some(newest)) => format!(" It does not cover the newest entry used here, #{newest}, yet."),
                    (Some(_), None) => " It covers every entry used here.".to_owned(),
                    (None, None) => String::new(),
                };
                Words::of("Newest checkpoint: ")
                    .name(&head.origin)
                    .and(format!(", {} entries, root ", head.size))
                    .name(&head.root)
                    .and(format!(".{covers}"))
            }
            None => Words::of("No checkpoint was signed yet."),
        });
        said.push(Words::of("A number such as [#12] is an entry of the trail: ").command("revoked trail show --from 12 --limit 1"));
        said
    }
}

impl Section {
    /// The heading, with how many there are.
    pub(super) fn heading(&self) -> String {
        match self.count {
            Some(count) => format!("{}: {count}", self.heading),
            None => self.heading.to_owned(),
        }
    }

    /// Whether nothing of it is to be written.
    pub(super) fn is_left_out(&self) -> bool {
        self.statements.is_empty() && self.nothing.is_empty() && self.more.is_none()
    }
}

impl Statement {
    fn json(&self, section: &Section) -> Value {
        let mut told = Map::new();
        if section.columns.is_empty() {
            let text: Vec<String> = self.cells.iter().map(Words::text).collect();
            told.insert("text".to_owned(), text.join(" ").into());
        }
        for (column, cell) in section.columns.iter().zip(&self.cells) {
            told.insert(column.replace(' ', "_"), cell.text().into());
        }
        if let Some(at) = self.at {
            told.insert("at".to_owned(), at.to_string().into());
        }
        told.insert("entries".to_owned(), self.entries.clone().into());
        if let Some(command) = &self.command {
            told.insert("command".to_owned(), plain(command).into());
        }
        Value::Object(told)
    }
}
