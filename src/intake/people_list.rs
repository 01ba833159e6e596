//! Reads a list of people: one subject a line, or CSV with a header. What cannot be read in one way alone is named with its line.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::Subject;

/// The most people of one list.
const MOST: usize = 10_000;
/// What may stand between two cells.
const SEPARATORS: [char; 3] = [',', ';', '\t'];
/// How much of a line an error quotes, in characters.
const QUOTED: usize = 60;

/// The columns that name people, by the form that their cells have; of several the first that a row fills counts.
const COLUMNS: [(&str, &[&str]); 5] = [
    ("", &["subject"]),
    (
        "email",
        &[
            "email",
            "e_mail",
            "mail",
            "email_address",
            "address",
            "upn",
            "userprincipalname",
        ],
    ),
    (
        "username",
        &["username", "user_name", "user", "login", "account_name", "samaccountname"],
    ),
    ("id", &["id", "account_id", "user_id"]),
    (
        "employee_id",
        &["employee_id", "employee", "employee_number", "personnel_number"],
    ),
];

/// A line that names nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Its number; the first is 1.
    pub line: usize,
    /// Why, and what to write.
    pub why: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// The people of a list, each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PeopleList {
    /// In the order of their first lines.
    pub people: Vec<Subject>,
    /// How many lines name somebody who stands above.
    pub again: usize,
}

impl PeopleList {
    /// Reads a list.
    ///
    /// # Errors
    /// Every line that names nobody.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<BadLine>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut read = Self::default();
        let (mut bad, mut header, mut begun) = (Vec::new(), None, false);
        let mut first: BTreeMap<Subject, usize> = BTreeMap::new();
        for (n, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let number = n + 1;
            let Ok(text) = std::str::from_utf8(line) else {
                let why = "it is not UTF-8; save the list as UTF-8 text".to_owned();
                bad.push(BadLine { line: number, why });
                continue;
            };
            let text = text.trim_end_matches('\r').trim_matches([' ', '\u{feff}']);
            if text.trim().is_empty() || text.starts_with('#') {
                continue;
            }
            if !begun {
                begun = true;
                match Header::of(text) {
                    Ok(None) => {}
                    Ok(found) => {
                        header = found;
                        continue;
                    }
                    Err(why) => return Err(vec![BadLine { line: number, why }]),
                }
            }
            let subject = match &header {
                Some(header) => header.subject(text),
                None => subject_of(text).map(Some),
            };
            match subject {
                Ok(Some(subject)) if first.contains_key(&subject) => read.again += 1,
                Ok(Some(subject)) => {
                    first.insert(subject.clone(), number);
                    read.people.push(subject);
                }
                // A row of bare separators, as spreadsheets append them.
                Ok(None) => {}
                Err(why) => bad.push(BadLine { line: number, why }),
            }
        }
        if bad.is_empty() && read.people.len() > MOST {
            let why = format!(
                "the list names {} people, and one may name {MOST}; split it",
                read.people.len()
            );
            bad.push(BadLine { line: 1, why });
        }
        if bad.is_empty() { Ok(read) } else { Err(bad) }
    }
}

/// Which cells of a CSV list name people.
struct Header {
    separator: char,
    cells: usize,
    /// The form and the place of each such column, the surest first.
    columns: Vec<(&'static str, usize)>,
}

impl Header {
    /// The header that a first line is; none where it is a subject.
    fn of(text: &str) -> Result<Option<Self>, String> {
        // A mailbox is one subject, whatever stands in its name.
        if text.ends_with('>') {
            return Ok(None);
        }
        let count = |separator: char| text.matches(separator).count();
        let separator = SEPARATORS
            .into_iter()
            .max_by_key(|separator| count(*separator))
            .unwrap_or(',');
        let cells = cells(text, separator)?;
        let names: Vec<String> = cells
            .iter()
            .map(|cell| cell.trim().to_lowercase().replace([' ', '-'], "_"))
            .collect();
        let mut columns = Vec::new();
        for (form, words) in COLUMNS {
            for (place, name) in names.iter().enumerate() {
                if words.contains(&name.as_str()) {
                    columns.push((form, place));
                }
            }
        }
        let filled = cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        if columns.is_empty() && filled > 1 {
            return Err(format!(
                "no column of the header names people ({}); call one subject, email, username, id or employee_id, or write one subject a line",
                quoted(&cells.join(", "))
            ));
        }
        Ok((!columns.is_empty()).then_some(Self {
            separator,
            cells: cells.len(),
            columns,
        }))
    }

