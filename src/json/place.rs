//! What a condition needs to know of a place.

use serde_json::Value;

/// Where something may stand in a JSON value.
pub trait Place {
    /// Whether `test` holds of anything that stands there. Null is nothing.
    fn any(&self, value: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool;
}
