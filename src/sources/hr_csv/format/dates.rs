//! Days as HR systems write them: in one form that is said, never guessed, and the many ways to say that there is none.

use std::sync::LazyLock;

use jiff::civil::Date;

/// The years that a day may have. What lies outside stands for none: a system that must write something writes 0001, 1900 or 9999.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2100;

/// What stands for no day in every file, beside an empty cell, zeros alone, and days outside of [`YEARS`].
const NONE: [&str; 8] = ["-", "--", "n/a", "#n/a", "na", "null", "none", "nil"];

/// The form of days that is taken where none is said.
pub(in crate::sources::hr_csv) const ISO: &str = "YYYY-MM-DD";

/// The forms that are tried where one is to be proposed, each as it is written in the config.
pub(in crate::sources::hr_csv) const KNOWN: [&str; 9] = [
    ISO,
    "DD.MM.YYYY",
    "MM/DD/YYYY",
    "DD/MM/YYYY",
    "YYYY/MM/DD",
    "DD-MM-YYYY",
    "MM-DD-YYYY",
    "DD-MMM-YYYY",
    "YYYYMMDD",
];

/// The same, read.
static FORMS: LazyLock<Vec<DateFormat>> = LazyLock::new(|| KNOWN.iter().filter_map(|format| DateFormat::parse(format)).collect());

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// How a day is written: `DD.MM.YYYY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    written: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    /// The month's English name, or its first three letters.
    Name,
    Day,
    Between(char),
}

impl Default for DateFormat {
    fn default() -> Self {
        use Part::{Between, Day, Month, Year};
        Self {
            written: ISO.to_owned(),
            parts: vec![Year, Between('-'), Month, Between('-'), Day],
        }
    }
}

impl DateFormat {
    /// Reads a form such as `DD.MM.YYYY`, also in German (`TT.MM.JJJJ`), French (`JJ/MM/AAAA`) and Spanish (`DD/MM/AAAA`). `None` where
    /// it is none: year (four digits), month and day, once each.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        let letters: Vec<char> = written.trim().to_uppercase().chars().collect();
        let mut parts = Vec::new();
        for run in letters.chunk_by(|a, b| a == b && a.is_alphabetic()) {
            parts.push(match (run[0], run.len()) {
                ('Y' | 'J' | 'A', 4) => Part::Year,
                ('M', 2) => Part::Month,
                ('M', 3) => Part::Name,
                ('D' | 'T' | 'J', 2) => Part::Day,
                ('.' | '/' | '-' | ' ', _) => Part::Between(run[0]),
                _ => return None,
            });
        }
        let count = |wanted: &[Part]| parts.iter().filter(|part| wanted.contains(part)).count();
        let whole = count(&[Part::Year]) == 1 && count(&[Part::Month, Part::Name]) == 1 && count(&[Part::Day]) == 1;
        whole.then(|| Self {
            written: written.trim().to_owned(),
            parts,
        })
    }

    /// The form as it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The day that `text` is in this form, alone or with the midnight at which it begins; a month and a day may lack their zero where
    /// something stands between. A day with another time keeps its day, but not where that time is one of UTC: it may be another day then
    /// where the person is.
    pub(in crate::sources::hr_csv) fn read(&self, text: &str) -> Option<Date> {
        let (date, rest) = self.start(text)?;
        is_harmless(rest).then_some(date)
    }

    /// The day that `text` is in this form, and nothing beside it.
    pub(in crate::sources::hr_csv) fn read_alone(&self, text: &str) -> Option<Date> {
        self.start(text).filter(|(_, rest)| rest.is_empty()).map(|(date, _)| date)
    }

    /// Whether `text` is written in this form, although the calendar may have no such day.
    pub(in crate::sources::hr_csv) fn is_form_of(&self, text: &str) -> bool {
        self.numbers(text).is_some_and(|(.., rest)| is_harmless(rest))
    }

    /// The day at the start of `text`, and the rest.
    fn start<'t>(&self, text: &'t str) -> Option<(Date, &'t str)> {
        let (year, month, day, rest) = self.numbers(text)?;
        let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Some((date, rest))
    }

    /// The year, the month and the day at the start of `text`, and the rest.
    fn numbers<'t>(&self, text: &'t str) -> Option<(i16, i16, i16, &'t str)> {
        let padded = !self.parts.iter().any(|part| matches!(part, Part::Between(_))) || *self == Self::default();
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for part in &self.parts {
            match part {
                Part::Year => year = digits(&mut rest, 4, 4)?,
                Part::Month => month = digits(&mut rest, if padded { 2 } else { 1 }, 2)?,
                Part::Day => day = digits(&mut rest, if padded { 2 } else { 1 }, 2)?,
                Part::Name => month = name(&mut rest)?,
                Part::Between(c) => rest = rest.strip_prefix(*c)?,
            }
        }
        Some((year, month, day, rest))
    }
}

