//! A document as Markdown. What came from outside stands in code spans, in which nothing is markup, a mention or a link.

use std::fmt::Write as _;

use super::document::{Document, Section};
use super::inclusion::{self, Tables};
use super::words::{Piece, Words};
use crate::wording::plain;

/// The document's text, with the proofs of its entries behind it.
#[must_use]
pub fn markdown(document: &Document) -> String {
    let proofs = document.inclusion.as_ref().and_then(inclusion::tables);
    format!(
        "{}{}\n{}\n",
        body(document),
        proofs.as_ref().map_or(String::new(), appendix),
        document.footer()
    )
}

/// The same for a screen of that width: without the tables of proofs, which nobody reads there, and with its lines broken between words.
#[must_use]
pub fn markdown_on_screen(document: &Document, width: usize) -> String {
    fitted(format!("{}\n{}", body(document), document.footer()).trim_end(), width)
}

fn body(document: &Document) -> String {
    let mut text = format!("# {}\n", written(&document.title, false));
    for section in &document.sections {
        text.push_str(&part(section, document.compact));
    }
    if document.is_empty() {
        text.push_str("\nNothing came, nothing is open, nobody leaves.\n");
    }
    if document.trail.is_some() {
        text.push_str("\n## The trail\n\n");
        for sentence in document.trail_sentences().iter().chain(&inclusion::sentences(document)) {
            let _ = writeln!(text, "- {}", written(sentence, false));
        }
    }
    text
}

fn appendix(proofs: &Tables) -> String {
    let mut text = format!(
        "\n## Proofs\n\n{}\n\n```\n{}\n```\n\n| entry | kind | leaf | way |\n| --- | --- | --- | --- |\n",
        written(&proofs.says, false),
        proofs.note.trim_end()
    );
    for [entry, kind, leaf, way] in &proofs.ways {
        let _ = writeln!(text, "| {entry} | {} | `{leaf}` | {way} |", code(&plain(kind), true));
    }
    text.push_str("\n| number | hash |\n| --- | --- |\n");
    for [number, hash] in &proofs.hashes {
        let _ = writeln!(text, "| {number} | `{hash}` |");
    }
    text
}

fn part(section: &Section, compact: bool) -> String {
    if section.is_left_out() {
        return String::new();
    }
    let mut text = match section.heading {
        "" => "\n".to_owned(),
        _ if compact => format!("\n**{}**\n", section.heading()),
        _ => format!("\n## {}\n\n", section.heading()),
    };
    let is_table = !section.columns.is_empty();
    if section.statements.is_empty() && !section.nothing.is_empty() {
        let _ = writeln!(text, "{}", section.nothing);
    } else if is_table {
        let _ = writeln!(text, "| {} | trail |", section.columns.join(" | "));
        let _ = writeln!(text, "|{}", " --- |".repeat(section.columns.len() + 1));
    }
    for told in &section.statements {
        let cells: Vec<String> = told.cells.iter().map(|cell| written(cell, is_table)).collect();
        let command = told
            .command
            .as_deref()
            .map_or(String::new(), |command| format!(": {}", code(command, false)));
        let cited = told.cited();
        if is_table {
            let _ = writeln!(text, "| {} | {cited} |", cells.join(" | "));
        } else if section.heading.is_empty() {
            let _ = writeln!(text, "{} [{cited}]", cells.join(" "));
        } else {
            let _ = writeln!(text, "- {} [{cited}]{command}", cells.join(" "));
        }
    }
    if let Some((more, command)) = &section.more {
        let _ = writeln!(text, "- and {more} more: {}", code(command, false));
    }
    text
}

fn written(words: &Words, in_table: bool) -> String {
    let pieces = words.pieces().iter().map(|piece| match piece {
        Piece::Ours(text) => text.clone(),
        Piece::Outside(text) | Piece::Command(text) => code(text, in_table),
    });
    pieces.collect()
}

/// A code span around any text: fenced with one backtick more than the longest run in it (`CommonMark` 6.1). Within a table the bar is the one
/// character that counts even there.
fn code(text: &str, in_table: bool) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    let text = if in_table { text.replace('|', "\\|") } else { text.to_owned() };
    format!("{fence}{space}{text}{space}{fence}")
}

/// The text with its lines broken between words where a screen is narrower, which Markdown takes for spaces. A table's row stays whole.
fn fitted(text: &str, width: usize) -> String {
    let mut fitted = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        let indent = if line.starts_with("- ") { "  " } else { "" };
        let may_break = !line.starts_with('|') && !line.starts_with('#');
        let mut used = 0;
        for (n, word) in line.split(' ').enumerate() {
            let length = word.chars().count();
            if n > 0 && may_break && used + 1 + length > width {
                fitted.push('\n');
                fitted.push_str(indent);
                used = indent.len();
            } else if n > 0 {
                fitted.push(' ');
                used += 1;
            }
            fitted.push_str(word);
            used += length;
        }
        fitted.push('\n');
    }
    fitted.truncate(fitted.trim_end().len());
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_breaks_between_words_alone_and_no_table() {
        let text = "# A heading that is long\n\n- one two three [#1]\n| a | bbbbbbbbbbbb |";
        assert_eq!(
            fitted(text, 12),
            "# A heading that is long\n\n- one two\n  three [#1]\n| a | bbbbbbbbbbbb |"
        );
    }

    #[test]
    fn no_name_gets_out_of_its_code_span() {
        assert_eq!(
            code("<b>*x*</b> [a](http://b) @all", false),
            "`<b>*x*</b> [a](http://b) @all`"
        );
        assert_eq!(code("a`b", false), "``a`b``");
        assert_eq!(code("``a", false), "``` ``a ```");
        assert_eq!(code("a|b", true), "`a\\|b`");
        assert_eq!(code("a|b", false), "`a|b`");
        let hostile = Words::outside("a\nb\u{202e}c\u{1b}[2J");
        assert_eq!(written(&hostile, false), "`a\\u{a}b\\u{202e}c\\u{1b}[2J`");
    }
}
