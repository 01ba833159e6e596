//! Bytes to records, strictly by RFC 4180 (but for the separator) and with bounded memory.
//!
//! The `csv` crate, and `csv-core` below it, read a stray or unclosed quote leniently and do not tell; where a row ends somebody's access, a
//! row that can be read in two ways must not be read at all. What a quote swallows is refused together with it, since a line inside a cell
//! may look like a row.
//!
//! What is wrong with one cell alone (a line break in quotes, more text than anybody needs) is told with its place: it spoils the record
//! only where that cell is needed, or where the quotes have swallowed so many separators that there may be a row inside.

use std::io::{self, BufRead};

/// The longest cell taken, in bytes.
pub(in crate::sources::hr_csv) const LONGEST_CELL: usize = 1024;

/// The most cells kept of one record: exports of everything that an HR system knows have hundreds.
const MOST_CELLS: usize = 512;

/// What may stand between two cells.
pub(in crate::sources::hr_csv) const SEPARATORS: [(u8, &str); 4] =
    [(b',', "a comma"), (b';', "a semicolon"), (b'\t', "a tab"), (b'|', "a bar")];

/// One record, and the lines that it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct Record {
    /// The number of its first line; the file's first is 1.
    pub first: u64,
    /// The number of its last line.
    pub last: u64,
    /// Its cells, each cut to [`LONGEST_CELL`].
    pub cells: Vec<String>,
    /// Why it cannot be taken.
    pub fault: Option<&'static str>,
    /// The cells that cannot be taken although the record can, each with why.
    pub spoilt: Vec<(usize, &'static str)>,
    /// The most separators that stand inside one cell that holds line breaks. A quote that has swallowed the end of one row and the
    /// beginning of another has swallowed at least as many as a row has.
    pub swallowed: Option<usize>,
}

impl Record {
    /// Whether nothing stands on it: an empty line, or the rows of bare commas that spreadsheets append.
    pub(in crate::sources::hr_csv) fn is_blank(&self) -> bool {
        self.fault.is_none() && self.cells.iter().all(String::is_empty)
    }
}

/// Why reading cannot go on.
#[derive(Debug)]
pub(in crate::sources::hr_csv) enum Unreadable {
    /// The file could not be read.
    Io(io::Error),
    /// The line is not UTF-8.
    Encoding { line: u64 },
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A line break inside of quotes.
pub(in crate::sources::hr_csv) const WRAPPED: &str = "a cell holds a line break, or a quote is not closed";

/// Reads records one by one.
pub(in crate::sources::hr_csv) struct Records<R> {
    input: R,
    separator: u8,
    line: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Bare,
    Quoted,
    /// After a quote inside a quoted cell: the cell's end, or the first half of a doubled quote.
    Quote,
    /// After the carriage return that follows a quoted cell.
    Return,
}

impl<R: BufRead> Records<R> {
    /// Reads `input`, of which so many lines have been read, with `separator` between two cells.
    pub(in crate::sources::hr_csv) const fn new(input: R, separator: u8, line: u64) -> Self {
        Self { input, separator, line }
    }

    /// The next record; `None` at the end of the file.
    pub(in crate::sources::hr_csv) fn next(&mut self) -> Result<Option<Record>, Unreadable> {
        let first = self.line + 1;
        let mut record = Building::new(self.separator);
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if bytes.is_empty() {
                if !record.begun {
                    return Ok(None);
                }
                if record.state == State::Quoted {
                    record.blame("a quote is opened and never closed");
                }
                self.line += 1;
                return record.finish(first, self.line).map(Some);
            }
            let mut used = 0;
            let mut ended = false;
            for &byte in bytes {
                used += 1;
                if byte == b'\n' {
                    self.line += 1;
                    if record.state != State::Quoted {
                        ended = true;
                        break;
                    }
                    record.spoil(WRAPPED);
                }
                record.take(byte);
            }
            self.input.consume(used);
            if ended {
                return record.finish(first, self.line).map(Some);
            }
        }
    }
}

