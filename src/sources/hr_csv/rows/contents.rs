//! A whole file: its rows, what could not be read of it, and whether it is to be rejected, in one pass and with bounded memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use aws_lc_rs::digest::{Context, SHA256};
use encoding_rs::UTF_8;

use super::fields::LAST_DAY;
use super::refused_row::{RefusedRow, cut, quoted};
use super::row::{Row, RowRead};
use crate::sources::hr_csv::csv::csv_reader::{Record, Records, SEPARATORS, Unreadable, WRAPPED};
use crate::sources::hr_csv::csv::encoding::DecodedFile;
use crate::sources::hr_csv::format::columns::{BadHeader, Columns, Demands, WHY};
use crate::sources::hr_csv::format::header_name::normal;
use crate::sources::hr_csv::format::near_columns::{NearColumn, mapping_with, near_column};
use crate::sources::hr_csv::settings::rules::{MOST_ROWS, Rules};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sources::hr_csv) struct FileContents {
    /// SHA-256 of all its bytes.
    pub sha256: [u8; 32],
    /// The header as written, and what stands around it.
    pub header: Header,
    /// The rows that can be acted on, with their lines.
    pub rows: Vec<(u64, Row)>,
    /// What cannot be read: rows, and cells of the rows of people who stay.
    pub bad: Vec<RefusedRow>,
    /// Records other than header, trailer and blank lines: what a trailer or a marker counts.
    pub records: u64,
    /// What the trailer says, where there is one.
    pub trailer: Option<u64>,
    /// Whether it was read to its end.
    pub is_whole: bool,
    /// Why nothing of it may be acted on. It quotes nothing.
    pub rejected: Option<String>,
    /// What of the file helps to mend it: its header, or the words that are not known. For whoever may read the file, never for the trail.
    pub quotes: Option<String>,
    /// A mapping that may be meant, as config: where a column is missing and another is called almost like it.
    pub mapping: Option<String>,
}

/// The lines before the first row, so that what is put aside can be written as the file was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sources::hr_csv) struct Header {
    /// The header.
    pub cells: Vec<String>,
    /// What stands above it.
    pub above: Vec<Vec<String>>,
    /// What stands below it.
    pub below: Vec<Vec<String>>,
    /// What stands between two cells, where the file was read so far.
    pub separator: Option<u8>,
    /// Whether the file is written in anything but UTF-8 without a mark.
    pub marked: bool,
}

/// Reads a file to its end, whatever it holds, so that its hash is known even where it is rejected.
pub(in crate::sources::hr_csv) fn read(input: impl Read, rules: &Rules) -> io::Result<FileContents> {
    let mut input = Hashing {
        input,
        context: Context::new(&SHA256),
    };
    let mut contents = FileContents::default();
    contents.rejected = match fill(&mut contents, &mut input, rules) {
        Ok(()) => None,
        Err(Stop::Rejected(why)) => Some(why),
        Err(Stop::Unreadable(Unreadable::Encoding { line })) => Some(not_in(line, &contents.header, rules)),
        Err(Stop::Unreadable(Unreadable::Io(error))) => return Err(error),
    };
    io::copy(&mut input, &mut io::sink())?;
    contents.sha256.copy_from_slice(input.context.finish().as_ref());
    Ok(contents)
}

/// Why a file is not read to its end.
enum Stop {
    Rejected(String),
    Unreadable(Unreadable),
}

impl Stop {
    fn at<T>(why: impl Into<String>) -> Result<T, Self> {
        Err(Self::Rejected(why.into()))
    }
}

impl From<Unreadable> for Stop {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.into())
    }
}

fn not_in(line: u64, header: &Header, rules: &Rules) -> String {
    let encoding = rules.format.encoding;
    if encoding != UTF_8 {
        return format!(
            "line {line} is not {}, as the file's mark or the config says",
            encoding.name()
        );
    }
    if header.marked {
        return format!("line {line} is not what the file's byte order mark says that it is: export the file again");
    }
    format!(
        "line {line} is not UTF-8 (it looks like Latin-1 or Windows-1252): export the file as UTF-8, or write encoding = \"windows-1252\" \
         in the config if that is what it is"
    )
}

