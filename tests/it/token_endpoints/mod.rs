//! The kinds of target that are one or two calls: `global-token-revocation` and `oauth-revocation`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use revoked::clock::Clock;
use revoked::model::Timestamp;
use revoked::settings::{ConfigError, Settings};
use revoked::targets::{KINDS, Target};

mod global_token_revocation;
mod oauth_revocation;

const NOW: Timestamp = Timestamp::from_seconds(1_795_835_998);

/// Builds a target of a kind from the keys of its table.
fn build(kind: &str, keys: &str) -> Result<Arc<dyn Target>, Vec<ConfigError>> {
    let kind = KINDS.iter().find(|row| row.name == kind).unwrap();
    let settings = Settings {
        name: "notes",
        table: toml::de::DeTable::parse(keys).unwrap(),
    };
    (kind.build)(&settings, &Clock::fixed(NOW))
}

/// Writes what nobody else may read.
fn secret(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.display().to_string()
}
