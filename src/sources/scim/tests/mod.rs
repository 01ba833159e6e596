//! The two small languages of SCIM, by themselves.

mod filters;
mod patches;

use serde_json::{Map, Value, json};

use super::protocol::schema::{ENTERPRISE_URN, USER_URN};

/// Barbara of RFC 7643, as far as we keep her.
fn barbara() -> Map<String, Value> {
    let members = json!({
        "id": "2819c223",
        "externalId": "bjensen",
        "userName": "bjensen@Example.com",
        "name": {"formatted": "Ms. Barbara J Jensen", "familyName": "Jensen", "givenName": "Barbara"},
        "nickName": "Babs",
        "active": true,
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"},
        ],
        (ENTERPRISE_URN): {"employeeNumber": "701984", "department": "Tour Operations"},
        "meta": {"resourceType": "User", "lastModified": "2026-05-13T04:42:34.000Z"},
    });
    match members {
        Value::Object(members) => members,
        _ => unreachable!("it is an object"),
    }
}
