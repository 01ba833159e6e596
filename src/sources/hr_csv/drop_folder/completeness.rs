//! What says that a file is complete: a marker beside it (`name.csv.done`), a trailer as its last line (`#EOF,rows=123`), or else how it ends.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::digest::hex;
use crate::sources::hr_csv::files::regular_file::{self, Opened};
use crate::sources::hr_csv::rows::contents::FileContents;

/// The longest marker read, in bytes.
const LONGEST_MARKER: u64 = 4096;

/// The path of the marker beside a file.
pub(in crate::sources::hr_csv) fn marker_path(path: &Path) -> PathBuf {
    let mut marker = OsString::from(path);
    marker.push(".done");
    PathBuf::from(marker)
}

/// What a marker says. It holds the SHA-256 of the file in hexadecimal, as `sha256sum` writes it, and may hold the number of rows as
/// `rows=123` or as a number alone.
#[derive(Debug, PartialEq, Eq)]
struct Marker {
    sha256: Option<String>,
    rows: Option<u64>,
}

/// A file does not hold what it is said to hold, in words for HR.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct Mismatch(pub String);

impl Marker {
    /// Reads the marker at `path`. What is none says nothing, and so fits no file.
    fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        if let Opened::File(file, _) = regular_file::open(path)? {
            file.take(LONGEST_MARKER).read_to_end(&mut bytes)?;
        }
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Self {
        let words = || text.split([' ', '\t', '\r', '\n', ',', ';']);
        let is_hash = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = |word: &str| word.strip_prefix("sha256=").unwrap_or(word).to_ascii_lowercase();
        Self {
            sha256: words().map(hash).find(|word| is_hash(&word.as_str())),
            rows: words().find_map(|word| word.strip_prefix("rows=").unwrap_or(word).parse().ok()),
        }
    }

    /// Compares what it says with the file.
    fn check(&self, contents: &FileContents) -> Result<(), Mismatch> {
        match &self.sha256 {
            None => {
                return Err(Mismatch(
                    "its .done marker holds no SHA-256: write it as sha256sum does".to_owned(),
                ));
            }
            Some(said) if *said != hex(&contents.sha256) => {
                return Err(Mismatch(
                    "its SHA-256 is not the one in its .done marker: it is incomplete or was changed".to_owned(),
                ));
            }
            Some(_) => {}
        }
        if let Some(rows) = self.rows {
            rows_fit("its .done marker", rows, contents)?;
        }
        trailer(contents)
    }
}

/// Compares what the marker beside the file at `path` says, where there is one, and the trailer, with the file.
pub(in crate::sources::hr_csv) fn mismatch(path: &Path, contents: &FileContents) -> io::Result<Result<(), Mismatch>> {
    let marker = marker_path(path);
    Ok(if std::fs::symlink_metadata(&marker).is_ok() {
        Marker::read(&marker)?.check(contents)
    } else {
        trailer(contents)
    })
}

/// Compares what the trailer says, where there is one, with the file. A file that is rejected anyway was not counted to its end.
pub(in crate::sources::hr_csv) fn trailer(contents: &FileContents) -> Result<(), Mismatch> {
    contents
        .trailer
        .map_or(Ok(()), |rows| rows_fit("its trailer", rows, contents))
}

fn rows_fit(what: &str, said: u64, contents: &FileContents) -> Result<(), Mismatch> {
    if contents.rejected.is_some() || said == contents.records {
        return Ok(());
    }
    Err(Mismatch(format!(
        "{what} says {said} rows and there are {}: it is incomplete, or a quote in it swallows lines",
        contents.records
    )))
}

/// What is told of a file that stops in the middle of a line.
pub(in crate::sources::hr_csv) const NO_END: &str = "its last line has no end, so its writer may not be done";

/// How a file ends, as a hint whether its writer is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::hr_csv) enum Ending {
    /// With a line that looks like a trailer.
    Trailer,
    /// With the end of a line.
    Fields,
    /// In the middle of a line, which RFC 4180 allows for the last.
    Middle,
}

impl Ending {
    /// Looks at the last bytes, and goes back to the first.
    pub(in crate::sources::hr_csv) fn of(file: &mut File, len: u64) -> io::Result<Self> {
        use std::io::{Seek as _, SeekFrom};
        let tail = len.min(256);
        file.seek(SeekFrom::Start(len - tail))?;
        let mut bytes = Vec::new();
        file.take(tail).read_to_end(&mut bytes)?;
        file.rewind()?;
        // Of UTF-16 the half of each character that plain text leaves empty is passed over.
        bytes.retain(|byte| *byte != 0);
        let text = bytes.trim_ascii_end();
        let last = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_trailer = last
            .strip_prefix(b"#EOF")
            .is_some_and(|rest| rest.get(1..6) == Some(b"rows="));
        Ok(if is_trailer {
            Self::Trailer
        } else if bytes.last().is_none_or(|byte| *byte == b'\n') {
            Self::Fields
        } else {
            Self::Middle
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_as_sha256sum_writes_it() {
        let hash = "AB".repeat(32);
        let low = Some("ab".repeat(32));
        let read = |text: &str| Marker::parse(text);
        for (text, rows) in [
            (format!("{hash}  leavers.csv\n"), None),
            (format!("{hash}\n12\n"), Some(12)),
            (format!("sha256={hash}\r\nrows=12\r\n"), Some(12)),
            (format!("rows=0,sha256={hash}"), Some(0)),
        ] {
            assert_eq!(
                read(&text),
                Marker {
                    sha256: low.clone(),
                    rows
                },
                "{text:?}"
            );
        }
        assert_eq!(read("").sha256, None);
        assert_eq!(read("done").sha256, None);
    }
}
