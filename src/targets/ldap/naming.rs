//! By which attributes a directory knows people's names.

use std::collections::BTreeSet;

use super::entry::{Entry, same_ignoring_case};
use super::filter::Filter;
use crate::model::Subject;

/// Where mail systems keep every address of an account, each after the word `smtp:`.
const PROXY_ADDRESSES: &str = "proxyAddresses";
const SMTP: &str = "smtp:";

/// The attributes that hold each kind of name. A kind without any cannot be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Naming {
    pub(super) username: Vec<String>,
    pub(super) email: Vec<String>,
    pub(super) account: Vec<String>,
    pub(super) employee_id: Vec<String>,
    /// The one that never changes, whatever becomes of the account, in the form of a text.
    pub(super) id: String,
    /// What matches an entry's own name in a filter.
    pub(super) dn: &'static str,
    /// Whether `id` is a GUID as 16 bytes.
    pub(super) binary_id: bool,
}

/// A name as the directory is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// A value of one of these attributes.
    Value(Vec<String>, String),
    /// The id that never changes.
    Id(String),
    /// The entry's own name.
    Dn(String),
}

impl Naming {
    /// How somebody is asked for by this name; `None` for a form that names nobody here.
    pub(super) fn name(&self, subject: &Subject) -> Option<Name> {
        let (attributes, value) = match subject {
            Subject::Username(name) => (&self.username, name),
            Subject::Email(address) => (&self.email, address),
            Subject::Account(account) => (&self.account, account),
            Subject::EmployeeId(number) => (&self.employee_id, number),
            Subject::Opaque(name) if self.is_id(name) => return Some(Name::Id(name.clone())),
            Subject::Opaque(name) if name.contains('=') => return Some(Name::Dn(name.clone())),
            _ => return None,
        };
        (!attributes.is_empty() && !value.trim().is_empty()).then(|| Name::Value(attributes.clone(), value.clone()))
    }

    fn is_id(&self, text: &str) -> bool {
        uuid::Uuid::try_parse(text).is_ok() || (!self.binary_id && !text.is_empty() && !text.contains('='))
    }

    /// What matches exactly the entries of this name, as far as the directory's own rules go.
    pub(super) fn filter(&self, name: &Name) -> Filter {
        match name {
            Name::Id(id) => self.of_id(id),
            Name::Dn(dn) => Filter::equal(self.dn, dn),
            Name::Value(attributes, value) => Filter::any(attributes.iter().map(|attribute| {
                if is_proxy_addresses(attribute) {
                    Filter::equal(attribute, &format!("{SMTP}{value}"))
                } else {
                    Filter::equal(attribute, value)
                }
            })),
        }
    }

    /// What matches the entry of this id.
    pub(super) fn of_id(&self, id: &str) -> Filter {
        match uuid::Uuid::try_parse(id) {
            Ok(guid) if self.binary_id => Filter::equal_bytes(&self.id, &guid.to_bytes_le()),
            _ => Filter::equal(&self.id, id),
        }
    }

    /// Whether the entry really has this name. A directory compares more loosely than we do: to Active Directory `Müller` is `Muller`.
    pub(super) fn bears(&self, entry: &Entry, name: &Name) -> bool {
        match name {
            Name::Id(id) => self.id_of(entry).is_some_and(|found| same_ignoring_case(&found, id)),
            // The server compared two names by a rule of its own, attribute by attribute; ours would know fewer spellings.
            Name::Dn(_) => true,
            Name::Value(attributes, value) => attributes.iter().any(|attribute| {
                entry.texts(attribute).any(|found| {
                    let found = without_smtp(attribute, found);
                    found.is_some_and(|found| same_ignoring_case(found, value))
                })
            }),
        }
    }

    /// The id of an entry; `None` where we may not read it.
    pub(super) fn id_of(&self, entry: &Entry) -> Option<String> {
        if !self.binary_id {
            return entry.text(&self.id).map(str::to_owned);
        }
        let guid = uuid::Uuid::from_slice_le(entry.bytes(&self.id).first()?).ok()?;
        Some(guid.to_string())
    }

    /// Every attribute that names or identifies.
    pub(super) fn attributes(&self) -> Vec<String> {
        let lists = [&self.username, &self.email, &self.account, &self.employee_id];
        let mut all: Vec<String> = lists.into_iter().flatten().cloned().collect();
        all.push(self.id.clone());
        all
    }

