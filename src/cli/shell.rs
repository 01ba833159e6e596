//! `revoked completions` and `revoked man`.

use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::output::line;
use super::{Cli, Exit};

/// Prints the completions of `shell`.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "revoked", &mut script);
    line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Ok)
}

/// Prints the main manual page, or writes one page for each command to a folder.
///
/// # Errors
/// Where the folder cannot be written.
pub(super) fn man(out: Option<&Path>) -> anyhow::Result<Exit> {
    if let Some(folder) = out {
        std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
        clap_mangen::generate_to(Cli::command(), folder)
            .with_context(|| format!("writing manual pages to {}", folder.display()))?;
        line(format!("manual pages are in {}", folder.display()))?;
    } else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .context("rendering the manual page")?;
        line(String::from_utf8_lossy(&page).trim_end())?;
    }
    Ok(Exit::Ok)
}
