//! The target kind `mattermost`: API v4 of a Mattermost server.

use super::Kind;
use crate::settings::Complaint;

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "mattermost",
    about: "a Mattermost server, by its API v4",
    build: |_, _| Err(vec![Complaint::new("not built yet")]),
};
