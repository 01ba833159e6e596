//! `revoked subject import`: many people from a CSV file, one a line, all of them or none.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use super::{line, operator, say};
use crate::cli::input::{name_of, read_input};
use crate::model::{Subject, SubjectError};
use crate::store::{ScopedName, Store};

/// A larger file is no list of people.
const LARGEST: u64 = 64 << 20;
/// How many complaints are printed; the count goes on.
const COMPLAINTS: usize = 50;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    /// Names of this format.
    Format(&'static str),
    /// What this issuer calls the person.
    Issuer(String),
    /// Account ids, of the target where one is named.
    Account(Option<String>),
}

/// Runs `revoked subject import`.
///
/// # Errors
/// Everything that is wrong with the file, each with its line; nothing of it is linked then.
pub(super) async fn run(store: &Store, file: &Path, check: bool) -> anyhow::Result<()> {
    let (bytes, name) = (read_input(file, LARGEST)?, name_of(file));
    anyhow::ensure!(
        bytes.len() as u64 <= LARGEST,
        "{name} is larger than {} MiB; import it in parts",
        LARGEST >> 20
    );
    let people = match read(&bytes) {
        Ok(people) => people,
        Err(complaints) => {
            let more = complaints.len().saturating_sub(COMPLAINTS);
            let mut text = complaints.into_iter().take(COMPLAINTS).collect::<Vec<_>>().join("\n");
            if more > 0 {
                text = format!("{text}\nand {more} more");
            }
            anyhow::bail!("nothing of {name} was linked:\n{text}");
        }
    };
    let names: usize = people.iter().map(|(_, names)| names.len()).sum();
    let count = people.len();
    if check {
        return line(format!("{count} people with {names} names; nothing was changed"));
    }
    let linked = store
        .link_many(people, crate::digest::sha256(&bytes), operator())
        .await
        .with_context(|| format!("nothing of {name} was linked"))?;
    line(format!("{count} people"))?;
    say(&linked)
}

/// The people of a file, each with its line.
///
/// # Errors
/// Everything that is wrong, each with its line.
fn read(bytes: &[u8]) -> Result<Vec<(usize, Vec<ScopedName>)>, Vec<String>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let header = reader.headers().map_err(|error| vec![format!("line 1: {error}")])?;
    let columns: Vec<Result<Column, String>> = header.iter().map(column).collect();
    let mut complaints: Vec<String> = columns
        .iter()
        .filter_map(|column| column.as_ref().err())
        .map(|why| format!("line 1: {why}"))
        .collect();
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let columns: Vec<Column> = columns.into_iter().flatten().collect();
    let mut people = Vec::new();
    let mut owners: BTreeMap<ScopedName, usize> = BTreeMap::new();
    let mut lines = Lines {
        bytes,
        counted: 0,
        line: 1,
    };
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let at = lines.of(error.position());
                complaints.push(format!("line {at}: it is not UTF-8 or not CSV"));
                continue;
            }
        };
        let at = lines.of(record.position());
        if record.iter().all(str::is_empty) {
            continue;
        }
        match person(&record, &columns) {
            Ok(names) => {
                for name in &names {
                    if let Some(first) = owners.insert(name.clone(), at) {
                        complaints.push(format!("line {at}: {} stands in line {first} already", name.subject));
                    }
                }
                people.push((at, names));
            }
            Err(why) => complaints.extend(why.into_iter().map(|why| format!("line {at}: {why}"))),
        }
    }
    if people.is_empty() && complaints.is_empty() {
        complaints.push("line 1: no person stands in the file".to_owned());
    }
    if complaints.is_empty() { Ok(people) } else { Err(complaints) }
}

/// Counts lines: the reader places a record at the blank lines before it.
struct Lines<'b> {
    bytes: &'b [u8],
    counted: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line on which the record that is placed there begins.
    fn of(&mut self, position: Option<&csv::Position>) -> usize {
        let start = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        let rest = self.bytes.get(start..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = self.bytes.get(self.counted..start + blank).unwrap_or_default();
        self.line += passed.split(|byte| *byte == b'\n').count() - 1;
        self.counted = self.counted.max(start + blank);
        self.line
    }
}

