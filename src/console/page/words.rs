//! What the pages say of things: times, verdicts, names made harmless.

use std::fmt;

use askama::filters::HtmlSafe;

use crate::console::caller::Caller;
use crate::model::{Role, Timestamp};
use crate::telemetry::sanitized;

/// Bytes of a text that a page shows.
const LONGEST: usize = 4096;

/// What stands at the edges of every page.
pub(super) struct Frame {
    pub(super) title: String,
    /// Who is signed in, and as what.
    pub(super) operator: String,
    pub(super) role: Role,
    /// Which of the pages it is, of those that lead to each other.
    pub(super) here: &'static str,
    /// What our own forms have in them.
    pub(super) form: String,
    /// When the page was made.
    pub(super) as_of: Moment,
}

impl Frame {
    pub(super) fn new(title: impl Into<String>, caller: &Caller, form: String, now: Timestamp) -> Self {
        Self {
            title: title.into(),
            operator: visible(&caller.operator.to_string()),
            role: caller.role,
            here: "",
            form,
            as_of: Moment::new(now, now),
        }
    }

    /// The same as one of the pages that lead to each other.
    pub(super) const fn at(mut self, here: &'static str) -> Self {
        self.here = here;
        self
    }

    /// The pages that lead to each other: where they are, what they are called, and whether this is the one.
    pub(super) fn pages(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        PAGES.iter().map(|(path, name)| (*path, *name, *path == self.here))
    }

    /// Whether whoever asks may ask for things and look after them.
    pub(super) fn may_request(&self) -> bool {
        self.role >= Role::Requester
    }

    /// Whether whoever asks may decide.
    pub(super) fn may_approve(&self) -> bool {
        self.role >= Role::Approver
    }
}

const PAGES: &[(&str, &str)] = &[
    ("/", "Now"),
    ("/holds", "Holds"),
    ("/batches", "Batches"),
    ("/alerts", "Alerts"),
    ("/people", "People"),
    ("/departures", "Departures"),
    ("/targets", "Targets"),
    ("/times", "Times"),
    ("/trail", "Trail"),
];

/// An instant, for a machine and for people.
pub(super) struct Moment {
    /// RFC 3339.
    pub(super) machine: String,
    /// To the second, in UTC.
    pub(super) clock: String,
    /// `4 min ago`, `in 3 h`.
    pub(super) away: String,
    /// How many seconds ago, or in how many.
    seconds: u64,
    /// Whether it is over.
    is_past: bool,
}

impl Moment {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let machine = at.to_string();
        let clock = machine
            .get(..19)
            .map_or_else(|| machine.clone(), |text| format!("{} UTC", text.replace('T', " ")));
        let (from, to) = if at > now { (now, at) } else { (at, now) };
        let seconds = to.since(from).as_secs();
        let span = about(std::time::Duration::from_secs(seconds));
        let away = if at > now {
            format!("in {span}")
        } else {
            format!("{span} ago")
        };
        Self {
            machine,
            clock,
            away,
            seconds,
            is_past: at <= now,
        }
    }

    pub(super) const fn is_past(&self) -> bool {
        self.is_past
    }
}

/// How long ago, or in how long, with the instant behind it.
pub(super) struct Away<'m>(&'m Moment);
/// The instant, with how long ago it was behind it.
pub(super) struct Instant<'m>(&'m Moment);
/// How long it has been, as a clock that runs where a script moves it.
pub(super) struct Running<'m>(&'m Moment);
/// The instant as the clock of whoever looks shows it, where a script may say it; else in UTC.
pub(super) struct Yours<'m>(&'m Moment);

impl Moment {
    pub(super) const fn away(&self) -> Away<'_> {
        Away(self)
    }

    pub(super) const fn at(&self) -> Instant<'_> {
        Instant(self)
    }

    pub(super) const fn running(&self) -> Running<'_> {
        Running(self)
    }

    pub(super) const fn yours(&self) -> Yours<'_> {
        Yours(self)
    }
}

impl fmt::Display for Away<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moment {
            machine, clock, away, ..
        } = self.0;
        write!(f, "<time datetime=\"{machine}\" title=\"{clock}\">{away}</time>")
    }
}

impl fmt::Display for Instant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moment {
            machine, clock, away, ..
        } = self.0;
        write!(f, "<time datetime=\"{machine}\" title=\"{away}\">{clock}</time>")
    }
}

