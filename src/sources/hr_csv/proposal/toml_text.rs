//! The proposal as config to paste. What is not decided stands there as a comment.

use std::fmt::Write as _;

use toml::Value;

use super::Proposed;
use super::days::Days;
use super::layout::Layout;
use super::status_words::Word;
use crate::sources::hr_csv::format::header_name::is_unseen;
use crate::sources::hr_csv::format::status_words::EmploymentStatus;

pub(super) fn of(layout: &Layout, columns: &[Proposed], days: &Days, words: &[Word], is_plain: bool) -> String {
    // Writing to a string cannot fail.
    let mut text = "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"/srv/hr/drop\"\n".to_owned();
    if layout.separator != b',' && !layout.is_stated {
        let separator = if layout.separator == b'\t' {
            "tab".to_owned()
        } else {
            char::from(layout.separator).to_string()
        };
        let _ = writeln!(text, "separator = {}", quoted(&separator));
    }
    if let Some(encoding) = layout.encoding {
        let _ = writeln!(text, "encoding = {}", quoted(encoding));
    }
    match days.fits[..] {
        [one] => {
            let _ = writeln!(text, "dates = {}", quoted(one));
        }
        [] => text.push_str("# dates = \"YYYY-MM-DD\"\n"),
        _ => {
            let forms: Vec<String> = days
                .fits
                .iter()
                .map(|format| format!("# dates = {}", quoted(format)))
                .collect();
            let _ = writeln!(text, "{}", forms.join("\n"));
        }
    }
    if !days.far.is_empty() {
        let far: Vec<String> = days.far.iter().map(|(day, _)| quoted(day)).collect();
        let _ = writeln!(text, "# null_dates = [{}]", far.join(", "));
    }
    for (key, lines) in [("skip_before_header", layout.above), ("skip_after_header", layout.below)] {
        if lines > 0 {
            let _ = writeln!(text, "{key} = {lines}");
        }
    }
    let has_status = columns.iter().any(|column| column.column == "status");
    if !has_status && !is_plain {
        text.push_str("# by_date = true\n");
    }
    if !is_plain {
        text.push_str("\n[source.columns]\n");
        for column in columns {
            let _ = writeln!(text, "{}", line_of(column));
        }
    }
    if !words.is_empty() {
        text.push_str("\n[source.status_words]\n");
        for (_, key) in EmploymentStatus::ALL {
            let meant: Vec<String> = words
                .iter()
                .filter(|word| word.means == Some(key))
                .map(|word| quoted(&word.word))
                .collect();
            if !meant.is_empty() {
                let _ = writeln!(text, "{key} = [{}]", meant.join(", "));
            }
        }
        for word in words.iter().filter(|word| word.means.is_none()) {
            let _ = writeln!(text, "# terminated, active or ignore: {}", quoted(&word.word));
        }
    }
    text
}

fn line_of(column: &Proposed) -> String {
    let names: Vec<String> = column.headers.iter().map(|name| quoted(name)).collect();
    match names.as_slice() {
        [one] => format!("{} = {one}", column.column),
        several if column.undecided => format!("# {} = one of {}", column.column, several.join(", ")),
        several => format!("{} = [{}]", column.column, several.join(", ")),
    }
}

/// A text as TOML writes it, without the marks that nobody sees and that no comparison of names looks at.
fn quoted(text: &str) -> String {
    Value::String(text.chars().filter(|c| !is_unseen(*c)).collect()).to_string()
}
