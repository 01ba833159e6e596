//! How a signal names whom it is about: the subject identifier formats of RFC 9493, and the two names operators use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whom a signal is about. Compared and stored in its canonical text form, `format:value`.
///
/// E-mail addresses are lower-cased (RFC 9493 leaves canonicalisation to the receiver; `+tags` are kept, since they may name another
/// account). Everything else is taken as written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// `email`: an address, lower-cased.
    Email(String),
    /// `account`: an `acct:` URI, kept without its scheme.
    Account(String),
    /// `iss_sub`: an issuer and its name for the subject; the strongest key. Made by [`Subject::iss_sub`].
    IssSub {
        /// The issuer, byte for byte as sent; never with a `#`.
        iss: String,
        /// The issuer's identifier.
        sub: String,
    },
    /// `opaque`: an identifier that only its issuer understands; at a target, the account's own id.
    Opaque(String),
    /// `phone_number`: E.164, spaces removed.
    PhoneNumber(String),
    /// `did`: a decentralised identifier URL.
    Did(String),
    /// `uri`: any URI.
    Uri(String),
    /// A login name at the target. Not of RFC 9493: operators and HR files use it.
    Username(String),
    /// An HR system's number for a person. Not of RFC 9493.
    EmployeeId(String),
    /// A leaked credential, by what stands for it ([`super::digest_of`]): whose it is, only the target can tell. Not of RFC 9493.
    Credential(String),
    /// `aliases`: several names of one person; never nested. Made by [`Subject::together`], sorted, so that their order does not matter.
    Aliases(Vec<Subject>),
    /// A format that this version does not know: recorded, never resolved.
    Unknown {
        /// The `format` member as sent.
        format: String,
        /// The SHA-256 of the identifier, in hex, since its members may be anything.
        digest: String,
    },
}