    /// Whom a row is about; nobody where it is empty.
    fn subject(&self, text: &str) -> Result<Option<Subject>, String> {
        let cells = cells(text, self.separator)?;
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(None);
        }
        if cells.len() != self.cells {
            return Err(format!("it has {} cells, and the header has {}", cells.len(), self.cells));
        }
        let filled = self.columns.iter().find_map(|(form, place)| {
            let cell = cells.get(*place)?.trim();
            (!cell.is_empty()).then_some((*form, cell))
        });
        let Some((form, cell)) = filled else {
            return Err(format!("no cell of it names anybody: {}", quoted(text)));
        };
        let cell = match mailbox(cell)? {
            Some(address) if matches!(form, "" | "email") => address,
            _ => cell,
        };
        // What says its form itself is taken as it is written.
        let written = if form.is_empty() || cell.starts_with(&format!("{form}:")) {
            cell.to_owned()
        } else {
            format!("{form}:{cell}")
        };
        written
            .parse()
            .map(Some)
            .map_err(|error: crate::model::SubjectError| error.to_string())
    }
}

/// Whom a line without a header names.
fn subject_of(text: &str) -> Result<Subject, String> {
    let text = text.trim_end_matches([',', ';', '\t', ' ']);
    let address = mailbox(text)?;
    let parts = || text.split(SEPARATORS).filter(|part| !part.trim().is_empty());
    // A domain has none of them; what is read of an address would be nobody's.
    if address.is_none() && parts().filter(|part| part.contains('@')).count() > 1 {
        return Err(several(text));
    }
    let parsed = address.unwrap_or(text).parse::<Subject>();
    parsed.map_err(|error| {
        if parts().count() > 1 {
            several(text)
        } else {
            error.to_string()
        }
    })
}

/// The address of a mailbox as mail programs write it: `Anna Eriksen <anna@example.org>`.
fn mailbox(text: &str) -> Result<Option<&str>, String> {
    let Some((name, address)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) else {
        return Ok(None);
    };
    if name.contains(['<', '@']) {
        return Err(several(text));
    }
    Ok(Some(address).filter(|address| address.contains('@')))
}

fn several(text: &str) -> String {
    format!(
        "it names several; write one a line, or a header over columns: {}",
        quoted(text)
    )
}

/// The cells of a line. A quote that could be read in two ways is an error: who is locked out must not depend on that.
fn cells(text: &str, separator: char) -> Result<Vec<String>, String> {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let (cell, after) = if let Some(text) = rest.strip_prefix('"') {
            in_quotes(text)?
        } else {
            let end = rest.find(separator).unwrap_or(rest.len());
            let cell = &rest[..end];
            if cell.contains('"') {
                return Err(format!("a quote stands inside a cell: {}", quoted(cell)));
            }
            (cell.to_owned(), &rest[end..])
        };
        cells.push(cell);
        if after.is_empty() {
            return Ok(cells);
        }
        rest = after
            .strip_prefix(separator)
            .ok_or_else(|| format!("something stands behind a quoted cell: {}", quoted(after)))?;
    }
}

