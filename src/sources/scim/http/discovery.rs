//! What `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas` say (RFC 7643 sections 5 to 7), from the same table that everything is
//! read by.

use serde_json::{Value, json};

use crate::sources::scim::protocol::list_response::{self, MOST_RESULTS};
use crate::sources::scim::protocol::schema::{Attribute, Form, Mutability, ResourceType, Schema, TYPES};

/// What we can do.
pub(in crate::sources::scim) fn capabilities(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MOST_RESULTS},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A bearer token in the Authorization header (RFC 6750).",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

/// Every type of resource, as a list.
pub(in crate::sources::scim) fn types(base: &str) -> Value {
    list_response::all(TYPES.iter().map(|kind| resource_type(kind, base)).collect())
}

/// The type of that name.
pub(in crate::sources::scim) fn type_called(name: &str, base: &str) -> Option<Value> {
    let kind = TYPES.into_iter().find(|kind| kind.name == name)?;
    Some(resource_type(kind, base))
}

fn resource_type(kind: &ResourceType, base: &str) -> Value {
    let extensions: Vec<Value> = kind
        .extension
        .iter()
        .map(|schema| json!({"schema": schema.urn, "required": false}))
        .collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": kind.name,
        "name": kind.name,
        "description": kind.about,
        "endpoint": format!("/{}", kind.endpoint),
        "schema": kind.core.urn,
        "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", kind.name)},
    })
}

/// Every schema, as a list.
pub(in crate::sources::scim) fn schemas(base: &str) -> Value {
    list_response::all(known().map(|found| schema(found, base)).collect())
}

/// The schema of that URN, in any case.
pub(in crate::sources::scim) fn schema_called(urn: &str, base: &str) -> Option<Value> {
    let found = known().find(|schema| schema.urn.eq_ignore_ascii_case(urn))?;
    Some(schema(found, base))
}

fn known() -> impl Iterator<Item = &'static Schema> {
    TYPES.into_iter().flat_map(ResourceType::schemas)
}

fn schema(schema: &Schema, base: &str) -> Value {
    let attributes: Vec<Value> = schema.attributes.iter().map(attribute).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.urn,
        "name": schema.name,
        "description": schema.about,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.urn)},
    })
}

fn attribute(one: &Attribute) -> Value {
    let word = match one.form {
        Form::Text => "string",
        Form::Boolean => "boolean",
        Form::Moment => "dateTime",
        Form::Reference => "reference",
        Form::Complex(_) => "complex",
    };
    let (mutability, returned) = match one.mutability {
        Mutability::ReadWrite => ("readWrite", "default"),
        Mutability::ReadOnly => ("readOnly", "default"),
        Mutability::WriteOnly => ("writeOnly", "never"),
    };
    let mut shown = json!({
        "name": one.name,
        "type": word,
        "multiValued": one.many,
        "description": one.about,
        "required": one.required,
        "caseExact": one.case_exact,
        "mutability": mutability,
        "returned": returned,
        "uniqueness": if one.unique { "server" } else { "none" },
    });
    if !one.subs().is_empty() {
        shown["subAttributes"] = one.subs().iter().map(attribute).collect();
    }
    shown
}
