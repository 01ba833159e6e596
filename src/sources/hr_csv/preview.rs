//! What a file would do, without doing it: who leaves when, in their own zone and in UTC, and what could not be read.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::ask::Ask;
use super::claim;
use super::contents::{self, Contents};
use super::full_file;
use super::opening::{self, Opened};
use super::rules::{LARGEST_FILE, Rules};
use super::signature;
use super::statements::{Said, order};
use crate::model::{Leaves, Subject, Timestamp, Wish};

/// What a file would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Why nothing in the file would be acted on.
    pub rejected: Option<String>,
    /// The rows that can be read, in the file's order.
    pub rows: Vec<PreviewRow>,
    /// The others.
    pub refused: Vec<PreviewRefusal>,
}

impl Preview {
    /// Compares a file that should name everybody with the last one: `last` is the body of the memo [`super::LAST_FULL_FILE`].
    pub fn compare(&mut self, rules: &Rules, last: Option<&str>) {
        if !rules.full_file || self.rejected.is_some() {
            return;
        }
        let named: HashSet<(&str, &str)> = self
            .rows
            .iter()
            .map(|row| (row.employee.as_str(), row.employment.as_str()))
            .collect();
        self.rejected = full_file::would_be_refused(named.len() as u64, last, rules);
    }
}

/// What one row would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewRow {
    /// The line it stands on.
    pub line: u64,
    /// HR's number of the person.
    pub employee: String,
    /// HR's number of the employment.
    pub employment: String,
    /// Whom it is about.
    pub subject: Subject,
    /// What it asks for.
    pub ask: Ask,
    /// When access ends: local time with offset and zone, as in `2026-04-01T00:00:00+02:00[Europe/Berlin]`. Absent where the row changes no
    /// access.
    pub local: Option<String>,
    /// The same instant.
    pub utc: Option<Timestamp>,
    /// What would become of it.
    pub effect: Effect,
    /// Why, where that is not plain.
    pub why: Option<String>,
}

/// What would become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Access would end at its time.
    Planned,
    /// Access would end at once.
    AtOnce,
    /// A human would be asked first.
    Held,
    /// A human would be asked, since the person has another employment.
    Blocked,
    /// A departure would be called off.
    CallsOff,
    /// It says that an employment stands, and changes nothing.
    Stands,
    /// Another row of the same file takes it back.
    Overtaken,
    /// Nothing: it was said before, or there is nothing to call off.
    Nothing,
}

impl Effect {
    /// The word in lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::AtOnce => "at once",
            Self::Held => "held",
            Self::Blocked => "blocked",
            Self::CallsOff => "calls off",
            Self::Stands => "stands",
            Self::Overtaken => "overtaken",
            Self::Nothing => "nothing",
        }
    }
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewRefusal {
    /// Where it stands: `line 17`.
    pub place: String,
    /// The column, where it is one's fault.
    pub column: Option<&'static str>,
    /// Why.
    pub why: String,
    /// What to write instead.
    pub instead: String,
}

/// Reads a file as the source would at `now`, and changes nothing.
///
/// # Errors
/// Where the file cannot be read at all.
pub fn preview(path: &Path, rules: &Rules, now: Timestamp) -> anyhow::Result<Preview> {
    let mut contents = read(path, rules)?;
    let refused = std::mem::take(&mut contents.bad).into_iter().map(|bad| PreviewRefusal {
        place: bad.place(),
        column: bad.why.column,
        why: bad.why.what,
        instead: bad.why.instead,
    });
    let refused = refused.collect();
    let said = order(contents.rows);
    let stands: HashSet<(String, String)> = said
        .iter()
        .filter(|said| {
            matches!(said.row.ask, Ask::Active | Ask::Rehire) && said.overtaken.is_none() && !said.row.employment.is_empty()
        })
        .map(|said| (said.row.employee.clone(), said.row.employment.clone()))
        .filter(|of| {
            !said
                .iter()
                .any(|other| ends(other) && (&other.row.employee, &other.row.employment) == (&of.0, &of.1))
        })
        .collect();
    let mut rows: Vec<_> = said
        .iter()
        .map(|said| {
            let other = stands
                .iter()
                .find(|(employee, employment)| *employee == said.row.employee && *employment != said.row.employment);
            one(said, other.map(|(_, employment)| employment.as_str()), rules, now)
        })
        .collect();
    rows.sort_by_key(|row| row.line);
    Ok(Preview {
        rejected: contents.rejected,
        rows,
        refused,
    })
}

