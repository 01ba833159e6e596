//! `revoked source hr`: look at files for a drop folder before they are dropped. Changes nothing.

use clap::Subcommand;

use crate::cli::{Exit, StoreArgs};

mod aside;
mod folder;
mod known;
mod map;
mod preview;
mod shown;
mod spreadsheet;
mod weigh;

/// `revoked source hr …`
#[derive(Debug, Clone, Subcommand)]
pub enum HrCommand {
    /// Show what a file would do, in your time zone and in each person's own, and change nothing
    Preview(preview::PreviewArgs),
    /// Show what was put aside in the drop folders, and why
    Aside(aside::AsideArgs),
    /// Propose what the columns of an export mean, as config to paste
    Map(map::MapArgs),
}

/// Runs `revoked source hr …`.
///
/// # Errors
/// Where the config, the file or the store cannot be read.
pub(super) async fn run(command: &HrCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    match command {
        HrCommand::Preview(args) => preview::run(args, at).await,
        HrCommand::Aside(args) => aside::run(args, at),
        HrCommand::Map(args) => map::run(args),
    }
}
