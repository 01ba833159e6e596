//! What a command prints: for people sentences and tables that fit the screen, with local times and colours by meaning; for programs JSON.
//! Text from outside is made harmless for a terminal first.
//!
//! `terminal` is what the place that we print to can show, `local_time` tells times and spans, `meaning` has the colours, `table` the tables,
//! `fit` cuts a text to one line, `live_line` is written over, `screen` is drawn over and over; `raw` is what a command said elsewhere; `asked_line` is typed, and a secret is not shown.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use crate::store::{Listed, UnreadableRow};

mod asked_line;
mod fit;
mod live_line;
mod local_time;
mod meaning;
mod paragraph;
mod raw;
mod screen;
mod table;
mod terminal;

pub(super) use asked_line::{can_be_asked, hidden_line, line_typed};
pub(super) use fit::{fit, fit_words, padded, width_of, wrapped, wrapped_before_command};
pub(super) use live_line::LiveLine;
pub(super) use local_time::{LocalTimes, coarse, own_time, span, stopwatch};
pub(super) use meaning::Meaning;
pub(super) use paragraph::paragraph;
pub(super) use raw::{Piece, Printer};
pub(super) use screen::Screen;
pub(super) use table::{Cell, table};
pub(super) use terminal::{shown, tell_utc, terminal};

/// Prints a line to standard output. A reader that went away (`| head`) is no error.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    verbatim(&shown(&text.to_string()))
}

/// Prints a sentence, broken between words where the screen ends, its further lines deeper than it began.
///
/// # Errors
/// As [`line()`].
pub(super) fn hanging(text: &str) -> anyhow::Result<()> {
    sentence(text, text.len() - text.trim_start().len() + 2)
}

/// Prints an answer: a word in the colour of its meaning, and the rest, which goes on between words where the screen is narrow.
///
/// # Errors
/// As [`line()`].
pub(super) fn answer(meaning: Meaning, head: &str, rest: &str) -> anyhow::Result<()> {
    answer_after("", meaning, head, rest)
}

/// The same behind some words that stand before it. A command at its end is not broken.
///
/// # Errors
/// As [`line()`].
pub(super) fn answer_after(before: &str, meaning: Meaning, head: &str, rest: &str) -> anyhow::Result<()> {
    let whole = wrapped_before_command(&format!("{before}{head}{rest}"), 2, terminal().width.map(usize::from));
    match whole.split_once(head) {
        Some((before, rest)) if !head.is_empty() => line(format!("{before}{}{rest}", meaning.paint(head))),
        _ => line(whole),
    }
}

/// Prints a sentence, broken between words where the screen ends, its further lines `indent` further in.
///
/// # Errors
/// As [`line()`].
pub(super) fn sentence(text: &str, indent: usize) -> anyhow::Result<()> {
    line(wrapped(text, indent, terminal().width.map(usize::from)))
}

/// Whether somebody may still read what is printed: not where the other end of a pipe is closed. For what goes on printing by itself.
#[must_use]
pub(super) fn is_read() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let out = std::io::stdout();
    let mut end = [PollFd::new(&out, PollFlags::empty())];
    let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    // What cannot be asked is taken for open.
    poll(&mut end, Some(&at_once)).is_err() || !end[0].revents().contains(PollFlags::ERR)
}

/// Prints what programs read, and what was hashed: no locale changes it.
///
/// # Errors
/// As [`line()`].
pub(super) fn verbatim(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match writeln!(out, "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints a line to standard error: what somebody should know beside the answer, which stands where nobody reads it.
pub(super) fn remark(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr().lock(), "revoked: {}", shown(&text.to_string()));
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
    verbatim(&serde_json::to_string_pretty(value)?)
}

/// Prints a list for programs: one JSON object a line. A row that could not be read is one with the one member `unreadable`.
///
/// # Errors
/// As [`line()`].
pub(super) fn json_lines<T: Serialize>(listed: &Listed<T>) -> anyhow::Result<()> {
    name_unreadable(&listed.unreadable);
    for row in &listed.rows {
        json_line(row)?;
    }
    for unreadable in &listed.unreadable {
        json_line(&serde_json::json!({ "unreadable": unreadable }))?;
    }
    Ok(())
}

/// Prints one element of a list for programs.
///
/// # Errors
/// As [`line()`].
pub(super) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    verbatim(&serde_json::to_string(value)?)
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

/// Text from outside without control characters and marks that reorder it: a name must not move the cursor.
#[must_use]
pub(super) fn plain(text: &str) -> String {
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
pub(super) fn bare(subject: &str) -> String {
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
pub(super) fn shortened(text: &str, kept: usize) -> String {
    match text.char_indices().nth(kept) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{bare, plain};

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
}