struct Building {
    separator: u8,
    state: State,
    begun: bool,
    cell: Vec<u8>,
    cells: Vec<Vec<u8>>,
    fault: Option<&'static str>,
    /// What is wrong with the cell that is being read.
    cell_fault: Option<&'static str>,
    /// How many separators stand inside of it.
    inside: usize,
    spoilt: Vec<(usize, &'static str)>,
    swallowed: Option<usize>,
}

impl Building {
    const fn new(separator: u8) -> Self {
        Self {
            separator,
            state: State::CellStart,
            begun: false,
            cell: Vec::new(),
            cells: Vec::new(),
            fault: None,
            cell_fault: None,
            inside: 0,
            spoilt: Vec::new(),
            swallowed: None,
        }
    }

    fn take(&mut self, byte: u8) {
        self.begun = true;
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::Quote,
            (State::Quote, b'"') => {
                self.push(b'"');
                State::Quoted
            }
            (State::Quoted, _) => {
                self.inside += usize::from(byte == self.separator);
                self.push(byte);
                State::Quoted
            }
            (State::CellStart | State::Bare | State::Quote, _) if byte == self.separator => {
                self.end_cell();
                State::CellStart
            }
            (State::CellStart, b'"') => State::Quoted,
            (State::Quote, b'\r') => State::Return,
            (State::CellStart | State::Bare, _) => {
                if byte == b'"' {
                    self.blame("a quote stands inside a cell that does not begin with one");
                }
                self.push(byte);
                State::Bare
            }
            (State::Quote | State::Return, _) => {
                self.blame("something follows the closing quote of a cell");
                self.push(byte);
                State::Bare
            }
        };
    }

    /// The first fault stands; what follows from it says nothing new.
    fn blame(&mut self, fault: &'static str) {
        self.fault.get_or_insert(fault);
    }

    /// The same of one cell; that it holds a line break says more than that it is long.
    fn spoil(&mut self, fault: &'static str) {
        if self.cell_fault.is_none() || fault == WRAPPED {
            self.cell_fault = Some(fault);
        }
    }

    fn push(&mut self, byte: u8) {
        if self.cell.len() < LONGEST_CELL {
            self.cell.push(byte);
        } else {
            self.spoil(LONG);
        }
    }

    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        let inside = std::mem::take(&mut self.inside);
        if let Some(fault) = self.cell_fault.take() {
            self.spoilt.push((self.cells.len(), fault));
            if fault == WRAPPED {
                self.swallowed = self.swallowed.max(Some(inside));
            }
        }
        if self.cells.len() < MOST_CELLS {
            self.cells.push(cell);
        } else {
            self.blame("it has more than 512 cells");
        }
    }

    fn finish(mut self, first: u64, last: u64) -> Result<Record, Unreadable> {
        if self.state == State::Bare && self.cell.last() == Some(&b'\r') {
            self.cell.pop();
        }
        self.end_cell();
        let cells = self.cells.into_iter().map(|cell| {
            // One that was cut may end in the middle of a character.
            let cut = cell.len() == LONGEST_CELL;
            text(cell, cut)
        });
        let cells = cells.collect::<Option<_>>().ok_or(Unreadable::Encoding { line: first })?;
        Ok(Record {
            first,
            last,
            cells,
            fault: self.fault,
            spoilt: self.spoilt,
            swallowed: self.swallowed,
        })
    }
}

const LONG: &str = "a cell is longer than 1024 bytes";

