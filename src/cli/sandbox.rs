//! `revoked sandbox`: the Mattermost stand-in by itself.

use clap::Args;

use super::Exit;

/// `revoked sandbox`
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {}

/// Runs the stand-in until SIGINT or SIGTERM.
///
/// # Errors
/// Where it cannot listen.
pub(super) async fn run(_: SandboxArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not yet")
}
