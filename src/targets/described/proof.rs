//! Proof by a moment: since when, by the target's own word, nothing older works.

use anyhow::anyhow;

use super::Described;
use super::account::Account;
use super::client::fail;
use super::description::grant::{GrantRule, Proof};
use super::listing;
use super::values::Values;
use crate::model::Timestamp;
use crate::targets::{CallContext, Remedy, TargetError};

/// The moment, and the target's ids of the requests. `None` where the target says nothing, which proves nothing.
pub(super) async fn moment(
    target: &Described,
    context: &CallContext,
    id: &str,
    rule: &GrantRule,
    proof: &Proof,
    account: Option<&Account>,
) -> Result<(Option<Timestamp>, Vec<String>), TargetError> {
    let Some(list) = &proof.list else {
        return Ok((account.and_then(|account| proof.moment.of(&account.value)), Vec::new()));
    };
    let doing = format!("asking since when nothing of the kind {} of {id} works", rule.label());
    let ours = target.ours(context).await?;
    let values = Values {
        id: Some(id),
        ours: ours.as_deref(),
        ..Values::default()
    };
    let listed = listing::read(&target.session, context, &doing, list, values).await?;
    let listed = listed.map_err(|why| fail(&doing, Remedy::GiveUp, anyhow!(why), None))?;
    let latest = listed.items.iter().filter_map(|item| proof.moment.of(item)).max();
    Ok((latest, listed.requests))
}
