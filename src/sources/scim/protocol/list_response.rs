//! Lists as SCIM writes them (RFC 7644 section 3.4.2).

use serde_json::{Value, json};

/// The most resources in one answer.
pub const MOST_RESULTS: u64 = 200;
/// A list response with all of `resources`.
pub(in crate::sources::scim) fn all(resources: Vec<Value>) -> Value {
    let count = resources.len() as u64;
    page(resources, count, 0)
}

/// One page of a list.
pub(in crate::sources::scim) fn page(resources: Vec<Value>, total: u64, skipped: u64) -> Value {
    let mut list = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": skipped.saturating_add(1),
        "itemsPerPage": resources.len(),
    });
    list["Resources"] = Value::Array(resources);
    list
}
