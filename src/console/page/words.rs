//! What the pages say of things: times, verdicts, names made harmless.

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
            form,
            as_of: Moment::new(now, now),
        }
    }
}

/// An instant, for a machine and for people.
pub(super) struct Moment {
    /// RFC 3339.
    pub(super) machine: String,
    /// To the second, in UTC.
    pub(super) clock: String,
    /// `4 min ago`, `in 3 h`.
    pub(super) away: String,
}

impl Moment {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let machine = at.to_string();
        let clock = machine
            .get(..19)
            .map_or_else(|| machine.clone(), |text| format!("{} UTC", text.replace('T', " ")));
        let (from, to) = if at > now { (now, at) } else { (at, now) };
        let seconds = to.since(from).as_secs();
        let span = match seconds {
            0..60 => format!("{seconds} s"),
            60..3600 => format!("{} min", seconds / 60),
            3600..172_800 => format!("{} h", seconds / 3600),
            _ => format!("{} d", seconds / 86_400),
        };
        let away = if at > now {
            format!("in {span}")
        } else {
            format!("{span} ago")
        };
        Self { machine, clock, away }
    }
}

/// A text from elsewhere: what would turn the direction of writing, or cannot be seen, stands there as its number. Markup is the templates' affair.
pub(super) fn visible(text: &str) -> String {
    sanitized(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_and_markup_is_left_to_the_templates() {
        assert_eq!(visible("evil\u{202e}live\u{0}<b>"), "evil\\u{202e}live\\u{0}<b>");
    }
}