fn ends(said: &Said) -> bool {
    said.row.ask == Ask::Terminate && said.overtaken.is_none()
}

fn read(path: &Path, rules: &Rules) -> anyhow::Result<Contents> {
    let shown = path.display();
    let file = match opening::open(path).with_context(|| format!("cannot open {shown}"))? {
        Opened::File(file, identity) if identity.len <= LARGEST_FILE => file,
        Opened::File(..) => anyhow::bail!("{shown} is larger than {} MiB: split it", LARGEST_FILE >> 20),
        Opened::Refused(why) => anyhow::bail!("{shown} {why}"),
        Opened::Missing => anyhow::bail!("there is no file {shown}"),
    };
    let reading = || format!("cannot read {shown}");
    let Some(key) = &rules.signature else {
        return contents::read(file, rules).with_context(reading);
    };
    let bytes = std::io::Read::bytes(std::io::BufReader::new(file))
        .collect::<Result<Vec<u8>, _>>()
        .with_context(reading)?;
    let mut contents = contents::read(&bytes[..], rules).with_context(reading)?;
    if let Err(why) = signature::check(key, &signature::beside(path), &bytes).with_context(reading)? {
        contents.rejected.get_or_insert_with(|| why.to_owned());
    }
    Ok(contents)
}

fn one(said: &Said, other: Option<&str>, rules: &Rules, now: Timestamp) -> PreviewRow {
    let row = &said.row;
    let at = matches!(row.ask, Ask::Terminate | Ask::Suspend).then(|| row.leaves.as_ref().map_or(now, |(_, at)| *at));
    let leaves = row
        .leaves
        .as_ref()
        .map_or(Leaves::Instant { at: now }, |(leaves, _)| leaves.clone());
    let (effect, why) = if let Some(line) = said.overtaken {
        (
            Effect::Overtaken,
            Some(format!("line {line} says something else about this employment")),
        )
    } else {
        effect(said, other, rules, now)
    };
    PreviewRow {
        line: said.line,
        employee: row.employee.clone(),
        employment: row.employment.clone(),
        subject: row.subject.clone(),
        ask: row.ask,
        local: at.and_then(|at| leaves.local(at, &rules.time_zone)),
        utc: at,
        effect,
        why,
    }
}

fn effect(said: &Said, other: Option<&str>, rules: &Rules, now: Timestamp) -> (Effect, Option<String>) {
    let row = &said.row;
    if let Wish::Hold(why) = claim::signal(row, rules, now, &[0; 32]).wish {
        return (Effect::Held, Some(why));
    }
    match row.ask {
        Ask::Rescind | Ask::Rehire => (Effect::CallsOff, None),
        Ask::Active => (Effect::Stands, None),
        Ask::Terminate | Ask::Suspend | Ask::Deleted => {
            if let Some(employment) = other.filter(|_| row.ask == Ask::Terminate) {
                return (Effect::Blocked, Some(format!("employment {employment} has not ended")));
            }
            match row.leaves.as_ref().map(|(_, at)| *at) {
                Some(at) if at > now => (Effect::Planned, None),
                Some(at) => {
                    let hours = now.since(at).as_secs() / 3600;
                    (Effect::AtOnce, Some(format!("its time has passed, {hours} hours ago")))
                }
                None => (Effect::AtOnce, None),
            }
        }
    }
}