/// Why a text does not name a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// Nothing was written.
    #[error("the subject is empty; write one such as alice@example.org, username:alice or opaque:<account id>")]
    Empty,
    /// No prefix, and not an address.
    #[error("cannot tell what {0:?} names; write email:, username:, opaque:, iss_sub:<issuer>#<sub> or employee_id: before it")]
    NoFormat(String),
    /// The prefix is known and what follows is not of its form.
    #[error("{value:?} is not a valid {format} subject: {why}")]
    Malformed {
        /// The prefix.
        format: &'static str,
        /// What followed it, cut to 80 characters.
        value: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// The longest subject taken, in bytes of its canonical form.
pub const LONGEST_SUBJECT: usize = 512;

impl Subject {
    /// An e-mail subject, lower-cased and checked for the one `@` with something on both sides.
    ///
    /// # Errors
    /// [`SubjectError::Malformed`] where it is not an address.
    pub fn email(address: &str) -> Result<Self, SubjectError> {
        let address = address.trim();
        let malformed = |why| SubjectError::Malformed {
            format: "email",
            value: cut(address),
            why,
        };
        let Some((local, domain)) = address.rsplit_once('@') else {
            return Err(malformed("it has no @"));
        };
        if local.is_empty() || domain.is_empty() {
            return Err(malformed("nothing stands before or after the @"));
        }
        if address.chars().any(|c| c.is_whitespace() || c.is_control() || hidden(c)) {
            return Err(malformed("it holds spaces or invisible characters"));
        }
        Ok(Self::Email(address.to_lowercase()))
    }

    /// What an issuer calls a subject. The canonical form is split at its first `#`: a `sub` may hold one, and an issuer may not have a
    /// fragment (`OpenID` Connect Discovery section 3, RFC 8414 section 2).
    ///
    /// # Errors
    /// [`SubjectError::Malformed`] where a part is empty, begins or ends with a space, holds control or invisible characters, or is too
    /// long, and where the issuer has a fragment.
    pub fn iss_sub(iss: &str, sub: &str) -> Result<Self, SubjectError> {
        let whole = format!("{iss}#{sub}");
        let malformed = |why| SubjectError::Malformed {
            format: "iss_sub",
            value: cut(&whole),
            why,
        };
        if iss.contains('#') {
            return Err(malformed("an issuer has no fragment"));
        }
        if iss.is_empty() || sub.is_empty() {
            return Err(malformed("issuer or sub is empty"));
        }
        if iss.trim() != iss || sub.trim() != sub {
            return Err(malformed("issuer or sub begins or ends with a space"));
        }
        plain("iss_sub", &whole)?;
        Ok(Self::IssSub {
            iss: iss.to_owned(),
            sub: sub.to_owned(),
        })
    }

    /// Names of one person as one subject: the surest first, each once, and without `aliases` where only one is left. `None` for no name at
    /// all.
    #[must_use]
    pub fn together(names: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut simple = std::collections::BTreeSet::new();
        let mut waiting: Vec<Self> = names.into_iter().collect();
        while let Some(name) = waiting.pop() {
            match name {
                Self::Aliases(names) => waiting.extend(names),
                one => {
                    simple.insert((one.rank(), one));
                }
            }
        }
        let mut names: Vec<Self> = simple.into_iter().map(|(_, name)| name).collect();
        if names.len() > 1 {
            return Some(Self::Aliases(names));
        }
        names.pop()
    }

    /// How surely a name means the same person from one year to the next, surest first: what an issuer pins, an account's own id, the HR
    /// system's number, then addresses and login names, which are given to somebody else one day.
    #[must_use]
    pub const fn rank(&self) -> u8 {
        match self {
            Self::IssSub { .. } => 0,
            Self::Opaque(_) | Self::Uri(_) | Self::Did(_) | Self::Credential(_) => 1,
            Self::EmployeeId(_) => 2,
            Self::Email(_) => 3,
            Self::Account(_) => 4,
            Self::Username(_) => 5,
            Self::PhoneNumber(_) => 6,
            Self::Aliases(_) | Self::Unknown { .. } => 7,
        }
    }

    /// The domain of an address.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        match self {
            Self::Email(address) | Self::Account(address) => address.rsplit_once('@').map(|(_, domain)| domain),
            _ => None,
        }
    }

    /// The simple subjects in this one: itself, or the members of `aliases`.
    #[must_use]
    pub fn names(&self) -> &[Subject] {
        match self {
            Self::Aliases(names) => names,
            one => std::slice::from_ref(one),
        }
    }

    /// The words before the colon of the canonical form of whom somebody can be asked for by one name.
    pub const FORMATS: [&str; 9] = [
        "email",
        "account",
        "iss_sub",
        "opaque",
        "phone_number",
        "did",
        "uri",
        "username",
        "employee_id",
    ];

    /// The word before the colon of the canonical form.
    #[must_use]
    pub fn format(&self) -> &str {
        match self {
            Self::Email(_) => "email",
            Self::Account(_) => "account",
            Self::IssSub { .. } => "iss_sub",
            Self::Opaque(_) => "opaque",
            Self::PhoneNumber(_) => "phone_number",
            Self::Did(_) => "did",
            Self::Uri(_) => "uri",
            Self::Username(_) => "username",
            Self::EmployeeId(_) => "employee_id",
            Self::Credential(_) => "credential",
            Self::Aliases(_) => "aliases",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The subject for a log line: enough to recognise, not enough to write to. `al…e@example.org`, `opaque:npry…`.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Email(address) => match address.rsplit_once('@') {
                Some((local, domain)) => format!("{}@{domain}", mask(local)),
                None => mask(address),
            },
            Self::Aliases(names) => names.first().map_or_else(|| "aliases".to_owned(), Self::masked),
            Self::IssSub { iss, sub } => format!("iss_sub:{iss}#{}", mask(sub)),
            Self::Unknown { format, .. } => format!("unknown:{}", cut(format)),
            Self::Credential(digest) => format!("credential:{digest}"),
            other => {
                let text = other.to_string();
                let value = text.split_once(':').map_or("", |(_, value)| value);
                format!("{}:{}", other.format(), mask(value))
            }
        }
    }
}

