//! A preview as CSV, for a spreadsheet.

use crate::sources::hr_csv::{Preview, PreviewRow, disarmed};

const HEADINGS: [&str; 8] = [
    "line",
    "employee",
    "employment",
    "person",
    "effect",
    "access ends",
    "in UTC",
    "why",
];

fn cells(row: &PreviewRow) -> Vec<String> {
    vec![
        row.line.to_string(),
        row.employee.clone(),
        row.employment.clone(),
        row.subject.to_string().replace('\n', ", "),
        row.effect.word().to_owned(),
        row.local.clone().unwrap_or_default(),
        row.utc.map(|at| at.to_string()).unwrap_or_default(),
        row.why.clone().unwrap_or_default(),
    ]
}

/// The rows as CSV; what a spreadsheet would run as a formula stands disarmed.
pub(super) fn csv(preview: &Preview) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADINGS)?;
    for row in &preview.rows {
        writer.write_record(cells(row).iter().map(|cell| disarmed(cell)))?;
    }
    for refused in &preview.refused {
        let why = format!("{}; write instead: {}", refused.why, refused.instead);
        let place = refused.place.clone();
        let record = [
            place,
            String::new(),
            String::new(),
            String::new(),
            "refused".to_owned(),
            String::new(),
            String::new(),
            why,
        ];
        writer.write_record(record.iter().map(|cell| disarmed(cell)))?;
    }
    if let Some(why) = &preview.rejected {
        let record = ["file", "", "", "", "rejected", "", "", &disarmed(why)];
        writer.write_record(record)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("cannot write CSV: {error}"))?;
    Ok(String::from_utf8(bytes)?)
}
