//! What is under way, on standard error: one line that is written over where a person looks at it, a line a change elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::time::Instant;
use unicode_width::UnicodeWidthStr as _;

use super::fit::fit;
use super::local_time::stopwatch;
use super::terminal::shown;

/// The narrowest line that is written over: where the terminal says nothing of its width.
const NARROWEST: usize = 80;
/// What a terminal writes behind the line when somebody types Ctrl-C: `^C`.
const ECHO: usize = 2;

/// One line about what is under way.
pub(in crate::cli) struct LiveLine {
    /// Where it goes.
    place: Place,
    /// What stands there, or stood last.
    last: String,
    /// How long after a line the next one is written, where they are not written over.
    spacing: Duration,
    /// When the last such line was written.
    written_at: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A line that is written over.
    Screen,
    /// A line a change.
    Lines,
    /// Nowhere: what is printed is for programs.
    Nowhere,
}

impl LiveLine {
    /// A line for people; where `programs` read what is printed, only on a terminal.
    pub(in crate::cli) fn new(programs: bool) -> Self {
        let place = if std::io::stderr().is_terminal() {
            Place::Screen
        } else if programs {
            Place::Nowhere
        } else {
            Place::Lines
        };
        Self {
            place,
            last: String::new(),
            spacing: Duration::ZERO,
            written_at: None,
        }
    }

    /// The same, with so long between two lines where they are not written over: what changes all the time fills no log.
    pub(in crate::cli) fn spaced(mut self, spacing: Duration) -> Self {
        self.spacing = spacing;
        self
    }

    /// Whether the next line may be written already.
    fn is_due(&self) -> bool {
        self.written_at.is_none_or(|at| at.elapsed() >= self.spacing)
    }

    /// Shows what is under way and for how long. `change` tells it from what was shown before: a count-down is none.
    pub(in crate::cli) fn show(&mut self, change: &str, text: &str, clock: Duration) {
        match self.place {
            Place::Screen => {
                let clock = format!(" · {}", stopwatch(clock));
                let width = terminal_size::terminal_size_of(std::io::stderr()).map_or(NARROWEST, |(width, _)| width.0.into());
                let room = width.saturating_sub(clock.width() + 1 + ECHO);
                let text = shown(&format!("{}{clock}", fit(text, Some(room)))).into_owned();
                if text == self.last {
                    return;
                }
                let mut out = anstream::stderr().lock();
                // Spaces and no escape: a terminal that knows none shows the same.
                let rest = self.last.width().saturating_sub(text.width());
                let _ = write!(out, "\r{text}{:rest$}", "");
                let _ = out.flush();
                self.last = text;
            }
            Place::Lines if change != self.last && self.is_due() => {
                let text = format!("{text} · {}", stopwatch(clock));
                let _ = writeln!(anstream::stderr().lock(), "{}", shown(&text));
                change.clone_into(&mut self.last);
                self.written_at = Some(Instant::now());
            }
            Place::Lines | Place::Nowhere => {}
        }
    }

    /// Takes the line away.
    pub(in crate::cli) fn clear(&mut self) {
        let width = self.last.width() + ECHO;
        if self.place == Place::Screen && !self.last.is_empty() {
            let mut out = anstream::stderr().lock();
            let _ = write!(out, "\r{:width$}\r", "");
            let _ = out.flush();
        }
        self.last.clear();
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_all_the_time_is_written_seldom_where_it_is_not_written_over() {
        let line = |spacing| LiveLine {
            place: Place::Lines,
            last: String::new(),
            spacing,
            written_at: None,
        };
        let (mut seldom, mut always) = (line(Duration::from_hours(1)), line(Duration::ZERO));
        for line in [&mut seldom, &mut always] {
            assert!(line.is_due());
            line.show("1 of 9", "1 of 9", Duration::ZERO);
        }
        assert!(!seldom.is_due() && always.is_due());
        seldom.show("2 of 9", "2 of 9", Duration::ZERO);
        assert_eq!(seldom.last, "1 of 9", "the next line that is due says it");
    }
}
