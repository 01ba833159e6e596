//! What came of reading the config anew while the daemon runs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Change;

/// What came of reading the config anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Reloaded {
    /// The file is the one that the daemon runs with.
    Unchanged {
        /// The file.
        #[schema(value_type = String)]
        file: PathBuf,
        /// Its SHA-256.
        digest: String,
    },
    /// The daemon runs with it now.
    Taken {
        /// The file.
        #[schema(value_type = String)]
        file: PathBuf,
        /// Its SHA-256.
        digest: String,
        /// What is different.
        changes: Vec<Change>,
    },
    /// The daemon runs as before.
    Refused {
        /// The file, where the daemon was started with one.
        #[schema(value_type = Option<String>)]
        file: Option<PathBuf>,
        /// Every mistake in it, each a sentence, or what would need a restart.
        why: Vec<String>,
        /// Whether the file itself is good, and only a restart takes it over.
        needs_restart: bool,
    },
}
