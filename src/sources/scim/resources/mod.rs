//! Users and groups as they are kept, and what a change of them means: `record` (one resource), `user_mapping` (from a user to a subject and
//! a signal), `storage` (how records lie in the source's state), `namesakes` (other users with the same names), `changes` (POST, PUT, PATCH,
//! DELETE), `listing` (GET of many).

pub(super) mod changes;
pub(super) mod listing;
pub(super) mod namesakes;
pub(super) mod record;
pub(super) mod storage;
pub(super) mod user_mapping;
