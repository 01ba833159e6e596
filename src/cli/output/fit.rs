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

/// As [`fit`], but cut between words: half a word, or half a name, says something else. A single word that is too long is cut as it is.
#[must_use]
pub(in crate::cli) fn fit_words(text: &str, width: Option<usize>) -> String {
    let whole = shown(&plain(text)).into_owned();
    let Some(width) = width.filter(|width| whole.width() > *width) else {
        return whole;
    };
    let mark = shown("…");
    let room = width.saturating_sub(mark.width() + 1);
    let mut kept = String::new();
    for word in whole.split(' ') {
        let gap = usize::from(!kept.is_empty());
        if kept.width() + gap + word.width() > room {
            break;
        }
        if gap > 0 {
            kept.push(' ');
        }
        kept.push_str(word);
    }
    let kept = kept.trim_end_matches([' ', ',', ';', ':', '·', '(']);
    // A text whose first words are one long name is worth more cut than left out.
    if kept.width() * 3 < width {
        return fit(text, Some(width));
    }
    format!("{kept} {mark}")
}

/// The text made harmless and as this place can show it, on as many lines as it needs: broken between words, the further lines under `indent`
/// spaces.
#[must_use]
pub(in crate::cli) fn wrapped(text: &str, indent: usize, width: Option<usize>) -> String {
    let text = shown(&plain(text)).into_owned();
    let Some(width) = width.filter(|width| text.width() > *width) else {
        return text;
    };
    let (lead, words) = text.split_at(text.len() - text.trim_start().len());
    let mut lines = vec![lead.to_owned()];
    let mut is_first_word = true;
    for word in words.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.width());
        if !is_first_word && line + 1 + word.width() > width {
            lines.push(format!("{}{word}", " ".repeat(indent)));
        } else if let Some(line) = lines.last_mut() {
            if !is_first_word {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_first_word = false;
    }
    lines.join("\n")
}

/// The same, where a command to type stands behind the last ` · `: it is not broken. What has no room for it leaves it a line of its own.
#[must_use]
pub(in crate::cli) fn wrapped_before_command(text: &str, indent: usize, width: Option<usize>) -> String {
    let is_command = |text: &str| text.starts_with("revoked ") || text.starts_with("systemctl ");
    let Some((said, command)) = text.rsplit_once(" · ").filter(|(_, command)| is_command(command)) else {
        return wrapped(text, indent, width);
    };
    let command = shown(&plain(&format!("· {command}"))).into_owned();
    if width.is_some_and(|width| indent + command.width() > width) {
        return wrapped(text, indent, width);
    }
    let said = wrapped(said, indent, width);
    let last = said.lines().last().unwrap_or_default().width();
    if width.is_none_or(|width| last + 1 + command.width() <= width) {
        format!("{said} {command}")
    } else {
        format!("{said}\n{}{command}", " ".repeat(indent))
    }
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
    use super::{fit, fit_words, padded, wrapped, wrapped_before_command};

    #[test]
    fn what_does_not_fit_is_cut_by_columns_and_says_so() {
        assert_eq!(fit("alice@example.org", Some(17)), "alice@example.org");
        assert_eq!(fit("alice@example.org", Some(8)), "alice@e…");
        assert_eq!(fit("日本語の人", Some(7)), "日本語…");
        assert_eq!(fit("two words", Some(5)), "two…");
        assert_eq!(fit("whole", None), "whole");
        assert_eq!(padded("日本", 6), "日本  ");
    }

    #[test]
    fn a_sentence_is_cut_between_words_and_a_long_name_where_it_must_be() {
        assert_eq!(
            fit_words("alice@example.org: protected", Some(80)),
            "alice@example.org: protected"
        );
        assert_eq!(fit_words("alice@example.org: protected", Some(24)), "alice@example.org …");
        assert_eq!(fit_words("a protected subject is never acted on", Some(20)), "a protected …");
        assert_eq!(fit_words("alice@example.org: protected", Some(12)), "alice@examp…");
        for width in 1..40 {
            assert!(super::width_of(&fit_words("a protected subject is never acted on", Some(width))) <= width);
        }
    }

    #[test]
    fn a_command_behind_a_sentence_stays_whole() {
        let text = "WAITS alice: chat is paused by anna · revoked target resume chat";
        assert_eq!(wrapped_before_command(text, 2, None), text);
        assert_eq!(wrapped_before_command(text, 2, Some(80)), text);
        assert_eq!(
            wrapped_before_command(text, 2, Some(44)),
            "WAITS alice: chat is paused by anna\n  · revoked target resume chat"
        );
        // Where there is no room for it anywhere it is broken as any other text.
        assert_eq!(wrapped_before_command(text, 2, Some(24)), wrapped(text, 2, Some(24)));
        let explained = "HELD alice under hold 3: nothing was done";
        assert_eq!(
            wrapped_before_command(explained, 2, Some(30)),
            wrapped(explained, 2, Some(30))
        );
    }

    #[test]
    fn a_sentence_is_broken_between_words_under_its_indent() {
        let text = "  warning: the token has expired on the day before";
        assert_eq!(
            wrapped(text, 4, Some(24)),
            "  warning: the token has\n    expired on the day\n    before"
        );
        assert_eq!(wrapped(text, 4, None), text);
        let address = format!("x {}", "a".repeat(30));
        assert_eq!(
            wrapped(&address, 2, Some(10)),
            format!("x\n  {}", "a".repeat(30)),
            "a word stays whole"
        );
    }
}
