//! A static secret in each item of a body: `clientState` of Microsoft Graph's change notifications, which is all that proves them. Items of
//! several subscriptions come together, so that each is judged by itself.

use secrecy::SecretString;
use serde_json::Value;

use crate::json::Pointer;
use crate::secret::AcceptedSecrets;

/// A static secret in each item.
pub(in crate::sources::webhook) struct ItemSecret {
    pointer: Pointer,
    secrets: AcceptedSecrets,
}

impl ItemSecret {
    /// Takes items that hold any of `secrets` at `pointer`.
    pub(in crate::sources::webhook) fn new(pointer: Pointer, secrets: &[SecretString]) -> Self {
        Self {
            pointer,
            secrets: AcceptedSecrets::new(secrets),
        }
    }

    /// Whether an item holds one of the secrets.
    pub(in crate::sources::webhook) fn holds(&self, item: &Value) -> bool {
        let found = self.pointer.of(item);
        self.secrets
            .contains(found.as_deref().and_then(Value::as_str).unwrap_or_default().as_bytes())
    }
}
