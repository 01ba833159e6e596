//! The columns of a file: which there are, what the header calls them, and where each stands.

use super::column_aliases;
use super::header_name::normal;

/// The columns that a file may have, in the order of the docs. `why` is the one that the quarantine adds, so that a corrected file can be
/// dropped again as it is.
pub const COLUMNS: [&str; 12] = [
    "employee_id",
    "employment_id",
    "email",
    "upn",
    "status",
    "last_working_day",
    "effective_at",
    "timezone",
    "action",
    "reason",
    "updated_at",
    WHY,
];

/// The column that the quarantine adds.
pub(in crate::sources::hr_csv) const WHY: &str = "why";

/// What the header of a file calls a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// The headers, as they are written there. The first of them that is filled counts.
    pub names: Vec<String>,
    /// Whether one of them is enough. Where the operator names several, all must be there.
    pub any: bool,
}

/// What a file calls its columns, in the order of [`COLUMNS`]; empty where it calls them by these names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnMapping([Option<Headers>; COLUMNS.len()]);

impl ColumnMapping {
    /// What the header calls `column`, where that is said.
    #[must_use]
    pub fn of(&self, column: &str) -> Option<&Headers> {
        self.0[place(column)?].as_ref()
    }

    /// Says what the header calls `column`, or that it has none.
    pub fn set(&mut self, column: &str, headers: Option<Headers>) {
        if let Some(n) = place(column) {
            self.0[n] = headers;
        }
    }

    /// Whether nothing is mapped, so that our own names count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The columns that are mapped.
    fn iter(&self) -> impl Iterator<Item = (&'static str, &Headers)> {
        let each = COLUMNS.into_iter().zip(&self.0);
        each.filter_map(|(column, headers)| headers.as_ref().map(|headers| (column, headers)))
    }

    /// The first header that two columns claim, or one column twice: which columns, and the header.
    #[must_use]
    pub fn claimed_twice(&self) -> Option<(&'static str, &'static str, &str)> {
        let mut claimed: Vec<(String, &'static str)> = Vec::new();
        for (column, headers) in self.iter() {
            for name in &headers.names {
                let plain = normal(name);
                if let Some((_, other)) = claimed.iter().find(|(other, _)| *other == plain) {
                    return Some((other, column, name));
                }
                claimed.push((plain, column));
            }
        }
        None
    }
}

fn place(column: &str) -> Option<usize> {
    COLUMNS.iter().position(|name| *name == column)
}

/// Why a header cannot be taken: said without quoting it, since the first row of a file without a header is about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct BadHeader(pub String);

/// Where each column stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct Columns {
    /// The places of each column: several where the first that is filled counts.
    places: [Vec<usize>; COLUMNS.len()],
    /// How many cells a row has.
    pub(in crate::sources::hr_csv) width: usize,
}

/// What a header must hold, apart from the names.
#[derive(Debug, Clone, Copy)]
pub(in crate::sources::hr_csv) struct Demands {
    /// Whether a row says by itself what it asks for, since the file names everybody or the day alone counts.
    pub states_itself: bool,
}

impl Columns {
    /// Reads a header: any order, any case. What is mapped must be there; where nothing is mapped, our own names are looked for, and what
    /// is almost one of them is taken for a mistake. Every other column is passed over.
    pub(in crate::sources::hr_csv) fn read(
        header: &[String],
        mapping: &ColumnMapping,
        ignored: &[String],
        demands: Demands,
    ) -> Result<Self, BadHeader> {
        let ignored: Vec<String> = ignored.iter().map(|name| normal(name)).collect();
        let header: Vec<Option<String>> = header
            .iter()
            .map(|name| Some(normal(name)).filter(|name| !name.is_empty() && !ignored.contains(name)))
            .collect();
        let find = |name: &str| -> Result<Option<usize>, BadHeader> {
            let mut found = (0..header.len()).filter(|n| header[*n].as_deref() == Some(name));
            let first = found.next();
            if found.next().is_some() {
                return Err(BadHeader(format!("the header names {name:?} twice")));
            }
            Ok(first)
        };
        let mut columns = Self {
            places: std::array::from_fn(|_| Vec::new()),
            width: header.len(),
        };
        for (n, column) in COLUMNS.into_iter().enumerate() {
            columns.places[n] = match mapping.of(column) {
                Some(headers) => mapped(column, headers, &find)?,
                None if mapping.is_empty() || column == WHY => find(&normal(column))?.into_iter().collect(),
                None => Vec::new(),
            };
        }
        if mapping.is_empty() {
            columns.refuse_almost(&header)?;
        }
        columns.refuse_gaps(mapping, demands)?;
        if mapping.is_empty() {
            columns.refuse_other_days(&header)?;
        }
        Ok(columns)
    }

