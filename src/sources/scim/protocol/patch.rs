//! PATCH (RFC 7644 section 3.5.2), with the tolerance that Okta's and Entra ID's clients need. All operations are done, or none.

use serde_json::{Map, Value};

use super::attribute_path::PathTarget;
use super::attribute_values::{container, inner, is_hollow, object, one_of, value_of};
use super::error::{INVALID_PATH, INVALID_SYNTAX, INVALID_VALUE, MUTABILITY, NO_TARGET, ScimError, scim_error};
use super::filter::{Comparison, Filter, Scope, holds};
use super::patch_path::PatchPath;
use super::schema::{Attribute, Mutability, ResourceType};

/// The most operations that one request may hold.
pub const MOST_OPERATIONS: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

/// What `members` become by a PATCH body. `id` is the resource's own.
///
/// # Errors
/// What RFC 7644's table 9 has for it; nothing is changed then.
pub(in crate::sources::scim) fn apply(
    kind: &ResourceType,
    id: &str,
    members: &Map<String, Value>,
    body: Map<String, Value>,
) -> Result<Map<String, Value>, ScimError> {
    let mut operations = None;
    for (name, value) in body {
        if name.eq_ignore_ascii_case("Operations") && operations.replace(value).is_some() {
            return Err(scim_error(INVALID_SYNTAX, "Operations stands twice"));
        }
    }
    let Some(Value::Array(operations)) = operations else {
        return Err(scim_error(INVALID_SYNTAX, "Operations is missing or not a list"));
    };
    if operations.is_empty() || operations.len() > MOST_OPERATIONS {
        let why = format!("Operations must hold 1 to {MOST_OPERATIONS} operations");
        return Err(scim_error(INVALID_SYNTAX, why));
    }
    let mut patch = Patch {
        kind,
        id,
        members: members.clone(),
    };
    for operation in operations {
        patch.operate(operation)?;
    }
    patch.members.retain(|_, value| !is_hollow(value));
    Ok(patch.members)
}

struct Patch<'p> {
    kind: &'p ResourceType,
    id: &'p str,
    members: Map<String, Value>,
}