/// Characters that reorder or hide text (bidirectional controls, zero-width marks).
fn hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn mask(text: &str) -> String {
    let count = text.chars().count();
    let keep = if count > 6 { 3 } else { 1 };
    let mut masked: String = text.chars().take(keep).collect();
    masked.push('…');
    if count > 3 {
        masked.extend(text.chars().last());
    }
    masked
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(value)
            | Self::Account(value)
            | Self::Opaque(value)
            | Self::PhoneNumber(value)
            | Self::Did(value)
            | Self::Uri(value)
            | Self::Username(value)
            | Self::EmployeeId(value)
            | Self::Credential(value) => write!(f, "{}:{value}", self.format()),
            Self::IssSub { iss, sub } => write!(f, "iss_sub:{iss}#{sub}"),
            Self::Aliases(names) => {
                f.write_str("aliases:")?;
                for (n, name) in names.iter().enumerate() {
                    if n > 0 {
                        f.write_str("\n")?;
                    }
                    write!(f, "{name}")?;
                }
                Ok(())
            }
            Self::Unknown { format, digest } => write!(f, "unknown:{format}#{digest}"),
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    /// Reads the canonical form, and a bare e-mail address. `id:` is another word for `opaque:`.
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SubjectError::Empty);
        }
        let Some((format, value)) = text.split_once(':') else {
            return if text.contains('@') {
                Self::email(text)
            } else {
                Err(SubjectError::NoFormat(cut(text)))
            };
        };
        let checked = |format: &'static str| plain(format, value);
        match format {
            "email" => Self::email(value),
            "account" | "acct" => Ok(Self::Account(checked("account")?.to_lowercase())),
            "opaque" | "id" => Ok(Self::Opaque(checked("opaque")?)),
            "phone_number" => Ok(Self::PhoneNumber(checked("phone_number")?.replace(' ', ""))),
            "did" => Ok(Self::Did(checked("did")?)),
            "uri" => Ok(Self::Uri(checked("uri")?)),
            "username" => Ok(Self::Username(checked("username")?)),
            "employee_id" => Ok(Self::EmployeeId(checked("employee_id")?)),
            "credential" => credential(value),
            "iss_sub" => match value.trim().split_once('#') {
                Some((iss, sub)) => Self::iss_sub(iss, sub),
                None => Err(SubjectError::Malformed {
                    format: "iss_sub",
                    value: cut(value),
                    why: "no # stands between issuer and sub",
                }),
            },
            "aliases" => {
                let names: Vec<Self> = value.split('\n').map(str::parse).collect::<Result<_, _>>()?;
                Self::together(names).ok_or(SubjectError::Empty)
            }
            "unknown" => {
                let (format, digest) = value.rsplit_once('#').unwrap_or((value, ""));
                Ok(Self::Unknown {
                    format: format.to_owned(),
                    digest: digest.to_owned(),
                })
            }
            _ if text.contains('@') && !format.contains('/') && Self::email(text).is_ok() => Self::email(text),
            _ => Err(SubjectError::NoFormat(cut(text))),
        }
    }
}

/// What stands for a credential; never the credential itself.
fn credential(value: &str) -> Result<Subject, SubjectError> {
    let digits = value.strip_prefix("sha256:").unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(Subject::Credential(value.to_owned()));
    }
    Err(SubjectError::Malformed {
        format: "credential",
        // It may be the credential itself.
        value: String::new(),
        why: "it is not sha256: and 32 hexadecimal digits; hand the credential itself to revoked leaked",
    })
}

