//! Whether a filter holds of a resource.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::parser::same;
use super::{Comparison, Filter};
use crate::sources::scim::protocol::attribute_path::PathTarget;
use crate::sources::scim::protocol::schema::{Attribute, Form, ResourceType};

/// What the names of a filter are looked up in.
#[derive(Debug, Clone, Copy)]
pub(in crate::sources::scim) enum Scope<'s> {
    /// A resource of that type.
    Resource(&'s ResourceType),
    /// One value of a list.
    Value(&'static Attribute),
}

/// Whether the filter holds of `members`. An attribute that is not known has no value.
pub(in crate::sources::scim) fn holds(filter: &Filter, scope: Scope<'_>, members: &Map<String, Value>) -> bool {
    match filter {
        Filter::All(all) => all.iter().all(|one| holds(one, scope, members)),
        Filter::Any(any) => any.iter().any(|one| holds(one, scope, members)),
        Filter::Not(inner) => !holds(inner, scope, members),
        Filter::Present(path) => find(path, scope, members).values.iter().any(|value| !is_empty(value)),
        Filter::Compare { path, by, value, bare } => {
            let found = find(path, scope, members);
            // A number without quotes is the digits of it where a text is asked for, with every zero before them.
            let text = (found.form == Form::Text)
                .then(|| Filter::text(value, bare.as_deref()))
                .flatten();
            let text = text.map(|text| Value::String(text.to_owned()));
            let value = text.as_ref().unwrap_or(value);
            let equal = || found.values.iter().any(|has| same(has, value, found.exact));
            match by {
                Comparison::Equal if value.is_null() => found.values.iter().all(|value| is_empty(value)),
                Comparison::Unequal if value.is_null() => found.values.iter().any(|value| !is_empty(value)),
                Comparison::Equal => equal(),
                Comparison::Unequal => !equal(),
                _ => found.values.iter().any(|has| found.compares(has, *by, value)),
            }
        }
        Filter::Within(path, inner) => {
            let Scope::Resource(kind) = scope else { return false };
            let Ok(PathTarget::Attribute {
                extension,
                attribute,
                sub: None,
            }) = PathTarget::find(kind, path)
            else {
                return false;
            };
            let members = extension.map_or(Some(members), |schema| members.get(schema.urn).and_then(Value::as_object));
            let value = members.and_then(|members| members.get(attribute.name));
            each(value)
                .filter_map(Value::as_object)
                .any(|value| holds(inner, Scope::Value(attribute), value))
        }
    }
}

/// The values of one attribute.
struct Found<'v> {
    values: Vec<&'v Value>,
    exact: bool,
    form: Form,
}

fn find<'v>(path: &str, scope: Scope<'_>, members: &'v Map<String, Value>) -> Found<'v> {
    let nothing = Found {
        values: Vec::new(),
        exact: true,
        form: Form::Text,
    };
    match scope {
        Scope::Value(attribute) => attribute.sub(path).map_or(nothing, |sub| Found {
            values: members.get(sub.name).into_iter().collect(),
            exact: sub.case_exact,
            form: sub.form,
        }),
        Scope::Resource(kind) => {
            let Ok(PathTarget::Attribute {
                extension,
                attribute,
                sub,
            }) = PathTarget::find(kind, path)
            else {
                return nothing;
            };
            let members = extension.map_or(Some(members), |schema| members.get(schema.urn).and_then(Value::as_object));
            let values = each(members.and_then(|members| members.get(attribute.name)));
            // What is asked of a list of objects is asked of their `value`.
            let sub = sub.or_else(|| attribute.sub("value").filter(|_| attribute.many));
            match sub {
                Some(sub) => Found {
                    values: values.filter_map(|value| value.get(sub.name)).collect(),
                    exact: sub.case_exact,
                    form: sub.form,
                },
                None => Found {
                    values: values.collect(),
                    exact: attribute.case_exact,
                    form: attribute.form,
                },
            }
        }
    }
}

/// The values of a list, or the one value of what is no list.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Some(Value::Array(list)) => (Some(list), None),
        one => (None, one),
    };
    list.into_iter().flatten().chain(one)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

impl Found<'_> {
    fn compares(&self, has: &Value, by: Comparison, asked: &Value) -> bool {
        let order = match (has, asked) {
            (Value::String(has), Value::String(asked)) if self.form == Form::Moment => {
                let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
                match (moment(has), moment(asked)) {
                    (Some(has), Some(asked)) => has.cmp(&asked),
                    _ => return false,
                }
            }
            (Value::String(has), Value::String(asked)) => {
                let fold = |text: &str| if self.exact { text.to_owned() } else { text.to_lowercase() };
                let (has, asked) = (fold(has), fold(asked));
                match by {
                    Comparison::Contains => return has.contains(&asked),
                    Comparison::Starts => return has.starts_with(&asked),
                    Comparison::Ends => return has.ends_with(&asked),
                    _ => has.cmp(&asked),
                }
            }
            (Value::Number(has), Value::Number(asked)) => match has.as_f64().partial_cmp(&asked.as_f64()) {
                Some(order) => order,
                None => return false,
            },
            _ => return false,
        };
        match by {
            Comparison::Greater => order == Ordering::Greater,
            Comparison::GreaterOrEqual => order != Ordering::Less,
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            _ => false,
        }
    }
}