    /// Every name of an entry: what the protected subjects are compared with.
    pub(super) fn names(&self, entry: &Entry) -> Vec<Subject> {
        let mut names = vec![Subject::Opaque(entry.dn.clone())];
        names.extend(self.id_of(entry).map(Subject::Opaque));
        names.extend(values(entry, &self.username).map(|name| Subject::Username(name.to_owned())));
        names.extend(values(entry, &self.email).filter_map(|address| Subject::email(address).ok()));
        names.extend(values(entry, &self.account).map(|name| Subject::Account(name.to_lowercase())));
        names.extend(values(entry, &self.employee_id).map(|number| Subject::EmployeeId(number.to_owned())));
        names
    }

    /// What the entry may be called where a group names its members by login name: every one that it has, each once.
    pub(super) fn logins<'e>(&'e self, entry: &'e Entry) -> BTreeSet<&'e str> {
        values(entry, &self.username).collect()
    }
}

fn values<'e>(entry: &'e Entry, attributes: &'e [String]) -> impl Iterator<Item = &'e str> {
    attributes
        .iter()
        .flat_map(|attribute| entry.texts(attribute).filter_map(move |found| without_smtp(attribute, found)))
}

fn is_proxy_addresses(attribute: &str) -> bool {
    attribute.eq_ignore_ascii_case(PROXY_ADDRESSES)
}

/// The address in a value; `None` for an address of another system.
fn without_smtp<'v>(attribute: &str, value: &'v str) -> Option<&'v str> {
    if !is_proxy_addresses(attribute) {
        return Some(value);
    }
    let (scheme, address) = value.split_at_checked(SMTP.len())?;
    scheme.eq_ignore_ascii_case(SMTP).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::super::entry::entry;
    use super::*;

    fn naming() -> Naming {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Naming {
            username: list(&["sAMAccountName"]),
            email: list(&["mail", "proxyAddresses"]),
            account: Vec::new(),
            employee_id: list(&["employeeID"]),
            id: "objectGUID".to_owned(),
            dn: "distinguishedName",
            binary_id: true,
        }
    }

    fn filter(subject: &str) -> Option<String> {
        let naming = naming();
        naming
            .name(&subject.parse().unwrap())
            .map(|name| naming.filter(&name).to_string())
    }

    #[test]
    fn each_form_of_a_name_asks_its_attributes() {
        assert_eq!(filter("username:alice").unwrap(), "(|(sAMAccountName=alice))");
        assert_eq!(
            filter("alice@example.org").unwrap(),
            "(|(mail=alice@example.org)(proxyAddresses=smtp:alice@example.org))"
        );
        assert_eq!(filter("employee_id:4711").unwrap(), "(|(employeeID=4711))");
        assert_eq!(
            filter("opaque:76fa1b6e-3e9e-4d37-b503-3d9db8b6777d").unwrap(),
            r"(objectGUID=\6e\1b\fa\76\9e\3e\37\4d\b5\03\3d\9d\b8\b6\77\7d)"
        );
        assert_eq!(
            filter("opaque:CN=a*,DC=example").unwrap(),
            r"(distinguishedName=CN=a\2a,DC=example)"
        );
        for subject in [
            "acct:alice@example.org",
            "opaque:4711",
            "phone_number:+4930123456",
            "iss_sub:https://idp.example.com#jane",
        ] {
            assert_eq!(filter(subject), None, "{subject}");
        }
    }

    #[test]
    fn only_who_has_the_name_itself_bears_it() {
        let naming = naming();
        let found = entry(
            "CN=a",
            &[
                ("sAMAccountName", "Muller"),
                ("proxyAddresses", "SMTP:a@example.org"),
                ("proxyAddresses", "x500:/o=a"),
            ],
        );
        let bears = |subject: &str| naming.bears(&found, &naming.name(&subject.parse().unwrap()).unwrap());
        assert!(bears("username:muller") && bears("a@example.org"));
        assert!(!bears("username:müller") && !bears("username:*") && !bears("b@example.org"));
        let names = naming.names(&found);
        assert!(
            names.contains(&"a@example.org".parse().unwrap()) && names.len() == 3,
            "{names:?}"
        );
    }
}
