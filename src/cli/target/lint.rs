//! `revoked target lint`: every mistake of a description, with its place.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Exit;
use crate::cli::output::{line, plain};
use crate::targets::described::Description;

/// `revoked target lint`
#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// The description
    file: PathBuf,
}

/// Runs `revoked target lint`.
///
/// # Errors
/// Every mistake.
pub(super) fn run(args: &LintArgs) -> anyhow::Result<Exit> {
    let description = Description::read_file(&args.file)?;
    let explained = description.explain();
    line(format!("{}: {} can be used", args.file.display(), plain(&explained.kind)))?;
    for advice in &explained.advice {
        line(format!("advice: {}", plain(advice)))?;
    }
    Ok(Exit::Ok)
}
