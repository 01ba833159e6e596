//! `revoked erase`: a person's name and notes leave the store; the trail stays whole, since it holds a reference only.

use clap::Args;

use super::output::line;
use super::store::operator;
use super::whom::Whom;
use super::{Exit, StoreArgs};

/// `revoked erase`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked erase alice@example.org")]
pub struct EraseArgs {
    /// Whom to forget, as signals named the person
    pub subject: Whom,
}

/// Runs `revoked erase`.
///
/// # Errors
/// Where work about the person is open, or the store cannot be written.
pub(super) async fn run(args: &EraseArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    let subject = args.subject.subject(&store).await?;
    let known = store.erase(&subject, operator()).await?;
    line(if known {
        "erased: the name, the notes and the key behind the reference are gone; the trail's entries stay, without a name"
    } else {
        "nobody of that name is in the store"
    })?;
    store.close().await;
    Ok(Exit::Ok)
}
