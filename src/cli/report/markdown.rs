//! A document as Markdown. What came from outside stands in code spans, in which nothing is markup, a mention or a link.

use super::document::{Document, Section};
use super::words::{Piece, Words};

/// The document's text.
pub(super) fn markdown(document: &Document) -> String {
    let mut text = format!("# {}\n", written(&document.title, false));
    for section in &document.sections {
        text.push_str(&part(section));
    }
    if document.trail.is_some() {
        text.push_str("\n## The trail\n\n");
        for sentence in document.trail_sentences() {
            text.push_str(&format!("- {}\n", written(&sentence, false)));
        }
    }
    text.push_str(&format!("\n{}\n", document.footer()));
    text
}

fn part(section: &Section) -> String {
    if section.statements.is_empty() && section.nothing.is_empty() {
        return String::new();
    }
    let mut text = match section.heading {
        "" => "\n".to_owned(),
        heading => format!("\n## {heading}\n\n"),
    };
    let is_table = !section.columns.is_empty();
    if section.statements.is_empty() {
        text.push_str(&format!("{}\n", section.nothing));
    } else if is_table {
        text.push_str(&format!("| {} | trail |\n", section.columns.join(" | ")));
        text.push_str(&format!("|{}\n", " --- |".repeat(section.columns.len() + 1)));
    }
    for told in &section.statements {
        let cells: Vec<String> = told.cells.iter().map(|cell| written(cell, is_table)).collect();
        let command = told
            .command
            .as_deref()
            .map_or(String::new(), |command| format!(": {}", code(command, false)));
        let cited = told.cited();
        if is_table {
            text.push_str(&format!("| {} | {cited} |\n", cells.join(" | ")));
        } else if section.heading.is_empty() {
            text.push_str(&format!("{} [{cited}]\n", cells.join(" ")));
        } else {
            text.push_str(&format!("- {} [{cited}]{command}\n", cells.join(" ")));
        }
    }
    if let Some((more, command)) = &section.more {
        text.push_str(&format!("- and {more} more: {}\n", code(command, false)));
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

/// A code span around any text: fenced with one backtick more than the longest run in it (CommonMark 6.1). Within a table the bar is the one
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

#[cfg(test)]
mod tests {
    use super::*;

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
