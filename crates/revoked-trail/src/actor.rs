//! Who did it: the actor of a trail entry or of a decision.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who caused a change. Written `daemon`, `source:idp`, `operator:alice`, `operator:alice(1000)` or, of an account that several become,
/// `operator:revoked(995) sudo:alice`, of one who signs in at an OpenID provider `operator:alice oidc:https://id.example.org#4711`, everywhere it is
/// shown or stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The daemon by itself: a lane, a periodic run, the start sequence.
    Daemon,
    /// A configured source, by its name in the config.
    Source {
        /// The source's name.
        name: String,
    },
    /// A human or program with a role that uses the API or CLI.
    Operator {
        /// The login or credential name.
        name: String,
        /// The numeric id that the kernel gave for the caller of the CLI or the local socket; none for a caller over the network.
        uid: Option<u32>,
        /// Who became that account, as far as it can be told.
        behind: Option<Behind>,
    },
}

/// Who is behind an account that several people become, or behind the name of whoever signs in elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Behind {
    /// Who had logged in, by the kernel's word (the audit login uid), which nobody but root can change. Written `login:alice(1000)`.
    Login {
        /// The login name.
        name: String,
        /// The number that the kernel keeps.
        uid: u32,
    },
    /// Who it was by the word of `sudo`'s environment, which whoever became that account could have written. Written `sudo:alice`.
    Sudo {
        /// The login name.
        name: String,
    },
    /// Who it is by the word of an OpenID provider, which calls nobody else so. Written `oidc:https://id.example.org#4711`, and
    /// `oidc-login:https://id.example.org#4711` where the config says which login that is and the operator is called by it.
    Subject {
        /// The provider (`iss`).
        issuer: String,
        /// What it calls them (`sub`).
        subject: String,
        /// Whether the operator's name is a login by the word of the config; else it is only what the provider says that they are called.
        is_login: bool,
    },
}

impl Behind {
    /// The login name, where there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Login { name, .. } | Self::Sudo { name } => Some(name),
            Self::Subject { .. } => None,
        }
    }

    /// Reads the form of a subject.
    fn read_subject(text: &str) -> Option<Self> {
        let (way, rest) = text.split_once(':')?;
        let (issuer, subject) = rest.split_once('#')?;
        let subject = unescaped(subject)?;
        let read = Self::Subject {
            issuer: issuer.to_owned(),
            subject,
            is_login: way == OIDC_LOGIN,
        };
        // What would be written otherwise was not written by us.
        (matches!(way, OIDC | OIDC_LOGIN) && is_issuer(issuer) && read.to_string() == text).then_some(read)
    }

    fn read(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("sudo", name) if is_login(name) => Some(Self::Sudo { name: name.to_owned() }),
            ("login", rest) => {
                let (name, uid) = rest.strip_suffix(')')?.rsplit_once('(')?;
                is_login(name).then_some(Self::Login {
                    name: name.to_owned(),
                    uid: uid.parse().ok()?,
                })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login { name, uid } => write!(f, "login:{name}({uid})"),
            Self::Sudo { name } => write!(f, "sudo:{name}"),
            Self::Subject {
                issuer,
                subject,
                is_login,
            } => {
                let way = if *is_login { OIDC_LOGIN } else { OIDC };
                write!(f, "{way}:{issuer}#{}", escaped(subject))
            }
        }
    }
}

/// How a subject is introduced.
const OIDC: &str = "oidc";
const OIDC_LOGIN: &str = "oidc-login";

/// Whether an issuer can stand in the text form: it is an address without a fragment, and has nothing in it that ends a name or begins a number.
#[must_use]
pub fn is_issuer(issuer: &str) -> bool {
    let begins = issuer.starts_with("https://") || issuer.starts_with("http://");
    begins
        && issuer
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'(' | b')' | b'"' | b'\\'))
}

/// A subject as the text form has it: what is not plain in hexadecimal, so that two are never written alike.
fn escaped(subject: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(subject.len());
    for byte in subject.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'|' | b':' | b'@' | b'+' | b'=' | b'/' => {
                text.push(char::from(byte));
            }
            // Writing to memory cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let (two, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    let subject = String::from_utf8(bytes).ok()?;
    (!subject.is_empty()).then_some(subject)
}

/// The longest login of Linux (`useradd`), in bytes.
const LONGEST_LOGIN: usize = 32;

/// Whether a name is a login as Linux has them: it can stand in the trail, and reads like nothing else there.
#[must_use]
pub fn is_login(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST_LOGIN).contains(&name.len()) && name.bytes().all(plain)
}

impl Actor {
    /// The source of this name.
    pub fn source(name: impl Into<String>) -> Self {
        Self::Source { name: name.into() }
    }

    /// The operator of this name, with the id that the kernel vouches for where there is one.
    pub fn operator(name: impl Into<String>, uid: Option<u32>) -> Self {
        Self::Operator {
            name: name.into(),
            uid,
            behind: None,
        }
    }

    /// The same operator, with who became it.
    #[must_use]
    pub fn with_behind(self, behind: Option<Behind>) -> Self {
        match self {
            Self::Operator { name, uid, .. } => Self::Operator { name, uid, behind },
            other => other,
        }
    }
}