/// Takes so many digits.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<i16> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, after) = rest.split_at(count);
    *rest = after;
    number.parse().ok()
}

/// Takes the English name of a month, whole or its first three letters.
fn name(rest: &mut &str) -> Option<i16> {
    let count = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, after) = rest.split_at(count);
    let word = word.to_ascii_lowercase();
    let n = MONTHS
        .iter()
        .position(|month| *month == word || (word.len() == 3 && month.starts_with(&word)))?;
    *rest = after;
    i16::try_from(n + 1).ok()
}

/// Whether what follows a day leaves it that day: nothing, a time of day, a distance from UTC, or both.
fn is_harmless(rest: &str) -> bool {
    if rest.is_empty() {
        return true;
    }
    // xsd:date: a day with the zone that it is meant in.
    if rest == "Z" || is_distance(rest) {
        return true;
    }
    let Some(time) = rest.strip_prefix(['T', 't', ' ']) else {
        return false;
    };
    let (time, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(n) => time.split_at(n),
        None => (time, ""),
    };
    let utc = zone.eq_ignore_ascii_case("z") || (is_distance(zone) && zone.bytes().all(|byte| !matches!(byte, b'1'..=b'9')));
    if !(zone.is_empty() || utc || is_distance(zone)) {
        return false;
    }
    let (clock, half) = match time.trim_end().rsplit_once(' ') {
        Some((clock, half)) if half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm") => (clock, half),
        _ => (time.trim_end(), ""),
    };
    let numbers: Vec<&str> = clock.split([':', '.']).collect();
    let is_clock = (2..=4).contains(&numbers.len())
        && numbers
            .iter()
            .all(|number| (1..=9).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()));
    let begins = numbers.iter().all(|number| number.bytes().all(|byte| byte == b'0'))
        || (half.eq_ignore_ascii_case("am")
            && numbers[0] == "12"
            && numbers[1..].iter().all(|number| number.bytes().all(|b| b == b'0')));
    is_clock && (begins || !utc)
}

/// Whether it is `+02:00`, `-0700` or `+02`.
fn is_distance(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(['+', '-']) else {
        return false;
    };
    let digits = digits.replacen(':', "", 1);
    matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a cell says that holds a day, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::hr_csv) enum Day {
    /// Nothing: the cell is empty.
    Empty,
    /// None, said by something that stands for it.
    None,
    /// A day.
    On(Date),
    /// Something that is neither.
    Unread,
}

/// How days are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dates {
    /// Their form.
    pub format: DateFormat,
    /// What else stands for none: texts, or days as `YYYY-MM-DD`.
    pub none: Vec<String>,
}

impl Dates {
    /// Reads a trimmed cell.
    pub(in crate::sources::hr_csv) fn read(&self, cell: &str) -> Day {
        if cell.is_empty() {
            return Day::Empty;
        }
        if self.is_none(cell) {
            return Day::None;
        }
        match self.format.read(cell) {
            Some(date) if self.none.iter().any(|none| DateFormat::default().read(none) == Some(date)) => Day::None,
            Some(date) => Day::On(date),
            None => Day::Unread,
        }
    }

    /// Whether a trimmed cell stands for no day and no instant, whatever the form of days is: a day outside of all years is one in any.
    pub(in crate::sources::hr_csv) fn is_none(&self, cell: &str) -> bool {
        let lower = cell.to_lowercase();
        NONE.contains(&lower.as_str())
            || self.none.iter().any(|none| none.trim().to_lowercase() == lower)
            || is_zeros(cell)
            || FORMS.iter().any(|format| {
                let day = format.start(cell);
                day.is_some_and(|(date, _)| !YEARS.contains(&date.year()))
            })
    }
}

