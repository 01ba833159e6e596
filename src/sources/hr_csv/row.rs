//! One row: what HR says about one employment, checked.

use aws_lc_rs::digest::{SHA256, digest};

use super::ask::Ask;
use super::columns::{COLUMNS, Columns};
use super::quarantine;
use super::rules::Rules;
use super::wrong::Wrong;
use crate::model::{DateRule, Leaves, LeavesError, Subject, Timestamp, iana_zone, iso_date};

/// The longest number of a person or of an employment, in bytes.
const LONGEST_NUMBER: usize = 128;

/// One row, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Row {
    /// Reads a row.
    pub(super) fn read(columns: &Columns, cells: &[String], rules: &Rules) -> Result<Self, Wrong> {
        if cells.len() != columns.width {
            let what = format!("it has {} cells where the header has {}", cells.len(), columns.width);
            let instead = "as many cells as there are columns; a comma inside a cell needs \"quotes\" around the cell";
            return Err(Wrong::row(what, instead));
        }
        // A file that went through the quarantine has its formula cells disarmed: taken back here.
        let armed = columns.has("why");
        let cell = |column: &str| {
            let cell = columns.place(column).map_or("", |n| cells[n].trim());
            if armed { quarantine::rearmed(cell) } else { cell }
        };
        for column in COLUMNS {
            visible(column, cell(column))?;
        }
        let employee = number("employee_id", cell("employee_id"))?;
        if employee.is_empty() {
            let instead = "the person's number in the HR system, such as 4711";
            return Err(Wrong::at("employee_id", "employee_id is empty", instead));
        }
        let employment = number("employment_id", cell("employment_id"))?;
        let ask = Ask::read(cell("action"), cell("status"), rules.full_file)?;
        let (subject, names) = subject(cell("email"), cell("upn"), &employee)?;
        let updated_at = stamp(cell("updated_at"))?;
        let effective_at = match cell("effective_at") {
            "" => None,
            text => Some(instant(text).ok_or_else(|| {
                Wrong::at(
                    "effective_at",
                    "effective_at is not a date and time with its distance from UTC",
                    "2026-03-31T17:30:00+02:00; leave it empty where the day alone is meant",
                )
            })?),
        };
        let zone = match cell("timezone") {
            "" => rules.time_zone.clone(),
            name => zone_name(name)?,
        };
        let note = cell("reason");
        let urgency = Urgency::of(note);
        let day = match cell("last_working_day") {
            "" => None,
            date => Some(last_day(date, zone, urgency, rules)?),
        };
        let leaves = effective_at
            .map(|at| Leaves::Instant { at })
            .or_else(|| day.filter(|_| urgency != Urgency::Immediate));
        if ask == Ask::Terminate && leaves.is_none() && urgency == Urgency::Usual {
            return Err(Wrong::at(
                "last_working_day",
                "a terminate row needs last_working_day or effective_at, or a reason that begins with immediate",
                "the last day of work, such as 2026-03-31",
            ));
        }
        let leaves = match leaves {
            Some(leaves) => {
                let fire_at = leaves.fire_at().map_err(|error: LeavesError| {
                    Wrong::at(
                        "last_working_day",
                        error.to_string(),
                        "the last day of work, such as 2026-03-31",
                    )
                })?;
                Some((leaves, fire_at))
            }
            None => None,
        };
        let canonical = [
            employee.clone(),
            employment.clone(),
            ask.word().to_owned(),
            cell("last_working_day").to_owned(),
            effective_at.map(|at| at.to_string()).unwrap_or_default(),
            updated_at.map(|at| at.to_string()).unwrap_or_default(),
            cell("email").to_lowercase(),
            cell("upn").to_lowercase(),
            cell("status").to_owned(),
            cell("timezone").to_owned(),
            note.to_owned(),
        ];
        // Without a stamp of its own a row is the same only if all of it is: a corrected address must not pass for a repetition, nor be
        // refused as a forgery of the first.
        let told_apart_by = if updated_at.is_some() {
            &canonical[..6]
        } else {
            &canonical[..]
        };
        Ok(Self {
            key: hex(&hash(told_apart_by)),
            digest: hash(&canonical),
            employee,
            employment,
            subject,
            names,
            ask,
            leaves,
            unwilling: urgency != Urgency::Usual,
            note: (!note.is_empty()).then(|| note.to_owned()),
            updated_at,
        })
    }
}

