//! What a file would do, without doing it: who leaves when, in their own zone and in UTC, and what could not be read.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::drop_folder::completeness::{self, Mismatch};
use super::files::regular_file::{self, Opened};
use super::files::signature;
use super::rows::change_kind::ChangeKind;
use super::rows::contents::{self, FileContents};
use super::settings::rules::{LARGEST_FILE, Rules, too_large};
use super::statements::latest::{LatestStatement, latest_statements};
use super::statements::persons::Overtaken;
use super::statements::{full_file, signals};
use crate::digest::hex;
use crate::model::{Disposition, Leaves, Subject, Timestamp};

/// What a file would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// SHA-256 of all its bytes, in hexadecimal.
    pub sha256: String,
    /// When a file with these bytes was taken before, and under which name: then it says nothing new.
    pub taken_before: Option<TakenBefore>,
    /// Why nothing in the file would be acted on.
    pub rejected: Option<String>,
    /// What of the file helps to mend it: its header, or the words of its status column that are not known.
    pub quotes: Option<String>,
    /// The rows that can be read, in the file's order.
    pub rows: Vec<PreviewRow>,
    /// What cannot: rows, and cells of the rows of people who stay.
    pub refused: Vec<PreviewRefusal>,
    /// How many there are of each.
    pub totals: Totals,
    #[serde(skip)]
    digest: [u8; 32],
}

/// A file with the same bytes, taken before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenBefore {
    /// Its name.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// How many rows there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Rows in the file, apart from header, trailer and blank lines.
    pub rows: u64,
    /// Access would end at its time.
    pub planned: u64,
    /// Access would end at once.
    pub at_once: u64,
    /// A human would be asked first.
    pub held: u64,
    /// A human would be asked, since the person has another employment.
    pub blocked: u64,
    /// A departure would be called off.
    pub calls_off: u64,
    /// The employment stands.
    pub stands: u64,
    /// Another row of the same file says otherwise.
    pub overtaken: u64,
    /// Nothing would follow.
    pub nothing: u64,
    /// What could not be read, in rows.
    pub refused: u64,
    /// Of those that would end access, those about people of whom nothing is known, where that was asked.
    pub unknown: u64,
    /// Of all rows, those with a day that stands for none, such as 0000-00-00.
    pub null_days: u64,
    /// Of those that stand, those of people who are called employed although their last day is over.
    pub stale: u64,
}

impl Preview {
    /// The SHA-256 of the file.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Takes the file for one that was taken before: nothing that it asks for is news.
    pub fn repeats(&mut self, before: TakenBefore) {
        for row in &mut self.rows {
            if !matches!(row.effect, Effect::Stands | Effect::Overtaken | Effect::Nothing) {
                row.effect = Effect::Nothing;
                row.why = Some("the file was taken before".to_owned());
            }
        }
        self.taken_before = Some(before);
    }

    /// Counts the rows anew, after their effects were weighed against what is known.
    pub fn count(&mut self) {
        let of = |effect| self.rows.iter().filter(|row| row.effect == effect).count() as u64;
        self.totals = Totals {
            planned: of(Effect::Planned),
            at_once: of(Effect::AtOnce),
            held: of(Effect::Held),
            blocked: of(Effect::Blocked),
            calls_off: of(Effect::CallsOff),
            stands: of(Effect::Stands),
            overtaken: of(Effect::Overtaken),
            nothing: of(Effect::Nothing),
            unknown: self.rows.iter().filter(|row| row.unknown).count() as u64,
            ..self.totals
        };
    }

