//! One row: what HR says about one employment, checked.

use jiff::civil::Date;

use super::change_kind::ChangeKind;
use super::fields::{Fields, Instant, instant};
use super::meaning::Meaning;
use super::row_error::RowError;
use super::subject::{Needed, number, person, subject};
use super::urgency::Urgency;
use crate::digest::{hex, sha256};
use crate::model::{DateRule, Leaves, LeavesError, Subject, Timestamp, iana_zone, iso_date};
use crate::sources::hr_csv::csv::csv_reader::{Record, WRAPPED};
use crate::sources::hr_csv::format::columns::Columns;
use crate::sources::hr_csv::format::dates::Day;
use crate::sources::hr_csv::settings::rules::Rules;

/// One row, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "what a row says is a set of facts, not one state")]
pub(in crate::sources::hr_csv) struct Row {
    /// HR's number of the person.
    pub employee: String,
    /// HR's number of the employment; empty where the file has none.
    pub employment: String,
    /// Whom it is about.
    pub subject: Subject,
    /// Every name of the person, the strongest first.
    pub names: Vec<Subject>,
    /// What it asks for.
    pub change: ChangeKind,
    /// The action that it names, if it names one.
    pub action: Option<ChangeKind>,
    /// Whether a status or a day says so, and no action: such a row tells how things stand, not what has happened.
    pub is_state: bool,
    /// Whether HR calls the person employed, although the row names a last day: it counts only as long as it lies ahead.
    pub still_here: bool,
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
    /// Whether minutes count, by the first word of the reason.
    pub urgency: Urgency,
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
pub(in crate::sources::hr_csv) struct RowRead {
    pub row: Row,
    /// What could not be read of the row of somebody who stays, or may: it is taken as that, and HR is told.
    pub aside: Option<RowError>,
    /// A word of the status column that is not known.
    pub unknown: Option<String>,
}

impl Row {
    /// Reads a row. Only the cells are looked at that what it says makes needed.
    pub(in crate::sources::hr_csv) fn read(columns: &Columns, record: &Record, rules: &Rules) -> Result<RowRead, RowError> {
        whole(columns, record)?;
        let fields = Fields { columns, record };
        let mut meaning = Meaning::of(&fields, rules)?;
        let stays = meaning.stays();
        let row = Self::of(&fields, &mut meaning, rules).map_err(|wrong| if stays { wrong.of_who_stays() } else { wrong })?;
        Ok(RowRead {
            row,
            aside: meaning.aside.map(RowError::of_who_stays),
            unknown: meaning.unknown,
        })
    }