/// A name as the text form shows it. Brackets and control characters become `_`, so that nobody can choose a name that reads like
/// another operator's id.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() || c == '(' || c == ')' { '_' } else { c })
        .collect()
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon => f.write_str("daemon"),
            Self::Source { name } => write!(f, "source:{}", plain(name)),
            Self::Operator { name, uid, behind } => {
                write!(f, "operator:{}", plain(name))?;
                if let Some(uid) = uid {
                    write!(f, "({uid})")?;
                }
                behind.iter().try_for_each(|behind| write!(f, " {behind}"))
            }
        }
    }
}

/// A text that is no actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no actor: expected daemon, source:NAME, operator:NAME or operator:NAME(UID), with sudo:NAME or login:NAME(UID) behind it, or operator:NAME oidc:ISSUER#SUBJECT"
)]
pub struct NoActor(String);

impl FromStr for Actor {
    type Err = NoActor;

    fn from_str(text: &str) -> Result<Self, NoActor> {
        let refused = || NoActor(text.to_owned());
        if text == "daemon" {
            return Ok(Self::Daemon);
        }
        match text.split_once(':') {
            Some((_, "")) | None => Err(refused()),
            Some(("source", name)) => Ok(Self::source(name)),
            Some(("operator", rest)) => {
                if let Some((name, behind)) = rest.rsplit_once(' ')
                    && !name.is_empty()
                    && !name.contains(['(', ')'])
                    && let Some(behind) = Behind::read_subject(behind)
                {
                    return Ok(Self::operator(name, None).with_behind(Some(behind)));
                }
                // Only behind a number: without one the whole is a name.
                let behind = rest
                    .rsplit_once(") ")
                    .and_then(|(of, behind)| Some((of, Behind::read(behind)?)));
                let (rest, behind) = match behind {
                    Some((of, behind)) => (format!("{of})"), Some(behind)),
                    None => (rest.to_owned(), None),
                };
                let operator = match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
                    Some((name, uid)) => Self::operator(name, Some(uid.parse().map_err(|_| refused())?)),
                    None => Self::operator(rest, None),
                };
                Ok(operator.with_behind(behind))
            }
            Some(_) => Err(refused()),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_read_back() {
        for (actor, text) in [
            (Actor::Daemon, "daemon"),
            (Actor::source("idp"), "source:idp"),
            (Actor::operator("alice", Some(1000)), "operator:alice(1000)"),
            (Actor::operator("ci:deploy", None), "operator:ci:deploy"),
            (
                Actor::operator("revoked", Some(995)).with_behind(Some(Behind::Sudo { name: "anna".to_owned() })),
                "operator:revoked(995) sudo:anna",
            ),
            (
                Actor::operator("revoked", Some(995)).with_behind(Some(Behind::Login {
                    name: "anna".to_owned(),
                    uid: 1000,
                })),
                "operator:revoked(995) login:anna(1000)",
            ),
            (
                signed_in("anna", "https://id.example.org", "auth0|4711", false),
                "operator:anna oidc:https://id.example.org#auth0|4711",
            ),
            (
                signed_in("anna", "https://id.example.org/realms/one", "a b#(0)%", true),
                "operator:anna oidc-login:https://id.example.org/realms/one#a%20b%23%280%29%25",
            ),
        ] {
            assert_eq!(actor.to_string(), text);
            assert_eq!(text.parse::<Actor>(), Ok(actor));
        }
    }

    fn signed_in(name: &str, issuer: &str, subject: &str, is_login: bool) -> Actor {
        Actor::operator(name, None).with_behind(Some(Behind::Subject {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            is_login,
        }))
    }

    #[test]
    fn what_is_not_written_as_we_write_it_names_nobodys_subject() {
        for text in [
            "operator:anna oidc:https://id.example.org#",
            "operator:anna oidc:#4711",
            "operator:anna oidc:id.example.org#4711",
            "operator:anna oidc:https://id.example.org#4%37",
            "operator:anna oidc:https://id.example.org#a#b",
            "operator:anna oidc:https://id.example.org",
            "operator:anna sudo:https://id.example.org#4711",
        ] {
            let read = text.parse::<Actor>();
            assert_eq!(read, Ok(Actor::operator(&text["operator:".len()..], None)), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_subject_reads_back_and_no_two_are_written_alike(one in "\\PC{1,20}", other in "\\PC{1,20}", name in "[a-z (#:)]{1,12}") {
            let of = |subject: &str| signed_in(&plain(&name), "https://id.example.org", subject, false);
            let text = of(&one).to_string();
            proptest::prop_assert_eq!(text.parse::<Actor>(), Ok(of(&one)));
            proptest::prop_assert_eq!(one == other, text == of(&other).to_string());
        }
    }

    #[test]
    fn a_name_cannot_pretend_to_be_another_id() {
        assert_eq!(Actor::operator("root(0)", Some(1000)).to_string(), "operator:root_0_(1000)");
        assert_eq!(Actor::operator("root(0)", None).to_string(), "operator:root_0_");
        assert_eq!(Actor::source("a\nb").to_string(), "source:a_b");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "Daemon",
            "source:",
            "operator",
            "operator:a(b)",
            "operator:a(-1)",
            "visitor:x",
        ] {
            assert!(text.parse::<Actor>().is_err(), "{text:?} was taken");
        }
    }
}
