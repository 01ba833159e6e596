//! Sanitizing text from outside for logs: no line can be forged, no terminal steered, and none fills the disk.

/// Bytes of a field's value that are kept.
pub(super) const VALUE_CAP: usize = 256;

/// Bytes of a message or an error's chain that are kept: they are ours, and long where they say what to do.
pub(super) const MESSAGE_CAP: usize = 1024;

/// `text` up to `cap` bytes, with control characters and marks that turn the direction of writing spelled out (`\u{202e}`). What is cut is
/// shown by an ellipsis.
#[must_use]
pub fn sanitized(text: &str, cap: usize) -> String {
    let mut out = String::with_capacity(text.len().min(cap));
    for (at, c) in text.char_indices() {
        if at + c.len_utf8() > cap {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_harmful(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Control characters (C0, C1, DEL), what changes where or in which direction the following text is shown, and what is not seen at all. Joiners
/// stand in names that are written with them.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_can_be_forged_and_no_terminal_steered() {
        assert_eq!(
            sanitized("a\nb\r\u{1b}[2J\0\u{7f}\u{9b}", 99),
            "a\\nb\\u{d}\\u{1b}[2J\\u{0}\\u{7f}\\u{9b}"
        );
    }

    #[test]
    fn marks_of_direction_are_spelled_out() {
        for mark in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            assert_eq!(sanitized(&mark.to_string(), 99), format!("\\u{{{:x}}}", u32::from(mark)));
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(sanitized("aöb", 2), "a…");
        assert_eq!(sanitized("aöb", 3), "aö…");
        assert_eq!(sanitized("aöb", 4), "aöb");
    }

    proptest::proptest! {
        #[test]
        fn what_comes_out_is_harmless_and_bounded(text: String, cap in 0_usize..300) {
            let out = sanitized(&text, cap);
            assert!(!out.chars().any(is_harmful));
            assert!(out.len() <= cap * "\\u{000000}".len() + '…'.len_utf8());
        }
    }
}
