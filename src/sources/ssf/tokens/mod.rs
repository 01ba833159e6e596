//! Security event tokens (RFC 8417): `token_reader` (checks one, and makes its signal), over `event_mapping` (what each event type of CAEP, RISC
//! and SSF means), `stream_events` (what a token says about the stream itself) and `identifier_changes` (identifiers that were changed or
//! given to somebody else). `token_settings` are the keys of the config that say what tokens must be like.

pub(super) mod event_mapping;
pub(super) mod identifier_changes;
pub(super) mod stream_events;
pub(super) mod token_reader;
pub(super) mod token_settings;
