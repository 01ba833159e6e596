//! File names: shown without harm, and made for the archive.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

/// The longest part of a file's own name that the archive keeps, in bytes; the rest of its name is the hash.
const LONGEST_STEM: usize = 150;

/// A file's name for people and records: control characters, invisible characters, backslashes and bytes that are not UTF-8 stand
/// escaped, so that no two names are shown alike and none breaks a line or turns text around.
#[must_use]
pub fn shown(name: &OsStr) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                    text.extend(c.escape_unicode());
                }
                c if c.is_control() => text.extend(c.escape_default()),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A shown name without its `.csv`, short enough to take a hash.
pub(in crate::sources::hr_csv) fn stem(shown: &str) -> &str {
    let stem = match shown.len().checked_sub(4) {
        Some(end) if shown.is_char_boundary(end) && shown[end..].eq_ignore_ascii_case(".csv") => &shown[..end],
        _ => shown,
    };
    &stem[..stem.floor_char_boundary(LONGEST_STEM)]
}

/// Whether a file of that name is for us: `*.csv` in any case, not hidden. (`.tmp` and `.part` are what uploads are called until they
/// are complete.)
pub(in crate::sources::hr_csv) fn is_ours(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    bytes.len() > 4 && bytes[0] != b'.' && bytes[bytes.len() - 4..].eq_ignore_ascii_case(b".csv")
}

/// Whether a file that is not ours is one that a drop folder holds: an upload under way, a marker, a signature, something hidden.
pub(in crate::sources::hr_csv) fn is_expected(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    bytes[0] == b'.'
        || [".tmp", ".part", ".done", ".minisig"]
            .iter()
            .any(|end| bytes.ends_with(end.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_harm_and_never_alike() {
        assert_eq!(shown(OsStr::new("Austritte März.csv")), "Austritte März.csv");
        assert_eq!(shown(OsStr::new("a\nb\u{1b}[2J.csv")), "a\\nb\\u{1b}[2J.csv");
        assert_eq!(shown(OsStr::new("a\\nb.csv")), "a\\\\nb.csv");
        assert_eq!(shown(OsStr::new("x\u{202e}vsc.csv")), "x\\u{202e}vsc.csv");
        assert_eq!(shown(OsStr::from_bytes(b"M\xfcller.csv")), "M\\xfcller.csv");
    }

    #[test]
    fn only_finished_csv_files_are_ours() {
        for ours in ["a.csv", "A.CSV", "x.tmp.csv"] {
            assert!(is_ours(OsStr::new(ours)), "{ours}");
        }
        for not in [".a.csv", ".csv", "a.csv.tmp", "a.csv.part", "a.csv.done", "a.xlsx", "csv"] {
            assert!(!is_ours(OsStr::new(not)), "{not}");
        }
    }

    #[test]
    fn a_long_name_leaves_room_for_the_hash() {
        let long = format!("{}.csv", "ü".repeat(120));
        assert!(stem(&long).len() <= LONGEST_STEM);
        assert_eq!(stem("leavers.CSV"), "leavers");
    }
}