/// Fills `contents`, or says why the file is to be rejected.
fn fill(contents: &mut FileContents, input: &mut impl Read, rules: &Rules) -> Result<(), Stop> {
    let opened = DecodedFile::of(input, rules.format.encoding)?;
    contents.header.marked = opened.marked;
    if let Some(why) = opened.refused {
        return Stop::at(why);
    }
    let separator = match opened.stated {
        None => rules.format.separator,
        Some(byte) if SEPARATORS.iter().any(|(known, _)| *known == byte) => byte,
        Some(_) => return Stop::at("its first line names a separator that is none of comma, semicolon, tab and bar"),
    };
    contents.header.separator = Some(separator);
    let mut records = Records::new(BufReader::with_capacity(64 * 1024, opened.text), separator, opened.lines);
    let head = head(&mut contents.header, &mut records, rules);
    if matches!(head, Err(Stop::Rejected(_))) {
        contents.quotes = quoted_header(&contents.header);
    }
    let (columns, mut pending) = head?;
    let mut words = Words::default();
    while let Some(record) = match pending.take() {
        Some(record) => Some(record),
        None => records.next()?,
    } {
        if record.is_blank() {
            continue;
        }
        if contents.trailer.is_some() {
            return Stop::at(format!(
                "line {} follows the #EOF trailer: the file is put together from two",
                record.first
            ));
        }
        if record.cells[0].starts_with("#EOF") {
            let Some(rows) = trailer(&record) else {
                return Stop::at(format!("line {}: the trailer must read #EOF,rows=<number>", record.first));
            };
            contents.trailer = Some(rows);
            continue;
        }
        contents.records += 1;
        if contents.records > MOST_ROWS {
            return Stop::at(format!("it has more than {MOST_ROWS} rows: split it"));
        }
        let aside = match Row::read(&columns, &record, rules) {
            Ok(read) => {
                words.count(&read);
                contents.rows.push((record.first, read.row));
                read.aside
            }
            Err(why) => Some(why),
        };
        contents
            .bad
            .extend(aside.map(|why| RefusedRow::of(record, &columns, &rules.format.dates, why)));
    }
    contents.is_whole = true;
    let near = near_to_a_fault(contents, &columns, rules);
    contents.mapping = near.as_ref().map(|near| mapping_with(near, &contents.header.cells, &columns));
    let quotes = [near.map(|near| asked(&near)), words.quoted()].into_iter().flatten();
    contents.quotes = quotes.reduce(|one, other| format!("{one}. {other}"));
    match words.refused().or_else(|| too_many_bad(contents, rules)) {
        Some(why) => Stop::at(why),
        None => Ok(()),
    }
}

/// Reads the lines before the first row. Answers the columns, and the first row where it was read already.
fn head<R: BufRead>(header: &mut Header, records: &mut Records<R>, rules: &Rules) -> Result<(Columns, Option<Record>), Stop> {
    let format = &rules.format;
    for _ in 0..format.skip_before_header {
        header.above.extend(records.next()?.map(|record| record.cells));
    }
    let Some(first) = records.next()? else {
        return Stop::at("the file is empty");
    };
    let mut pending = None;
    match &format.header {
        // What went through the quarantine has got a header there.
        Some(names) if first.cells.first().is_none_or(|name| normal(name) != WHY) => {
            header.cells.clone_from(names);
            pending = Some(first);
        }
        _ => {
            header.cells.clone_from(&first.cells);
            if let Some(why) = unlike_a_header(&first, header.separator) {
                return Stop::at(why);
            }
        }
    }
    let demands = Demands {
        states_itself: rules.full_file || format.by_date,
    };
    let columns = Columns::read(&header.cells, &format.columns, &format.ignore_columns, demands);
    let columns = columns.or_else(|BadHeader(why)| Stop::at(why))?;
    for _ in 0..format.skip_after_header {
        header.below.extend(records.next()?.map(|record| record.cells));
    }
    Ok((columns, pending))
}

/// The header that may be meant for a column whose lack keeps rows from being read, or leaves it open when somebody leaves.
fn near_to_a_fault(contents: &FileContents, columns: &Columns, rules: &Rules) -> Option<NearColumn> {
    let format = &rules.format;
    // What a mapping does not name is passed over on purpose.
    if !format.columns.is_empty() {
        return None;
    }
    let undated = contents.rows.iter().any(|(_, row)| row.undated).then_some(LAST_DAY);
    let at_fault = contents.bad.iter().filter_map(|bad| bad.why.column).chain(undated);
    let at_fault: BTreeSet<&'static str> = at_fault.collect();
    let near = at_fault
        .into_iter()
        .map(|column| near_column(&contents.header.cells, columns, &format.ignore_columns, column));
    near.flatten().next()
}

