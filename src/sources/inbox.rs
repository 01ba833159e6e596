//! The source kind `inbox`: the table of our own database that other programs and `revoked revoke` write. It exists without being named.

use super::{Kind, Source};

/// The row in [`super::KINDS`].
pub const KIND: Kind = Kind {
    name: "inbox",
    about: "the table `inbox` of the database: operators and other programs enqueue by SQL (always there)",
    build: |settings, _| {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        settings.read::<Nothing>().map(|Nothing {}| Source::Inbox)
    },
};
