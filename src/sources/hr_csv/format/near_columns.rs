//! Headers that are read as nothing and may be meant for a column of ours that is missing. Nothing is guessed from them: whoever looks at the
//! file is asked.

use super::column_aliases;
use super::columns::{COLUMNS, Columns, WHY};
use super::header_name::normal;

/// How alike two names must be, from 0 to 1: `last work day` and `last working day` are.
const ALIKE: f64 = 0.75;
/// A shorter name is like too many others.
const SHORTEST: usize = 6;

/// A header that may be a column of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct NearColumn {
    /// The header as written.
    pub header: String,
    /// Our column.
    pub column: &'static str,
}

/// The header that may be meant for `column`, which the file lacks.
pub(in crate::sources::hr_csv) fn near_column(
    header: &[String],
    columns: &Columns,
    ignored: &[String],
    column: &'static str,
) -> Option<NearColumn> {
    if columns.has(column) {
        return None;
    }
    let used = |place: usize| COLUMNS.iter().any(|own| columns.places(own).contains(&place));
    let ignored = |name: &str| ignored.iter().any(|other| normal(other) == name);
    let mut unread = header.iter().enumerate().filter(|(place, written)| {
        let name = normal(written);
        !used(*place) && !name.is_empty() && !ignored(&name) && column_aliases::never(&name).is_none()
    });
    let found = unread.find(|(_, written)| may_be(&normal(written), column))?;
    Some(NearColumn {
        header: found.1.clone(),
        column,
    })
}

/// The mapping of a file that calls its columns by our own names but for one.
pub(in crate::sources::hr_csv) fn mapping_with(near: &NearColumn, header: &[String], columns: &Columns) -> String {
    let written = |name: &str| toml::Value::String(name.to_owned()).to_string();
    let mut lines = vec!["[source.columns]".to_owned()];
    for column in COLUMNS.into_iter().filter(|column| *column != WHY) {
        let own = columns.places(column).first().and_then(|place| header.get(*place));
        let named = if column == near.column { Some(&near.header) } else { own };
        lines.extend(named.map(|name| format!("{column} = {}", written(name))));
    }
    lines.join("\n")
}

/// Whether a header in its normal form may mean a column of ours.
fn may_be(name: &str, column: &str) -> bool {
    let joined = |name: &str| name.replace(' ', "");
    let name = joined(name);
    let own = normal(column);
    if is_part(&name, &own.split(' ').collect::<Vec<_>>()) {
        return true;
    }
    let aliases = column_aliases::ALIASES.iter().filter(|alias| alias.column == column);
    let known = aliases.flat_map(|alias| alias.headers).map(|header| joined(&normal(header)));
    let mut known = known.chain([joined(&own)]);
    name.chars().count() >= SHORTEST && known.any(|known| strsim::normalized_damerau_levenshtein(&name, &known) >= ALIKE)
}

/// Whether a name is put together from at least two of these words, in their order: `lastday` from `last working day`.
fn is_part(name: &str, words: &[&str]) -> bool {
    fn rest(name: &str, words: &[&str], taken: usize) -> bool {
        if name.is_empty() {
            return taken > 1;
        }
        words.iter().enumerate().any(|(n, word)| {
            let after = name.strip_prefix(word);
            after.is_some_and(|after| rest(after, &words[n + 1..], taken + 1))
        })
    }
    rest(name, words, 0)
}

#[cfg(test)]
mod tests {
    use super::may_be;
    use crate::sources::hr_csv::format::header_name::normal;

    #[test]
    fn a_header_is_near_by_its_words_or_its_letters() {
        for header in ["lastday", "Last Day", "last_work_day", "Terminaton Date", "end-date"] {
            assert!(may_be(&normal(header), "last_working_day"), "{header}");
        }
        for header in [
            "last_name",
            "day",
            "birthday",
            "Start Date",
            "last",
            "Hire Date",
            "department",
        ] {
            assert!(!may_be(&normal(header), "last_working_day"), "{header}");
        }
    }
}
