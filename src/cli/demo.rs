//! `revoked demo`: the whole thing on loopback.

use clap::Args;

use super::Exit;

/// `revoked demo`
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {}

/// Runs the demo.
///
/// # Errors
/// Where it cannot start.
pub(super) async fn run(_: DemoArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not yet")
}
