//! Names of columns as they are compared: case, blanks, hyphens and marks that cannot be seen make no difference.

/// A header as headers are compared: in lower case, with `_`, `-` and every kind of blank as one blank, without marks that cannot be seen,
/// and without what ADP adds behind (the block that a field comes from).
#[must_use]
pub(in crate::sources::hr_csv) fn normal(header: &str) -> String {
    let plain: String = header
        .chars()
        .filter(|c| !is_unseen(*c))
        .map(|c| if c == '_' || c == '-' || c.is_whitespace() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let text = words.join(" ").to_lowercase();
    match text.strip_suffix(" (personal profile)") {
        Some(field) => field.to_owned(),
        None => text,
    }
}

/// Whether a character is a mark that cannot be seen.
pub(in crate::sources::hr_csv) const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{feff}')
}
