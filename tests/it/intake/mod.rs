//! The ways in, beside a load.

mod bulk_inbox;
mod large_file;
