//! The kinds of items that a sender is known to send: any other is told to a person.

use serde::Deserialize;
use serde_json::Value;

use crate::json::Condition;
use crate::json::Pointer;

/// One kind of item that a sender is known to send, about which nothing needs to be done.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a pointer such as \"/type\", or a condition such as { pointer = \"/type\", in = [\"user.created\"] }"
)]
pub(in crate::sources::webhook) enum ExpectedItem {
    /// Something stands there.
    By(Pointer),
    /// What stands there is as it says.
    Where(Condition),
}

impl ExpectedItem {
    /// Whether an item is of this kind.
    pub(super) fn covers(&self, item: &Value) -> bool {
        match self {
            Self::By(pointer) => pointer.of(item).is_some(),
            Self::Where(condition) => condition.holds(item),
        }
    }
}
