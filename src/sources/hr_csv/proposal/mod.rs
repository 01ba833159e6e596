//! What the columns of an export may mean: read from the export itself, and proposed to whoever writes the config. What the file does not
//! decide is asked, never guessed.

mod days;
mod layout;
mod status_words;
mod toml_text;

use std::fmt::Write as _;

use serde::Serialize;

use super::format::column_aliases;
use super::format::columns::{self, ColumnMapping, Columns, Demands};
use super::format::header_name::normal;
use super::format::near_columns::{NearColumn, mapping_with, near_column};
use super::format::presets::PRESETS;
use crate::model::iana_zone;
use days::Days;
use layout::Layout;
pub use status_words::Word;

/// What is proposed for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// What it is written in, and how that is known.
    pub encoding: String,
    /// What separates its cells, and how that is known.
    pub separator: String,
    /// On which line its header stands.
    pub header_line: usize,
    /// The header.
    pub header: Vec<String>,
    /// How many rows it has.
    pub rows: usize,
    /// Which column is which.
    pub columns: Vec<Proposed>,
    /// Columns that look like ours and are not.
    pub passed_over: Vec<PassedOver>,
    /// The form of its days, where only one fits.
    pub dates: Option<&'static str>,
    /// What stands for no day in it.
    pub null_days: Vec<String>,
    /// The words of its status column.
    pub words: Vec<Word>,
    /// The presets whose columns it has.
    pub presets: Vec<&'static str>,
    /// Whether its columns are called by our own names, so that no mapping is needed.
    pub plain: bool,
    /// What a person must decide.
    pub undecided: Vec<String>,
    /// The config to paste.
    pub toml: String,
}

/// A column of ours, and what it is called in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposed {
    /// Our name.
    pub column: &'static str,
    /// The names in the header: the first that is filled counts.
    pub headers: Vec<String>,
    /// Why these.
    pub why: String,
    /// Whether a person must choose one of them.
    pub undecided: bool,
}

/// A column that looks like ours and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// Its name in the header.
    pub header: String,
    /// What it is.
    pub why: String,
}

/// Proposes a mapping for the file that `bytes` are.
///
/// # Errors
/// Why the file is no CSV file, in words for people.
pub fn propose(bytes: &[u8]) -> Result<Proposal, String> {
    let layout = Layout::of(bytes)?;
    let mut undecided = layout.undecided.clone();
    let mut passed_over: Vec<PassedOver> = Vec::new();
    for header in &layout.header {
        passed_over.extend(column_aliases::never(&normal(header)).map(|why| PassedOver {
            header: header.clone(),
            why: why.to_owned(),
        }));
    }
    let mut columns: Vec<Proposed> = column_aliases::COLUMNS
        .iter()
        .filter_map(|column| column_of(column, &layout, &mut passed_over))
        .collect();
    // A column of zones is one only where its zones are known.
    columns.retain(|column| {
        let is_known = column.column != "timezone"
            || cells(&layout, column).all(|cell| cell.trim().is_empty() || iana_zone(cell.trim()).is_some());
        if !is_known {
            passed_over.push(PassedOver {
                header: column.headers.join(", "),
                why: "its values are no IANA names of time zones such as Europe/Berlin".to_owned(),
            });
        }
        is_known
    });
    for column in columns.iter().filter(|column| column.undecided) {
        undecided.push(format!(
            "{}: one of {}: {}",
            column.column,
            quoted(&column.headers),
            column.why
        ));
    }
    let states_itself = Demands { states_itself: false };
    let plain = Columns::read(&layout.header, &ColumnMapping::default(), &[], states_itself).ok();
    let is_plain = plain.is_some();
    let near = plain.as_ref().and_then(|own| near_last_day(own, &layout));
    if let Some(own) = &plain {
        columns.extend(own_columns(own, &layout, &columns));
    }
    undecided.extend(near.as_ref().map(|(near, _)| {
        format!(
            "{}: is it {:?}? As the file stands that column is read as nothing",
            near.column, near.header
        )
    }));
    let found = |name: &str| columns.iter().find(|column| column.column == name);
    for (name, hint) in [
        ("employee_id", "which column holds the person's number in the HR system?"),
        ("email", "which column holds the work address, or (as upn) the sign-in name?"),
        (
            "status",
            "which column says whether somebody is employed? Where the day alone decides, write by_date = true",
        ),
        (
            "last_working_day",
            "which column holds the last day of work, or the end of the employment?",
        ),
    ] {
        if !is_plain && found(name).is_none() && !(name == "email" && found("upn").is_some()) {
            undecided.push(format!("{name}: {hint}"));
        }
    }
    let days = Days::of(
        columns
            .iter()
            .filter(|column| column.column == "last_working_day")
            .flat_map(|column| cells(&layout, column)),
    );
    if found("last_working_day").is_some() {
        undecided.extend(days.undecided());
    }
    let mut words = Vec::new();
    if let Some(status) = found("status").filter(|status| !status.undecided) {
        words = status_words::words(cells(&layout, status));
        undecided.extend(status_words::undecided(&status.headers[0], &mut words));
    }
    let mut toml = toml_text::of(&layout, &columns, &days, &words, is_plain);
    if let Some((near, mapping)) = &near {
        // Writing to a string cannot fail.
        let _ = writeln!(toml, "\n# if {:?} is {}:", near.header, near.column);
        for line in mapping.lines() {
            let _ = writeln!(toml, "# {line}");
        }
    }
    Ok(Proposal {
        encoding: layout.encoding_why.clone(),
        separator: layout.separator_why.clone(),
        header_line: layout.above + 1 + usize::from(layout.is_stated),
        rows: layout.rows.len(),
        dates: if let [one] = days.fits[..] { Some(one) } else { None },
        null_days: days.none.iter().map(|(cell, count)| format!("{cell} ({count})")).collect(),
        presets: presets(&layout),
        plain: is_plain && near.is_none(),
        header: layout.header,
        columns,
        passed_over,
        words,
        undecided,
        toml,
    })
}

