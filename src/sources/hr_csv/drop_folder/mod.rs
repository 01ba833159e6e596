//! The drop folder on disk: `watcher` (which files are there, and complete), `completeness` (markers and trailers; `concerned` is who comes after a file that is
//! waited for, and `waiting` tells of those), then, once a delivery
//! is stored, `archive` (where files are put away) and `quarantine` (rows and files that HR is to correct, with the reason). `access` says who
//! may read what is dropped.

pub(super) mod access;
pub(super) mod archive;
pub(super) mod completeness;
pub(super) mod concerned;
pub(super) mod quarantine;
pub(super) mod waiting;
pub(super) mod watcher;
