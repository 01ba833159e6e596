//! How the files of one HR system are written and what their words mean. Start with `file_format`, which holds all of it.
//!
//! `header_name` (how names of columns are compared), `columns` (which there are, what the header calls them, where each stands),
//! `column_aliases` (what HR systems call them), `near_columns` (which header may be meant for one that is missing), `dates`, `status_words`, and `presets` for the exports of known systems.

pub(super) mod column_aliases;
pub(super) mod columns;
pub(super) mod dates;
pub(super) mod file_format;
pub(super) mod header_name;
pub(super) mod near_columns;
pub(super) mod presets;
pub(super) mod status_words;