impl fmt::Display for Running<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moment {
            machine, clock, seconds, ..
        } = self.0;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "<time class=\"running\" datetime=\"{machine}\" title=\"{clock}\">")?;
        match hours {
            0 => write!(f, "{minutes}:{seconds:02}")?,
            _ => write!(f, "{hours}:{minutes:02}:{seconds:02}")?,
        }
        write!(f, "</time>")
    }
}

impl fmt::Display for Yours<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moment {
            machine, clock, away, ..
        } = self.0;
        write!(
            f,
            "<time class=\"yours\" datetime=\"{machine}\" title=\"{away}\">{clock}</time>"
        )
    }
}

// Times are written by us alone: there is nothing in them to escape.
impl HtmlSafe for Away<'_> {}
impl HtmlSafe for Instant<'_> {}
impl HtmlSafe for Running<'_> {}
impl HtmlSafe for Yours<'_> {}

/// A state or a verdict: a word with a shape and a colour of its own.
pub(super) struct Mark {
    /// The shape and the colour, by one of our own words.
    pub(super) class: &'static str,
    pub(super) word: String,
}

impl Mark {
    pub(super) fn new(word: &str) -> Self {
        let class = MARKS.iter().find(|(of, _)| *of == word).map_or("open", |(_, class)| *class);
        Self {
            class,
            word: visible(&word.replace('_', " ")),
        }
    }
}

/// Which words look like which.
const MARKS: &[(&str, &str)] = &[
    ("contained", "contained"),
    ("released", "contained"),
    ("approved", "contained"),
    ("executed", "contained"),
    ("up", "contained"),
    ("failed", "failed"),
    ("down", "failed"),
    ("broken", "failed"),
    ("unreadable", "failed"),
    ("silent", "failed"),
    ("rehearses", "held"),
    ("unverified", "unverified"),
    ("residual", "residual"),
    ("held", "held"),
    ("blocked", "held"),
    ("paused", "held"),
    ("refused", "held"),
    ("no_principal", "no_principal"),
    ("cancelled", "no_principal"),
    ("rejected", "no_principal"),
    ("rescinded", "no_principal"),
    ("over", "no_principal"),
];

/// How long ago something is: in the largest unit, since it is read later than it was written.
fn about(length: std::time::Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A length of time that was measured, as exactly as the commands and the reports tell it.
pub(super) fn span(length: std::time::Duration) -> String {
    let tenths = (length.as_millis() + 50) / 100;
    let seconds = u64::try_from((length.as_millis() + 500) / 1000).unwrap_or(u64::MAX);
    let two = |most: u64, first: &str, least: u64, second: &str| match least {
        0 => format!("{most} {first}"),
        _ => format!("{most} {first} {least} {second}"),
    };
    match seconds {
        _ if length.as_millis() < 1000 => format!("{} ms", length.as_millis()),
        _ if tenths < 600 && tenths.is_multiple_of(10) => format!("{} s", tenths / 10),
        _ if tenths < 600 => format!("{}.{} s", tenths / 10, tenths % 10),
        0..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..172_800 => two(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
    }
}

/// Whom something is about, by the names that a row has.
pub(super) fn person(stored: Option<&str>) -> String {
    stored.map_or_else(
        || "somebody who was erased".to_owned(),
        |names| names.split('\n').map(visible).collect::<Vec<_>>().join(", "),
    )
}

/// A text from elsewhere: what would turn the direction of writing, or cannot be seen, stands there as its number. Markup is the templates' affair.
pub(super) fn visible(text: &str) -> String {
    sanitized(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_runs_in_minutes_and_after_an_hour_in_hours() {
        let now = Timestamp::from_ms(1_764_000_000_000);
        for (seconds, shown) in [
            (0, "0:00"),
            (59, "0:59"),
            (125, "2:05"),
            (3661, "1:01:01"),
            (360_000, "100:00:00"),
        ] {
            let moment = Moment::new(now.minus(std::time::Duration::from_secs(seconds)), now);
            let text = moment.running().to_string();
            assert!(text.ends_with(&format!(">{shown}</time>")), "{text}");
        }
    }

    #[test]
    fn a_length_is_told_to_the_second_and_never_a_minute_short() {
        for (ms, told) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (6_949, "6.9 s"),
            (17_960, "18 s"),
            (60_000, "1 min"),
            (119_400, "1 min 59 s"),
            (80_461_000, "22 h 21 min"),
            (180_000_000, "2 d 2 h"),
        ] {
            assert_eq!(span(std::time::Duration::from_millis(ms)), told);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_shown_and_markup_is_left_to_the_templates() {
        assert_eq!(visible("evil\u{202e}live\u{0}<b>"), "evil\\u{202e}live\\u{0}<b>");
    }
}
