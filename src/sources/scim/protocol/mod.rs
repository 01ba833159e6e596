//! The protocol's own parts (RFC 7643 and 7644), before anything is known of what is kept: `error`, `schema` (the table of attributes),
//! `attribute_path` and `attribute_values` over it, the two small languages `filter` and `patch` (over `patch_path`), and what is asked of
//! a list: `query`, `attribute_selection`, `list_response`.

pub(super) mod attribute_path;
pub(super) mod attribute_selection;
pub(super) mod attribute_values;
pub(super) mod error;
pub(super) mod filter;
pub(super) mod list_response;
pub(super) mod patch;
pub(super) mod patch_path;
pub(super) mod query;
pub(super) mod schema;
