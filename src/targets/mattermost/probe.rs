//! Looks whether the server is reachable, lets us do our work, and is set up sensibly.

use super::Mattermost;
use crate::targets::{Pass, Probe, TargetError};

pub(super) async fn probe(target: &Mattermost, pass: &Pass) -> Result<Probe, TargetError> {
    let standing = target.standing(pass).await?;
    Ok(Probe {
        version: target.api.version().map(|version| version.to_string()),
        acting_as: Some(standing.me.username.clone()),
        findings: Vec::new(),
    })
}
