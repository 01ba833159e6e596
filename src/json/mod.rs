//! Places in a JSON value, and conditions on what stands there: for the rules of the webhook door and for descriptions of targets.
//!
//! `pointer` is RFC 6901 and goes on into a text that is itself JSON, `places` is RFC 6901 with a star for every member and never looks into a
//! text; `condition` works with either.

mod condition;
mod place;
mod places;
mod pointer;

pub use condition::Condition;
pub use place::Place;
pub use places::{Places, scalar_text};
pub use pointer::Pointer;
