//! Events about the stream itself: verification and stream-updated (SSF 1.0 section 8.1).

use serde_json::{Map, Value};

use super::event_mapping::Event;
use crate::sources::ssf::endpoint::answer::{INVALID_STATE, refusal};
use crate::sources::{Rejection, RejectionKind};

/// What a token says about the stream that it came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::ssf) enum StreamEvent {
    /// The stream lives.
    Verification {
        /// What we gave the transmitter when we asked; `None` where it says so by itself.
        state: Option<String>,
    },
    /// The stream was changed.
    Updated {
        /// The stream's id.
        stream: Option<String>,
        /// What it is now: `enabled`, `paused` or `disabled`.
        status: String,
    },
}

impl StreamEvent {
    /// Reads it off an event about a stream.
    ///
    /// # Errors
    /// `invalid_state`, where the state is no text.
    pub(in crate::sources::ssf) fn of(
        event: &Event,
        claims: &Map<String, Value>,
        sub_id: Option<&Value>,
    ) -> Result<Option<Self>, Rejection> {
        if event.is_verification() {
            let state = match claims.get("state") {
                None | Some(Value::Null) => None,
                Some(Value::String(state)) => Some(state.clone()),
                Some(_) => return Err(unasked()),
            };
            return Ok(Some(Self::Verification { state }));
        }
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let updated = event.is_stream_updated().then(|| text(claims.get("status"))).flatten();
        Ok(updated.map(|status| Self::Updated {
            stream: text(sub_id.and_then(|sub_id| sub_id.get("id"))),
            status,
        }))
    }
}

/// The refusal of a state that nobody asked for.
pub(in crate::sources::ssf) fn unasked() -> Rejection {
    refusal(RejectionKind::Malformed, INVALID_STATE, "this state was not asked for")
}
