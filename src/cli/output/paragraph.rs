//! Sentences below a line: indented, and broken between words where the screen ends.

use super::sentence;

/// Prints a text from outside, or of ours, each of its lines indented by `indent` columns.
///
/// # Errors
/// As [`line()`](super::line()).
pub(in crate::cli) fn paragraph(indent: usize, text: &str) -> anyhow::Result<()> {
    let words: Vec<&str> = text.split_whitespace().collect();
    sentence(&format!("{}{}", " ".repeat(indent), words.join(" ")), indent)
}
