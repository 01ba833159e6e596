//! The columns of a file: which there are, and where each stands.

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
    "why",
];

/// Where each column stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    /// How many cells a row has.
    pub(super) width: usize,
}

impl Columns {
    /// Reads a header: any order, any case, nothing unknown, nothing twice.
    pub(super) fn read(header: &[String], full_file: bool) -> Result<Self, String> {
        let mut places = [None; COLUMNS.len()];
        for (n, name) in header.iter().enumerate() {
            let name = name.trim().to_ascii_lowercase();
            let known = COLUMNS.iter().position(|column| *column == name);
            let Some(column) = known else {
                return Err(format!(
                    "column {} of the header is none of {}",
                    n + 1,
                    COLUMNS[..COLUMNS.len() - 1].join(", ")
                ));
            };
            if places[column].replace(n).is_some() {
                return Err(format!("the header names {name} twice"));
            }
        }
        let columns = Self {
            places,
            width: header.len(),
        };
        if !columns.has("employee_id") {
            return Err("the header lacks employee_id".to_owned());
        }
        // A file that names everybody need not say of each row that it is nothing but a name.
        if !columns.has("action") && !columns.has("status") && !full_file {
            return Err("the header lacks action (or status)".to_owned());
        }
        if !columns.has("email") && !columns.has("upn") {
            return Err("the header lacks email and upn: one of them must be there".to_owned());
        }
        Ok(columns)
    }

    pub(super) fn place(&self, column: &str) -> Option<usize> {
        let n = COLUMNS.iter().position(|name| *name == column)?;
        self.places[n]
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.place(column).is_some()
    }
}
