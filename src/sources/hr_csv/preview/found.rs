//! What a preview finds: the file, its rows, and what of it could not be read.

use std::collections::HashSet;

use serde::Serialize;

use super::totals::Totals;
use crate::model::{Signal, Subject, Timestamp};
use crate::sources::hr_csv::rows::change_kind::ChangeKind;
use crate::sources::hr_csv::rows::urgency::Urgency;
use crate::sources::hr_csv::settings::rules::Rules;
use crate::sources::hr_csv::statements::full_file;

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
    /// A mapping that may be meant, as config, where a column is missing and another is called almost like it.
    pub mapping: Option<String>,
    /// Why the whole file would wait for a human: more departures than its source may send without one.
    pub held_whole: Option<String>,
    /// Why a part of it would.
    pub held_in_part: Option<String>,
    /// Why it was not compared with what was taken before.
    pub not_compared: Option<String>,
    /// Targets that could not be asked, each with why.
    pub not_asked: Vec<String>,
    /// What the daemon would look at beside the file, and this could not.
    pub not_checked: Option<String>,
    /// The rows that can be read, in the file's order.
    pub rows: Vec<PreviewRow>,
    /// What cannot: rows, and cells of the rows of people who stay.
    pub refused: Vec<PreviewRefusal>,
    /// How many there are of each.
    pub totals: Totals,
    #[serde(skip)]
    pub(super) digest: [u8; 32],
}

/// A file with the same bytes, taken before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenBefore {
    /// Its name.
    pub name: String,
    /// When.
    pub at: Timestamp,
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
            let asks = !matches!(row.change, ChangeKind::Nothing | ChangeKind::Unclear);
            if asks && !matches!(row.effect, Effect::Stands | Effect::Overtaken) {
                row.comes_to_nothing("the file was taken before");
            }
        }
        self.taken_before = Some(before);
    }

    /// Ends what is weighed: of a file that is rejected whole no row does anything. Counts the rows.
    pub fn conclude(&mut self) {
        if self.rejected.is_some() {
            (self.held_whole, self.held_in_part) = (None, None);
            for row in &mut self.rows {
                row.comes_to_nothing("the file is rejected whole");
            }
        }
        let of = |effect| self.rows.iter().filter(|row| row.effect == effect).count() as u64;
        let which = |of: fn(&PreviewRow) -> bool| self.rows.iter().filter(|row| of(row)).count() as u64;
        self.totals = Totals {
            planned: of(Effect::Planned),
            moves: of(Effect::Moves),
            at_once: of(Effect::AtOnce),
            held: of(Effect::Held),
            blocked: of(Effect::Blocked),
            calls_off: of(Effect::CallsOff),
            stands: of(Effect::Stands),
            overtaken: of(Effect::Overtaken),
            nothing: of(Effect::Nothing),
            unknown: which(|row| row.unknown),
            unnamed: which(|row| row.unnamed),
            ..self.totals
        };
    }

    /// Compares a file that should name everybody with the last one: `last` is the body of the entry
    /// [`LAST_FULL_FILE`](crate::sources::hr_csv::LAST_FULL_FILE).
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
    /// Whether its reason changes when access ends.
    #[serde(skip_serializing_if = "Urgency::is_usual")]
    pub urgency: Urgency,
    /// When access ends: local time with offset and zone, as in `2026-04-01T00:00:00+02:00[Europe/Berlin]`. Absent where the row changes no
    /// access.
    pub local: Option<String>,
    /// The same instant.
    pub utc: Option<Timestamp>,
    /// Where a plan moves or is called off: when access was to end by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// What would become of it.
    pub effect: Effect,
    /// Why, where that is not plain.
    pub why: Option<String>,
    /// Whether nobody is known by its names, where that was asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// Whether no source has named the person before, and no target was asked: of a newcomer nothing else can be known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unnamed: bool,
    /// Whether a status says that the employment goes on without an end: what a status has planned before is called off by it.
    #[serde(skip)]
    pub open_ended: bool,
    /// What is handed in for the row.
    #[serde(skip)]
    pub signal: Option<Signal>,
    /// Which turn it has among the rows of the file.
    #[serde(skip)]
    pub turn: usize,
}

impl PreviewRow {
    /// Says that nothing follows, and why.
    pub fn comes_to_nothing(&mut self, why: impl Into<String>) {
        self.effect = Effect::Nothing;
        self.from = None;
        self.why = Some(why.into());
        (self.unknown, self.unnamed) = (false, false);
    }

    /// Adds to why.
    pub fn adds(&mut self, why: &str) {
        self.why = Some(match self.why.take() {
            Some(before) => format!("{before}; {why}"),
            None => why.to_owned(),
        });
    }
}

/// What would become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Access would end at its time.
    Planned,
    /// A plan would move: access would end at another time than was said before.
    Moves,
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
    /// Whether somebody's access would end, now or later, or a human would decide over that.
    #[must_use]
    pub const fn ends_access(self) -> bool {
        matches!(self, Self::Planned | Self::Moves | Self::AtOnce | Self::Held | Self::Blocked)
    }

    /// The word in lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Moves => "moves",
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
    /// Whom it names, where its cells can be told apart: `user11@example.test (2001)`.
    pub whose: Option<String>,
    /// The column, where it is one's fault.
    pub column: Option<&'static str>,
    /// What stands there, in quotes, shortened and harmless.
    pub value: Option<String>,
    /// Why.
    pub why: String,
    /// What to write instead.
    pub instead: String,
    /// Whether it is the row of somebody who stays, or may: it never decides over the file.
    pub stays: bool,
}
