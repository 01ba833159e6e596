//! The words of the project: plain types, no I/O. Every other module's `use` points here in the end.

mod time;

pub use time::Timestamp;
