//! What a row says, by its action, its status or its day alone, before it is looked at whom it is about and when exactly.

use super::change_kind::Ask;
use super::fields::{Instant, Line};
use super::row_error::Wrong;
use crate::sources::hr_csv::format::dates::{DateForm, Day};
use crate::sources::hr_csv::format::status_words::Standing;
use crate::sources::hr_csv::settings::rules::Rules;

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct Meaning {
    /// What it asks for.
    pub ask: Ask,
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
    pub aside: Option<Wrong>,
    /// A word of the status column that is not known.
    pub unknown: Option<String>,
}

impl Meaning {
    /// Reads what a row says.
    pub(in crate::sources::hr_csv) fn of(line: &Line<'_>, rules: &Rules) -> Result<Self, Wrong> {
        let word = Word::of(line, rules)?;
        let (day, at) = ends_at(line, &word, rules);
        let dated = matches!(day, Day::On(_)) || matches!(at, Instant::At(_));
        let history = matches!((day, rules.form.history_before), (Day::On(day), Some(from)) if day < from);
        let history = history && matches!(word, Word::Left | Word::ByDay);
        let (ask, still_here) = match &word {
            Word::Left | Word::ByDay if history => (Ask::Nothing, false),
            Word::Left => (Ask::Terminate, false),
            Word::ByDay if dated => (Ask::Terminate, false),
            Word::Employed if dated => (Ask::Terminate, true),
            Word::ByDay | Word::Employed => (Ask::Active, false),
            Word::Ask(ask) => (*ask, false),
            Word::Unknown(_) => (Ask::Unclear, false),
        };
        let mut meaning = Self {
            ask,
            is_state: line.text("action").is_empty(),
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
        } else if let Some(unread) = unread(day, at, rules) {
            if !meaning.stays() {
                return Err(unread);
            }
            meaning.aside = Some(unread);
        }
        Ok(meaning)
    }

    /// Whether access ends, or rests, by it.
    pub(in crate::sources::hr_csv) fn acts(&self) -> bool {
        matches!(self.ask, Ask::Terminate | Ask::Suspend)
    }

    /// Whether the person stays, or may.
    pub(in crate::sources::hr_csv) fn stays(&self) -> bool {
        self.still_here || matches!(self.ask, Ask::Active | Ask::Nothing | Ask::Unclear)
    }

    /// Whether it names a last day, or an instant.
    pub(in crate::sources::hr_csv) fn is_dated(&self) -> bool {
        matches!(self.day, Day::On(_)) || matches!(self.at, Instant::At(_))
    }

    /// The status as part of what is said. Which of the words for the same it is, and that HR changes it when the planned day has come, is no
    /// news.
    pub(in crate::sources::hr_csv) fn status<'l>(&self, line: &Line<'l>) -> &'l str {
        let written = line.text("status");
        match self.ask {
            _ if !self.is_state || !line.columns.has("status") => written,
            Ask::Terminate => "terminated",
            Ask::Active => "active",
            Ask::Deleted => "deleted",
            _ => written,
        }
    }
}

/// The word that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// An action, or a status that is as good as one.
    Ask(Ask),
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
    fn of(line: &Line<'_>, rules: &Rules) -> Result<Self, Wrong> {
        let action = line.need("action")?;
        let status = line.text("status");
        let standing = if line.columns.has("status") {
            rules.form.words.of(status)
        } else {
            None
        };
        if action.eq_ignore_ascii_case("active") {
            return Ok(Self::Employed);
        }
        if !action.is_empty() {
            return Ask::of_action(action, standing == Some(Standing::Deleted)).map(Self::Ask);
        }
        Ok(match standing {
            Some(Standing::Terminated) => Self::Left,
            Some(Standing::Active) => Self::Employed,
            Some(Standing::Deleted) => Self::Ask(Ask::Deleted),
            Some(Standing::Ignore) => Self::Ask(Ask::Nothing),
            None if !status.is_empty() => Self::Unknown(status.to_owned()),
            None if rules.form.by_date => Self::ByDay,
            None if rules.full_file => Self::Employed,
            None if line.columns.has("action") => return Ask::of_action("", false).map(Self::Ask),
            None => Self::Unknown(String::new()),
        })
    }
}

/// The day and the instant of a row, as far as they may be an end. Of somebody who is employed an instant may be any: that of the hire, or of
/// the last change.
fn ends_at(line: &Line<'_>, word: &Word, rules: &Rules) -> (Day, Instant) {
    let dates = &rules.form.dates;
    let day = line.day("last_working_day", dates);
    match word {
        Word::Left | Word::ByDay | Word::Ask(Ask::Terminate | Ask::Suspend) => (day, line.instant("effective_at", dates)),
        Word::Employed | Word::Unknown(_) => (day, Instant::None),
        // What calls off, or says that somebody was hired, ends nothing.
        Word::Ask(_) => (if day == Day::Unread { Day::Empty } else { day }, Instant::None),
    }
}

/// What is wrong with the end that a row names.
fn unread(day: Day, at: Instant, rules: &Rules) -> Option<Wrong> {
    let form = &rules.form.dates.form;
    let instead = if *form == DateForm::default() {
        "year, month and day with hyphens: 2026-04-03 for 3 April 2026".to_owned()
    } else {
        format!(
            "the day as {}; what stands for no day can be named under null_dates",
            form.written()
        )
    };
    match (day, at) {
        (_, Instant::Unread) => Some(Wrong::at(
            "effective_at",
            "effective_at is not a date and time with its distance from UTC",
            "2026-03-31T17:30:00+02:00; leave it empty where the day alone is meant",
        )),
        (Day::Unread, Instant::None) => Some(Wrong::at(
            "last_working_day",
            format!("last_working_day is not a day of the calendar written as {}", form.written()),
            instead,
        )),
        _ => None,
    }
}

fn unknown_status(word: &str) -> Wrong {
    let what = if word.is_empty() {
        "status is empty"
    } else {
        "status is no word that is known"
    };
    let instead = "a word that status_words names in the config, or have the word added there";
    Wrong::at("status", what, instead)
}
