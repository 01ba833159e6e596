//! Names of people and domains, as lists of the config have them.

use toml::Spanned;

use super::Diagnostics;
use crate::model::Subject;

/// A subject in the list of a key.
pub(super) fn subject(key: &str, text: &Spanned<String>, found: &mut Diagnostics) -> Option<Subject> {
    match text.get_ref().parse() {
        Ok(subject) => Some(subject),
        Err(error) => {
            found.complain(text.span(), format!("{key}: {error}"));
            None
        }
    }
}

/// A domain as it stands in addresses: lower case, without the `@`.
pub(super) fn domain(key: &str, text: &Spanned<String>, found: &mut Diagnostics) -> Option<String> {
    let domain = text.get_ref().trim().to_lowercase();
    let sound = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    if domain.is_empty() || !domain.chars().all(sound) || domain.starts_with('.') || domain.ends_with('.') {
        found.complain(
            text.span(),
            format!(
                "{key}: {:?} is no domain; write example.org, and every sub-domain that counts as well",
                text.get_ref()
            ),
        );
        return None;
    }
    Some(domain)
}
