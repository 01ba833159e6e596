//! Who somebody is whom the provider vouches for, and what their groups allow.

use revoked_trail::{Behind, is_login};
use serde_json::{Map, Value};

use crate::config::SingleSignOnSettings;
use crate::model::{Actor, Role};

/// The longest name, in bytes: that of a login.
const LONGEST_NAME: usize = 32;

/// The operator. The key is the issuer with the subject; the name is for people alone.
pub(super) fn operator(settings: &SingleSignOnSettings, claims: &Map<String, Value>, subject: &str) -> Actor {
    let login = settings.people.get(subject);
    let said = claims.get(&settings.name_claim).and_then(Value::as_str);
    let name = login.cloned().or_else(|| said.and_then(like_a_login));
    let name = name.or_else(|| like_a_login(subject)).unwrap_or_else(|| "unnamed".to_owned());
    Actor::operator(name, None).with_behind(Some(Behind::Subject {
        issuer: settings.issuer.clone(),
        subject: subject.to_owned(),
        is_login: login.is_some(),
    }))
}

/// The highest role of any of the groups. What is no list of texts is none.
pub(super) fn role(settings: &SingleSignOnSettings, claims: &Map<String, Value>) -> Option<Role> {
    let groups = claims.get(&settings.groups_claim)?.as_array()?;
    let groups: Option<Vec<&str>> = groups.iter().map(Value::as_str).collect();
    groups?
        .into_iter()
        .filter_map(|group| settings.roles.get(group).copied())
        .max()
}

/// A name as it stands in the trail: formed like a login, so that it reads like nothing else there and is no address.
fn like_a_login(said: &str) -> Option<String> {
    let local = said.split_once('@').map_or(said, |(local, _)| local).trim();
    let plain: String = local
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '_'
            }
        })
        .take(LONGEST_NAME)
        .collect();
    let says_something = plain.chars().any(|c| c.is_ascii_alphanumeric());
    (says_something && is_login(&plain)).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_like_a_login_or_is_none() {
        for (said, name) in [
            ("anna", Some("anna")),
            ("Anna.Smith@example.org", Some("Anna.Smith")),
            ("Anna Smith", Some("Anna_Smith")),
            ("root(0) sudo:bob", Some("root_0__sudo_bob")),
            ("a\u{202e}b", Some("a_b")),
            ("@example.org", None),
            ("ä", None),
            ("", None),
        ] {
            assert_eq!(like_a_login(said).as_deref(), name, "{said}");
        }
        assert_eq!(like_a_login(&"x".repeat(99)).unwrap().len(), LONGEST_NAME);
    }
}
