//! What a command prints: for people sentences and tables that fit the screen, with local times and colours by meaning; for programs JSON.
//! Text from outside is made harmless for a terminal first.
//!
//! `terminal` is what the place that we print to can show, `local_time` tells times and spans, `meaning` has the colours, `table` the tables,
//! `fit` cuts a text to one line, `live_line` is written over, `screen` is drawn over and over; `raw` is what a command said elsewhere; `asked_line` is typed, and a secret is not shown.

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
pub(super) use local_time::{LocalTimes, coarse, own_time, stopwatch};
pub(super) use meaning::Meaning;
pub(super) use paragraph::paragraph;
pub(super) use raw::{Piece, Printer};
pub(super) use screen::Screen;
pub(super) use table::{Cell, table};
pub(super) use terminal::{shown, tell_utc, terminal};

pub(super) use crate::wording::{bare, plain, shortened, span};

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