/// A cell whose quote is open, and what follows on it.
fn in_quotes(text: &str) -> Result<(String, &str), String> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or("a quote is not closed")?;
        cell.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(after) = rest.strip_prefix('"') else {
            return Ok((cell, rest));
        };
        cell.push('"');
        rest = after;
    }
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(QUOTED).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(text: &str) -> Vec<String> {
        let read = PeopleList::read(text.as_bytes()).unwrap();
        read.people.iter().map(ToString::to_string).collect()
    }

    fn bad(bytes: &[u8]) -> Vec<String> {
        let lines = PeopleList::read(bytes).unwrap_err();
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_is_a_subject_and_blank_lines_and_remarks_are_none() {
        let list = "\u{feff}# from the mail gateway\n\nalice@example.org\r\n  username:bob  \nid:abc123\nAlice@example.org\n";
        assert_eq!(people(list), ["email:alice@example.org", "username:bob", "opaque:abc123"]);
        assert_eq!(PeopleList::read(list.as_bytes()).unwrap().again, 1);
    }

    #[test]
    fn a_csv_list_is_read_by_its_header_and_of_several_columns_the_first_that_is_filled_counts() {
        let list = "When;User Name;E-Mail\n03:12;bob;bob@example.org\n03:13;carol;\n;;\n03:14;\"d\"\"an\";\n";
        assert_eq!(people(list), ["email:bob@example.org", "username:carol", "username:d\"an"]);
        assert_eq!(people("email\nalice@example.org\n"), ["email:alice@example.org"]);
        assert_eq!(people("subject,why\nusername:bob,phish\n"), ["username:bob"]);
    }

    #[test]
    fn what_a_mail_program_or_a_spreadsheet_leaves_around_an_address_is_none_of_it() {
        let list = "Anna Eriksen <Anna@example.org>\n\"Eriksen, Bo\" <bo@example.org>\ncarol@example.org;\nusername:dan,,\n";
        let read = [
            "email:anna@example.org",
            "email:bo@example.org",
            "email:carol@example.org",
            "username:dan",
        ];
        assert_eq!(people(list), read);
        assert_eq!(people("carol@example.org;\n"), ["email:carol@example.org"]);
        assert_eq!(
            people("email,when\nAnna <anna@example.org>,03:12\n"),
            ["email:anna@example.org"]
        );
    }

    #[test]
    fn a_line_that_names_several_says_so_and_none_of_them_is_taken() {
        for line in [
            "anna@example.org, bo@example.org",
            "anna@example.org;bo@example.org",
            "Anna <anna@example.org>, Bo <bo@example.org>",
            "anna@example.org, Bo <bo@example.org>",
        ] {
            let said = bad(format!("carol@example.org\n{line}\n").as_bytes());
            assert!(
                said.len() == 1 && said[0].contains("it names several; write one a line"),
                "{line}: {said:?}"
            );
        }
        assert!(bad(b"user45, user46\n")[0].contains("or write one subject a line"));
    }

    #[test]
    fn every_bad_line_is_named_with_its_number() {
        let said = bad(b"alice@example.org\nbob\n\xff\xfe\ncarol@\n");
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("line 2: cannot tell what \"bob\" names"), "{said:?}");
        assert!(said[1].starts_with("line 3: it is not UTF-8"), "{said:?}");
        assert!(said[2].starts_with("line 4: "), "{said:?}");
    }

    #[test]
    fn a_row_that_can_be_read_in_two_ways_is_not_read() {
        for row in ["a\"b,x", "\"a,x", "\"a\"b,x", "a,b,c"] {
            let said = bad(format!("username,why\nbob,x\n{row}\n").as_bytes());
            assert!(said.len() == 1 && said[0].starts_with("line 3: "), "{row}: {said:?}");
        }
        assert!(bad(b"name,why\nbob,x\n")[0].contains("no column of the header names people"));
    }

    #[test]
    fn a_list_has_a_bound() {
        let list: Vec<String> = (0..=MOST).map(|n| format!("u{n}@example.org")).collect();
        assert!(bad(list.join("\n").as_bytes())[0].contains("split it"));
        assert_eq!(people("\n# nobody\n"), [""; 0]);
    }
}