/// What to ask about such a header.
fn asked(near: &NearColumn) -> String {
    format!(
        "The column {} of its header is read as nothing, and {} is missing. If it is that, write {1} in the header in its place, or name it \
         under [source.columns] in the config",
        quoted(&near.header),
        near.column
    )
}

fn too_many_bad(contents: &FileContents, rules: &Rules) -> Option<String> {
    let counted = || contents.bad.iter().filter(|bad| bad.why.counts);
    // A quote that swallows lines makes each of them unread, not just one.
    let malformed: u64 = counted().map(|bad| bad.last - bad.first + 1).sum();
    let lines = malformed + contents.rows.len() as u64;
    let first = counted().next()?;
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

/// Why a first record cannot be a header, before its names are looked at.
fn unlike_a_header(header: &Record, separator: Option<u8>) -> Option<String> {
    if let Some(fault) = header.fault {
        return Some(format!("the header cannot be read: {fault}"));
    }
    if header.swallowed.is_some_and(|swallowed| swallowed > 0) {
        return Some(format!("the header cannot be read: {WRAPPED}"));
    }
    if header.swallowed.is_none() && header.cells.iter().any(|name| name.contains('\r')) {
        let why = "its lines end with a bare carriage return: export the file with the line ends of Unix or Windows";
        return Some(why.to_owned());
    }
    let [only] = header.cells.as_slice() else { return None };
    let other = SEPARATORS.into_iter().filter(|(byte, _)| Some(*byte) != separator);
    for (byte, name) in other {
        if only.contains(char::from(byte)) {
            let written = if byte == b'\t' {
                "tab".to_owned()
            } else {
                char::from(byte).to_string()
            };
            return Some(format!(
                "its separator is {name}: write separator = {written:?} in the config, or export the file with the one that is expected"
            ));
        }
    }
    None
}

/// The header, for whoever may read the file.
fn quoted_header(header: &Header) -> Option<String> {
    let names: Vec<String> = header
        .cells
        .iter()
        .take(MOST_QUOTED)
        .map(|name| format!("{:?}", cut(name)))
        .collect();
    let more = header.cells.len().saturating_sub(MOST_QUOTED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!names.is_empty()).then(|| {
        format!(
            "Its header reads: {}{more}. What it calls our columns is said under [source.columns] in the config; revoked source hr map FILE \
             proposes it",
            names.join(", ")
        )
    })
}

/// So many headers or words are quoted at most.
const MOST_QUOTED: usize = 60;

/// What stands in the status column.
#[derive(Default)]
struct Words {
    known: u64,
    unknown: BTreeMap<String, u64>,
}

impl Words {
    fn count(&mut self, read: &RowRead) {
        match &read.unknown {
            Some(word) => {
                let word = cut(word);
                if self.unknown.len() < MOST_QUOTED || self.unknown.contains_key(&word) {
                    *self.unknown.entry(word).or_default() += 1;
                }
            }
            None if read.row.is_state => self.known += 1,
            None => {}
        }
    }

    /// A file of which no status is known says nothing that could be acted on.
    fn refused(&self) -> Option<String> {
        (self.known == 0 && !self.unknown.is_empty()).then(|| {
            "no word of its status column is known: say what they mean under [source.status_words] in the config".to_owned()
        })
    }

    fn quoted(&self) -> Option<String> {
        let words: Vec<String> = self
            .unknown
            .iter()
            .map(|(word, count)| format!("{word:?} ({count})"))
            .collect();
        (!words.is_empty()).then(|| {
            format!(
                "Words of the status column that are not known: {}. Say what they mean in the config, such as [source.status_words] \
                 terminated = [\"Left\"], active = [\"On leave\"], ignore = [\"Transferred\"]",
                words.join(", ")
            )
        })
    }
}

/// The number in `#EOF,rows=123`, whatever separates the cells of the file; spreadsheets may have added more of that.
fn trailer(record: &Record) -> Option<u64> {
    let cells: Vec<&str> = match record.cells.as_slice() {
        [only] => only.split(',').collect(),
        cells => cells.iter().map(String::as_str).collect(),
    };
    match cells.as_slice() {
        [mark, rows, rest @ ..] if *mark == "#EOF" && rest.iter().all(|cell| cell.is_empty()) => {
            rows.strip_prefix("rows=")?.parse().ok()
        }
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
pub(in crate::sources::hr_csv) fn sha256(input: impl Read) -> io::Result<[u8; 32]> {
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