fn last_day(date: &str, zone: String, urgency: Urgency, rules: &Rules) -> Result<Leaves, Wrong> {
    let Some(date) = iso_date(date) else {
        return Err(Wrong::at(
            "last_working_day",
            "last_working_day is not a day of the calendar written as YYYY-MM-DD",
            "year, month and day with hyphens: 2026-04-03 for 3 April 2026",
        ));
    };
    // Somebody who is made to go is out when the last day begins: denying too soon is the smaller harm.
    let involuntary = urgency == Urgency::Involuntary;
    Ok(Leaves::Wall {
        date: date.to_string(),
        zone,
        rule: if involuntary {
            DateRule::FirstDayInactive
        } else {
            rules.last_day
        },
        at: rules.at.clone().filter(|_| !involuntary),
    })
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
}

/// Refuses what a reader would not see. Free text may hold the joiners that emoji and some scripts need.
fn visible(column: &'static str, cell: &str) -> Result<(), Wrong> {
    let free = matches!(column, "reason" | "status" | "why");
    let hidden = |c: char| match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{feff}' => !free,
        other => other.is_control(),
    };
    if cell.chars().any(hidden) {
        let instead = "the same by hand: what was pasted from elsewhere brought characters along that cannot be seen";
        return Err(Wrong::at(
            column,
            format!("{column} holds control or invisible characters"),
            instead,
        ));
    }
    Ok(())
}

fn number(column: &'static str, cell: &str) -> Result<String, Wrong> {
    if cell.len() > LONGEST_NUMBER {
        let what = format!("{column} is longer than {LONGEST_NUMBER} bytes");
        return Err(Wrong::at(column, what, "the number alone"));
    }
    Ok(cell.to_owned())
}

/// The person's address, and their sign-in name where it is another one; and every name with HR's number first.
fn subject(email: &str, upn: &str, employee: &str) -> Result<(Subject, Vec<Subject>), Wrong> {
    let read = |column: &'static str, text: &str| {
        let wrong = || {
            Wrong::at(
                column,
                format!("{column} is not an address"),
                "an address such as alice@example.org",
            )
        };
        match text {
            "" => Ok(None),
            text if text.contains('@') => Subject::email(text).map(Some).map_err(|_| wrong()),
            text if column == "upn" && !text.contains(char::is_whitespace) => Ok(Some(Subject::Username(text.to_owned()))),
            _ => Err(wrong()),
        }
    };
    let mut names = vec![Subject::EmployeeId(employee.to_owned())];
    names.extend(read("email", email)?);
    let upn = read("upn", upn)?.filter(|upn| !names.contains(upn));
    names.extend(upn);
    let subject = match &names[1..] {
        [] => {
            let instead = "the person's address, such as alice@example.org, in one of the two";
            return Err(Wrong::at("email", "email and upn are both empty", instead));
        }
        [one] => one.clone(),
        several => Subject::Aliases(several.to_vec()),
    };
    Ok((subject, names))
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

/// An RFC 3339 instant, and nothing looser.
fn instant(text: &str) -> Option<Timestamp> {
    let plain = |byte: u8| byte.is_ascii_digit() || b"TtZz+-:.".contains(&byte);
    let shape = text.len() >= 20 && matches!(text.as_bytes()[10], b'T' | b't') && text.bytes().all(plain);
    shape
        .then(|| text.parse::<jiff::Timestamp>().ok())
        .flatten()
        .map(Timestamp::from)
}

/// An instant, or a day, which stands for its first instant in UTC.
fn stamp(text: &str) -> Result<Option<Timestamp>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = || {
        let at = iso_date(text)?.at(0, 0, 0, 0);
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