    /// A column that is almost one of ours, while ours is not there: what it says must not be lost.
    fn refuse_almost(&self, header: &[Option<String>]) -> Result<(), BadHeader> {
        let missing = |column: &&str| match *column {
            WHY => false,
            "action" | "status" => !self.has("action") && !self.has("status"),
            other => !self.has(other),
        };
        for (n, name) in header.iter().enumerate() {
            let Some(name) = name
                .as_deref()
                .filter(|_| !self.places.iter().any(|places| places.contains(&n)))
            else {
                continue;
            };
            if let Some(own) = COLUMNS.into_iter().filter(missing).find(|own| is_slip(name, &normal(own))) {
                return Err(BadHeader(format!(
                    "column {} of the header is almost {own}, which is not there: correct it, or name it under ignore_columns",
                    n + 1
                )));
            }
        }
        Ok(())
    }

    /// The same of a day that other systems call so.
    fn refuse_other_days(&self, header: &[Option<String>]) -> Result<(), BadHeader> {
        if self.has("last_working_day") || self.has("effective_at") {
            return Ok(());
        }
        let found = header
            .iter()
            .position(|name| name.as_deref().is_some_and(column_aliases::is_day));
        found.map_or(Ok(()), |n| {
            Err(BadHeader(format!(
                "column {} of the header looks like last_working_day, which is not there: map it under [source.columns], or name it under \
                 ignore_columns",
                n + 1
            )))
        })
    }

    fn refuse_gaps(&self, mapping: &ColumnMapping, demands: Demands) -> Result<(), BadHeader> {
        let lacks = |what: &str| Err(BadHeader(format!("the header lacks {what}")));
        if !self.has("employee_id") {
            return lacks("employee_id");
        }
        // A file that names everybody need not say of each row that it is nothing but a name.
        if !self.has("action") && !self.has("status") && !demands.states_itself {
            return lacks("action (or status)");
        }
        if !self.has("email") && !self.has("upn") {
            let names = ["email", "upn"].into_iter().filter_map(|column| mapping.of(column));
            let names: Vec<String> = names
                .flat_map(|headers| &headers.names)
                .map(|name| format!("{name:?}"))
                .collect();
            return if names.is_empty() {
                lacks("email and upn: one of them must be there")
            } else {
                lacks(&format!("{}, which email and upn are mapped to", names.join(" and ")))
            };
        }
        Ok(())
    }

    /// Where `column` stands, the first that counts first.
    pub(in crate::sources::hr_csv) fn places(&self, column: &str) -> &[usize] {
        place(column).map_or(&[], |n| &self.places[n])
    }

    pub(in crate::sources::hr_csv) fn has(&self, column: &str) -> bool {
        !self.places(column).is_empty()
    }
}

/// The places of a column that is mapped.
fn mapped(
    column: &str,
    headers: &Headers,
    find: &impl Fn(&str) -> Result<Option<usize>, BadHeader>,
) -> Result<Vec<usize>, BadHeader> {
    let mut places = Vec::new();
    let mut missing = Vec::new();
    for name in &headers.names {
        match find(&normal(name))? {
            Some(n) => places.push(n),
            None => missing.push(format!("{name:?}")),
        }
    }
    // A preset names what an export may hold, and these are what it cannot do without; of the two names of a person one is enough.
    let needed = !headers.any || (places.is_empty() && matches!(column, "employee_id" | "status" | "last_working_day"));
    if missing.is_empty() || !needed {
        return Ok(places);
    }
    let or_and = if headers.any { " or " } else { " and " };
    Err(BadHeader(format!(
        "the header lacks {}, which {column} is mapped to",
        missing.join(or_and)
    )))
}

/// Whether one of two names in the normal form is the other with one slip of the finger, or with a blank too many.
fn is_slip(one: &str, other: &str) -> bool {
    let joined = |name: &str| name.replace(' ', "");
    joined(one) == joined(other) || (other.len() > 4 && strsim::damerau_levenshtein(one, other) == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_compared_as_a_person_reads_them() {
        for (one, other) in [
            ("Employee ID", "employee_id"),
            ("\u{feff}E-Mail", "e mail"),
            ("Work\u{a0}Email", "work email"),
            ("Email_-_Primary_Work", "Email - Primary Work"),
            ("Last Working\nDay", "last_working_day"),
            ("Associate ID (Personal Profile)", "associate id"),
            ("Geschäftliche E-MAIL", "geschäftliche e-mail"),
        ] {
            assert_eq!(normal(one), normal(other), "{one:?}");
        }
        assert_ne!(
            normal("Email (Home)"),
            normal("Email"),
            "what stands in brackets may be all the difference"
        );
        assert_ne!(normal("Employee #"), normal("Employee"));
    }
}
