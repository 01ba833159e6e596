//! Text on one line of a screen: cut where there is no more room, with a mark that says so.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::plain;
use super::terminal::shown;

/// The text made harmless and as this place can show it, in at most `width` columns; whole where there is no such bound.
#[must_use]
pub(in crate::cli) fn fit(text: &str, width: Option<usize>) -> String {
    let text = shown(&plain(text)).into_owned();
    let Some(width) = width.filter(|width| text.width() > *width) else {
        return text;
    };
    let mark = shown("…");
    let room = width.saturating_sub(mark.width());
    let mut cut = String::new();
    let mut taken = 0;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > room {
            break;
        }
        cut.push(c);
    }
    format!("{}{mark}", cut.trim_end())
}

/// How many columns a text takes that was made ready for this place.
#[must_use]
pub(in crate::cli) fn width_of(text: &str) -> usize {
    text.width()
}

/// The text, filled up to `width` columns.
#[must_use]
pub(in crate::cli) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::{fit, padded};

    #[test]
    fn what_does_not_fit_is_cut_by_columns_and_says_so() {
        assert_eq!(fit("alice@example.org", Some(17)), "alice@example.org");
        assert_eq!(fit("alice@example.org", Some(8)), "alice@e…");
        assert_eq!(fit("日本語の人", Some(7)), "日本語…");
        assert_eq!(fit("two words", Some(5)), "two…");
        assert_eq!(fit("whole", None), "whole");
        assert_eq!(padded("日本", 6), "日本  ");
    }
}
