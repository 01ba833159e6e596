//! The ways in, beside a load.

mod bulk_inbox;