/// A value with neither emptiness, control characters, invisible marks nor excess length.
fn plain(format: &'static str, value: &str) -> Result<String, SubjectError> {
    let malformed = |why| SubjectError::Malformed {
        format,
        value: cut(value),
        why,
    };
    let value = value.trim();
    if value.is_empty() {
        return Err(malformed("it is empty"));
    }
    if value.len() > LONGEST_SUBJECT {
        return Err(malformed("it is longer than 512 bytes"));
    }
    if value.chars().any(|c| c.is_control() || hidden(c)) {
        return Err(malformed("it holds control or invisible characters"));
    }
    Ok(value.to_owned())
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms_survive_a_round_trip() {
        for text in [
            "email:alice@example.org",
            "iss_sub:https://idp.example.com#jane#1",
            "opaque:npryem6qbfdcxji356uo9tc33o",
            "username:alice",
            "employee_id:4711",
            "aliases:email:a@example.org\nusername:a",
        ] {
            let subject: Subject = text.parse().unwrap();
            assert_eq!(subject.to_string(), text);
        }
    }

    #[test]
    fn a_sub_may_hold_the_sign_that_ends_the_issuer() {
        let subject: Subject = "iss_sub:https://idp.example.com#jane#1".parse().unwrap();
        assert_eq!(Subject::iss_sub("https://idp.example.com", "jane#1"), Ok(subject));
        assert!(Subject::iss_sub("https://idp.example.com#x", "jane").is_err());
        assert!("iss_sub:https://idp.example.com".parse::<Subject>().is_err());
        assert!("iss_sub:#jane".parse::<Subject>().is_err());
    }

    #[test]
    fn the_order_of_aliases_does_not_matter() {
        let one: Subject = "aliases:username:a\nemail:a@example.org\nusername:a".parse().unwrap();
        let other: Subject = "aliases:email:a@example.org\nusername:a".parse().unwrap();
        assert_eq!(one, other);
        assert_eq!(Subject::together([one.clone(), other]), Some(one));
        assert_eq!("aliases:username:a\nusername:a".parse(), Ok(Subject::Username("a".into())));
        assert_eq!(Subject::together([]), None);
    }

    #[test]
    fn a_bare_address_is_an_email_in_lower_case() {
        assert_eq!(
            "Alice+x@Example.ORG".parse(),
            Ok(Subject::Email("alice+x@example.org".into()))
        );
    }

    #[test]
    fn what_cannot_be_read_says_what_to_write() {
        assert!("alice".parse::<Subject>().unwrap_err().to_string().contains("username:"));
        assert!("".parse::<Subject>().is_err());
        assert!("email:a\u{202e}b@example.org".parse::<Subject>().is_err());
        assert!("username:\n".parse::<Subject>().is_err());
    }

    #[test]
    fn a_masked_subject_does_not_hold_the_name() {
        let masked = Subject::Email("margarethe@example.org".into()).masked();
        assert_eq!(masked, "mar…e@example.org");
    }

    fn any_name() -> impl proptest::strategy::Strategy<Value = Subject> {
        use proptest::prelude::*;
        let word = "[a-zA-Z0-9#:@/. %~-]{1,24}";
        prop_oneof![
            (word, word).prop_filter_map("an issuer and a sub", |(iss, sub)| Subject::iss_sub(&iss, &sub).ok()),
            (
                proptest::sample::select(vec!["opaque", "username", "employee_id", "email", "uri", "did"]),
                word
            )
                .prop_filter_map("a name", |(format, value)| format!("{format}:{value}").parse().ok()),
        ]
    }

    proptest::proptest! {
        #[test]
        fn whatever_was_taken_reads_back_as_itself(names in proptest::collection::vec(any_name(), 1..5)) {
            for name in &names {
                proptest::prop_assert_eq!(name.to_string().parse::<Subject>(), Ok(name.clone()));
            }
            let mut turned = names.clone();
            turned.reverse();
            let all = Subject::together(names).unwrap();
            proptest::prop_assert_eq!(Some(all.clone()), Subject::together(turned));
            proptest::prop_assert_eq!(all.to_string().parse::<Subject>(), Ok(all));
        }
    }
}
