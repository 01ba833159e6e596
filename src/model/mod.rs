//! The words of the project: plain types, no I/O. Every other module's `use` points here in the end.

mod actor;
mod time;

pub use actor::{Actor, NoActor};
pub use time::Timestamp;
