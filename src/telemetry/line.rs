//! One log line, and the three forms it takes.

use std::fmt::Write as _;

use serde::Serialize;
use tracing::Level;

use super::fields::Fields;
use super::journal;
use crate::model::Timestamp;

/// What one call of a `tracing` macro said, with the spans around it, outermost first.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    pub(super) at: Timestamp,
    #[serde(serialize_with = "level")]
    pub(super) level: Level,
    pub(super) message: &'a str,
    pub(super) module: &'a str,
    pub(super) fields: &'a Fields,
    pub(super) spans: &'a [Span],
}

/// A span around a line.
#[derive(Debug, Serialize)]
pub(super) struct Span {
    pub(super) name: &'static str,
    #[serde(flatten)]
    pub(super) fields: Fields,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people: time, level, message, fields, module. Where standard error is the journal's, the journal's own protocol instead, with a
    /// journal field for each field.
    #[default]
    Human,
    /// One JSON object a line, to standard error in any case.
    Json,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Human,
    Json,
    Journal,
}

impl Form {
    pub(super) fn write(self, line: &Line<'_>) -> Vec<u8> {
        match self {
            Self::Human => human(line).into_bytes(),
            Self::Json => json(line),
            Self::Journal => journal_entry(line),
        }
    }
}

fn human(line: &Line<'_>) -> String {
    format!("{} {:>5} {} [{}]\n", line.at, line.level, sentence(line), line.module)
}

/// The message with every field, those of the spans last.
fn sentence(line: &Line<'_>) -> String {
    let mut text = line.message.to_owned();
    let around = line.spans.iter().rev().map(|span| &span.fields);
    for (name, value) in std::iter::once(line.fields).chain(around).flat_map(|fields| &fields.named) {
        // Writing to a string cannot fail.
        let _ = write!(text, " {name}={value}");
    }
    text
}

fn json(line: &Line<'_>) -> Vec<u8> {
    let Ok(mut bytes) = serde_json::to_vec(line) else {
        return human(line).into_bytes();
    };
    bytes.push(b'\n');
    bytes
}

fn journal_entry(line: &Line<'_>) -> Vec<u8> {
    let priority = match line.level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        _ => "7",
    };
    let mut entry = journal::Entry::default();
    entry.add("MESSAGE", &sentence(line));
    entry.add("PRIORITY", priority);
    entry.add("SYSLOG_IDENTIFIER", "revoked");
    entry.add("CODE_MODULE", line.module);
    let around = line.spans.iter().map(|span| &span.fields);
    for (name, value) in around.chain(std::iter::once(line.fields)).flat_map(|fields| &fields.named) {
        entry.add(&journal::field_name(name), &value.bare());
    }
    entry.into_bytes()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn level<S: serde::Serializer>(level: &Level, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(level.as_str())
}
