//! One row: what HR says about one employment, checked.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil::Date;

use super::ask::Ask;
use super::cells::{Record, WRAPPED};
use super::columns::Columns;
use super::dates::Day;
use super::line::{Instant, Line, instant};
use super::names::{Needed, employee, number, subject};
use super::rules::Rules;
use super::words::Standing;
use super::wrong::Wrong;
use crate::model::{DateRule, Leaves, LeavesError, Subject, Timestamp, iana_zone, iso_date};

/// One row, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "what a row says is a set of facts, not one state")]
pub(super) struct Row {
    /// HR's number of the person.
    pub employee: String,
    /// HR's number of the employment; empty where the file has none.
    pub employment: String,
    /// Whom it is about.
    pub subject: Subject,
    /// Every name of the person, the strongest first.
    pub names: Vec<Subject>,
    /// What it asks for.
    pub ask: Ask,
    /// Whether a status or a day says so, and no action: such a row tells how things stand, not what has happened.
    pub is_state: bool,
    /// Whether HR calls the person employed, although the row names a last day: it counts only as long as it lies ahead.
    pub employed: bool,
    /// Whether the status says that the person has left, and nothing says on which day.
    pub undated: bool,
    /// Whether the person is employed and no last day is named: a plan that a status has made before is over.
    pub open_ended: bool,
    /// Whether the last day lies so far back that the row asks for nothing.
    pub history: bool,
    /// Whether a cell holds something that stands for no day.
    pub null_day: bool,
    /// When, and the instant that this means today; `None` for at once.
    pub leaves: Option<(Leaves, Timestamp)>,
    /// Whether the person does not go by their own will, so that minutes count.
    pub unwilling: bool,
    /// HR's words.
    pub note: Option<String>,
    /// When HR last changed the record.
    pub updated_at: Option<Timestamp>,
    /// Names the row: the same key again is the same claim.
    pub key: String,
    /// SHA-256 of the row in its canonical form.
    pub digest: [u8; 32],
}

/// A row that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowRead {
    pub row: Row,
    /// What could not be read of the row of somebody who stays, or may: it is taken as that, and HR is told.
    pub aside: Option<Wrong>,
    /// A word of the status column that is not known.
    pub unknown: Option<String>,
}

/// What a row says, before its days are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// An action.
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

