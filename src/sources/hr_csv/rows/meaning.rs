//! What a row says, by its action, its status or its day alone, before it is looked at whom it is about and when exactly.

use super::change_kind::ChangeKind;
use super::fields::{Fields, Instant, LAST_DAY};
use super::row_error::RowError;
use crate::sources::hr_csv::format::dates::{DateFormat, Day};
use crate::sources::hr_csv::format::status_words::EmploymentStatus;
use crate::sources::hr_csv::settings::rules::Rules;

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct Meaning {
    /// What it asks for.
    pub change: ChangeKind,
    /// Whether a status or a day says so, and no action.
    pub is_state: bool,
    /// Whether HR calls the person employed, although the row names a last day.
    pub still_here: bool,
    /// Whether the last day lies so far back that the row asks for nothing.
    pub history: bool,
    /// The last day, as far as it may be an end.
    pub day: Day,
    /// The instant that goes before it.
    pub at: Instant,
    /// What could not be read of the row of somebody who stays, or may.
    pub aside: Option<RowError>,
    /// A word of the status column that is not known.
    pub unknown: Option<String>,
}

impl Meaning {
    /// Reads what a row says.
    pub(in crate::sources::hr_csv) fn of(fields: &Fields<'_>, rules: &Rules) -> Result<Self, RowError> {
        let word = Word::of(fields, rules)?;
        let (day, at) = ends_at(fields, &word, rules);
        let dated = matches!(day, Day::On(_)) || matches!(at, Instant::At(_));
        let history = matches!((day, rules.format.history_before), (Day::On(day), Some(from)) if day < from);
        let history = history && matches!(word, Word::Left | Word::ByDay);
        let (change, still_here) = match &word {
            Word::Left | Word::ByDay if history => (ChangeKind::Nothing, false),
            Word::Left => (ChangeKind::Terminate, false),
            Word::ByDay if dated => (ChangeKind::Terminate, false),
            Word::Employed if dated => (ChangeKind::Terminate, true),
            Word::ByDay | Word::Employed => (ChangeKind::Active, false),
            Word::ChangeKind(change) => (*change, false),
            Word::Unknown(_) => (ChangeKind::Unclear, false),
        };
        let mut meaning = Self {
            change,
            is_state: fields.text("action").is_empty(),
            still_here,
            history,
            day,
            at,
            aside: None,
            unknown: None,
        };
        if let Word::Unknown(word) = word {
            meaning.aside = Some(unknown_status(&word));
            meaning.unknown = Some(word);
        } else if let Some(unread) = unread(fields, day, at, rules) {
            if !meaning.stays() {
                return Err(unread);
            }
            meaning.aside = Some(unread);
        }
        Ok(meaning)
    }

    /// Whether access ends, or rests, by it.
    pub(in crate::sources::hr_csv) fn acts(&self) -> bool {
        matches!(self.change, ChangeKind::Terminate | ChangeKind::Suspend)
    }

    /// Whether the person stays, or may.
    pub(in crate::sources::hr_csv) fn stays(&self) -> bool {
        self.still_here || matches!(self.change, ChangeKind::Active | ChangeKind::Nothing | ChangeKind::Unclear)
    }

    /// Whether it names a last day, or an instant.
    pub(in crate::sources::hr_csv) fn is_dated(&self) -> bool {
        matches!(self.day, Day::On(_)) || matches!(self.at, Instant::At(_))
    }

    /// The status as part of what is said. Which of the words for the same it is, and that HR changes it when the planned day has come, is no
    /// news.
    pub(in crate::sources::hr_csv) fn status<'l>(&self, fields: &Fields<'l>) -> &'l str {
        let written = fields.text("status");
        match self.change {
            _ if !self.is_state || !fields.columns.has("status") => written,
            ChangeKind::Terminate => "terminated",
            ChangeKind::Active => "active",
            ChangeKind::Deleted => "deleted",
            _ => written,
        }
    }
}

