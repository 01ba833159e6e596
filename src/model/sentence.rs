//! A sentence that a target says: one of its constants, or one that it has put together.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sentence that a target says. A constant stands in the program as it is: it is about the target and never about a person, which is why
/// the store may keep it once for all jobs and for ever. What was put together may name anything. Compared by what it says.
#[derive(Clone)]
pub struct Sentence {
    text: Cow<'static, str>,
    constant: bool,
}

impl Sentence {
    /// A constant, as it was kept.
    #[must_use]
    pub const fn recalled(text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            constant: true,
        }
    }

    /// Whether it stands in the program as it is.
    #[must_use]
    pub const fn is_constant(&self) -> bool {
        self.constant
    }
}

impl From<&'static str> for Sentence {
    fn from(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            constant: true,
        }
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            constant: false,
        }
    }
}

impl Deref for Sentence {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Borrow<str> for Sentence {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Sentence {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl PartialEq<&str> for Sentence {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl Eq for Sentence {}

impl PartialOrd for Sentence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sentence {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(other)
    }
}

impl Hash for Sentence {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Sentence {
    /// Nobody can tell any more that it was a constant.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
