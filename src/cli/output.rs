//! What a command prints: tables for people, JSON for programs. Text from outside is made harmless for a terminal first.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use comfy_table::presets;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::model::Timestamp;
use crate::store::{Listed, UnreadableRow};

/// Prints a line to standard output. A reader that went away (`| head`) is no error.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match writeln!(out, "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints a line to standard error: what somebody should know beside the answer, which stands where nobody reads it.
pub(super) fn remark(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr().lock(), "revoked: {text}");
}

/// Shows how far something is that takes long: on standard error, one line that is written over, and only where a person looks at it.
pub(super) fn progress(what: &'static str) -> impl FnMut(u64, u64) {
    let mut shown = std::io::stderr().is_terminal().then(|| (tokio::time::Instant::now(), false));
    move |done, all| {
        let Some((since, begun)) = &mut shown else { return };
        let is_over = done >= all;
        // What is over in a moment shows nothing.
        if since.elapsed() < PROGRESS_EVERY && !(is_over && *begun) {
            return;
        }
        (*since, *begun) = (tokio::time::Instant::now(), true);
        let end = if is_over { "\n" } else { "" };
        let mut out = anstream::stderr().lock();
        let _ = write!(out, "\r{done} of {all} {what}{end}");
        let _ = out.flush();
    }
}

/// How often it is shown how far something is.
const PROGRESS_EVERY: std::time::Duration = std::time::Duration::from_millis(250);

/// Prints `value` as one JSON object or array.
///
/// # Errors
/// As [`line()`].
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// Prints a list as one JSON array. A row that could not be read is an element of it with the one member `unreadable`.
///
/// # Errors
/// As [`line()`].
pub(super) fn json_list<T: Serialize>(listed: &Listed<T>) -> anyhow::Result<()> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Element<'l, T> {
        Row(&'l T),
        Unreadable { unreadable: &'l UnreadableRow },
    }
    let rows = listed.rows.iter().map(Element::Row);
    let unreadable = listed.unreadable.iter().map(|unreadable| Element::Unreadable { unreadable });
    name_unreadable(&listed.unreadable);
    json(&rows.chain(unreadable).collect::<Vec<_>>())
}

/// Names rows that could not be read on standard error: the rest is an answer nevertheless.
pub(super) fn name_unreadable(rows: &[UnreadableRow]) {
    for row in rows {
        remark(format!(
            "row {} of the table {} cannot be read: {}",
            plain(&row.row),
            row.table,
            plain(&row.why)
        ));
    }
}

/// Prints rows under headings, or `nothing` where there are none.
///
/// # Errors
/// As [`line()`].
pub(super) fn table(headings: &[&str], rows: Vec<Vec<String>>, nothing: &str) -> anyhow::Result<()> {
    if rows.is_empty() {
        return line(nothing);
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    for row in rows {
        table.add_row(row.into_iter().map(|cell| plain(&cell)));
    }
    let text: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    line(text.join("\n"))
}

/// Text from outside without control characters and marks that reorder it: a name must not move the cursor.
#[must_use]
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || hidden {
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A time for a table cell, or a dash.
#[must_use]
pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

/// How long, as a person reads it: `340 ms`, `2.4 s`, `3 m 12 s`, `5 h 3 m`, `12 d`.
#[must_use]
pub(super) fn span(length: std::time::Duration) -> String {
    let ms = length.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", length.as_secs_f64()),
        60_000..3_600_000 => format!("{} m {} s", ms / 60_000, ms % 60_000 / 1000),
        3_600_000..172_800_000 => format!("{} h {} m", ms / 3_600_000, ms % 3_600_000 / 60_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_name_cannot_move_the_cursor_or_reorder_text() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
    }

    #[test]
    fn spans_read_well() {
        let read = [340, 2_400, 192_000, 18_180_000, 1_036_800_000].map(|ms| span(Duration::from_millis(ms)));
        assert_eq!(read, ["340 ms", "2.4 s", "3 m 12 s", "5 h 3 m", "12 d"]);
    }
}
