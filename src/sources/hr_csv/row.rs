//! One row: what HR says about one employment, checked.

use aws_lc_rs::digest::{SHA256, digest};

use super::quarantine;
use super::rules::Rules;
use crate::model::{DateRule, Leaves, LeavesError, Subject, Timestamp, iana_zone, iso_date};

/// The columns that a file may have, in the order of the docs. `why` is the one that the quarantine adds, so that a corrected file can be
/// dropped again as it is.
pub const COLUMNS: [&str; 12] = [
    "employee_id",
    "employment_id",
    "email",
    "upn",
    "status",
    "last_working_day",
    "effective_at",
    "timezone",
    "action",
    "reason",
    "updated_at",
    "why",
];

/// The longest number of a person or of an employment, in bytes.
const LONGEST_NUMBER: usize = 128;

/// Where each column stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    width: usize,
}

impl Columns {
    /// Reads a header: any order, any case, nothing unknown, nothing twice.
    pub(super) fn read(header: &[String]) -> Result<Self, String> {
        let mut places = [None; COLUMNS.len()];
        for (n, name) in header.iter().enumerate() {
            let name = name.trim().to_ascii_lowercase();
            let known = COLUMNS.iter().position(|column| *column == name);
            let Some(column) = known else {
                return Err(format!(
                    "column {} of the header is none of {}",
                    n + 1,
                    COLUMNS[..COLUMNS.len() - 1].join(", ")
                ));
            };
            if places[column].replace(n).is_some() {
                return Err(format!("the header names {name} twice"));
            }
        }
        let columns = Self {
            places,
            width: header.len(),
        };
        for needed in ["employee_id", "action"] {
            if !columns.has(needed) {
                return Err(format!("the header lacks {needed}"));
            }
        }
        if !columns.has("email") && !columns.has("upn") {
            return Err("the header lacks email and upn: one of them must be there".to_owned());
        }
        Ok(columns)
    }

    fn place(&self, column: &str) -> Option<usize> {
        let n = COLUMNS.iter().position(|name| *name == column)?;
        self.places[n]
    }

    fn has(&self, column: &str) -> bool {
        self.place(column).is_some()
    }
}

/// What a row asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The employment ends.
    Terminate,
    /// The end is called off.
    Rescind,
    /// The person is employed again.
    Rehire,
    /// Access is to rest for a while: a leave.
    Suspend,
}

impl Ask {
    fn read(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "terminate" => Some(Self::Terminate),
            "rescind" => Some(Self::Rescind),
            "rehire" => Some(Self::Rehire),
            "suspend" => Some(Self::Suspend),
            _ => None,
        }
    }

    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Rescind => "rescind",
            Self::Rehire => "rehire",
            Self::Suspend => "suspend",
        }
    }
}

