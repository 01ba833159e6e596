//! The keys that say how files are written: the operator's over those of a preset.

use std::collections::BTreeMap;

use encoding_rs::Encoding;
use toml::Spanned;

use super::{Names, Written};
use crate::model::iso_date;
use crate::settings::{ConfigError, Settings, nearest, unknown_key};
use crate::sources::hr_csv::csv::csv_reader::SEPARATORS;
use crate::sources::hr_csv::format::columns::{COLUMNS, ColumnMapping, Headers, WHY};
use crate::sources::hr_csv::format::dates::DateFormat;
use crate::sources::hr_csv::format::file_format::FileFormat;
use crate::sources::hr_csv::format::header_name::normal;
use crate::sources::hr_csv::format::presets::{PRESETS, Preset};
use crate::sources::hr_csv::format::status_words::{EmploymentStatus, StatusWords, plain};

/// Nobody writes more lines than this around a header.
const MOST_SKIPPED: usize = 50;

/// Reads the form of the files out of the keys as written.
pub(super) fn read(written: &mut Written, settings: &Settings<'_>, complaints: &mut Vec<ConfigError>) -> FileFormat {
    let preset = written.preset.take().and_then(|name| {
        let found = PRESETS.iter().find(|preset| preset.name == name.get_ref());
        if found.is_none() {
            complaints.push(ConfigError::at(name.span(), unknown_preset(name.get_ref())));
        }
        found
    });
    let mut format = FileFormat::default();
    if let Some(preset) = preset {
        demand(preset, written, settings, complaints);
        // The presets are tested to be read.
        format = format_of(preset).unwrap_or_default();
    }
    take(&mut format, written, false, settings, complaints);
    check(&format, preset, written.full_file, settings, complaints);
    format
}

/// The form that a preset alone comes to.
pub(in crate::sources::hr_csv) fn format_of(preset: &Preset) -> Option<FileFormat> {
    let mut keys = toml::from_str::<Written>(preset.keys).ok()?;
    let mut format = FileFormat::default();
    let nothing = Settings {
        name: preset.name,
        table: Spanned::new(0..0, std::iter::empty().collect()),
    };
    let mut complaints = Vec::new();
    take(&mut format, &mut keys, true, &nothing, &mut complaints);
    complaints.is_empty().then_some(format)
}

/// What each installation of a system sets for itself cannot be known here.
fn demand(preset: &Preset, written: &Written, settings: &Settings<'_>, complaints: &mut Vec<ConfigError>) {
    for key in preset.demands {
        let (given, example) = match *key {
            "dates" => (
                written.dates.is_some(),
                "dates = \"MM/DD/YYYY\", dates = \"DD.MM.YYYY\" or what your export holds",
            ),
            _ => (written.separator.is_some(), "separator = \",\" or separator = \";\""),
        };
        if !given {
            let why = format!(
                "with preset {:?} {key} differs from house to house: write {example}",
                preset.name
            );
            complaints.push(settings.complain("preset", why));
        }
    }
}

/// Lays keys over a form. `any` is whether one of several names of a column is enough.
fn take(format: &mut FileFormat, written: &mut Written, any: bool, settings: &Settings<'_>, complaints: &mut Vec<ConfigError>) {
    if let Some(separator) = written.separator.take() {
        match separator_of(separator.get_ref()) {
            Some(byte) => format.separator = byte,
            None => complaints.push(ConfigError::at(
                separator.span(),
                "separator must be one of \",\", \";\", \"tab\" and \"|\"",
            )),
        }
    }
    if let Some(label) = written.encoding.take() {
        match Encoding::for_label_no_replacement(label.get_ref().as_bytes()) {
            Some(encoding) => format.encoding = encoding,
            None => complaints.push(ConfigError::at(
                label.span(),
                "encoding must be one such as \"utf-8\", \"windows-1252\" or \"utf-16le\"",
            )),
        }
    }
    if let Some(dates) = written.dates.take() {
        match DateFormat::parse(dates.get_ref()) {
            Some(read) => format.dates.format = read,
            None => complaints.push(ConfigError::at(
                dates.span(),
                "dates must name year, month and day, each once, such as \"DD.MM.YYYY\", \"MM/DD/YYYY\" or \"DD-MMM-YYYY\"; a year has four digits",
            )),
        }
    }
    if let Some(day) = written.history_before.take() {
        format.history_before = iso_date(day.get_ref());
        if format.history_before.is_none() {
            complaints.push(ConfigError::at(
                day.span(),
                "history_before must be a day such as \"2026-11-01\"",
            ));
        }
    }
    format.dates.none.extend(written.null_dates.take().unwrap_or_default());
    format
        .ignore_columns
        .extend(written.ignore_columns.take().unwrap_or_default());
    format.by_date = written.by_date.unwrap_or(format.by_date);
    format.undated = written.undated.unwrap_or(format.undated);
    for (key, skip, place) in [
        (
            "skip_before_header",
            written.skip_before_header,
            &mut format.skip_before_header,
        ),
        ("skip_after_header", written.skip_after_header, &mut format.skip_after_header),
    ] {
        *place = skip.unwrap_or(*place);
        if *place > MOST_SKIPPED {
            complaints.push(settings.complain(key, format!("{key} must be at most {MOST_SKIPPED}")));
        }
    }
    if let Some(header) = written.header.take() {
        format.header = Some(header.into_inner());
    }
    columns(&mut format.columns, std::mem::take(&mut written.columns), any, complaints);
    words(&mut format.words, &written.status_words, complaints);
}

