//! The policy as the daemon would decide by it: with the lists of groups that it knows, where a file of them cannot be read here.

use std::path::Path;

use crate::clock::Clock;
use crate::config::{Config, ConfigReport};
use crate::policy::Protected;
use crate::store::Store;

/// The config in `path`, as far as policy needs it: without secrets.
///
/// # Errors
/// Everything else that is wrong with it.
pub(super) fn config(path: &Path) -> Result<Config, ConfigReport> {
    Config::load_without_secrets(path, &Clock::system())
}

/// Puts the last list that the daemon has believed in the place of one that cannot be read.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn complete(config: &Config, store: Option<&Store>) -> anyhow::Result<()> {
    let Some(store) = store else { return Ok(()) };
    for file in config.group_files.iter().filter(|file| file.fault.is_some()) {
        if let Some(known) = store.group_list(&file.group).await? {
            file.list.replace(Protected::of_names(known.members));
        }
    }
    Ok(())
}