    /// Compares a file that should name everybody with the last one: `last` is the body of the entry [`super::LAST_FULL_FILE`].
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
    #[serde(rename = "ask")]
    pub change: ChangeKind,
    /// When access ends: local time with offset and zone, as in `2026-04-01T00:00:00+02:00[Europe/Berlin]`. Absent where the row changes no
    /// access.
    pub local: Option<String>,
    /// The same instant.
    pub utc: Option<Timestamp>,
    /// What would become of it.
    pub effect: Effect,
    /// Why, where that is not plain.
    pub why: Option<String>,
    /// Whether nobody is known by its names, where that was asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// Whether a status says that the employment goes on without an end: what a status has planned before is called off by it.
    #[serde(skip)]
    pub open_ended: bool,
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
    /// Another row of the same file says otherwise.
    Overtaken,
    /// Nothing: it was said before, there is nothing to call off, or it is about nothing that concerns access.
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
    /// Whether it is the row of somebody who stays, or may: it never decides over the file.
    pub stays: bool,
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
        stays: !bad.why.counts,
    });
    let refused: Vec<_> = refused.collect();
    let null_days = contents.rows.iter().filter(|(_, row)| row.null_day).count() as u64;
    let said = latest_statements(contents.rows, now);
    let stands: HashSet<(String, String)> = said
        .iter()
        .filter(|said| {
            matches!(said.row.change, ChangeKind::Active | ChangeKind::Rehire)
                && said.overtaken.is_none()
                && !said.row.employment.is_empty()
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
        // What is not clear stands among what could not be read.
        .filter(|said| said.row.change != ChangeKind::Unclear)
        .map(|said| {
            let other = stands
                .iter()
                .find(|(employee, employment)| *employee == said.row.employee && *employment != said.row.employment);
            one(said, other.map(|(_, employment)| employment.as_str()), rules, now)
        })
        .collect();
    rows.sort_by_key(|row| row.line);
    let totals = Totals {
        rows: contents.records,
        refused: refused.len() as u64,
        null_days,
        stale: said.iter().filter(|said| said.stale).count() as u64,
        ..Totals::default()
    };
    let mut preview = Preview {
        sha256: hex(&contents.sha256),
        taken_before: None,
        rejected: contents.rejected,
        quotes: contents.quotes,
        rows,
        refused,
        totals,
        digest: contents.sha256,
    };
    preview.count();
    Ok(preview)
}

fn ends(said: &LatestStatement) -> bool {
    said.row.change == ChangeKind::Terminate && said.overtaken.is_none()
}

fn read(path: &Path, rules: &Rules) -> anyhow::Result<FileContents> {
    let shown = path.display();
    let file = match regular_file::open(path).with_context(|| format!("cannot open {shown}"))? {
        Opened::File(file, identity) if identity.len <= LARGEST_FILE => file,
        Opened::File(..) => {
            return Ok(FileContents {
                rejected: Some(too_large()),
                ..FileContents::default()
            });
        }
        Opened::Refused(why) => anyhow::bail!("{shown} {why}"),
        Opened::Missing => anyhow::bail!("there is no file {shown}"),
    };
    let reading = || format!("cannot read {shown}");
    let (mut contents, signed) = match &rules.signature {
        None => (contents::read(file, rules).with_context(reading)?, Ok(())),
        Some(key) => {
            let bytes = std::io::Read::bytes(std::io::BufReader::new(file))
                .collect::<Result<Vec<u8>, _>>()
                .with_context(reading)?;
            let signed = signature::check(key, &signature::beside(path), &bytes).with_context(reading)?;
            (contents::read(&bytes[..], rules).with_context(reading)?, signed)
        }
    };
    let mismatch = completeness::mismatch(path, &contents).with_context(reading)?;
    if let Err(why) = mismatch.map_err(|Mismatch(why)| why).and(signed.map_err(str::to_owned)) {
        contents.rejected.get_or_insert(why);
    }
    Ok(contents)
}

fn one(said: &LatestStatement, other: Option<&str>, rules: &Rules, now: Timestamp) -> PreviewRow {
    let row = &said.row;
    let (effect, why) = match said.overtaken {
        Some(Overtaken { line, how }) => (Effect::Overtaken, Some(format!("line {line} {how}"))),
        None => effect(said, other, rules, now),
    };
    // Of somebody who has left on a day that nobody names there is none to show, as long as a human is asked.
    let has_end = matches!(row.change, ChangeKind::Terminate | ChangeKind::Suspend) && !(row.undated && effect == Effect::Held);
    let at = has_end.then(|| row.leaves.as_ref().map_or(now, |(_, at)| *at));
    let leaves = row
        .leaves
        .as_ref()
        .map_or(Leaves::Instant { at: now }, |(leaves, _)| leaves.clone());
    PreviewRow {
        line: said.line,
        employee: row.employee.clone(),
        employment: row.employment.clone(),
        subject: row.subject.clone(),
        change: row.change,
        local: at.and_then(|at| leaves.local(at, &rules.time_zone)),
        utc: at,
        effect,
        why,
        unknown: false,
        open_ended: row.open_ended,
    }
}

fn effect(said: &LatestStatement, other: Option<&str>, rules: &Rules, now: Timestamp) -> (Effect, Option<String>) {
    let row = &said.row;
    if let Disposition::Hold(why) = signals::signal(said, rules, now, &[0; 32]).disposition {
        return (Effect::Held, Some(why));
    }
    match row.change {
        ChangeKind::Rescind | ChangeKind::Rehire => (Effect::CallsOff, None),
        ChangeKind::Active => {
            let stale = "it counts as employed, although the last day is over";
            (Effect::Stands, said.stale.then(|| stale.to_owned()))
        }
        ChangeKind::Nothing if row.history => (Effect::Nothing, Some("the last day lies before history_before".to_owned())),
        ChangeKind::Nothing | ChangeKind::Unclear => (
            Effect::Nothing,
            Some("the status says nothing that concerns access".to_owned()),
        ),
        ChangeKind::Terminate | ChangeKind::Suspend | ChangeKind::Deleted => {
            if let Some(employment) = other.filter(|_| row.change == ChangeKind::Terminate) {
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
