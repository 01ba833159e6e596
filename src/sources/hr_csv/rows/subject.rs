//! Whom a row is about: HR's number of the person, and the names that targets know.

use super::fields::Fields;
use super::row_error::RowError;
use crate::model::Subject;

/// The longest number of a person or of an employment, in bytes.
const LONGEST_NUMBER: usize = 128;

/// What stands for no name.
const NONE: [&str; 6] = ["-", "--", "n/a", "#n/a", "null", "none"];

/// How much of a row's names must be there and right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::hr_csv) enum Needed {
    /// An address or a sign-in name: a person wrote the row, and would rather correct it.
    Names,
    /// HR's number is enough where a system has emptied the others, but what is there must be right.
    Number,
    /// The number alone; nothing hangs on the others.
    Nothing,
}

/// HR's number of the person.
pub(in crate::sources::hr_csv) fn person(fields: &Fields<'_>) -> Result<String, RowError> {
    let employee = number(fields, "employee_id")?;
    if employee.is_empty() {
        let instead = "the person's number in the HR system, such as 4711";
        return Err(RowError::at("employee_id", "employee_id is empty", instead));
    }
    Ok(employee)
}

/// HR's number of the person or of the employment: text, whose zeros count.
pub(in crate::sources::hr_csv) fn number(fields: &Fields<'_>, column: &'static str) -> Result<String, RowError> {
    let cell = fields.need(column)?;
    if cell.len() > LONGEST_NUMBER {
        let what = format!("{column} is longer than {LONGEST_NUMBER} bytes");
        return Err(RowError::at(column, what, "the number alone"));
    }
    Ok(cell.to_owned())
}

/// The person's address, and their sign-in name where it is another one; and every name with HR's number first.
pub(in crate::sources::hr_csv) fn subject(
    fields: &Fields<'_>,
    employee: &str,
    needed: Needed,
) -> Result<(Subject, Vec<Subject>), RowError> {
    let read = |column| match fields.need(column).and_then(|text| name(column, text, needed)) {
        Err(_) if needed == Needed::Nothing => Ok(None),
        other => other,
    };
    let mut names = vec![Subject::EmployeeId(employee.to_owned())];
    names.extend(read("email")?);
    let upn = read("upn")?.filter(|upn| !names.contains(upn));
    names.extend(upn);
    let subject = match &names[1..] {
        [] if needed == Needed::Names => {
            let instead = "the person's address, such as alice@example.org, in one of the two";
            return Err(RowError::at("email", "email and upn are both empty", instead));
        }
        [] => names[0].clone(),
        [one] => one.clone(),
        several => Subject::Aliases(several.to_vec()),
    };
    Ok((subject, names))
}

fn name(column: &'static str, text: &str, needed: Needed) -> Result<Option<Subject>, RowError> {
    let wrong = || {
        RowError::at(
            column,
            format!("{column} is not an address"),
            "an address such as alice@example.org",
        )
    };
    match text {
        "" => Ok(None),
        text if needed != Needed::Names && NONE.contains(&text.to_ascii_lowercase().as_str()) => Ok(None),
        text if text.contains('@') => Subject::email(text).map(Some).map_err(|_| wrong()),
        text if column == "upn" && !text.contains(char::is_whitespace) => Ok(Some(Subject::Username(text.to_owned()))),
        _ => Err(wrong()),
    }
}
