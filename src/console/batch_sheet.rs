//! What came of a batch as CSV, a line for each person. What a spreadsheet would run as a formula stands disarmed.

use csv::{QuoteStyle, WriterBuilder};

use crate::model::Timestamp;
use crate::sources::hr_csv::disarmed;
use crate::store::BatchPerson;

const HEADINGS: [&str; 12] = [
    "person",
    "request",
    "case",
    "state",
    "verdict",
    "why",
    "hold",
    "received_at",
    "first_revoke_at",
    "contained_at",
    "closed_at",
    "not_covered",
];

/// The report of a batch as CSV, every cell in quotes.
///
/// # Errors
/// Where it cannot be written down.
pub fn batch_sheet(people: &[BatchPerson]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new().quote_style(QuoteStyle::Always).from_writer(Vec::new());
    writer.write_record(HEADINGS)?;
    for person in people {
        writer.write_record(cells(person).iter().map(|cell| disarmed(cell)))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn cells(person: &BatchPerson) -> [String; 12] {
    let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
    [
        person.subject.replace('\n', ", "),
        person.request.to_string(),
        number(person.case),
        person.state.clone(),
        person.verdict.clone().unwrap_or_default(),
        person.why.clone().unwrap_or_default(),
        number(person.hold),
        time(person.received_at),
        time(person.first_revoke_at),
        time(person.contained_at),
        time(person.closed_at),
        person.not_covered.join("; "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_formula_and_a_note_with_quotes_stay_text_in_one_cell() {
        let person = |subject: &str, why: &str| BatchPerson {
            subject: subject.to_owned(),
            request: 1,
            state: "rejected".to_owned(),
            case: None,
            verdict: None,
            why: Some(why.to_owned()),
            hold: None,
            received_at: None,
            first_revoke_at: None,
            contained_at: None,
            closed_at: None,
            not_covered: Vec::new(),
        };
        let people = [
            person("=HYPERLINK(\"http://x\")", "a \"b\", c"),
            person("@x", "\tz"),
            person("-1", "+2"),
        ];
        let sheet = String::from_utf8(batch_sheet(&people).unwrap()).unwrap();
        let lines: Vec<&str> = sheet.lines().collect();
        assert!(lines[0].starts_with("\"person\",\"request\",\"case\""), "{sheet}");
        assert!(
            lines[1].starts_with("\"'=HYPERLINK(\"\"http://x\"\")\",\"1\",\"\",\"rejected\""),
            "{sheet}"
        );
        assert!(lines[1].contains("\"a \"\"b\"\", c\""), "{sheet}");
        assert!(lines[2].starts_with("\"'@x\"") && lines[2].contains("\"'\tz\""), "{sheet}");
        assert!(lines[3].starts_with("\"'-1\"") && lines[3].contains("\"'+2\""), "{sheet}");
    }
}
