//! What HR systems call our columns, for `revoked source hr map` and for what a header without a mapping may hide. Exact names only, since
//! a column that is guessed wrong ends the access of somebody who stays.

use super::columns::normal;

/// Headers that mean one of our columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alias {
    /// Our column.
    pub column: &'static str,
    /// Of several headers those with the smaller number count first.
    pub rank: u8,
    /// What they are, for people.
    pub what: &'static str,
    /// The headers, as they are written there.
    pub headers: &'static [&'static str],
}

/// Of every column, what systems in English, German, French and Spanish call it.
pub(super) const ALIASES: &[Alias] = &[
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
        column: "action",
        rank: 0,
        what: "what the row asks for",
        headers: &["action"],
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
        column: "effective_at",
        rank: 0,
        what: "the instant at which access ends",
        headers: &["effective_at"],
    },
    Alias {
        column: "timezone",
        rank: 0,
        what: "the person's time zone",
        headers: &["timezone", "Time Zone"],
    },
    Alias {
        column: "reason",
        rank: 0,
        what: "words whose first may change the time",
        headers: &["reason"],
    },
    Alias {
        column: "updated_at",
        rank: 0,
        what: "when the record was last changed",
        headers: &["updated_at"],
    },
];

/// Headers that are no column of ours although they look like one, and what they are.
pub(super) const NEVER: &[(&str, &[&str])] = &[
    (
        "the end of a contract, which may be prolonged: it ends nothing by itself",
        &["Vertragsende", "Contract ends", "Contract end date", "fin de contrat", "Fin de contrato"],
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
pub(super) fn of(header: &str) -> impl Iterator<Item = &'static Alias> {
    ALIASES.iter().filter(move |alias| has(alias.headers, header))
}

/// Why a header, in its normal form, is passed over although it looks like one of ours.
pub(super) fn never(header: &str) -> Option<&'static str> {
    let found = NEVER.iter().find(|(_, headers)| has(headers, header));
    found.map(|(what, _)| *what)
}

/// Whether a header, in its normal form, means the day on which somebody leaves.
pub(super) fn is_day(header: &str) -> bool {
    of(header).any(|alias| alias.column == "last_working_day")
}

fn has(headers: &[&str], header: &str) -> bool {
    headers.iter().any(|name| normal(name) == header)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::columns::COLUMNS;
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
    fn every_column_but_the_quarantines_own_is_known_by_its_own_name() {
        for column in COLUMNS.into_iter().filter(|column| *column != "why") {
            assert!(of(&normal(column)).any(|alias| alias.column == column), "{column}");
        }
        assert!(is_day("termination date") && !is_day("hire date") && !is_day("vertragsende"));
    }
}