/// A cell as text.
fn text(cell: Vec<u8>, may_be_cut: bool) -> Option<String> {
    match String::from_utf8(cell) {
        Ok(text) => Some(text),
        Err(error) if may_be_cut && error.utf8_error().error_len().is_none() => {
            Some(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: impl AsRef<[u8]>) -> Vec<Record> {
        let mut records = Records::new(text.as_ref(), b',', 0);
        std::iter::from_fn(|| records.next().unwrap()).collect()
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        all(text).into_iter().map(|record| record.cells).collect()
    }

    fn fault(text: &str) -> &'static str {
        all(text).into_iter().find_map(|record| record.fault).unwrap()
    }

    #[test]
    fn line_ends_may_be_mixed_and_the_last_may_be_missing() {
        assert_eq!(
            cells("a,b\r\nc,d\ne,\"f\"\r\n,"),
            [["a", "b"], ["c", "d"], ["e", "f"], ["", ""]]
        );
        assert_eq!(cells(""), Vec::<Vec<String>>::new());
        assert_eq!(cells("a\r\n\r\nb"), [["a"], [""], ["b"]]);
    }

    #[test]
    fn doubled_quotes_and_commas_inside_quotes_are_text() {
        assert_eq!(cells("\"a,\"\"b\"\"\",c\n"), [["a,\"b\"", "c"]]);
    }

    #[test]
    fn what_a_quote_swallows_is_one_record_that_tells_how_much_it_was() {
        let records = all("a,b\n1,\"x\n2,evil,row\ny\",z\n3,w\n");
        assert_eq!(records.len(), 3);
        assert_eq!((records[1].first, records[1].last), (2, 4));
        assert_eq!((records[1].fault, records[1].swallowed), (None, Some(2)));
        assert_eq!(records[1].spoilt, [(1, WRAPPED)]);
        assert_eq!(records[2].cells, ["3", "w"]);
        // The smallest swallowing that closes by chance at the start of a cell of the next row.
        for (text, width) in [
            ("a,b,\"c\nd,e,f\"\n", 3),
            ("\"a,b,c\nd\",e,f\n", 3),
            ("a,\"b,c\nd,e\",f\n", 3),
        ] {
            let record = all(text).remove(0);
            assert!(record.swallowed >= Some(width - 1), "{text:?}: {record:?}");
        }
    }

    #[test]
    fn stray_quotes_are_faults() {
        assert!(fault("a,\"b\nc,d\n").contains("never closed"));
        assert!(fault("a,\"b").contains("never closed"));
        assert!(fault("a,b\"c\n").contains("inside a cell"));
        assert!(fault("a,\"b\"c\n").contains("closing quote"));
        assert!(fault("a,\"b\"\rc\n").contains("closing quote"));
    }

    #[test]
    fn a_megabyte_of_cell_is_cut_and_does_not_spoil_the_next_line() {
        let records = all(format!("a,{}\nc,d\n", "é".repeat(500_000)));
        assert_eq!(records[0].spoilt, [(1, LONG)]);
        assert!(records[0].cells[1].len() <= LONGEST_CELL + 3);
        assert_eq!(records[1].cells, ["c", "d"]);
        assert!(fault(&",".repeat(600)).contains("512 cells"));
    }

    #[test]
    fn latin_1_is_noticed_with_its_line() {
        let mut records = Records::new(&b"a\nM\xfcller\n"[..], b',', 0);
        assert!(records.next().is_ok());
        assert!(matches!(records.next(), Err(Unreadable::Encoding { line: 2 })));
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_writes_is_read_back(rows in prop::collection::vec(prop::collection::vec("[a-z,\" ;é=]{0,8}", 2..6), 1..6)) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let back: Vec<_> = all(&bytes).into_iter().map(|record| { assert_eq!(record.fault, None); record.cells }).collect();
            prop_assert_eq!(back, rows);
        }

        #[test]
        fn arbitrary_bytes_are_read_to_their_end(bytes in prop::collection::vec(prop::sample::select(&b"a,\"\r\n\xc3\xa9"[..]), 0..200)) {
            let mut records = Records::new(&bytes[..], b',', 0);
            let mut last = 0;
            while let Ok(Some(record)) = records.next() {
                prop_assert!(record.first == last + 1 && record.last >= record.first);
                last = record.last;
            }
        }
    }
}
