//! What HR systems call our columns, for `revoked source hr map` and for what a header without a mapping may hide. Exact names only, since
//! a column that is guessed wrong ends the access of somebody who stays.

use super::header_name::normal;

/// Headers that mean one of our columns.
#[derive(Debug, Clone, Copy)]
pub(in crate::sources::hr_csv) struct Alias {
    /// Our column.
    pub column: &'static str,
    /// Of several headers those with the smaller number count first.
    pub rank: u8,
    /// What they are, for people.
    pub what: &'static str,
    /// The headers, as they are written there.
    pub headers: &'static [&'static str],
}

/// The columns that an export may have, in the order in which they are proposed.
pub(in crate::sources::hr_csv) const COLUMNS: [&str; 7] = [
    "employee_id",
    "employment_id",
    "email",
    "upn",
    "status",
    "last_working_day",
    "timezone",
];

/// What systems in English, German, French and Spanish call the columns that an export has. What only our own form has is left out: an
/// `Action` or a `Reason` of another system is another.
pub(in crate::sources::hr_csv) const ALIASES: &[Alias] = &[
    Alias {
        column: "employee_id",
        rank: 0,
        what: "the person's number",
        headers: &[
            "employee_id",
            "Employee #",
            "Employee Number",
            "employeeNumber",
            "Emp_ID",
            "EMPID",
            "Associate ID",
            "Personalnummer",
            "PersonalNr",
            "Mitarbeiternr",
            "Mitarbeiternummer",
            "matricule",
            "Número de empleado",
        ],
    },
    Alias {
        column: "employee_id",
        rank: 1,
        what: "the person's number in one system",
        headers: &["USERID", "File Number", "gusto_employee_id"],
    },
    Alias {
        column: "employment_id",
        rank: 0,
        what: "the number of one employment",
        headers: &["employment_id", "Position ID", "Beschäftigungs-ID", "contrat", "contrato"],
    },
    Alias {
        column: "email",
        rank: 0,
        what: "a work address",
        headers: &[
            "Work Email",
            "Work Contact: Work Email",
            "Email_-_Primary_Work",
            "UserEmailAddress",
            "Professional email",
            "Geschäftliche E-Mail",
            "Dienstliche E-Mail",
            "E-mail professionnel",
        ],
    },
    Alias {
        column: "email",
        rank: 1,
        what: "an address",
        headers: &[
            "email",
            "EmailAddress",
            "Email Address",
            "E-Mail",
            "E-Mail-Adresse",
            "mail",
            "Correo",
            "Correo electrónico",
        ],
    },
    Alias {
        column: "upn",
        rank: 0,
        what: "a sign-in name",
        headers: &[
            "upn",
            "User Principal Name",
            "User_Name",
            "USERNAME",
            "Login",
            "Benutzername",
            "Usuario",
        ],
    },
    Alias {
        column: "status",
        rank: 0,
        what: "whether the person is employed",
        headers: &[
            "Status",
            "Employment Status",
            "Employee Status",
            "Position Status",
            "Worker Status",
            "Lifecycle status",
            "Aktiv",
            "statut",
            "Estado",
        ],
    },
    Alias {
        column: "last_working_day",
        rank: 0,
        what: "the last day of work",
        headers: &[
            "last_working_day",
            "Last Day of Work",
            "LastDayWorked",
            "Last Day Worked",
            "LastWorkingDate",
            "Last Working Date",
            "Letzter Arbeitstag",
            "dernier jour travaillé",
            "último día trabajado",
        ],
    },
    Alias {
        column: "last_working_day",
        rank: 1,
        what: "the end of the employment",
        headers: &[
            "Termination Date",
            "terminationDate",
            "terminated_on",
            "End Date",
            "Employment end date",
            "Austrittsdatum",
            "Austritt am",
            "Ende des Arbeitsverhältnisses",
            "EndeTaetigkeit",
            "date de sortie",
            "Fecha de baja",
        ],
    },
    Alias {
        column: "timezone",
        rank: 0,
        what: "the person's time zone",
        headers: &["timezone", "Time Zone"],
    },
];

/// Headers that are no column of ours although they look like one, and what they are.
pub(in crate::sources::hr_csv) const NEVER: &[(&str, &[&str])] = &[
    (
        "the end of a contract, which may be prolonged: it ends nothing by itself",
        &[
            "Vertragsende",
            "Contract ends",
            "Contract end date",
            "fin de contrat",
            "Fin de contrato",
        ],
    ),
    (
        "the day on which notice was given, not the last day",
        &["Kündigungsdatum", "Notice announced", "Notice date", "Resignation date"],
    ),
    (
        "the first day, not the last",
        &[
            "Hire Date",
            "Hire/Rehire Date",
            "Rehire Date",
            "Original Hire Date",
            "Start Date",
            "Eintrittsdatum",
            "Anstelldatum",
            "date d'entrée",
            "Fecha de alta",
        ],
    ),
    (
        "a private address, or one that falls back to it",
        &["Home Email", "Personal Email", "bestEmail", "Best Email", "Private E-Mail"],
    ),
];

/// What a header, in its normal form, may mean.
pub(in crate::sources::hr_csv) fn of(header: &str) -> Option<&'static Alias> {
    ALIASES.iter().find(|alias| has(alias.headers, header))
}

/// Why a header, in its normal form, is passed over although it looks like one of ours.
pub(in crate::sources::hr_csv) fn never(header: &str) -> Option<&'static str> {
    let found = NEVER.iter().find(|(_, headers)| has(headers, header));
    found.map(|(what, _)| *what)
}

/// Whether a header, in its normal form, means the day on which somebody leaves.
pub(in crate::sources::hr_csv) fn is_day(header: &str) -> bool {
    of(header).is_some_and(|alias| alias.column == "last_working_day")
}

fn has(headers: &[&str], header: &str) -> bool {
    headers.iter().any(|name| normal(name) == header)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_header_means_two_things() {
        let mut seen = BTreeSet::new();
        let never = NEVER.iter().flat_map(|(_, headers)| headers.iter());
        for header in ALIASES.iter().flat_map(|alias| alias.headers).chain(never) {
            assert!(seen.insert(normal(header)), "{header} stands there twice");
        }
    }

    #[test]
    fn a_day_is_known_from_what_looks_like_one() {
        for column in COLUMNS {
            assert!(of(&normal(column)).is_some_and(|alias| alias.column == column), "{column}");
        }
        assert!(is_day("termination date") && !is_day("hire date") && !is_day("vertragsende"));
        assert!(never("kündigungsdatum").is_some() && never("status").is_none());
    }
}
