//! How a file is laid out: what it is written in, what separates its cells, and where its header is.

use std::collections::BTreeSet;
use std::io::{BufReader, Read as _};

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::sources::hr_csv::csv::csv_reader::{Record, Records, SEPARATORS};
use crate::sources::hr_csv::csv::encoding::DecodedFile;
use crate::sources::hr_csv::format::column_aliases;
use crate::sources::hr_csv::format::header_name::normal;
use crate::sources::hr_csv::settings::rules::MOST_ROWS;

/// The header is looked for in so many lines.
const TOP: usize = 20;

/// A file, laid out.
#[derive(Debug)]
pub(super) struct Layout {
    /// What to write as `encoding`, where something must be written.
    pub encoding: Option<&'static str>,
    /// How that is known.
    pub encoding_why: String,
    /// What separates the cells.
    pub separator: u8,
    /// How that is known.
    pub separator_why: String,
    /// Whether a line `sep=` in the file says it, so that the config need not.
    pub is_stated: bool,
    /// How many lines stand above the header.
    pub above: usize,
    /// The header.
    pub header: Vec<String>,
    /// How many lines stand between the header and the first row.
    pub below: usize,
    /// The rows.
    pub rows: Vec<Record>,
    /// What is to be decided by a person.
    pub undecided: Vec<String>,
}

impl Layout {
    /// Lays a file out, or says why that cannot be done.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, String> {
        let mut undecided = Vec::new();
        let (encoding, key, encoding_why) = encoding(bytes, &mut undecided);
        let mut opened = DecodedFile::of(bytes, encoding).map_err(|error| error.to_string())?;
        if let Some(why) = opened.refused {
            return Err(why);
        }
        let mut text = Vec::new();
        opened.text.read_to_end(&mut text).map_err(|error| error.to_string())?;
        let (separator, separator_why) = match opened.stated {
            Some(byte) => (byte, "its first line says so".to_owned()),
            None => separator(&text, &mut undecided)?,
        };
        let mut records = read(&text, separator, usize::try_from(MOST_ROWS).unwrap_or(usize::MAX));
        let above = header_at(&records);
        if records.len() <= above {
            return Err("the file is empty".to_owned());
        }
        let mut rows = records.split_off(above);
        let header = rows.remove(0).cells;
        let below = usize::from(has_labels(&rows));
        rows.drain(..below);
        rows.retain(|row| !row.is_blank() && !row.cells[0].starts_with("#EOF"));
        Ok(Self {
            encoding: key,
            encoding_why,
            separator,
            separator_why,
            is_stated: opened.stated.is_some(),
            above,
            header,
            below,
            rows,
            undecided,
        })
    }
}

/// What the file is written in, what to write in the config for it, and how that is known.
fn encoding(bytes: &[u8], undecided: &mut Vec<String>) -> (&'static Encoding, Option<&'static str>, String) {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return (encoding, None, format!("{}, as its mark says", encoding.name()));
    }
    if std::str::from_utf8(bytes).is_ok() {
        let how = if bytes.is_ascii() { "plain ASCII" } else { "UTF-8" };
        return (UTF_8, None, how.to_owned());
    }
    let (text, ..) = WINDOWS_1252.decode(bytes);
    let word = text
        .split(|c: char| !c.is_alphanumeric())
        .find(|word| !word.is_ascii())
        .unwrap_or_default();
    undecided.push(format!(
        "encoding: it is not UTF-8. If {:?} reads right, it is windows-1252; if not, ask what it was exported as, or export it as UTF-8",
        word.chars().take(40).collect::<String>()
    ));
    (
        WINDOWS_1252,
        Some("windows-1252"),
        "not UTF-8; most likely Windows-1252".to_owned(),
    )
}

/// What separates the cells: what makes a header of the most names that are known; failing that, what cuts the lines into cells alike.
fn separator(text: &[u8], undecided: &mut Vec<String>) -> Result<(u8, String), String> {
    let mut tried: Vec<(usize, usize, u8, &str)> = Vec::new();
    for (byte, name) in SEPARATORS {
        let records = read(text, byte, TOP);
        let known = records.iter().map(|record| known(&record.cells)).max().unwrap_or(0);
        let width = records.first().map_or(0, |record| record.cells.len());
        let alike = records
            .iter()
            .filter(|record| width > 1 && record.cells.len() == width)
            .count();
        tried.push((known, alike, byte, name));
    }
    tried.sort_unstable_by(|one, other| other.cmp(one));
    let (known, alike, byte, name) = tried[0];
    if known == 0 && alike == 0 {
        return Err(
            "nothing in it separates cells: it is no CSV file with a comma, a semicolon, a tab or a bar between them".to_owned(),
        );
    }
    if (tried[1].0, tried[1].1) == (known, alike) {
        undecided.push(format!("separator: {name} and {} both cut it into cells alike", tried[1].3));
    }
    Ok((byte, name.to_owned()))
}

/// The first records of a text, up to where it cannot be read.
fn read(text: &[u8], separator: u8, most: usize) -> Vec<Record> {
    let mut records = Records::new(BufReader::new(text), separator, 0);
    // What cannot be read ends what is looked at.
    std::iter::from_fn(|| records.next().unwrap_or_default()).take(most).collect()
}

/// How many of our columns a record names.
fn known(cells: &[String]) -> usize {
    let columns = cells.iter().filter_map(|cell| column_aliases::of(&normal(cell)));
    columns.map(|alias| alias.column).collect::<BTreeSet<_>>().len()
}

/// Which record is the header: of the first that name the most of our columns; the first of all where none names any.
fn header_at(records: &[Record]) -> usize {
    let top = records.iter().take(TOP).enumerate();
    let counts = top.map(|(n, record)| (known(&record.cells), n));
    counts
        .max_by_key(|(known, n)| (*known, std::cmp::Reverse(*n)))
        .map_or(0, |(_, n)| n)
}

/// Whether the first row is no person but a second row of headings: words alone, above rows that are not.
fn has_labels(rows: &[Record]) -> bool {
    let is_data = |row: &Record| {
        row.cells
            .iter()
            .any(|cell| cell.contains('@') || cell.bytes().any(|byte| byte.is_ascii_digit()))
    };
    let [first, second, ..] = rows else { return false };
    let filled = first.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    !is_data(first) && is_data(second) && filled * 2 > first.cells.len()
}
