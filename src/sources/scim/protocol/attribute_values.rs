//! Values as clients write them, brought into the form that their attribute has: names in any case, booleans as strings, single values
//! for lists. What is not known is left out.

use serde_json::{Map, Value};

use super::attribute_path::PathTarget;
use super::error::{INVALID_SYNTAX, INVALID_VALUE, ScimError, scim_error};
use super::schema::{Attribute, Form, Mutability, ResourceType};

/// The most values that one list may hold.
const MOST_VALUES: usize = 100;

/// The attributes of a whole resource, as POST and PUT send it. What only we may write is ignored (RFC 7644 section 3.5.1).
///
/// # Errors
/// Where an attribute stands twice, or a value is not of its attribute's form.
pub(in crate::sources::scim) fn resource(kind: &ResourceType, sent: Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    let mut members = Map::new();
    let mut seen = Vec::new();
    for (name, value) in sent {
        // A member that is no attribute's name is not known either.
        match PathTarget::find(kind, &name).unwrap_or(PathTarget::Unknown) {
            PathTarget::Schema(schema) => {
                let sent = object(value, "the attributes of a schema must be an object")?;
                for (name, value) in sent.unwrap_or_default() {
                    let Some(attribute) = schema.attribute(&name) else { continue };
                    put(&mut members, &mut seen, PathTarget::of(kind, schema, attribute), value)?;
                }
            }
            target => put(&mut members, &mut seen, target, value)?,
        }
    }
    Ok(members)
}

/// Puts one attribute where it belongs.
fn put(members: &mut Map<String, Value>, seen: &mut Vec<PathTarget>, target: PathTarget, value: Value) -> Result<(), ScimError> {
    let PathTarget::Attribute {
        extension,
        attribute,
        sub,
    } = target
    else {
        return Ok(());
    };
    once(seen, target)?;
    if attribute.mutability != Mutability::ReadWrite {
        return Ok(());
    }
    let into = container(members, extension.map(|schema| schema.urn));
    match sub {
        None => {
            if let Some(value) = value_of(attribute, value)? {
                into.insert(attribute.name.to_owned(), value);
            }
        }
        // A name with a dot is a client's slip, and yet clear.
        Some(sub) if !attribute.many => {
            if let Some(value) = value_of(sub, value)? {
                inner(into, attribute.name).insert(sub.name.to_owned(), value);
            }
        }
        Some(_) => {}
    }
    members.retain(|_, value| !is_hollow(value));
    Ok(())
}

/// Whether a value holds nothing, which is the same as being unassigned.
pub(in crate::sources::scim) fn is_hollow(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// Two names of one attribute, such as `active` and `Active`, leave it open which is meant.
fn once(seen: &mut Vec<PathTarget>, target: PathTarget) -> Result<(), ScimError> {
    if seen.contains(&target) {
        return Err(scim_error(
            INVALID_SYNTAX,
            "an attribute stands twice, under names that differ in case only",
        ));
    }
    seen.push(target);
    Ok(())
}

/// What the attributes of the core, or of an extension, are kept in.
pub(in crate::sources::scim) fn container<'m>(
    members: &'m mut Map<String, Value>,
    urn: Option<&str>,
) -> &'m mut Map<String, Value> {
    match urn {
        None => members,
        Some(urn) => inner(members, urn),
    }
}

/// The object under `name`, made where there is none.
pub(in crate::sources::scim) fn inner<'m>(members: &'m mut Map<String, Value>, name: &str) -> &'m mut Map<String, Value> {
    let entry = members.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    match entry {
        Value::Object(inner) => inner,
        _ => unreachable!("it was made an object above"),
    }
}

/// The value of an attribute; `None` where it is unassigned: null, an empty list or object, an empty string (RFC 7643 section 2.5).
///
/// # Errors
/// `invalidValue` where it is not of the attribute's form.
pub(in crate::sources::scim) fn value_of(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    if !attribute.many {
        return one_of(attribute, value);
    }
    let list = match value {
        Value::Array(list) => list,
        one => vec![one],
    };
    if list.len() > MOST_VALUES {
        return Err(scim_error(
            INVALID_VALUE,
            format!("{} holds more than {MOST_VALUES} values", attribute.name),
        ));
    }
    let mut values: Vec<Value> = Vec::with_capacity(list.len());
    for value in list {
        if let Some(value) = one_of(attribute, value)?
            && !values.contains(&value)
        {
            values.push(value);
        }
    }
    Ok((!values.is_empty()).then_some(Value::Array(values)))
}

/// One value of an attribute, list or not.
///
/// # Errors
/// `invalidValue` where it is not of the attribute's form.
pub(in crate::sources::scim) fn one_of(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    let wrong = |what: &str| scim_error(INVALID_VALUE, format!("{} is not {what}", attribute.name));
    match (attribute.form, value) {
        (_, Value::Null) => Ok(None),
        (Form::Boolean, value) => match only(value) {
            Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(Value::Bool(value))),
            // Entra ID writes "True" and "False".
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Bool(true))),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(Value::Bool(false))),
            _ => Err(wrong("true or false")),
        },
        (Form::Text | Form::Moment | Form::Reference, Value::String(text)) => Ok((!text.is_empty()).then_some(Value::String(text))),
        // An employee's number is a number to some.
        (Form::Text, Value::Number(number)) => Ok(Some(Value::String(number.to_string()))),
        (Form::Text | Form::Moment | Form::Reference, _) => Err(wrong("a string")),
        (Form::Complex(_), Value::String(text)) if attribute.sub("value").is_some() => Ok(Some(Value::Object(Map::from_iter([(
            "value".to_owned(),
            Value::String(text),
        )])))),
        (Form::Complex(_), Value::Object(sent)) => {
            let members = parts_of(attribute, sent)?;
            Ok((!members.is_empty()).then_some(Value::Object(members)))
        }
        (Form::Complex(_), _) => Err(wrong("an object")),
    }
}

/// The one value in a list of one, in `{"value": …}`, or in a list of such a one: Entra ID writes `[{"$ref": null, "value": "False"}]` for
/// `active`. `None` where there are several, or none.
fn only(value: Value) -> Option<Value> {
    let value = match value {
        Value::Array(list) => {
            let [one] = <[Value; 1]>::try_from(list).ok()?;
            one
        }
        one => one,
    };
    match value {
        Value::Object(parts) => {
            let mut values = parts
                .into_iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case("value"))
                .map(|(_, value)| value);
            values.next().filter(|_| values.next().is_none())
        }
        one => Some(one),
    }
}

/// The sub-attributes of one complex value.
fn parts_of(attribute: &Attribute, sent: Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    let mut members = Map::new();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in sent {
        let Some(sub) = attribute.sub(&name) else { continue };
        if seen.contains(&sub.name) {
            let why = "a sub-attribute stands twice, under names that differ in case only";
            return Err(scim_error(INVALID_SYNTAX, why));
        }
        seen.push(sub.name);
        if let Some(value) = value_of(sub, value)? {
            members.insert(sub.name.to_owned(), value);
        }
    }
    Ok(members)
}

/// The members of an object; `None` where it is null.
///
/// # Errors
/// `invalidValue`, and `why`, where it is anything else.
pub(in crate::sources::scim) fn object(value: Value, why: &str) -> Result<Option<Map<String, Value>>, ScimError> {
    match value {
        Value::Object(members) => Ok(Some(members)),
        Value::Null => Ok(None),
        _ => Err(scim_error(INVALID_VALUE, why)),
    }
}