fn separator_of(text: &str) -> Option<u8> {
    let byte = match text {
        "tab" => b'\t',
        text => *text.as_bytes().first().filter(|_| text.len() == 1)?,
    };
    SEPARATORS.iter().any(|(known, _)| *known == byte).then_some(byte)
}

fn columns(
    mapping: &mut ColumnMapping,
    written: BTreeMap<Spanned<String>, Spanned<Names>>,
    any: bool,
    complaints: &mut Vec<ConfigError>,
) {
    let known: Vec<&str> = COLUMNS.into_iter().filter(|column| *column != WHY).collect();
    for (column, names) in written {
        if !known.contains(&column.get_ref().as_str()) {
            complaints.push(ConfigError::at(column.span(), unknown_key(column.get_ref(), &known)));
            continue;
        }
        let span = names.span();
        let names = names.into_inner().0;
        if names.iter().any(|name| normal(name).is_empty()) {
            complaints.push(ConfigError::at(
                span,
                "a column's name is empty: write it as it stands in the header",
            ));
            continue;
        }
        mapping.set(column.get_ref(), (!names.is_empty()).then_some(Headers { names, any }));
    }
}

fn words(words: &mut StatusWords, written: &BTreeMap<Spanned<String>, Spanned<Vec<String>>>, complaints: &mut Vec<ConfigError>) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (standing, list) in written {
        let Some((meaning, key)) = EmploymentStatus::ALL.into_iter().find(|(_, key)| key == standing.get_ref()) else {
            let known = EmploymentStatus::ALL.map(|(_, key)| key);
            complaints.push(ConfigError::at(standing.span(), unknown_key(standing.get_ref(), &known)));
            continue;
        };
        for word in list.get_ref() {
            if let Some(other) = seen.insert(plain(word), key).filter(|other| *other != key) {
                complaints.push(ConfigError::at(
                    list.span(),
                    format!("{word:?} stands under {other} and under {key}: it can mean one of them"),
                ));
            }
            words.set(word, meaning);
        }
    }
}

/// What is wrong with the whole.
fn check(
    format: &FileFormat,
    preset: Option<&Preset>,
    full_file: bool,
    settings: &Settings<'_>,
    complaints: &mut Vec<ConfigError>,
) {
    if let Some((one, other, header)) = format.columns.claimed_twice() {
        let why = if one == other {
            format!("{one} names the column {header:?} twice")
        } else {
            format!("{one} and {other} both claim the column {header:?}: a column can be one of them")
        };
        complaints.push(settings.complain("columns", why));
    }
    if preset.is_none() && format.columns.is_empty() {
        return;
    }
    let mapped = |column: &str| format.columns.of(column).is_some();
    let mut lacks = |column: &str, example: &str| {
        let whose = preset.map_or_else(
            || format!("columns lacks {column}"),
            |preset| format!("preset {:?} does not know what your export calls {column}", preset.name),
        );
        let why = format!("{whose}: write columns = {{ {column} = {example:?}, … }} with the name that stands in the header");
        let key = if preset.is_some() { "preset" } else { "columns" };
        complaints.push(settings.complain(key, why));
    };
    if !mapped("employee_id") {
        lacks("employee_id", "Employee #");
    }
    if !mapped("email") && !mapped("upn") {
        lacks("email", "Work Email");
    }
    if format.by_date {
        if !mapped("last_working_day") && !mapped("effective_at") {
            lacks("last_working_day", "Termination Date");
        }
    } else if !mapped("status") && !mapped("action") && !full_file {
        lacks("status", "Status");
    }
}

fn unknown_preset(name: &str) -> String {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    match nearest(name, names.iter().copied()) {
        Some(meant) => format!("no such preset; did you mean {meant:?}?"),
        None => format!("no such preset; the presets are {}", names.join(", ")),
    }
}