impl Patch<'_> {
    fn operate(&mut self, operation: Value) -> Result<(), ScimError> {
        let Value::Object(parts) = operation else {
            return Err(scim_error(INVALID_SYNTAX, "an operation is not an object"));
        };
        let (mut op, mut path, mut value) = (None, None, None);
        for (name, part) in parts {
            let place = match name.to_ascii_lowercase().as_str() {
                "op" => &mut op,
                "path" => &mut path,
                "value" => &mut value,
                _ => continue,
            };
            if place.replace(part).is_some() {
                return Err(scim_error(INVALID_SYNTAX, "op, path or value stands twice in an operation"));
            }
        }
        let op = match op.as_ref().and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Op::Add,
            Some("replace") => Op::Replace,
            Some("remove") => Op::Remove,
            _ => return Err(scim_error(INVALID_SYNTAX, "op must be add, replace or remove")),
        };
        match path {
            None | Some(Value::Null) => self.without_path(op, value),
            Some(Value::String(path)) if path.is_empty() => self.without_path(op, value),
            Some(Value::String(path)) => {
                let patch_path = PatchPath::read(self.kind, &path)?;
                self.at(op, &patch_path, value)
            }
            Some(_) => Err(scim_error(INVALID_PATH, "path is not a string")),
        }
    }

    /// The members of `value` are named by paths: plain ones, dotted ones, with or without a schema's URN.
    fn without_path(&mut self, op: Op, value: Option<Value>) -> Result<(), ScimError> {
        if op == Op::Remove {
            return Err(scim_error(NO_TARGET, "remove needs a path"));
        }
        let Some(Value::Object(members)) = value else {
            return Err(scim_error(INVALID_VALUE, "without a path the value must be an object"));
        };
        let mut seen: Vec<PatchPath> = Vec::new();
        for (name, value) in members {
            let Ok(patch_path) = PatchPath::read(self.kind, &name) else {
                continue;
            };
            if patch_path.target != PathTarget::Unknown {
                if seen.contains(&patch_path) {
                    return Err(scim_error(
                        INVALID_SYNTAX,
                        "an attribute stands twice, under names that differ in case only",
                    ));
                }
                seen.push(patch_path.clone());
            }
            self.at(op, &patch_path, Some(value))?;
        }
        Ok(())
    }

    fn at(&mut self, op: Op, patch_path: &PatchPath, value: Option<Value>) -> Result<(), ScimError> {
        match patch_path.target {
            PathTarget::Unknown => Ok(()),
            PathTarget::Schema(schema) if op == Op::Remove => {
                if self.kind.extension != Some(schema) {
                    return Err(scim_error(INVALID_PATH, "only an extension can be removed as a whole"));
                }
                self.members.remove(schema.urn);
                Ok(())
            }
            PathTarget::Schema(schema) => {
                let members = object(value.unwrap_or_default(), "the attributes of a schema must be an object")?;
                for (name, value) in members.unwrap_or_default() {
                    let Some(attribute) = schema.attribute(&name) else { continue };
                    let target = PathTarget::of(self.kind, schema, attribute);
                    self.at(op, &PatchPath { target, among: None }, Some(value))?;
                }
                Ok(())
            }
            PathTarget::Attribute {
                extension,
                attribute,
                sub,
            } => {
                match attribute.mutability {
                    Mutability::ReadWrite => {}
                    Mutability::WriteOnly => return Ok(()),
                    Mutability::ReadOnly => return self.read_only(attribute, value.as_ref()),
                }
                let into = container(&mut self.members, extension.map(|schema| schema.urn));
                match (op, value) {
                    (Op::Remove, value) => remove(into, attribute, sub, patch_path.among.as_ref(), value),
                    (op, Some(value)) if attribute.many => set_many(into, op, attribute, sub, patch_path.among.as_ref(), value),
                    (_, Some(value)) => set(into, attribute, sub, value),
                    (_, None) => Err(scim_error(
                        INVALID_VALUE,
                        format!("a value for {} is missing", attribute.name),
                    )),
                }?;
                self.members.retain(|_, value| !is_hollow(value));
                Ok(())
            }
        }
    }

    /// Okta repeats the id that the resource has; nothing else of ours may even be named. `schemas` follow from the attributes.
    fn read_only(&self, attribute: &Attribute, value: Option<&Value>) -> Result<(), ScimError> {
        let same = attribute.name == "id" && value.and_then(Value::as_str) == Some(self.id);
        if same || attribute.name == "schemas" {
            return Ok(());
        }
        Err(scim_error(MUTABILITY, format!("{} cannot be changed", attribute.name)))
    }
}

fn required(attribute: &Attribute) -> ScimError {
    scim_error(MUTABILITY, format!("{} is required and cannot be removed", attribute.name))
}

/// Sets what is no list.
fn set(
    into: &mut Map<String, Value>,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    value: Value,
) -> Result<(), ScimError> {
    if let Some(sub) = sub {
        let parts = inner(into, attribute.name);
        match value_of(sub, value)? {
            Some(value) => parts.insert(sub.name.to_owned(), value),
            None => parts.remove(sub.name),
        };
        return Ok(());
    }
    match value_of(attribute, value)? {
        // Sub-attributes that are not named stay as they are (section 3.5.2.3).
        Some(Value::Object(parts)) => inner(into, attribute.name).extend(parts),
        Some(value) => {
            into.insert(attribute.name.to_owned(), value);
        }
        // An unassigned value where one is needed: whether a person is active is never left to a guess.
        None if attribute.required => {
            return Err(scim_error(INVALID_VALUE, format!("{} must have a value", attribute.name)));
        }
        None => {
            into.remove(attribute.name);
        }
    }
    Ok(())
}

/// The values of a list, taken out.
fn take(into: &mut Map<String, Value>, attribute: &Attribute) -> Vec<Value> {
    match into.remove(attribute.name) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    }
}

