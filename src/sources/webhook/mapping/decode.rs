//! Texts of a body that hold another message in base 64 or the like.

use serde::Deserialize;
use serde_json::Value;

use crate::json::Pointer;
use crate::sources::webhook::values::encoding::Encoding;

/// A text that is unpacked before anything else is looked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sources::webhook) struct Decode {
    /// Where it stands.
    pointer: Pointer,
    /// How its bytes are written.
    encoding: Encoding,
}

impl Decode {
    /// Puts the message in the place of the text that holds it. What is not of the form stays as it is: then no rule is about it, and that
    /// is told.
    pub(super) fn unpack(&self, whole: &mut Value) {
        let Some(place) = self.pointer.place(whole) else { return };
        let bytes = place.as_str().and_then(|text| self.encoding.decode(text));
        if let Some(Ok(text)) = bytes.map(String::from_utf8) {
            *place = Value::String(text);
        }
    }
}
