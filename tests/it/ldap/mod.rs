//! The target kinds `ldap` and `active-directory`, against real directories and against servers that answer what no directory does.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod active_directory;
mod contain;
mod daemon;
mod faults;
mod fixture;
mod groups;
mod resolve;
mod rights;
mod settings;
