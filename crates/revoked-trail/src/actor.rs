//! Who did it: the actor of a trail entry or of a decision.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who caused a change. Written `daemon`, `source:idp`, `operator:alice` or `operator:alice(1000)`, everywhere it is shown or stored.
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
    },
}

impl Actor {
    /// The source of this name.
    pub fn source(name: impl Into<String>) -> Self {
        Self::Source { name: name.into() }
    }

    /// The operator of this name, with the id that the kernel vouches for where there is one.
    pub fn operator(name: impl Into<String>, uid: Option<u32>) -> Self {
        Self::Operator { name: name.into(), uid }
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
            Self::Operator { name, uid: None } => write!(f, "operator:{}", plain(name)),
            Self::Operator { name, uid: Some(uid) } => write!(f, "operator:{}({uid})", plain(name)),
        }
    }
}

/// A text that is no actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no actor: expected daemon, source:NAME, operator:NAME or operator:NAME(UID)")]
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
            Some(("operator", rest)) => match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
                Some((name, uid)) => Ok(Self::operator(name, Some(uid.parse().map_err(|_| refused())?))),
                None => Ok(Self::operator(rest, None)),
            },
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
