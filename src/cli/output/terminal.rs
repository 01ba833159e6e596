//! What the place that we print to can show: its width, its character set, its zone. Looked up once.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::OnceLock;

use jiff::tz::TimeZone;

use crate::cli::handed::handed;
use crate::console::commands::Handed;
use crate::model::iana_zone;

/// The narrowest screen that a table is fitted to.
const NARROWEST: u16 = 40;

/// What standard output can show.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Terminal {
    /// How many columns it has; nothing where it is a pipe or a file, whose lines are not broken.
    pub(in crate::cli) width: Option<u16>,
    /// How many lines it has.
    pub(in crate::cli) height: Option<u16>,
    /// Whether the locale names a character set other than UTF-8.
    pub(in crate::cli) ascii: bool,
    /// The zone in which times are told.
    pub(in crate::cli) zone: TimeZone,
}

static UTC: OnceLock<bool> = OnceLock::new();
static TERMINAL: OnceLock<Terminal> = OnceLock::new();

/// Has all times told in UTC. Counts only before the first thing is printed.
pub(in crate::cli) fn tell_utc(utc: bool) {
    let _ = UTC.set(utc);
}

/// What standard output can show.
pub(in crate::cli) fn terminal() -> &'static Terminal {
    TERMINAL.get_or_init(|| {
        if let Some(handed) = handed() {
            return of_caller(handed);
        }
        let size = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
        let utc = UTC.get().copied().unwrap_or_default();
        Terminal {
            width: size.map(|(width, _)| width.0.max(NARROWEST)),
            height: size.map(|(_, height)| height.0),
            ascii: is_ascii(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())),
            zone: if utc { TimeZone::UTC } else { TimeZone::system() },
        }
    })
}

/// The terminal of whoever the daemon runs this command for.
fn of_caller(handed: &Handed) -> Terminal {
    let zone = handed.zone.as_deref().and_then(iana_zone).unwrap_or_else(TimeZone::system);
    Terminal {
        width: handed.width.map(|width| width.max(NARROWEST)),
        height: None,
        ascii: handed.ascii,
        zone: if UTC.get().copied().unwrap_or_default() {
            TimeZone::UTC
        } else {
            zone
        },
    }
}

/// Whether the locale has another character set than UTF-8: the first of the three that is set decides (POSIX, chapter 8.2). Where none is
/// set, as under systemd or cron, nobody has said so.
fn is_ascii(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable);
    let mut set = set.filter(|value| !value.is_empty());
    set.next().is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        !(locale.contains("utf-8") || locale.contains("utf8"))
    })
}

/// The text as this place can show it: what is not ASCII becomes the nearest that is where the locale has no more.
pub(in crate::cli) fn shown(text: &str) -> Cow<'_, str> {
    if terminal().ascii { in_ascii(text) } else { text.into() }
}

fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    let mut ascii = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if c.is_ascii() => ascii.push(c),
            '·' | '–' | '—' | '•' => ascii.push('-'),
            '…' => ascii.push_str("..."),
            '→' => ascii.push_str("->"),
            '×' => ascii.push('x'),
            '█' => ascii.push('#'),
            '░' => ascii.push('.'),
            c => {
                let _ = write!(ascii, "{}", c.escape_unicode());
            }
        }
    }
    ascii.into()
}

#[cfg(test)]
mod tests {
    use super::{in_ascii, is_ascii};

    #[test]
    fn a_locale_without_utf_8_gets_ascii_and_none_at_all_does_not() {
        let of = |set: &[(&str, &str)]| {
            is_ascii(|name| {
                let value = set.iter().find(|(set, _)| *set == name);
                value.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(!of(&[]));
        assert!(!of(&[("LANG", "de_DE.UTF-8")]));
        assert!(!of(&[("LC_ALL", "C.utf8"), ("LANG", "C")]));
        assert!(
            of(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]),
            "the first that is set decides"
        );
        assert!(of(&[("LC_ALL", ""), ("LANG", "de_DE.ISO-8859-1")]), "an empty one is not set");
    }

    #[test]
    fn ascii_keeps_what_there_is_and_loses_no_letter() {
        assert_eq!(in_ascii("case 6 · 3 → 0 …"), "case 6 - 3 -> 0 ...");
        assert_eq!(in_ascii("Jürgen"), "J\\u{fc}rgen");
    }
}