impl Said {
    fn of(line: &Line<'_>, rules: &Rules) -> Result<Self, Wrong> {
        let action = line.need("action")?;
        let status = line.text("status");
        let standing = if line.columns.has("status") { rules.form.words.of(status) } else { None };
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

impl Row {
    /// Reads a row. Only the cells are looked at that what it says makes needed.
    pub(super) fn read(columns: &Columns, record: &Record, rules: &Rules) -> Result<RowRead, Wrong> {
        whole(columns, record)?;
        let line = Line { columns, record };
        let said = Said::of(&line, rules)?;
        let is_state = line.text("action").is_empty();
        let (day, at) = ends_at(&line, &said, rules);
        let dated = matches!(day, Day::On(_)) || matches!(at, Instant::At(_));
        let unread = match (day, at) {
            (_, Instant::Unread) => Some(Wrong::at(
                "effective_at",
                "effective_at is not a date and time with its distance from UTC",
                "2026-03-31T17:30:00+02:00; leave it empty where the day alone is meant",
            )),
            (Day::Unread, Instant::None) => Some(no_day(rules)),
            _ => None,
        };
        let history = matches!((day, rules.form.history_before), (Day::On(day), Some(from)) if day < from);

        let mut unknown = None;
        let (mut ask, mut employed) = match said {
            Said::Left | Said::ByDay if history => (Ask::Nothing, false),
            Said::Left => (Ask::Terminate, false),
            Said::ByDay if dated => (Ask::Terminate, false),
            Said::Employed if dated => (Ask::Terminate, true),
            Said::ByDay | Said::Employed => (Ask::Active, false),
            Said::Ask(ask) => (ask, false),
            Said::Unknown(word) => {
                unknown = Some(word);
                (Ask::Unclear, false)
            }
        };
        let acts = matches!(ask, Ask::Terminate | Ask::Suspend);
        let stays = employed || matches!(ask, Ask::Active | Ask::Nothing | Ask::Unclear);
        let of_who_stays = |wrong: Wrong| if stays { wrong.of_who_stays() } else { wrong };
        let mut aside = match (&unknown, unread) {
            (Some(word), _) => Some(unknown_status(word)),
            (None, Some(unread)) if stays => Some(unread),
            (None, Some(unread)) if acts => return Err(unread),
            _ => None,
        };
        let employee = employee(&line).map_err(of_who_stays)?;
        let employment = number(&line, "employment_id").map_err(of_who_stays)?;

        let urgency = if acts { Urgency::of(line.need("reason").map_err(of_who_stays)?) } else { Urgency::Usual };
        // Nobody is out at once whom HR calls employed.
        let urgency = if employed { urgency.within_the_day() } else { urgency };
        let mut leaves = None;
        if acts {
            match when(&line, day, at, urgency, rules) {
                Ok(found) => leaves = found,
                // Who stays is taken as that.
                Err(why) if employed => {
                    (ask, employed) = (Ask::Active, false);
                    aside = Some(why);
                }
                Err(why) => return Err(why),
            }
        }
        let undated = ask == Ask::Terminate && leaves.is_none() && urgency == Urgency::Usual;
        if undated && !is_state {
            return Err(Wrong::at(
                "last_working_day",
                "a terminate row needs last_working_day or effective_at, or a reason that begins with immediate",
                "the last day of work, such as 2026-03-31",
            ));
        }
        let needed = match ask {
            Ask::Active | Ask::Nothing | Ask::Unclear => Needed::Nothing,
            _ if is_state => Needed::Number,
            _ => Needed::Names,
        };
        let (subject, names) = subject(&line, &employee, needed).map_err(of_who_stays)?;
        let updated_at = match stamp(line.text("updated_at"), rules) {
            Err(_) if stays => None,
            other => other?,
        };
        let note = if needed == Needed::Nothing { "" } else { line.need("reason")? };
        let canonical = [
            employee.clone(),
            employment.clone(),
            ask.word().to_owned(),
            if let Day::On(day) = day { day.to_string() } else { String::new() },
            if let Instant::At(at) = at { at.to_string() } else { String::new() },
            updated_at.map(|at| at.to_string()).unwrap_or_default(),
            line.text("email").to_lowercase(),
            line.text("upn").to_lowercase(),
            state_word(&line, ask, is_state),
            line.text("timezone").to_owned(),
            note.to_owned(),
        ];
        // Without a stamp of its own a row is the same only if all of it is: a corrected address must not pass for a repetition, nor be
        // refused as a forgery of the first.
        let told_apart_by = if updated_at.is_some() {
            &canonical[..6]
        } else {
            &canonical[..]
        };
        let row = Self {
            key: hex(&hash(told_apart_by)),
            digest: hash(&canonical),
            employee,
            employment,
            subject,
            names,
            ask,
            is_state,
            employed,
            undated,
            open_ended: ask == Ask::Active && is_state && !dated && aside.is_none(),
            history: history && ask == Ask::Nothing,
            null_day: day == Day::None,
            leaves,
            unwilling: urgency != Urgency::Usual,
            note: (!note.is_empty()).then(|| note.to_owned()),
            updated_at,
        };
        Ok(RowRead {
            row,
            aside: aside.map(Wrong::of_who_stays),
            unknown,
        })
    }
}

/// The day and the instant of a row, as far as they may be an end. Of somebody who is employed an instant may be any: that of the hire, or of
/// the last change.
fn ends_at(line: &Line<'_>, said: &Said, rules: &Rules) -> (Day, Instant) {
    let dates = &rules.form.dates;
    let day = line.day("last_working_day", dates);
    match said {
        Said::Left | Said::ByDay | Said::Ask(Ask::Terminate | Ask::Suspend) => (day, line.instant("effective_at", dates)),
        Said::Employed | Said::Unknown(_) => (day, Instant::None),
        // What calls off, or says that somebody was hired, ends nothing.
        Said::Ask(_) => (if day == Day::Unread { Day::Empty } else { day }, Instant::None),
    }
}

/// Refuses a record that may be another than it looks.
fn whole(columns: &Columns, record: &Record) -> Result<(), Wrong> {
    const INSTEAD: &str =
        "each person on one line; text with a separator or a quote in it stands in \"quotes\", and a quote inside it is doubled";
    if let Some(fault) = record.fault {
        return Err(Wrong::row(fault, INSTEAD));
    }
    if record.swallowed.is_some_and(|swallowed| swallowed + 1 >= columns.width) {
        return Err(Wrong::row(WRAPPED, INSTEAD));
    }
    if record.cells.len() != columns.width {
        let what = format!("it has {} cells where the header has {}", record.cells.len(), columns.width);
        let instead = "as many cells as there are columns; a separator inside a cell needs \"quotes\" around the cell";
        return Err(Wrong::row(what, instead));
    }
    Ok(())
}

/// When access ends: at the instant that is named, or at the end of the day that is. `None` where neither is, or it is now.
fn when(
    line: &Line<'_>,
    day: Day,
    at: Instant,
    urgency: Urgency,
    rules: &Rules,
) -> Result<Option<(Leaves, Timestamp)>, Wrong> {
    let leaves = match (at, day) {
        (Instant::At(at), _) => Leaves::Instant { at },
        (_, Day::On(day)) if urgency != Urgency::Immediate => {
            let zone = match line.need("timezone")? {
                "" => rules.time_zone.clone(),
                name => zone_name(name)?,
            };
            last_day(day, zone, urgency, rules)
        }
        _ => return Ok(None),
    };
    let fire_at = leaves.fire_at().map_err(|error: LeavesError| {
        Wrong::at(
            "last_working_day",
            error.to_string(),
            "the last day of work, such as 2026-03-31",
        )
    })?;
    Ok(Some((leaves, fire_at)))
}

fn no_day(rules: &Rules) -> Wrong {
    let form = &rules.form.dates.form;
    Wrong::at(
        "last_working_day",
        format!("last_working_day is not a day of the calendar written as {}", form.written()),
        if *form == super::dates::DateForm::default() {
            "year, month and day with hyphens: 2026-04-03 for 3 April 2026".to_owned()
        } else {
            format!("the day as {}; what stands for no day can be named under null_dates", form.written())
        },
    )
}

fn unknown_status(word: &str) -> Wrong {
    let what = if word.is_empty() {
        "status is empty"
    } else {
        "status is no word that is known"
    };
    Wrong::at("status", what, "a word that status_words names in the config, or have the word added there")
}

/// The status as part of what a row says. Which of the words for the same it is, and that HR changes it when the planned day has come, is no
/// news.
fn state_word(line: &Line<'_>, ask: Ask, is_state: bool) -> String {
    let status = line.text("status");
    let plain = match ask {
        Ask::Terminate => "terminated",
        Ask::Active => "active",
        Ask::Deleted => "deleted",
        _ => status,
    };
    let is_said = is_state && line.columns.has("status");
    (if is_said { plain } else { status }).to_owned()
}

fn last_day(date: Date, zone: String, urgency: Urgency, rules: &Rules) -> Leaves {
    // Somebody who is made to go is out when the last day begins: denying too soon is the smaller harm.
    let involuntary = urgency == Urgency::Involuntary;
    Leaves::Wall {
        date: date.to_string(),
        zone,
        rule: if involuntary {
            DateRule::FirstDayInactive
        } else {
            rules.last_day
        },
        at: rules.at.clone().filter(|_| !involuntary),
    }
}

/// How the reason's first word changes the time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// At the end of the last day.
    Usual,
    /// At its beginning.
    Involuntary,
    /// Now, whatever the last day is.
    Immediate,
}

impl Urgency {
    fn of(reason: &str) -> Self {
        let first = reason.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        match first.to_ascii_lowercase().as_str() {
            "involuntary" => Self::Involuntary,
            "immediate" | "immediately" => Self::Immediate,
            _ => Self::Usual,
        }
    }

