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
    /// `iss_sub`: an issuer and its name for the subject; the strongest key.
    IssSub {
        /// The issuer, byte for byte as sent.
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
    /// `aliases`: several names of one person; never nested.
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

    /// The simple subjects in this one: itself, or the members of `aliases`.
    #[must_use]
    pub fn names(&self) -> &[Subject] {
        match self {
            Self::Aliases(names) => names,
            one => std::slice::from_ref(one),
        }
    }

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
            | Self::EmployeeId(value) => write!(f, "{}:{value}", self.format()),
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
            "iss_sub" => {
                let malformed = |why| SubjectError::Malformed {
                    format: "iss_sub",
                    value: cut(value),
                    why,
                };
                let value = checked("iss_sub")?;
                let (iss, sub) = value
                    .rsplit_once('#')
                    .ok_or_else(|| malformed("no # stands between issuer and sub"))?;
                if iss.is_empty() || sub.is_empty() {
                    return Err(malformed("issuer or sub is empty"));
                }
                Ok(Self::IssSub {
                    iss: iss.to_owned(),
                    sub: sub.to_owned(),
                })
            }
            "aliases" => value.split('\n').map(str::parse).collect::<Result<_, _>>().map(Self::Aliases),
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
            "iss_sub:https://idp.example.com/#jane#1",
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
}
