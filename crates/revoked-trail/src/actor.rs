//! Who did it: the actor of a trail entry or of a decision.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who caused a change. Written `daemon`, `source:idp`, `operator:alice`, `operator:alice(1000)` or, of an account that several become,
/// `operator:revoked(995) sudo:alice`, everywhere it is shown or stored.
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

/// Who is behind an account that several people become.
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
}

impl Behind {
    /// The login name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Login { name, .. } | Self::Sudo { name } => name,
        }
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
        }
    }
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
    "`{0}` is no actor: expected daemon, source:NAME, operator:NAME or operator:NAME(UID), with sudo:NAME or login:NAME(UID) behind it"
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
        ] {
            assert_eq!(actor.to_string(), text);
            assert_eq!(text.parse::<Actor>(), Ok(actor));
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
