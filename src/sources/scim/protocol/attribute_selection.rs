//! Which attributes of a resource a client wants to see: `attributes` and `excludedAttributes` (RFC 7644 section 3.9).

use serde_json::{Map, Value, json};

use super::attribute_path::PathTarget;
use super::attribute_values::inner;
use super::schema::{ResourceType, SHARED};

/// Which attributes a client wants to see (RFC 7644 section 3.9). Names that are not known are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sources::scim) struct AttributeSelection {
    /// `attributes`: only these.
    pub(in crate::sources::scim) only: Option<Vec<String>>,
    /// `excludedAttributes`: not these.
    pub(in crate::sources::scim) without: Vec<String>,
}

impl AttributeSelection {
    /// What is left of a resource. Its `id` and `schemas` always are.
    pub(in crate::sources::scim) fn of(&self, kind: &ResourceType, shown: Map<String, Value>) -> Value {
        let targets =
            |names: &[String]| -> Vec<PathTarget> { names.iter().filter_map(|name| PathTarget::find(kind, name).ok()).collect() };
        let mut left = match &self.only {
            None => shown,
            Some(names) => {
                let mut left = Map::new();
                for always in ["schemas", "id"] {
                    copy(&shown, &mut left, always, None);
                }
                for target in targets(names) {
                    pick(&shown, &mut left, target);
                }
                left
            }
        };
        for target in targets(&self.without) {
            drop_target(&mut left, target);
        }
        Value::Object(left)
    }
}

fn pick(from: &Map<String, Value>, into: &mut Map<String, Value>, target: PathTarget) {
    match target {
        PathTarget::Unknown => {}
        PathTarget::Schema(schema) => {
            copy(from, into, schema.urn, None);
            // The core's attributes stand by themselves.
            for attribute in schema.attributes {
                copy(from, into, attribute.name, None);
            }
        }
        PathTarget::Attribute {
            extension: None,
            attribute,
            sub,
        } => copy(from, into, attribute.name, sub.map(|sub| sub.name)),
        PathTarget::Attribute {
            extension: Some(schema),
            attribute,
            sub,
        } => {
            if let Some(from) = from.get(schema.urn).and_then(Value::as_object) {
                copy(from, inner(into, schema.urn), attribute.name, sub.map(|sub| sub.name));
            }
        }
    }
}

/// Copies a member, or that part of it in each of its values.
fn copy(from: &Map<String, Value>, into: &mut Map<String, Value>, name: &str, part: Option<&str>) {
    let Some(value) = from.get(name) else { return };
    let Some(part) = part else {
        into.insert(name.to_owned(), value.clone());
        return;
    };
    let cut = |value: &Value| value.get(part).map(|found| json!({ part: found }));
    match value {
        Value::Array(values) => {
            let fresh: Vec<Value> = values.iter().map(|value| cut(value).unwrap_or_else(|| json!({}))).collect();
            match into.get_mut(name).and_then(Value::as_array_mut) {
                // Another part of the same values was copied before.
                Some(there) if there.len() == fresh.len() => {
                    for (there, fresh) in there.iter_mut().zip(fresh) {
                        if let (Some(there), Value::Object(fresh)) = (there.as_object_mut(), fresh) {
                            there.extend(fresh);
                        }
                    }
                }
                _ => drop(into.insert(name.to_owned(), Value::Array(fresh))),
            }
        }
        value => {
            if let Some(Value::Object(cut)) = cut(value) {
                inner(into, name).extend(cut);
            }
        }
    }
}

fn drop_target(from: &mut Map<String, Value>, target: PathTarget) {
    let (urn, attribute, sub) = match target {
        PathTarget::Unknown => return,
        PathTarget::Schema(schema) => {
            from.remove(schema.urn);
            return;
        }
        PathTarget::Attribute {
            extension,
            attribute,
            sub,
        } => (extension.map(|schema| schema.urn), attribute, sub),
    };
    let always = SHARED.iter().any(|shared| shared == attribute) && matches!(attribute.name, "id" | "schemas");
    let members = match urn {
        None => Some(from),
        Some(urn) => from.get_mut(urn).and_then(Value::as_object_mut),
    };
    let Some(members) = members.filter(|_| !always) else { return };
    match (sub, members.get_mut(attribute.name)) {
        (None, _) => drop(members.remove(attribute.name)),
        (Some(sub), Some(Value::Array(values))) => {
            for value in values.iter_mut().filter_map(Value::as_object_mut) {
                value.remove(sub.name);
            }
        }
        (Some(sub), Some(Value::Object(parts))) => drop(parts.remove(sub.name)),
        (Some(_), _) => {}
    }
}