/// One row, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// HR's number of the person.
    pub employee: String,
    /// HR's number of the employment; empty where the file has none.
    pub employment: String,
    /// Whom it is about.
    pub subject: Subject,
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
    /// Reads a row. What is wrong is said without quoting the row, which holds personal data.
    pub(super) fn read(columns: &Columns, cells: &[String], rules: &Rules) -> Result<Self, String> {
        if cells.len() != columns.width {
            return Err(format!("it has {} cells where the header has {}", cells.len(), columns.width));
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
            return Err("employee_id is empty".to_owned());
        }
        let employment = number("employment_id", cell("employment_id"))?;
        let ask = Ask::read(cell("action")).ok_or("action is none of terminate, rescind, rehire, suspend")?;
        let subject = subject(cell("email"), cell("upn"))?;
        let updated_at = stamp("updated_at", cell("updated_at"))?;
        let effective_at = match cell("effective_at") {
            "" => None,
            text => Some(instant(text).ok_or("effective_at is not an instant such as 2026-03-31T17:30:00+02:00")?),
        };
        let zone = match cell("timezone") {
            "" => rules.time_zone.clone(),
            name => zone_name(name)?,
        };
        let note = cell("reason");
        let urgency = Urgency::of(note);
        let day = match cell("last_working_day") {
            "" => None,
            date => Some(Leaves::Wall {
                date: iso_date(date)
                    .ok_or("last_working_day is not a day of the calendar written as YYYY-MM-DD")?
                    .to_string(),
                zone,
                // Somebody who is made to go is out when the last day begins: denying too soon is the smaller harm.
                rule: if urgency == Urgency::Involuntary {
                    DateRule::FirstDayInactive
                } else {
                    rules.last_day
                },
            }),
        };
        let leaves = effective_at
            .map(|at| Leaves::Instant { at })
            .or_else(|| day.clone().filter(|_| urgency != Urgency::Immediate));
        if ask == Ask::Terminate && leaves.is_none() && urgency == Urgency::Usual {
            return Err(
                "a terminate row needs last_working_day or effective_at, or a reason that begins with immediate".to_owned(),
            );
        }
        let leaves = match leaves {
            Some(leaves) => {
                let fire_at = leaves.fire_at().map_err(|error: LeavesError| error.to_string())?;
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
        let named = if updated_at.is_some() {
            &canonical[..6]
        } else {
            &canonical[..]
        };
        Ok(Self {
            key: hex(&hash(named)),
            digest: hash(&canonical),
            employee,
            employment,
            subject,
            ask,
            leaves,
            unwilling: urgency != Urgency::Usual,
            note: (!note.is_empty()).then(|| note.to_owned()),
            updated_at,
        })
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
}

/// Refuses what a reader would not see. Free text may hold the joiners that emoji and some scripts need.
fn visible(column: &str, cell: &str) -> Result<(), String> {
    let free = matches!(column, "reason" | "status" | "why");
    let hidden = |c: char| match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{feff}' => !free,
        other => other.is_control(),
    };
    if cell.chars().any(hidden) {
        return Err(format!("{column} holds control or invisible characters"));
    }
    Ok(())
}

fn number(column: &str, cell: &str) -> Result<String, String> {
    if cell.len() > LONGEST_NUMBER {
        return Err(format!("{column} is longer than {LONGEST_NUMBER} bytes"));
    }
    Ok(cell.to_owned())
}

/// The person's address, and their sign-in name where it is another one.
fn subject(email: &str, upn: &str) -> Result<Subject, String> {
    let read = |column: &str, text: &str| match text {
        "" => Ok(None),
        text if text.contains('@') => Subject::email(text)
            .map(Some)
            .map_err(|_| format!("{column} is not an address")),
        text if column == "upn" && !text.contains(char::is_whitespace) => Ok(Some(Subject::Username(text.to_owned()))),
        _ => Err(format!("{column} is not an address")),
    };
    match (read("email", email)?, read("upn", upn)?) {
        (Some(email), Some(upn)) if email != upn => Ok(Subject::Aliases(vec![email, upn])),
        (Some(one), _) | (None, Some(one)) => Ok(one),
        (None, None) => Err("email and upn are both empty".to_owned()),
    }
}

/// The canonical spelling of a zone's name.
fn zone_name(name: &str) -> Result<String, String> {
    iana_zone(name)
        .as_ref()
        .and_then(|zone| zone.iana_name())
        .map(str::to_owned)
        .ok_or_else(|| "timezone is not a name of the IANA database such as Europe/Berlin".to_owned())
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
fn stamp(column: &str, text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = || {
        let at = iso_date(text)?.at(0, 0, 0, 0);
        jiff::tz::Offset::UTC.to_timestamp(at).ok().map(Timestamp::from)
    };
    instant(text)
        .or_else(day)
        .map(Some)
        .ok_or_else(|| format!("{column} is neither an instant such as 2026-03-31T17:30:00Z nor a day such as 2026-03-31"))
}

/// SHA-256 over fields that no field can run into, since none holds a control character.
fn hash(fields: &[String]) -> [u8; 32] {
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
