//! Files on disk: `regular_file` (opened without following links), `file_name` (which are ours, and how names are shown), `signature`
//! (minisign).

pub(super) mod file_name;
pub(super) mod regular_file;
pub(super) mod signature;
