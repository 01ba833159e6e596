//! An entry as a search has found it.

use std::collections::BTreeMap;

use ldap3::SearchEntry;

/// An entry: its name, and the values of the attributes that were asked for and that we may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its distinguished name, as the server writes it.
    pub(super) dn: String,
    /// By the attribute's name in small letters, without options.
    values: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// The values of an attribute; none where it has none, or we may not read it.
    pub(super) fn bytes(&self, attribute: &str) -> &[Vec<u8>] {
        self.values.get(&attribute.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Those of them that are text.
    pub(super) fn texts(&self, attribute: &str) -> impl Iterator<Item = &str> {
        self.bytes(attribute)
            .iter()
            .filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first of these.
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        self.texts(attribute).next()
    }

    /// An entry that is nobody's, without any attribute.
    pub(super) const fn nobody() -> Self {
        Self {
            dn: String::new(),
            values: BTreeMap::new(),
        }
    }

    /// Whether the entry has the attribute, with or without values.
    pub(super) fn has(&self, attribute: &str) -> bool {
        self.values.contains_key(&attribute.to_ascii_lowercase())
    }
}

impl From<SearchEntry> for Entry {
    fn from(found: SearchEntry) -> Self {
        let texts = found.attrs.into_iter().map(|(name, values)| {
            let values = values.into_iter().map(String::into_bytes).collect();
            (name, values)
        });
        let mut values: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for (name, found) in texts.chain(found.bin_attrs) {
            let name = name.split(';').next().unwrap_or_default().to_ascii_lowercase();
            values.entry(name).or_default().extend(found);
        }
        Self { dn: found.dn, values }
    }
}

/// Whether two values are the same to the matching rules that ignore case (RFC 4518): without regard to case, to spaces around them, and to how
/// many stand between two words.
pub(super) fn same_ignoring_case(one: &str, other: &str) -> bool {
    fn folded(text: &str) -> impl Iterator<Item = String> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::to_lowercase)
    }
    folded(one).eq(folded(other))
}

/// The text that a test's entry is made of.
#[cfg(test)]
pub(super) fn entry(dn: &str, attributes: &[(&str, &str)]) -> Entry {
    let mut values: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, value) in attributes {
        values
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(value.as_bytes().to_vec());
    }
    Entry {
        dn: dn.to_owned(),
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_found_in_any_case_and_with_options() {
        let found = SearchEntry {
            dn: "uid=a".to_owned(),
            attrs: [
                ("Mail".to_owned(), vec!["a@example.org".to_owned()]),
                ("mail;lang-de".to_owned(), vec!["b@example.org".to_owned()]),
            ]
            .into(),
            bin_attrs: [("objectGUID".to_owned(), vec![vec![0xff, 0]])].into(),
        };
        let entry = Entry::from(found);
        let mut mails: Vec<&str> = entry.texts("MAIL").collect();
        mails.sort_unstable();
        assert_eq!(mails, ["a@example.org", "b@example.org"]);
        assert_eq!(entry.bytes("objectguid"), [[0xff, 0]]);
        assert_eq!(entry.text("objectguid"), None);
        assert!(entry.has("mail") && !entry.has("uid"));
    }

    #[test]
    fn case_and_spaces_do_not_tell_names_apart_and_nothing_else_does() {
        for (one, other) in [("Alice", "alice"), (" a  b ", "A B"), ("ÄRGER", "ärger")] {
            assert!(same_ignoring_case(one, other), "{one} {other}");
        }
        for (one, other) in [("alice", "alicé"), ("ab", "a b"), ("alice", "alice2"), ("*", "alice")] {
            assert!(!same_ignoring_case(one, other), "{one} {other}");
        }
    }
}
