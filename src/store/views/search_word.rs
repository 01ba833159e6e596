//! The word of a search: what somebody remembers of a name, an address or a number.

use crate::model::Subject;

/// What is searched for, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchWord {
    /// As written, and where that is not ASCII in lower and in upper case too, since the database knows the case of ASCII alone. Ready for
    /// `LIKE … ESCAPE '\'`.
    pub(super) needles: Vec<String>,
    /// Whether it names the format too, as `username:amara` does: then the whole canonical form is looked at, else what stands behind the format.
    pub(super) with_format: bool,
    /// The number that it is, where it is one: of a case.
    pub(super) number: Option<i64>,
    written: String,
}

impl SearchWord {
    /// The word that was written; nothing where it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let (format, rest) = text.split_once(':').unwrap_or(("", text));
        let format = match format {
            "id" => "opaque",
            "acct" => "account",
            other => other,
        };
        let with_format = Subject::FORMATS.contains(&format) || format == "credential";
        let written = if with_format {
            format!("{format}:{rest}")
        } else {
            text.to_owned()
        };
        let number = text.strip_prefix("case:").unwrap_or(text).parse().ok();
        let mut needles = vec![escaped(&written)];
        if !written.is_ascii() {
            needles.extend([escaped(&written.to_lowercase()), escaped(&written.to_uppercase())]);
        }
        (!written.is_empty()).then_some(Self {
            needles,
            with_format: with_format || text.contains('#') || text.contains("://"),
            number,
            written,
        })
    }

    /// The number that it is, where it may be one of a case.
    #[must_use]
    pub const fn number(&self) -> Option<i64> {
        self.number
    }

    /// Whether it names a format, so that names of that format alone are looked at.
    #[must_use]
    pub const fn has_format(&self) -> bool {
        self.with_format
    }

    /// Whether a name, or what stands behind its format, is the word and nothing else.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        let looked_at = if self.with_format { name } else { value_of(name) };
        looked_at.to_lowercase() == self.written.to_lowercase()
    }

    /// The condition that a text of the database holds the word; the needles are its parameters from `?first` on.
    pub(super) fn holds(&self, text: &str, first: usize) -> String {
        self.like(text, first, "'%' || ?", " || '%'")
    }

    /// The condition that a text is the word.
    pub(super) fn equals(&self, text: &str, first: usize) -> String {
        self.like(text, first, "?", "")
    }

    fn like(&self, text: &str, first: usize, before: &str, behind: &str) -> String {
        let likes: Vec<String> = (first..first + self.needles.len())
            .map(|n| format!("{text} LIKE {before}{n}{behind} ESCAPE '\\'"))
            .collect();
        format!("({})", likes.join(" OR "))
    }

    /// The word, with its format as names have it.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }
}

/// A text that `LIKE` takes for itself.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// What stands behind the format of a canonical name: of what an issuer calls somebody, that without the issuer.
#[must_use]
pub fn value_of(name: &str) -> &str {
    let mark = if name.starts_with("iss_sub:") { '#' } else { ':' };
    name.split_once(mark).map_or(name, |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_taken_as_it_is_written_and_its_marks_mean_nothing() {
        let word = SearchWord::new(" 100%_Ü ").unwrap();
        assert_eq!(word.needles, ["100\\%\\_Ü", "100\\%\\_ü", "100\\%\\_Ü"]);
        assert!(!word.with_format && word.number.is_none() && word.is("100%_ü"));
        assert_eq!(SearchWord::new("a_b").unwrap().needles, ["a\\_b"]);
        assert_eq!(SearchWord::new("  "), None);
    }

    #[test]
    fn a_format_before_the_word_is_part_of_it_as_names_have_it() {
        let read = |text| SearchWord::new(text).map(|word| (word.written().to_owned(), word.with_format));
        assert_eq!(read("id:a1"), Some(("opaque:a1".to_owned(), true)));
        assert_eq!(read("username:use"), Some(("username:use".to_owned(), true)));
        assert_eq!(read("odd:use"), Some(("odd:use".to_owned(), false)));
        assert_eq!(SearchWord::new("case:17").unwrap().number, Some(17));
        assert_eq!(SearchWord::new("4711").unwrap().number, Some(4711));
    }

    #[test]
    fn the_value_of_a_name_has_neither_format_nor_issuer() {
        let values = ["username:amara", "iss_sub:https://idp.example.org#00u#1", "bare"].map(value_of);
        assert_eq!(values, ["amara", "00u#1", "bare"]);
    }
}
