//! Config errors: what is wrong with a config file, each with its place, rendered as a report by line and column.

use std::fmt;
use std::ops::Range;

/// One thing wrong with a config, at a byte range of the file where one is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The bytes of the file it is about.
    pub span: Option<Range<usize>>,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl ConfigError {
    /// A complaint about a whole table.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            span: None,
            message: message.into(),
        }
    }

    /// A complaint about the bytes `span` of the file.
    #[must_use]
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span: Some(span),
            message: message.into(),
        }
    }

    /// The same complaint, at `span` where it has no place of its own.
    #[must_use]
    pub fn or_at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

/// Every complaint about one file, rendered one a line as `revoked.toml:17:5: unknown key …`, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigReport {
    file: String,
    lines: Vec<(Option<(usize, usize)>, String)>,
}

impl ConfigReport {
    /// The complaints about `text`, which was read from `file`.
    #[must_use]
    pub fn new(file: impl Into<String>, text: &str, errors: impl IntoIterator<Item = ConfigError>) -> Self {
        let mut lines: Vec<_> = errors
            .into_iter()
            .map(|error| (error.span.map(|span| position(text, span.start)), error.message))
            .collect();
        lines.sort();
        lines.dedup();
        Self {
            file: file.into(),
            lines,
        }
    }

    /// What is left without the complaints of which `known` says so.
    #[must_use]
    pub fn without(mut self, known: impl Fn(&str) -> bool) -> Self {
        self.lines.retain(|(_, message)| !known(message));
        self
    }

    /// How many complaints there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is nothing to complain about.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The complaints, each with its line and column (both from 1, columns in characters) where it has a place.
    pub fn iter(&self) -> impl Iterator<Item = (Option<(usize, usize)>, &str)> {
        self.lines.iter().map(|(place, message)| (*place, message.as_str()))
    }
}

impl fmt::Display for ConfigReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (place, message)) in self.lines.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            match place {
                Some((line, column)) => write!(f, "{}:{line}:{column}: {message}", self.file)?,
                None => write!(f, "{}: {message}", self.file)?,
            }
        }
        Ok(())
    }
}

/// Line and column of a byte, both from 1; the column counts characters, as editors do.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_come_in_the_order_of_the_file_with_line_and_column() {
        let text = "a = 1\nümlaut = \"ä\" # ß\nb = 2\n";
        let at = |what: &str| text.find(what).unwrap()..text.len();
        let report = ConfigReport::new(
            "revoked.toml",
            text,
            [
                ConfigError::at(at("b = 2"), "third"),
                ConfigError::at(at("\"ä\""), "second"),
                ConfigError::new("first, without a place"),
            ],
        );
        assert_eq!(
            report.to_string(),
            "revoked.toml: first, without a place\nrevoked.toml:2:10: second\nrevoked.toml:3:1: third"
        );
    }

    #[test]
    fn a_place_past_the_end_or_inside_a_character_does_not_panic() {
        assert_eq!(position("ä", 1), (1, 1));
        assert_eq!(position("ä\n", 99), (2, 1));
    }
}
