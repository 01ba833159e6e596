//! Sentences below a line: indented, and broken between words where the screen ends.

use unicode_width::UnicodeWidthStr as _;

use super::terminal::{shown, terminal};
use super::{line, plain};

/// Prints a text from outside, or of ours, each of its lines indented by `indent` columns.
///
/// # Errors
/// As [`line()`].
pub(in crate::cli) fn paragraph(indent: usize, text: &str) -> anyhow::Result<()> {
    for broken in broken(&shown(&plain(text)), indent, terminal().width.map(usize::from)) {
        line(broken)?;
    }
    Ok(())
}

/// A word that is wider than the screen is left whole.
fn broken(text: &str, indent: usize, width: Option<usize>) -> Vec<String> {
    let (space, room) = (
        " ".repeat(indent),
        width.map_or(usize::MAX, |width| width.saturating_sub(indent)),
    );
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in text.split_whitespace() {
        if !current.is_empty() && current.width() + 1 + word.width() > room {
            lines.push(format!("{space}{current}"));
            current.clear();
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    if !current.is_empty() {
        lines.push(format!("{space}{current}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn lines_break_between_words_and_a_pipe_gets_them_whole() {
        assert_eq!(broken("one two three", 2, Some(9)), ["  one two", "  three"]);
        assert_eq!(broken("one two three", 2, None), ["  one two three"]);
        assert_eq!(broken("unbreakable", 2, Some(5)), ["  unbreakable"]);
    }
}
