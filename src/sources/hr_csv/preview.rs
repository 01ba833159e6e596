//! What a file would do, without doing it: who leaves when, in their own zone and in UTC, and what could not be read.

use std::path::Path;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::opening::{self, Opened};
use super::row::{Ask, Row};
use super::rules::{LARGEST_FILE, Rules};
use super::{claim, contents};
use crate::model::{Leaves, Subject, Timestamp, Wish, iana_zone};

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
    /// When it takes effect: local time with offset and zone, as in `2026-04-01T00:00:00+02:00[Europe/Berlin]`. Absent where the row
    /// changes no access.
    pub local: Option<String>,
    /// The same instant.
    pub utc: Option<Timestamp>,
    /// Why a human would be asked first.
    pub hold: Option<String>,
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewRefusal {
    /// Where it stands: `line 17`.
    pub place: String,
    /// Why.
    pub why: String,
}

/// Reads a file as the source would at `now`, and changes nothing.
///
/// # Errors
/// Where the file cannot be read at all.
pub fn preview(path: &Path, rules: &Rules, now: Timestamp) -> anyhow::Result<Preview> {
    let shown = path.display();
    let file = match opening::open(path).with_context(|| format!("cannot open {shown}"))? {
        Opened::File(file, identity) if identity.len <= LARGEST_FILE => file,
        Opened::File(..) => anyhow::bail!("{shown} is larger than {} MiB: split it", LARGEST_FILE >> 20),
        Opened::Refused(why) => anyhow::bail!("{shown} {why}"),
        Opened::Missing => anyhow::bail!("there is no file {shown}"),
    };
    let contents = contents::read(file, rules).with_context(|| format!("cannot read {shown}"))?;
    Ok(Preview {
        rejected: contents.rejected,
        rows: contents.rows.iter().map(|(line, row)| one(*line, row, rules, now)).collect(),
        refused: contents
            .bad
            .into_iter()
            .map(|bad| PreviewRefusal {
                place: bad.place(),
                why: bad.why,
            })
            .collect(),
    })
}

fn one(line: u64, row: &Row, rules: &Rules, now: Timestamp) -> PreviewRow {
    let at = matches!(row.ask, Ask::Terminate | Ask::Suspend).then(|| row.leaves.as_ref().map_or(now, |(_, at)| *at));
    let zone = match &row.leaves {
        Some((Leaves::Wall { zone, .. }, _)) => zone,
        _ => &rules.time_zone,
    };
    PreviewRow {
        line,
        employee: row.employee.clone(),
        employment: row.employment.clone(),
        subject: row.subject.clone(),
        ask: row.ask,
        local: at.and_then(|at| local(at, iana_zone(zone)?)),
        utc: at,
        hold: match claim::signal(row, rules, now).wish {
            Wish::Hold(why) => Some(why),
            _ => None,
        },
    }
}

fn local(at: Timestamp, zone: TimeZone) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at.ms()).ok()?;
    Some(at.to_zoned_datetime(zone).to_string())
}
