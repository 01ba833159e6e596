//! A resource as it is kept, and as it is shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::model::{StateEntry, Subject, Timestamp};
use crate::sources::scim::protocol::error::{INVALID_VALUE, ScimError, scim_error};
use crate::sources::scim::protocol::schema::ResourceType;

/// The largest resource kept, in bytes of its JSON.
pub const LARGEST: usize = 64 << 10;

/// A resource. What a client wrote is in `members`; the rest is ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sources::scim) struct Record {
    /// Its id, which is the entry's key.
    #[serde(skip)]
    pub(in crate::sources::scim) id: String,
    /// Counts its changes: the entity tag, and part of each signal's key.
    pub(in crate::sources::scim) version: u64,
    pub(in crate::sources::scim) created_ms: i64,
    pub(in crate::sources::scim) changed_ms: i64,
    /// Whether the departure was signalled since the person was last active.
    #[serde(default)]
    pub(in crate::sources::scim) departed: bool,
    /// What an inactive user was known by while it was active: what it is called since says nothing of whose the names are. `None` for one who
    /// is active, and for what was kept before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::sources::scim) known: Option<Vec<Subject>>,
    /// How many entries lead to it by other names.
    #[serde(default)]
    pub(in crate::sources::scim) names: usize,
    pub(in crate::sources::scim) members: Map<String, Value>,
}

impl Record {
    /// Reads what was kept.
    ///
    /// # Errors
    /// Where it is not what was written: the store was changed by another hand.
    pub(in crate::sources::scim) fn read(entry: &StateEntry) -> anyhow::Result<Self> {
        // The reader's own words could quote what is in there.
        let mut record: Self = serde_json::from_str(&entry.body).map_err(|_| {
            anyhow::anyhow!(
                "the entry {} of the namespace {} is not a resource",
                entry.key,
                entry.namespace
            )
        })?;
        record.id.clone_from(&entry.key);
        Ok(record)
    }

    /// What is kept.
    ///
    /// # Errors
    /// `invalidValue` where it is too large, or cannot be written down.
    pub(in crate::sources::scim) fn write(&self) -> Result<String, ScimError> {
        let text = serde_json::to_string(self)
            .map_err(|error| scim_error(INVALID_VALUE, format!("the resource cannot be kept: {error}")))?;
        if text.len() > LARGEST {
            return Err(scim_error(INVALID_VALUE, format!("a resource may weigh {LARGEST} bytes")));
        }
        Ok(text)
    }

    /// A text among its members.
    pub(in crate::sources::scim) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// Whether the person is active: what does not say otherwise is.
    pub(in crate::sources::scim) fn is_active(&self) -> bool {
        self.members.get("active") != Some(&Value::Bool(false))
    }

    /// Its entity tag.
    pub(in crate::sources::scim) fn tag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// All of it, as a client sees it. `base` is the address that the client knows us by.
    pub(in crate::sources::scim) fn show(&self, kind: &ResourceType, base: &str) -> Map<String, Value> {
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
