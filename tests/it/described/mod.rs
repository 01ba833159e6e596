//! Targets that are described.

mod engine;
