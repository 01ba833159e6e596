//! A document as one HTML page: everything in it is escaped, it runs and loads nothing, and it prints well.

use std::fmt::Write as _;

use super::document::{Document, Section};
use super::words::{Piece, Words};

/// The look of the page, on a screen and on paper.
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;color:#111;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    h1{font-size:1.4rem;border-bottom:2px solid #111;padding-bottom:.3rem}h2{font-size:1.1rem;margin-top:1.6rem}\
    table{border-collapse:collapse;width:100%;font-size:.92rem}th,td{text-align:left;vertical-align:top;border-bottom:1px solid #ccc;padding:.25rem .6rem .25rem 0}\
    code{font:.92em ui-monospace,monospace;overflow-wrap:anywhere}.e{color:#555;font-size:.85em}footer{color:#555;border-top:1px solid #ccc;margin-top:2rem;font-size:.9rem}\
    @media print{body{margin:0;max-width:none;font-size:10.5pt}h2{break-after:avoid}tr,li{break-inside:avoid}thead{display:table-header-group}@page{margin:18mm}}";

/// The page.
#[must_use]
pub fn html(document: &Document) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
        escaped(&document.title.text()),
        written(&document.title),
    );
    for section in &document.sections {
        page.push_str(&part(section));
    }
    if document.trail.is_some() {
        page.push_str("<h2>The trail</h2>\n<ul>\n");
        for sentence in document.trail_sentences() {
            let _ = writeln!(page, "<li>{}</li>", written(&sentence));
        }
        page.push_str("</ul>\n");
    }
    let _ = writeln!(page, "<footer>{}</footer>\n</body>\n</html>", escaped(&document.footer()));
    page
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
    if is_table {
        let heads: Vec<String> = section.columns.iter().map(|head| escaped(head)).collect();
        let heads = heads.join("</th><th>");
        let _ = writeln!(
            text,
            "<table>\n<thead><tr><th>{heads}</th><th>trail</th></tr></thead>\n<tbody>"
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
            let cells: Vec<String> = cells.collect();
            let cells = cells.join("</td><td>");
            let _ = writeln!(text, "<tr><td>{cells}</td><td>{cited}</td></tr>");
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
        Piece::Outside(text) => ["<code><bdi>", &escaped(text), "</bdi></code>"].concat(),
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
            "<code><bdi>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;</bdi></code>"
        );
    }
}
