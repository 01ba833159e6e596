//! The drop folder on disk: `watcher` (which files are there, and complete), `completeness` (markers and trailers), then, once a delivery
//! is stored, `archive` (where files are put away) and `quarantine` (rows and files that HR is to correct, with the reason). `access` says who
//! may read what is dropped.

pub(super) mod access;
pub(super) mod archive;
pub(super) mod completeness;
pub(super) mod quarantine;
pub(super) mod watcher;