    fn within_the_day(self) -> Self {
        if self == Self::Immediate { Self::Involuntary } else { self }
    }
}

/// The canonical spelling of a zone's name.
fn zone_name(name: &str) -> Result<String, Wrong> {
    iana_zone(name)
        .as_ref()
        .and_then(|zone| zone.iana_name())
        .map(str::to_owned)
        .ok_or_else(|| {
            Wrong::at(
                "timezone",
                "timezone is not the name of a time zone that is known",
                "region and city as in Europe/Berlin or America/New_York; leave it empty where the usual one is meant",
            )
        })
}

/// An instant, or a day, which stands for its first instant in UTC.
fn stamp(text: &str, rules: &Rules) -> Result<Option<Timestamp>, Wrong> {
    let dates = &rules.form.dates;
    if text.is_empty() || dates.is_none(text) {
        return Ok(None);
    }
    let day = || {
        let day = iso_date(text).or_else(|| dates.form.read_alone(text))?;
        let at = day.at(0, 0, 0, 0);
        jiff::tz::Offset::UTC.to_timestamp(at).ok().map(Timestamp::from)
    };
    instant(text).or_else(day).map(Some).ok_or_else(|| {
        Wrong::at(
            "updated_at",
            "updated_at is neither a date with a time nor a date",
            "2026-03-31T17:30:00Z, or 2026-03-31",
        )
    })
}

/// SHA-256 over fields that no field can run into, since none holds a control character.
pub(super) fn hash(fields: &[String]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, fields.join("\u{1f}").as_bytes()).as_ref());
    hash
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
