//! The only place that reads secrets and compares those that others show. `source` first: where a secret comes from; then `accepted`: those
//! that a caller may show, and the bearer token of a request.

mod accepted;
mod source;

pub use accepted::{AcceptedSecrets, bearer_token};
pub use source::{SecretError, SecretSource, is_kept_from_us, is_unreadable_here};