/// The word that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// An action, or a status that is as good as one.
    ChangeKind(ChangeKind),
    /// The person has left, or leaves.
    Left,
    /// The person is employed.
    Employed,
    /// Nothing: the day decides.
    ByDay,
    /// A status that nobody has named.
    Unknown(String),
}

impl Word {
    fn of(fields: &Fields<'_>, rules: &Rules) -> Result<Self, RowError> {
        let action = fields.need("action")?;
        let status = fields.text("status");
        let standing = if fields.columns.has("status") {
            rules.format.words.of(status)
        } else {
            None
        };
        if action.eq_ignore_ascii_case("active") {
            return Ok(Self::Employed);
        }
        if !action.is_empty() {
            return ChangeKind::of_action(action, standing == Some(EmploymentStatus::Deleted)).map(Self::ChangeKind);
        }
        Ok(match standing {
            Some(EmploymentStatus::Terminated) => Self::Left,
            Some(EmploymentStatus::Active) => Self::Employed,
            Some(EmploymentStatus::Deleted) => Self::ChangeKind(ChangeKind::Deleted),
            Some(EmploymentStatus::Ignore) => Self::ChangeKind(ChangeKind::Nothing),
            None if !status.is_empty() => Self::Unknown(status.to_owned()),
            None if rules.format.by_date => Self::ByDay,
            None if rules.full_file => Self::Employed,
            None if fields.columns.has("action") => return ChangeKind::of_action("", false).map(Self::ChangeKind),
            None => Self::Unknown(String::new()),
        })
    }
}

/// The day and the instant of a row, as far as they may be an end. Of somebody who is employed an instant may be any: that of the hire, or of
/// the last change.
fn ends_at(fields: &Fields<'_>, word: &Word, rules: &Rules) -> (Day, Instant) {
    let dates = &rules.format.dates;
    let day = fields.day("last_working_day", dates);
    match word {
        Word::Left | Word::ByDay | Word::ChangeKind(ChangeKind::Terminate | ChangeKind::Suspend) => {
            (day, fields.instant("effective_at", dates))
        }
        Word::Employed | Word::Unknown(_) => (day, Instant::None),
        // What calls off, or says that somebody was hired, ends nothing.
        Word::ChangeKind(_) => (if day == Day::Unread { Day::Empty } else { day }, Instant::None),
    }
}

/// What is wrong with the end that a row names.
fn unread(fields: &Fields<'_>, day: Day, at: Instant, rules: &Rules) -> Option<RowError> {
    match (day, at) {
        (_, Instant::Unread) => Some(RowError::at(
            "effective_at",
            "effective_at is not a date and time with its distance from UTC",
            "2026-03-31T17:30:00+02:00; leave it empty where the day alone is meant",
        )),
        (Day::Unread, Instant::None) => Some(no_day(
            fields.at_fault(LAST_DAY, &rules.format.dates),
            &rules.format.dates.format,
        )),
        _ => None,
    }
}

/// What is wrong with a last day.
fn no_day(written: &str, format: &DateFormat) -> RowError {
    if format.is_form_of(written) {
        return RowError::at(
            LAST_DAY,
            format!(
                "last_working_day is written as {}, and the calendar has no such day",
                format.written()
            ),
            "a day that there is: the month has fewer days, or month and day have changed places",
        );
    }
    let instead = if *format == DateFormat::default() {
        "year, month and day with hyphens: 2026-04-03 for 3 April 2026".to_owned()
    } else {
        format!(
            "the day as {}; what stands for no day can be named under null_dates",
            format.written()
        )
    };
    let what = format!(
        "last_working_day is not a day of the calendar written as {}",
        format.written()
    );
    RowError::at(LAST_DAY, what, instead)
}

fn unknown_status(word: &str) -> RowError {
    let what = if word.is_empty() {
        "status is empty"
    } else {
        "status is no word that is known"
    };
    let instead = "a word that status_words names in the config, or have the word added there";
    RowError::at("status", what, instead)
}
