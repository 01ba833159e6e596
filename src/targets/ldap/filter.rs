//! Search filters (RFC 4515). Whatever a name holds, it can only ever be the value of an equality: no name makes a filter that matches anybody
//! else.

use std::fmt::{self, Write as _};

use anyhow::Context as _;
use ldap3::{ldap_escape, parse_filter};

/// A search filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter(String);

impl Filter {
    /// Whatever there is: for reading one entry by its name.
    pub(super) fn anything() -> Self {
        Self("(objectClass=*)".to_owned())
    }

    /// What has this very value. `attribute` comes from the config or from here, and never from a signal.
    pub(super) fn equal(attribute: &str, value: &str) -> Self {
        Self(format!("({attribute}={})", ldap_escape(value)))
    }

    /// As [`Filter::equal`], for a value that is no text.
    pub(super) fn equal_bytes(attribute: &str, value: &[u8]) -> Self {
        let mut text = format!("({attribute}=");
        for byte in value {
            _ = write!(text, "\\{byte:02x}");
        }
        text.push(')');
        Self(text)
    }

    /// What one of these matches; nothing at all where there is none of them.
    pub(super) fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::join('|', filters)
    }

    /// What each of these matches. Never call it with none: that would be everything.
    pub(super) fn both(one: &Self, other: &Self) -> Self {
        Self(format!("(&{one}{other})"))
    }

    fn join(sign: char, filters: impl IntoIterator<Item = Self>) -> Self {
        let mut text = format!("({sign}");
        for filter in filters {
            text.push_str(&filter.0);
        }
        text.push(')');
        Self(text)
    }

    /// One that a config has written.
    ///
    /// # Errors
    /// Where it is none.
    pub(super) fn written(text: &str) -> anyhow::Result<Self> {
        let parsed = parse_filter(text)
            .ok()
            .filter(|_| text.starts_with('(') && text.ends_with(')'));
        parsed.with_context(|| format!("{text:?} is no search filter; write one such as (objectClass=inetOrgPerson)"))?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an attribute as a config writes it: letters, digits and hyphens after a letter, or an object identifier.
///
/// # Errors
/// Where it is none.
pub(super) fn attribute(text: &str) -> anyhow::Result<String> {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let oid = text.contains('.')
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    anyhow::ensure!(
        plain || oid,
        "{text:?} is no name of an attribute; write one such as uid or employeeNumber"
    );
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_value_whatever_it_holds() {
        assert_eq!(
            Filter::equal("uid", r"*)(uid=*))(|(uid=\*").to_string(),
            r"(uid=\2a\29\28uid=\2a\29\29\28|\28uid=\5c\2a)"
        );
        assert_eq!(Filter::equal("uid", "a\0b").to_string(), r"(uid=a\00b)");
        assert_eq!(
            Filter::equal_bytes("objectGUID", &[0x2a, 0xff]).to_string(),
            r"(objectGUID=\2a\ff)"
        );
        for name in [
            "*",
            "(",
            ")",
            "\\",
            "\0",
            "a*",
            "*)(objectClass=*",
            "&",
            "|",
            "!",
            "=",
            "",
            "ä\u{202e}",
        ] {
            let filter = Filter::equal("uid", name);
            assert!(parse_filter(filter.to_string()).is_ok(), "{name:?}");
            assert!(!filter.to_string().contains("=*"), "{name:?}");
        }
    }

    #[test]
    fn of_no_filter_nothing_is_found() {
        assert_eq!(Filter::any([]).to_string(), "(|)");
        let both = Filter::any([Filter::equal("uid", "a"), Filter::equal("mail", "b")]);
        assert_eq!(both.to_string(), "(|(uid=a)(mail=b))");
    }

    #[test]
    fn a_config_writes_whole_filters_and_plain_attributes() {
        assert!(Filter::written("(&(objectClass=person)(!(ou=service)))").is_ok());
        for text in ["", "objectClass=person", "(a=b", "(a=b))", "(a=b)(c=d)"] {
            assert!(Filter::written(text).is_err(), "{text}");
        }
        assert!(attribute("employeeNumber").is_ok() && attribute("2.5.4.3").is_ok());
        for text in ["", "a b", "a)", "1a", "a=b", "é", "1..2"] {
            assert!(attribute(text).is_err(), "{text}");
        }
    }
}
