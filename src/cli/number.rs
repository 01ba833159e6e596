//! Numbers of cases, holds, alerts and jobs as they are typed. What is none says what a number is, and which command shows it.

use super::account::quoted;

pub(super) use crate::wording::listed;

/// A case's number.
///
/// # Errors
/// Where it is none, with the command that finds it.
pub(super) fn case(text: &str) -> Result<i64, String> {
    number(text, "a case", &format!("revoked find {}", quoted(text)))
}

/// A hold's number.
///
/// # Errors
/// As [`case`].
pub(super) fn hold(text: &str) -> Result<i64, String> {
    number(text, "a hold", "revoked hold list")
}

/// An alert's number.
///
/// # Errors
/// As [`case`].
pub(super) fn alert(text: &str) -> Result<i64, String> {
    number(text, "an alert", "revoked alert list")
}

/// A job's number.
///
/// # Errors
/// As [`case`].
pub(super) fn job(text: &str) -> Result<i64, String> {
    number(text, "a job", "revoked job list")
}

fn number(text: &str, what: &str, shown_by: &str) -> Result<i64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("{what} is meant by its number, such as 17, which {shown_by} shows"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_says_where_the_number_is_found() {
        assert_eq!(case(" 17 "), Ok(17));
        assert_eq!(
            case("user09@example.test").unwrap_err(),
            "a case is meant by its number, such as 17, which revoked find user09@example.test shows"
        );
        assert!(hold("user09").unwrap_err().ends_with("which revoked hold list shows"));
    }
}
