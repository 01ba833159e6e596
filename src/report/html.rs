//! A document as one HTML page: everything in it is escaped, it runs and loads nothing, and it prints well.

use std::fmt::Write as _;

use super::document::{Document, Section};
use super::inclusion::{self, Tables};
use super::words::{Piece, Words};

/// The look of the page, on a screen and on paper.
pub const STYLE: &str = include_str!("report.css");
/// The column of the entries that carry a row.
const TRAIL: &str = "trail";
/// The most columns that a phone shows side by side.
const NARROW: usize = 4;
/// Bytes of a word that may be broken anywhere: an identifier of a machine, or somebody's mischief. Others stay whole.
const LONGEST_WORD: usize = 20;

/// Where the look of a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// In the page: a file that needs nothing else.
    Inside,
    /// In a style sheet at this address of the server that answers with the page.
    Sheet(&'static str),
}

impl Look {
    /// What the head of the page says of it, and what may be loaded for it.
    fn head(self) -> (String, &'static str) {
        match self {
            Self::Inside => (format!("<style>{STYLE}</style>"), "'unsafe-inline'"),
            Self::Sheet(at) => (format!("<link rel=\"stylesheet\" href=\"{at}\">"), "'self'"),
        }
    }
}

/// The page.
#[must_use]
pub fn html(document: &Document, look: Look) -> String {
    let (style, from) = look.head();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {from}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n{style}\n</head>\n<body>\n<main>\n<h1>{}</h1>\n",
        escaped(&document.title.text()),
        written(&document.title),
    );
    for section in &document.sections {
        page.push_str(&part(section));
    }
    if document.trail.is_some() {
        page.push_str("<h2>The trail</h2>\n<ul>\n");
        for sentence in document.trail_sentences().iter().chain(&inclusion::sentences(document)) {
            let _ = writeln!(page, "<li>{}</li>", written(sentence));
        }
        page.push_str("</ul>\n");
    }
    if let Some(proofs) = document.inclusion.as_ref().and_then(inclusion::tables) {
        page.push_str(&appendix(&proofs));
    }
    let _ = writeln!(
        page,
        "</main>\n<footer>{}</footer>\n</body>\n</html>",
        escaped(&document.footer())
    );
    page
}

fn appendix(proofs: &Tables) -> String {
    let mut text = format!(
        "<section class=\"proofs\">\n<h2>Proofs</h2>\n<p>{}</p>\n<pre>{}</pre>\n<table>\n<thead><tr><th scope=\"col\">entry</th>\
         <th scope=\"col\">kind</th><th scope=\"col\">leaf</th><th scope=\"col\">way</th></tr></thead>\n<tbody>\n",
        written(&proofs.says),
        escaped(&proofs.note)
    );
    for [entry, kind, leaf, way] in &proofs.ways {
        let kind = written(&Words::outside(kind));
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td>{kind}</td><td><code>{}</code></td><td>{}</td></tr>",
            escaped(entry),
            escaped(leaf),
            escaped(way)
        );
    }
    text.push_str(
        "</tbody>\n</table>\n<table>\n<thead><tr><th scope=\"col\">number</th><th scope=\"col\">hash</th></tr></thead>\n<tbody>\n",
    );
    for [number, hash] in &proofs.hashes {
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td><code>{}</code></td></tr>",
            escaped(number),
            escaped(hash)
        );
    }
    text.push_str("</tbody>\n</table>\n</section>\n");
    text
}

fn part(section: &Section) -> String {
    if section.is_left_out() {
        return String::new();
    }
    let mut text = match section.heading {
        "" => String::new(),
        _ => format!("<h2>{}</h2>\n", escaped(&section.heading())),
    };
    let is_table = !section.columns.is_empty();
    let is_list = !is_table && !section.heading.is_empty();
    if section.statements.is_empty() && !section.nothing.is_empty() {
        return format!("{text}<p>{}</p>\n", escaped(section.nothing));
    }
    let heads: Vec<String> = section.columns.iter().chain([&TRAIL]).map(|head| escaped(head)).collect();
    if is_table {
        let class = if heads.len() > NARROW { " class=\"wide\"" } else { "" };
        let heads = heads.join("</th><th scope=\"col\">");
        let _ = writeln!(
            text,
            "<table{class}>\n<thead><tr><th scope=\"col\">{heads}</th></tr></thead>\n<tbody>"
        );
    } else if is_list {
        text.push_str("<ul>\n");
    }
    for told in &section.statements {
        let cells = told.cells.iter().map(written);
        let cited = format!("<span class=\"e\">{}</span>", escaped(&told.cited()));
        let command = told
            .command
            .as_deref()
            .map_or(String::new(), |command| format!(": <code>{}</code>", escaped(command)));
        if is_table {
            let cells = cells.chain([cited]).zip(&heads);
            let cells: Vec<String> = cells
                .map(|(cell, head)| format!("<td data-head=\"{head}\">{cell}</td>"))
                .collect();
            let _ = writeln!(text, "<tr>{}</tr>", cells.concat());
        } else {
            let tag = if is_list { "li" } else { "p" };
            let cells: Vec<String> = cells.collect();
            let _ = writeln!(text, "<{tag}>{} {cited}{command}</{tag}>", cells.join(" "));
        }
    }
    if is_table {
        text.push_str("</tbody>\n</table>\n");
    } else if is_list {
        if let Some((more, command)) = &section.more {
            let _ = writeln!(text, "<li>and {more} more: <code>{}</code></li>", escaped(command));
        }
        text.push_str("</ul>\n");
    }
    text
}

/// What came from outside is set apart from the direction of the text around it, too.
fn written(words: &Words) -> String {
    let pieces = words.pieces().iter().map(|piece| match piece {
        Piece::Ours(text) => escaped(text),
        Piece::Outside(text) => {
            let is_long = text.split_whitespace().any(|word| word.len() > LONGEST_WORD);
            let class = if is_long { " class=\"long\"" } else { "" };
            format!("<code{class}><bdi>{}</bdi></code>", escaped(text))
        }
        Piece::Command(text) => ["<code>", &escaped(text), "</code>"].concat(),
    });
    pieces.collect()
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_whatever_is_written_in_it() {
        let hostile = Words::outside("<script>alert('x')</script>&\"");
        assert_eq!(
            written(&hostile),
            "<code class=\"long\"><bdi>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;</bdi></code>"
        );
    }
}
