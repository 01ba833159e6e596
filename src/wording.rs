//! How names, numbers and spans of time are written for people, wherever that is: harmless for a terminal, and short.

use std::fmt::Write as _;
use std::time::Duration;

/// Text from outside without control characters and marks that reorder it: a name must not move the cursor.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        );
        if c.is_control() || hidden {
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The names of a person on one line, each without the word of its format where it is an address or a user name. Of what stands for a
/// credential the beginning is enough to tell it from others; the whole of it is in JSON and at the head of its case.
#[must_use]
pub fn bare(subject: &str) -> String {
    let names = subject.split('\n').map(|name| {
        if let Some(digest) = name.strip_prefix("credential:") {
            return format!("credential {}", shortened(digest, DIGEST));
        }
        let stripped = name.strip_prefix("email:").or(name.strip_prefix("username:"));
        stripped.unwrap_or(name).to_owned()
    });
    names.collect::<Vec<_>>().join(", ")
}

/// `sha256:` and eight digits.
const DIGEST: usize = 15;

/// The beginning of what is long and means nothing to who reads it.
#[must_use]
pub fn shortened(text: &str, kept: usize) -> String {
    match text.char_indices().nth(kept) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How long, as a person reads it: `340 ms`, `2.4 s`, `3 m 12 s`, `5 h 3 m`, `12 d`.
#[must_use]
pub fn span(length: Duration) -> String {
    let ms = length.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", length.as_secs_f64()),
        60_000..3_600_000 => format!("{} m {} s", ms / 60_000, ms % 60_000 / 1000),
        3_600_000..172_800_000 => format!("{} h {} m", ms / 3_600_000, ms % 3_600_000 / 60_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

/// Numbers on one line, neighbours as a range: `3, 5-9, 12`.
#[must_use]
pub fn listed(numbers: &[i64]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for number in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let runs = runs.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{bare, listed, plain, span};
    use std::time::Duration;

    #[test]
    fn a_name_is_short_and_a_digest_is_no_wall_of_digits() {
        assert_eq!(bare("username:ann\nemail:ann@example.org"), "ann, ann@example.org");
        assert_eq!(
            bare("credential:sha256:bfb53c5ea8e823b5e063ee2bb3d50b00"),
            "credential sha256:bfb53c5e…"
        );
    }

    #[test]
    fn a_name_cannot_move_the_cursor_or_reorder_text() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
    }

    #[test]
    fn neighbours_are_a_range() {
        assert_eq!(listed(&[9, 3, 5, 6, 7, 8, 12, 13]), "3, 5-9, 12, 13");
        assert_eq!(listed(&[]), "");
    }

    #[test]
    fn spans_read_well() {
        let read = [340, 2_400, 192_000, 18_180_000, 1_036_800_000].map(|ms| span(Duration::from_millis(ms)));
        assert_eq!(read, ["340 ms", "2.4 s", "3 m 12 s", "5 h 3 m", "12 d"]);
    }
}
