//! A resource as it is kept, and as it is shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::{Fault, INVALID_VALUE, fault};
use super::path::Spot;
use super::schema::{ResourceType, SHARED};
use crate::model::{Memo, Subject, Timestamp};

/// The largest resource kept, in bytes of its JSON.
pub const LARGEST: usize = 64 << 10;

/// A resource. What a client wrote is in `members`; the rest is ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Its id, which is the memo's key.
    #[serde(skip)]
    pub(super) id: String,
    /// Counts its changes: the entity tag, and part of each signal's key.
    pub(super) version: u64,
    pub(super) created_ms: i64,
    pub(super) changed_ms: i64,
    /// Whether the departure was signalled since the person was last active.
    #[serde(default)]
    pub(super) departed: bool,
    /// What an inactive user was known by while it was active: what it is called since says nothing of whose the names are. `None` for one who
    /// is active, and for what was kept before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<Vec<Subject>>,
    /// How many memos lead to it by other names.
    #[serde(default)]
    pub(super) names: usize,
    pub(super) members: Map<String, Value>,
}

impl Record {
    /// Reads what was kept.
    ///
    /// # Errors
    /// Where it is not what was written: the store was changed by another hand.
    pub(super) fn read(memo: &Memo) -> anyhow::Result<Self> {
        // The reader's own words could quote what is in there.
        let mut record: Self = serde_json::from_str(&memo.body)
            .map_err(|_| anyhow::anyhow!("the memo {} of the drawer {} is not a resource", memo.key, memo.drawer))?;
        record.id.clone_from(&memo.key);
        Ok(record)
    }

    /// What is kept.
    ///
    /// # Errors
    /// `invalidValue` where it is too large.
    pub(super) fn write(&self) -> Result<String, Fault> {
        let text = serde_json::to_string(self).unwrap_or_default();
        if text.len() > LARGEST {
            return Err(fault(INVALID_VALUE, format!("a resource may weigh {LARGEST} bytes")));
        }
        Ok(text)
    }

    /// A text among its members.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// Whether the person is active: what does not say otherwise is.
    pub(super) fn is_active(&self) -> bool {
        self.members.get("active") != Some(&Value::Bool(false))
    }

    /// Its entity tag.
    pub(super) fn tag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// All of it, as a client sees it. `base` is the address that the client knows us by.
    pub(super) fn show(&self, kind: &ResourceType, base: &str) -> Map<String, Value> {
        let urns: Vec<&str> = kind
            .schemas()
            .map(|schema| schema.urn)
            .filter(|urn| *urn == kind.core.urn || self.members.contains_key(*urn))
            .collect();
        let mut shown = Map::new();
        shown.insert("schemas".to_owned(), json!(urns));
        shown.insert("id".to_owned(), json!(self.id));
        shown.extend(self.members.clone());
        shown.insert(
            "meta".to_owned(),
            json!({
                "resourceType": kind.name,
                "created": Timestamp::from_ms(self.created_ms),
                "lastModified": Timestamp::from_ms(self.changed_ms),
                "location": format!("{base}/{}/{}", kind.endpoint, self.id),
                "version": self.tag(),
            }),
        );
        shown
    }
}

/// Which attributes a client wants to see (RFC 7644 section 3.9). Names that are not known are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// `attributes`: only these.
    pub(super) only: Option<Vec<String>>,
    /// `excludedAttributes`: not these.
    pub(super) without: Vec<String>,
}

impl Choice {
    /// What is left of a resource. Its `id` and `schemas` always are.
    pub(super) fn of(&self, kind: &ResourceType, shown: Map<String, Value>) -> Value {
        let spots = |names: &[String]| -> Vec<Spot> { names.iter().filter_map(|name| Spot::find(kind, name).ok()).collect() };
        let mut left = match &self.only {
            None => shown,
            Some(names) => {
                let mut left = Map::new();
                for always in ["schemas", "id"] {
                    copy(&shown, &mut left, always, None);
                }
                for spot in spots(names) {
                    pick(&shown, &mut left, spot);
                }
                left
            }
        };
        for spot in spots(&self.without) {
            drop_spot(&mut left, spot);
        }
        Value::Object(left)
    }
}

fn pick(from: &Map<String, Value>, into: &mut Map<String, Value>, spot: Spot) {
    match spot {
        Spot::Unknown => {}
        Spot::Schema(schema) => {
            copy(from, into, schema.urn, None);
            // The core's attributes stand by themselves.
            for attribute in schema.attributes {
                copy(from, into, attribute.name, None);
            }
        }
        Spot::Attribute {
            extension: None,
            attribute,
            sub,
        } => copy(from, into, attribute.name, sub.map(|sub| sub.name)),
        Spot::Attribute {
            extension: Some(schema),
            attribute,
            sub,
        } => {
            if let Some(from) = from.get(schema.urn).and_then(Value::as_object) {
                copy(
                    from,
                    super::shape::inner(into, schema.urn),
                    attribute.name,
                    sub.map(|sub| sub.name),
                );
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
                super::shape::inner(into, name).extend(cut);
            }
        }
    }
}

fn drop_spot(from: &mut Map<String, Value>, spot: Spot) {
    let (urn, attribute, sub) = match spot {
        Spot::Unknown => return,
        Spot::Schema(schema) => {
            from.remove(schema.urn);
            return;
        }
        Spot::Attribute {
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