/// Whether nothing but zeros and what stands between them is left of a day and its time.
fn is_zeros(cell: &str) -> bool {
    cell.starts_with('0') && cell.chars().all(|c| "0-./: TZtz+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        DateFormat::parse(format).unwrap().read(text).map(|date| date.to_string())
    }

    #[test]
    fn a_day_is_read_in_the_form_that_is_said_and_in_no_other() {
        for (format, text, day) in [
            ("YYYY-MM-DD", "2026-11-27", "2026-11-27"),
            ("DD.MM.YYYY", "27.11.2026", "2026-11-27"),
            ("tt.mm.jjjj", "1.2.2026", "2026-02-01"),
            ("MM/DD/YYYY", "03/04/2026", "2026-03-04"),
            ("DD/MM/YYYY", "03/04/2026", "2026-04-03"),
            ("JJ/MM/AAAA", "27/11/2026", "2026-11-27"),
            ("DD-MMM-YYYY", "27-Nov-2026", "2026-11-27"),
            ("DD MMM YYYY", "7 September 2026", "2026-09-07"),
            ("YYYYMMDD", "20261127", "2026-11-27"),
        ] {
            assert_eq!(read(format, text).as_deref(), Some(day), "{format} {text}");
        }
        for (format, text) in [
            ("MM/DD/YYYY", "27/11/2026"),
            ("DD.MM.YYYY", "11/27/2026"),
            ("YYYY-MM-DD", "2026-2-3"),
            ("YYYY-MM-DD", "2026-02-30"),
            ("MM/DD/YYYY", "11/27/26"),
            ("YYYYMMDD", "2026112"),
            ("DD-MMM-YYYY", "27-Nex-2026"),
        ] {
            assert_eq!(read(format, text), None, "{format} {text}");
        }
        for bad in [
            "",
            "DD.MM.YY",
            "DD/MM",
            "MM/DD/YYYY HH:MM",
            "YYYY-MM-MM",
            "DD.MM.YYYY.DD",
            "ISO",
        ] {
            assert_eq!(DateFormat::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_time_behind_a_day_changes_nothing_but_where_it_may_be_another_day() {
        for text in [
            "2026-11-27T00:00:00",
            "2026-11-27T00:00:00.0000000Z",
            "2026-11-27 00:00",
            "2026-11-27T15:18:02.4675041+05:30",
            "2026-11-27-07:00",
            "2026-11-27Z",
            "2026-11-27 17:30:00",
        ] {
            assert_eq!(read(ISO, text).as_deref(), Some("2026-11-27"), "{text}");
        }
        assert_eq!(read("MM/DD/YYYY", "11/27/2026 12:00:00 AM").as_deref(), Some("2026-11-27"));
        for text in [
            "2026-11-27T23:00:00Z",
            "2026-11-27T22:00:00+00:00",
            "2026-11-27 soon",
            "2026-11-27x",
            "2026-11-271",
        ] {
            assert_eq!(read(ISO, text), None, "{text}");
        }
    }

    #[test]
    fn what_stands_for_no_day_does_so_in_every_form() {
        let dates = Dates {
            none: vec!["offen".to_owned(), "2099-12-31".to_owned()],
            format: DateFormat::parse("DD.MM.YYYY").unwrap(),
        };
        for none in [
            "0000-00-00",
            "0000-00-00 00:00:00",
            "00.00.0000",
            "00/00/0000",
            "0",
            "9999-12-31",
            "9999-12-31T23:59:59Z",
            "12/31/9999",
            "31.12.9999",
            "99991231",
            "1900-01-01",
            "01/01/1900 12:00:00 AM",
            "1899-12-30",
            "0001-01-01",
            "01-Jan-0001",
            "-",
            "N/A",
            "null",
            "Offen",
            "31.12.2099",
        ] {
            assert_eq!(dates.read(none), Day::None, "{none}");
        }
        assert_eq!(dates.read(""), Day::Empty);
        for unread in ["2026-11-27", "soon", "31.02.2026", "46353", "11/27/2026"] {
            assert_eq!(dates.read(unread), Day::Unread, "{unread}");
        }
        assert!(matches!(dates.read("31.12.2100"), Day::On(_)));
        assert!(matches!(dates.read("01.01.1970"), Day::On(_)));
    }
}
