//! A whole file: its rows, what could not be read of it, and whether it is to be rejected, in one pass and with bounded memory.

use std::io::{self, BufReader, Cursor, Read};

use aws_lc_rs::digest::{Context, SHA256};

use super::cells::{Record, Records, Unreadable};
use super::columns::Columns;
use super::row::Row;
use super::rules::{MOST_ROWS, Rules};
use super::wrong::Wrong;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Contents {
    /// SHA-256 of all its bytes.
    pub sha256: [u8; 32],
    /// The header as written.
    pub header: Vec<String>,
    /// The rows that can be acted on, with their lines.
    pub rows: Vec<(u64, Row)>,
    /// The rows that cannot.
    pub bad: Vec<Bad>,
    /// Records other than header, trailer and blank lines: what a trailer or a marker counts.
    pub records: u64,
    /// What the trailer says, where there is one.
    pub trailer: Option<u64>,
    /// Why nothing of it may be acted on.
    pub rejected: Option<String>,
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bad {
    /// The lines it stands on.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// Why, and what to write instead.
    pub why: Wrong,
    /// What it holds, for the quarantine only.
    pub cells: Vec<String>,
}

impl Bad {
    /// Where it stands, for people.
    pub(super) fn place(&self) -> String {
        if self.first == self.last {
            format!("line {}", self.first)
        } else {
            format!("lines {} to {}", self.first, self.last)
        }
    }
}

/// Reads a file to its end, whatever it holds, so that its hash is known even where it is rejected.
pub(super) fn read(input: impl Read, rules: &Rules) -> io::Result<Contents> {
    let mut input = Hashing {
        input,
        context: Context::new(&SHA256),
    };
    let mut contents = Contents::default();
    contents.rejected = match fill(&mut contents, &mut input, rules) {
        Ok(rejected) => rejected,
        Err(Unreadable::Encoding { line }) => Some(format!(
            "line {line} is not UTF-8 (it looks like Latin-1 or Windows-1252): export the file as UTF-8"
        )),
        Err(Unreadable::Io(error)) => return Err(error),
    };
    io::copy(&mut input, &mut io::sink())?;
    contents.sha256.copy_from_slice(input.context.finish().as_ref());
    Ok(contents)
}

/// Fills `contents` and answers why the file is to be rejected, if it is.
fn fill(contents: &mut Contents, input: &mut impl Read, rules: &Rules) -> Result<Option<String>, Unreadable> {
    let mut start = Vec::with_capacity(512);
    input.by_ref().take(512).read_to_end(&mut start)?;
    if let Some(why) = not_text(&start) {
        return Ok(Some(why.to_owned()));
    }
    let skip = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut cursor = Cursor::new(start);
    cursor.set_position(skip);
    let mut records = Records::new(BufReader::with_capacity(64 * 1024, cursor.chain(input)));

    let Some(header) = records.next()? else {
        return Ok(Some("the file is empty".to_owned()));
    };
    let columns = match columns(&header, rules) {
        Ok(columns) => columns,
        Err(why) => return Ok(Some(why)),
    };
    contents.header = header.cells;

    while let Some(record) = records.next()? {
        if record.is_blank() {
            continue;
        }
        if contents.trailer.is_some() {
            return Ok(Some(format!(
                "line {} follows the #EOF trailer: the file is put together from two",
                record.first
            )));
        }
        if record.cells[0].starts_with("#EOF") {
            let Some(rows) = trailer(&record) else {
                return Ok(Some(format!(
                    "line {}: the trailer must read #EOF,rows=<number>",
                    record.first
                )));
            };
            contents.trailer = Some(rows);
            continue;
        }
        contents.records += 1;
        if contents.records > MOST_ROWS {
            return Ok(Some(format!("it has more than {MOST_ROWS} rows: split it")));
        }
        let row = match record.fault {
            Some(fault) => Err(Wrong::row(
                fault,
                "each person on one line; text with a comma or a quote in it stands in \"quotes\", and a quote inside it is doubled",
            )),
            None => Row::read(&columns, &record.cells, rules),
        };
        match row {
            Ok(row) => contents.rows.push((record.first, row)),
            Err(why) => contents.bad.push(Bad {
                first: record.first,
                last: record.last,
                why,
                cells: record.cells,
            }),
        }
    }
    Ok(too_many_bad(contents, rules))
}

fn too_many_bad(contents: &Contents, rules: &Rules) -> Option<String> {
    // A quote that swallows lines makes each of them unread, not just one.
    let malformed: u64 = contents.bad.iter().map(|bad| bad.last - bad.first + 1).sum();
    let lines = malformed + contents.rows.len() as u64;
    let first = contents.bad.first()?;
    rules.too_many(malformed, lines).then(|| {
        format!(
            "{malformed} of {lines} rows are malformed, more than {} and more than {} %; the first is {}: {}",
            rules.malformed_rows,
            rules.malformed_percent,
            first.place(),
            first.why
        )
    })
}

/// What a file is that cannot be a CSV file in UTF-8, by its first bytes.
fn not_text(start: &[u8]) -> Option<&'static str> {
    match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("it is UTF-16: export the file as UTF-8"),
        [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => {
            Some("it is compressed, or a spreadsheet: export the file as CSV, uncompressed")
        }
        _ if start.contains(&0) => Some("it holds zero bytes (UTF-16 without a mark, or no text at all): export the file as UTF-8"),
        _ => None,
    }
}

fn columns(header: &Record, rules: &Rules) -> Result<Columns, String> {
    if let Some(fault) = header.fault {
        return Err(format!("the header cannot be read: {fault}"));
    }
    if let [only] = header.cells.as_slice() {
        for (separator, name) in [(';', "a semicolon"), ('\t', "a tab"), ('|', "a bar")] {
            if only.contains(separator) {
                return Err(format!("its separator is {name}: export the file with commas"));
            }
        }
        if only.contains('\r') {
            return Err(
                "its lines end with a bare carriage return: export the file with the line ends of Unix or Windows".to_owned(),
            );
        }
    }
    Columns::read(&header.cells, rules.full_file)
}

/// The number in `#EOF,rows=123`; spreadsheets may have added commas.
fn trailer(record: &Record) -> Option<u64> {
    match record.cells.as_slice() {
        [mark, rows, rest @ ..] if mark == "#EOF" && rest.iter().all(String::is_empty) => rows.strip_prefix("rows=")?.parse().ok(),
        _ => None,
    }
}

/// Hashes what passes through.
struct Hashing<R> {
    input: R,
    context: Context,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        self.context.update(&into[..count]);
        Ok(count)
    }
}

/// SHA-256 of all bytes of `input`.
pub(super) fn sha256(input: impl Read) -> io::Result<[u8; 32]> {
    let mut input = Hashing {
        input,
        context: Context::new(&SHA256),
    };
    let mut buffer = vec![0; 64 * 1024];
    while input.read(&mut buffer)? > 0 {}
    let mut hash = [0; 32];
    hash.copy_from_slice(input.context.finish().as_ref());
    Ok(hash)
}

#[cfg(test)]
mod tests;