/// Adds to a list, replaces it, or changes the values that are selected.
fn set_many(
    into: &mut Map<String, Value>,
    op: Op,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    among: Option<&Filter>,
    value: Value,
) -> Result<(), ScimError> {
    let mut values = take(into, attribute);
    if sub.is_none() && among.is_none() {
        let new = match value_of(attribute, value)? {
            Some(Value::Array(new)) => new,
            _ => Vec::new(),
        };
        if op == Op::Replace {
            values.clear();
        }
        for value in new {
            add(&mut values, value);
        }
    } else {
        let new = match sub {
            Some(sub) => value_of(sub, value)?.map(|value| Map::from_iter([(sub.name.to_owned(), value)])),
            None => match one_of(attribute, value)? {
                Some(Value::Object(parts)) => Some(parts),
                _ => None,
            },
        };
        let mut met = false;
        for parts in values.iter_mut().filter_map(Value::as_object_mut) {
            if among.is_some_and(|filter| !holds(filter, Scope::Value(attribute), parts)) {
                continue;
            }
            met = true;
            match (&new, sub) {
                (Some(new), _) => parts.extend(new.clone()),
                (None, Some(sub)) => drop(parts.remove(sub.name)),
                (None, None) => parts.clear(),
            }
        }
        if !met && let Some(new) = new {
            // Entra ID sets the work address of somebody who has none in this way.
            let mut parts = among.map_or_else(|| Some(Map::new()), |filter| described(filter, attribute));
            let parts = parts
                .as_mut()
                .ok_or_else(|| scim_error(NO_TARGET, "no value fits the filter of the path"))?;
            parts.extend(new);
            let primary = parts.get("primary") == Some(&Value::Bool(true));
            add(&mut values, Value::Object(std::mem::take(parts)));
            if primary {
                only_primary(&mut values);
            }
        }
    }
    // The whole list once more under the bounds of a list.
    if let Some(values) = value_of(attribute, Value::Array(values))? {
        into.insert(attribute.name.to_owned(), values);
    }
    Ok(())
}

/// Adds a value unless it is there. A new primary value takes the place of the old one (section 3.5.2).
fn add(values: &mut Vec<Value>, value: Value) {
    if values.contains(&value) {
        return;
    }
    let primary = value.get("primary") == Some(&Value::Bool(true));
    values.push(value);
    if primary {
        only_primary(values);
    }
}

/// Leaves the last value as the only primary one.
fn only_primary(values: &mut [Value]) {
    if let Some((_, before)) = values.split_last_mut() {
        for parts in before.iter_mut().filter_map(Value::as_object_mut) {
            if parts.get("primary") == Some(&Value::Bool(true)) {
                parts.insert("primary".to_owned(), Value::Bool(false));
            }
        }
    }
}

/// The value that a filter of nothing but `eq` describes; `None` where it leaves that open.
fn described(filter: &Filter, attribute: &'static Attribute) -> Option<Map<String, Value>> {
    let mut parts = Map::new();
    for one in filter.conjuncts() {
        let Filter::Compare {
            path,
            by: Comparison::Equal,
            value,
            ..
        } = one
        else {
            return None;
        };
        let sub = attribute.sub(path)?;
        parts.insert(sub.name.to_owned(), value_of(sub, value.clone()).ok()??);
    }
    Some(parts)
}

fn remove(
    into: &mut Map<String, Value>,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
    among: Option<&Filter>,
    value: Option<Value>,
) -> Result<(), ScimError> {
    if attribute.required && sub.is_none() {
        return Err(required(attribute));
    }
    if !attribute.many {
        match (sub, into.get_mut(attribute.name).and_then(Value::as_object_mut)) {
            (Some(sub), Some(parts)) => drop(parts.remove(sub.name)),
            (Some(_), None) => {}
            (None, _) => drop(into.remove(attribute.name)),
        }
        return Ok(());
    }
    let mut values = take(into, attribute);
    // Some clients name what is to go in `value` rather than in the path.
    let named = match value.map(|value| value_of(attribute, value)).transpose()?.flatten() {
        Some(Value::Array(named)) => Some(named),
        _ => None,
    };
    let meant = |value: &Value| {
        let fits = |filter: &Filter| {
            value
                .as_object()
                .is_some_and(|parts| holds(filter, Scope::Value(attribute), parts))
        };
        let is_named = |named: &Vec<Value>| named.iter().any(|one| one == value || one.get("value") == value.get("value"));
        among.is_none_or(fits) && named.as_ref().is_none_or(is_named)
    };
    match sub {
        None => values.retain(|value| !meant(value)),
        Some(sub) => {
            for value in values.iter_mut().filter(|value| meant(value)) {
                if let Some(parts) = value.as_object_mut() {
                    parts.remove(sub.name);
                }
            }
            values.retain(|value| !is_hollow(value));
        }
    }
    if !values.is_empty() {
        into.insert(attribute.name.to_owned(), Value::Array(values));
    }
    Ok(())
}