    /// The row about which so much is said.
    fn of(fields: &Fields<'_>, meaning: &mut Meaning, rules: &Rules) -> Result<Self, RowError> {
        let employee = person(fields)?;
        let employment = number(fields, "employment_id")?;
        let urgency = if meaning.acts() {
            Urgency::of(fields.need("reason")?, meaning.still_here)
        } else {
            Urgency::Usual
        };
        let leaves = leaves(fields, meaning, urgency, rules)?;
        let undated = meaning.change == ChangeKind::Terminate && leaves.is_none() && urgency == Urgency::Usual;
        if undated && !meaning.is_state {
            return Err(RowError::at(
                "last_working_day",
                "a terminate row needs last_working_day or effective_at, or a reason that begins with immediate",
                "the last day of work, such as 2026-03-31",
            ));
        }
        let needed = match meaning.change {
            ChangeKind::Active | ChangeKind::Nothing | ChangeKind::Unclear => Needed::Nothing,
            _ if meaning.is_state => Needed::Number,
            _ => Needed::Names,
        };
        let (subject, names) = subject(fields, &employee, needed)?;
        let updated_at = match stamp(fields.text("updated_at"), rules) {
            Err(_) if meaning.stays() => None,
            other => other?,
        };
        let note = if needed == Needed::Nothing {
            ""
        } else {
            fields.need("reason")?
        };
        let (key, digest) = key_and_digest(fields, meaning, &employee, &employment, updated_at, note);
        Ok(Self {
            key,
            digest,
            employee,
            employment,
            subject,
            names,
            change: meaning.change,
            action: ChangeKind::of_action(fields.text("action"), false).ok(),
            is_state: meaning.is_state,
            still_here: meaning.still_here,
            undated,
            open_ended: meaning.change == ChangeKind::Active && meaning.is_state && !meaning.is_dated() && meaning.aside.is_none(),
            history: meaning.history,
            null_day: meaning.day == Day::None,
            leaves,
            urgency,
            note: (!note.is_empty()).then(|| note.to_owned()),
            updated_at,
        })
    }
}

/// What names a row, and the SHA-256 of its canonical form.
fn key_and_digest(
    fields: &Fields<'_>,
    meaning: &Meaning,
    person: &str,
    employment: &str,
    updated_at: Option<Timestamp>,
    note: &str,
) -> (String, [u8; 32]) {
    let canonical = [
        person.to_owned(),
        employment.to_owned(),
        meaning.change.word().to_owned(),
        if let Day::On(day) = meaning.day {
            day.to_string()
        } else {
            String::new()
        },
        if let Instant::At(at) = meaning.at {
            at.to_string()
        } else {
            String::new()
        },
        updated_at.map(|at| at.to_string()).unwrap_or_default(),
        fields.text("email").to_lowercase(),
        fields.text("upn").to_lowercase(),
        meaning.status(fields).to_owned(),
        fields.text("timezone").to_owned(),
        note.to_owned(),
    ];
    // Without a stamp of its own a row is the same only if all of it is: a corrected address must not pass for a repetition, nor be
    // refused as a forgery of the first.
    let told_apart_by = if updated_at.is_some() {
        &canonical[..6]
    } else {
        &canonical[..]
    };
    (hex(&hash(told_apart_by)), hash(&canonical))
}

/// Refuses a record that may be another than it looks.
fn whole(columns: &Columns, record: &Record) -> Result<(), RowError> {
    const INSTEAD: &str =
        "each person on one line; text with a separator or a quote in it stands in \"quotes\", and a quote inside it is doubled";
    if let Some(fault) = record.fault {
        return Err(RowError::row(fault, INSTEAD));
    }
    if record.swallowed.is_some_and(|swallowed| swallowed + 1 >= columns.width) {
        return Err(RowError::row(WRAPPED, INSTEAD));
    }
    if record.cells.len() != columns.width {
        let what = format!("it has {} cells where the header has {}", record.cells.len(), columns.width);
        let instead = "as many cells as there are columns; a separator inside a cell needs \"quotes\" around the cell";
        return Err(RowError::row(what, instead));
    }
    Ok(())
}

/// When access ends, where it does. What is wrong with the day of somebody whom HR calls employed is told, and they stay.
fn leaves(
    fields: &Fields<'_>,
    meaning: &mut Meaning,
    urgency: Urgency,
    rules: &Rules,
) -> Result<Option<(Leaves, Timestamp)>, RowError> {
    if !meaning.acts() {
        return Ok(None);
    }
    match when(fields, meaning, urgency, rules) {
        Err(why) if meaning.still_here => {
            (meaning.change, meaning.still_here) = (ChangeKind::Active, false);
            meaning.aside = Some(why);
            Ok(None)
        }
        other => other,
    }
}

/// When access ends: at the instant that is named, or at the end of the day that is. `None` where neither is, or it is now.
fn when(fields: &Fields<'_>, meaning: &Meaning, urgency: Urgency, rules: &Rules) -> Result<Option<(Leaves, Timestamp)>, RowError> {
    let leaves = match (meaning.at, meaning.day) {
        (Instant::At(at), _) => Leaves::Instant { at },
        (_, Day::On(day)) if urgency != Urgency::Immediate => {
            let zone = match fields.need("timezone")? {
                "" => rules.time_zone.clone(),
                name => zone_name(name)?,
            };
            last_day(day, zone, urgency, rules)
        }
        _ => return Ok(None),
    };
    let fire_at = leaves.fire_at().map_err(|error: LeavesError| {
        RowError::at(
            "last_working_day",
            error.to_string(),
            "the last day of work, such as 2026-03-31",
        )
    })?;
    Ok(Some((leaves, fire_at)))
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

/// The canonical spelling of a zone's name.
fn zone_name(name: &str) -> Result<String, RowError> {
    iana_zone(name)
        .as_ref()
        .and_then(|zone| zone.iana_name())
        .map(str::to_owned)
        .ok_or_else(|| {
            RowError::at(
                "timezone",
                "timezone is not the name of a time zone that is known",
                "region and city as in Europe/Berlin or America/New_York; leave it empty where the usual one is meant",
            )
        })
}

/// An instant, or a day, which stands for its first instant in UTC.
fn stamp(text: &str, rules: &Rules) -> Result<Option<Timestamp>, RowError> {
    let dates = &rules.format.dates;
    if text.is_empty() || dates.is_none(text) {
        return Ok(None);
    }
    let day = || {
        let day = iso_date(text).or_else(|| dates.format.read_alone(text))?;
        let at = day.at(0, 0, 0, 0);
        jiff::tz::Offset::UTC.to_timestamp(at).ok().map(Timestamp::from)
    };
    instant(text).or_else(day).map(Some).ok_or_else(|| {
        RowError::at(
            "updated_at",
            "updated_at is neither a date with a time nor a date",
            "2026-03-31T17:30:00Z, or 2026-03-31",
        )
    })
}

/// SHA-256 over fields that no field can run into, since none holds a control character.
pub(in crate::sources::hr_csv) fn hash(fields: &[String]) -> [u8; 32] {
    sha256(fields.join("\u{1f}").as_bytes())
}