fn column(heading: &str) -> Result<Column, String> {
    let heading = heading.trim();
    match heading.to_lowercase().as_str() {
        "email" => return Ok(Column::Format("email")),
        "username" => return Ok(Column::Format("username")),
        "upn" | "account" => return Ok(Column::Format("account")),
        "employee_id" => return Ok(Column::Format("employee_id")),
        "phone_number" => return Ok(Column::Format("phone_number")),
        "iss_sub" => return Ok(Column::Format("iss_sub")),
        "opaque" | "id" => return Ok(Column::Account(None)),
        _ => {}
    }
    match heading.split_once(':') {
        Some(("iss_sub", issuer)) if !issuer.is_empty() => Ok(Column::Issuer(issuer.to_owned())),
        Some(("opaque" | "id", target)) if !target.is_empty() => Ok(Column::Account(Some(target.to_owned()))),
        _ => Err(format!(
            "{heading:?} is no column; there are email, username, upn, employee_id, phone_number, iss_sub (issuer#sub), iss_sub:<issuer>, \
             opaque and opaque:<target>"
        )),
    }
}

/// The names of one line: two at least.
fn person(record: &csv::StringRecord, columns: &[Column]) -> Result<Vec<ScopedName>, Vec<String>> {
    if record.len() != columns.len() {
        return Err(vec![format!(
            "it has {} cells, and the header {}",
            record.len(),
            columns.len()
        )]);
    }
    let mut names: Vec<ScopedName> = Vec::new();
    let mut complaints = Vec::new();
    for (cell, column) in record.iter().zip(columns).filter(|(cell, _)| !cell.is_empty()) {
        match name(cell, column) {
            Ok(name) if !names.contains(&name) => names.push(name),
            Ok(_) => {}
            Err(error) => complaints.push(error.to_string()),
        }
    }
    if complaints.is_empty() && names.len() < 2 {
        complaints.push("it names one name only, so there is nothing to link".to_owned());
    }
    if complaints.is_empty() { Ok(names) } else { Err(complaints) }
}

fn name(cell: &str, column: &Column) -> Result<ScopedName, SubjectError> {
    let (subject, target) = match column {
        Column::Format(format) => (format!("{format}:{cell}").parse()?, None),
        Column::Issuer(issuer) => (Subject::iss_sub(issuer, cell)?, None),
        Column::Account(target) => (format!("opaque:{cell}").parse()?, target.clone()),
    };
    Ok(ScopedName { subject, target })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> Vec<String> {
        read(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_line_is_one_person_by_its_columns() {
        let text = "\u{feff}email,iss_sub:https://idp.example.org,opaque:chat,upn\nAlice@Example.org, 00u#1 ,a1,\n\n,00u2,,bob@example.org\n";
        let people = read(text.as_bytes()).unwrap();
        assert_eq!(people.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
        let names: Vec<String> = people[0].1.iter().map(|name| name.subject.to_string()).collect();
        assert_eq!(
            names,
            [
                "email:alice@example.org",
                "iss_sub:https://idp.example.org#00u#1",
                "opaque:a1"
            ]
        );
        assert_eq!(people[0].1[2].target.as_deref(), Some("chat"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_line() {
        assert!(complaints("email,shoe_size\n")[0].starts_with("line 1: \"shoe_size\" is no column"));
        assert_eq!(complaints("email,username\n"), ["line 1: no person stands in the file"]);
        let found = complaints("email,username\na@example.org,a\nb@example.org\nnobody,b\na@example.org,c\nc@example.org,\n");
        let starts = [
            "line 3: it has 1 cells",
            "line 4: ",
            "line 5: email:a@example.org stands in line 2",
            "line 6: it names one",
        ];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        for (said, start) in found.iter().zip(starts) {
            assert!(said.starts_with(start), "{said}");
        }
    }
}