/// The header that may be meant for the last day, where a file in our own form has none, with the mapping that says so.
fn near_last_day(own: &Columns, layout: &Layout) -> Option<(NearColumn, String)> {
    if own.has("effective_at") {
        return None;
    }
    let near = near_column(&layout.header, own, &[], "last_working_day")?;
    let mapping = mapping_with(&near, &layout.header, own);
    Some((near, mapping))
}

/// The columns of our own form that no export has, and that are read all the same.
fn own_columns(own: &Columns, layout: &Layout, known: &[Proposed]) -> Vec<Proposed> {
    let others = columns::COLUMNS.into_iter().filter(|column| {
        let is_known = known.iter().any(|known| known.column == *column);
        !is_known && own.has(column)
    });
    let proposed = others.map(|column| Proposed {
        column,
        headers: own.places(column).iter().map(|place| layout.header[*place].clone()).collect(),
        why: "our own name".to_owned(),
        undecided: false,
    });
    proposed.collect()
}

/// Which header means a column of ours, by the names that systems give it.
fn column_of(column: &'static str, layout: &Layout, passed_over: &mut Vec<PassedOver>) -> Option<Proposed> {
    let mut found: Vec<(u8, &'static str, &String)> = Vec::new();
    for header in &layout.header {
        let meant = column_aliases::of(&normal(header)).filter(|alias| alias.column == column);
        found.extend(meant.map(|alias| (alias.rank, alias.what, header)));
    }
    found.sort_by_key(|(rank, ..)| *rank);
    let (first, what, _) = *found.first()?;
    let same = |rank: u8| found.iter().filter(|(other, ..)| *other == rank).count();
    // The last day of work goes before the end of the employment, and that counts where it is empty; of other columns one is taken.
    let taken: Vec<_> = if column == "last_working_day" {
        found.clone()
    } else {
        let (taken, left): (Vec<_>, Vec<_>) = found.iter().copied().partition(|(rank, ..)| *rank == first);
        passed_over.extend(left.into_iter().map(|(_, other, header)| PassedOver {
            header: header.clone(),
            why: format!("{other}, where there is {what}"),
        }));
        taken
    };
    let mut whats: Vec<&str> = taken.iter().map(|(_, what, _)| *what).collect();
    whats.dedup();
    Some(Proposed {
        column,
        undecided: taken.iter().any(|(rank, ..)| same(*rank) > 1),
        headers: taken.into_iter().map(|(_, _, header)| header.clone()).collect(),
        why: whats.join(", else "),
    })
}

/// The cells of a column, row by row: of several headers each.
fn cells<'l>(layout: &'l Layout, column: &Proposed) -> impl Iterator<Item = &'l str> + use<'l> {
    let places: Vec<usize> = (0..layout.header.len())
        .filter(|n| column.headers.contains(&layout.header[*n]))
        .collect();
    layout.rows.iter().flat_map(move |row| {
        places
            .clone()
            .into_iter()
            .filter_map(|n| row.cells.get(n).map(String::as_str))
    })
}

/// The presets whose columns the file has.
fn presets(layout: &Layout) -> Vec<&'static str> {
    let fits = |mapping: &ColumnMapping, by_date: bool| {
        !mapping.is_empty() && Columns::read(&layout.header, mapping, &[], Demands { states_itself: by_date }).is_ok()
    };
    let read = PRESETS
        .iter()
        .filter_map(|preset| Some((preset.name, super::settings::format_of(preset)?)));
    let fitting = read.filter(|(_, format)| fits(&format.columns, format.by_date));
    fitting.map(|(name, _)| name).collect()
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    names.join(", ")
}
