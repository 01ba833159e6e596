//! What several kinds of sources share.
//!
//! Of HTTP: `http_checks` (what is checked before a byte of the body is read), `urlencoded_form`, `http_answers` (the parts of answers and
//! refusals). Of signed tokens: `trusted_issuer` (settings, header, key and
//! signature), `audience` and `subject_identifiers` (RFC 9493: whom an event is about). Of the store: `source_state` (what a source
//! has kept for itself).

pub(super) mod audience;
pub(super) mod http_answers;
pub(super) mod http_checks;
pub(super) mod source_state;
pub(super) mod subject_identifiers;
pub(super) mod trusted_issuer;
pub(super) mod urlencoded_form;
