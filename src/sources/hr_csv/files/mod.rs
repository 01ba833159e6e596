//! Files on disk: `regular_file` (opened without following links), `file_name` (which are ours, and how names are shown), `signature`
//! (minisign), `account_name` (what owners and groups are called).

pub(super) mod account_name;
pub(super) mod file_name;
pub(super) mod regular_file;
pub(super) mod signature;
