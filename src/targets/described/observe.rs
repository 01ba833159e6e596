//! Observe: what an account can reach now. Every list is read at once, within the permits.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use futures_util::future::try_join_all;
use serde_json::Value;

use super::Described;
use super::account::Account;
use super::client::fail;
use super::description::grant::{GrantListing, GrantRule};
use super::listing::{self, Listed};
use super::proof;
use super::values::Values;
use crate::json::scalar_text;
use crate::model::{Access, Grant, GrantKind, GrantRef, Principal, Residual, ResidualEnd, Timestamp, digest_of};
use crate::targets::{CallContext, ObservationRequest, Remedy, TargetError};

/// What one rule shows.
#[derive(Debug, Default)]
struct Part {
    grants: Vec<Grant>,
    requests: Vec<String>,
    /// Why the kind is not listed whole.
    unseen: Option<String>,
    /// Since when nothing older works.
    moment: Option<Timestamp>,
}

/// Looks at `principal`.
pub(super) async fn observe(
    target: &Described,
    context: &CallContext,
    principal: &Principal,
    ask: &ObservationRequest,
) -> Result<Access, TargetError> {
    let rules: Vec<&GrantRule> = target
        .description()
        .grants
        .iter()
        .filter(|rule| ask.kinds.contains(&rule.kind))
        .collect();
    // The account is read first where a proof stands in it.
    let in_account = rules
        .iter()
        .any(|rule| rule.proof.as_ref().is_some_and(|proof| proof.list.is_none()));
    let account = if ask.account || in_account {
        Some(Account::read(target, context, &principal.id).await?)
    } else {
        None
    };
    let parts = try_join_all(
        rules
            .iter()
            .map(|rule| Box::pin(part(target, context, principal, rule, account.as_ref()))),
    )
    .await?;
    let mut access = Access::empty(target.session.client.clock.now());
    access.account = match &account {
        Some(account) => account.state(target),
        None => principal.account.clone(),
    };
    access.notes.clone_from(&principal.account.notes);
    access.requests.extend(account.and_then(|account| account.request));
    access.listed = rules.iter().map(|rule| rule.kind).collect::<BTreeSet<_>>();
    access.valid_from = valid_from(rules.iter().map(|rule| rule.kind).zip(&parts));
    for (rule, part) in rules.iter().zip(parts) {
        if let Some(why) = part.unseen {
            access.listed.remove(&rule.kind);
            access.unseen.entry(rule.kind).or_insert(why);
        }
        access.grants.extend(part.grants);
        access.requests.extend(part.requests);
    }
    access.residuals = target
        .description()
        .residuals
        .iter()
        .filter(|residual| !residual.covered_by_sweep)
        .map(|residual| Residual {
            what: residual.what.clone(),
            ends: ResidualEnd::AfterOurAct(target.life(residual).as_secs()),
        })
        .collect();
    Ok(access)
}

/// Since when nothing older works, of each kind: the earliest moment of its parts. A part that is not seen whole and names no moment leaves
/// its kind without one, since nobody knows what there is of it.
fn valid_from<'p>(parts: impl Iterator<Item = (GrantKind, &'p Part)>) -> BTreeMap<GrantKind, Timestamp> {
    let mut moments: BTreeMap<GrantKind, Option<Timestamp>> = BTreeMap::new();
    for (kind, part) in parts {
        match (part.moment, &part.unseen) {
            (Some(moment), _) => {
                let known = moments.entry(kind).or_insert(Some(moment));
                *known = known.map(|known| known.min(moment));
            }
            (None, Some(_)) => {
                moments.insert(kind, None);
            }
            (None, None) => {}
        }
    }
    moments
        .into_iter()
        .filter_map(|(kind, moment)| Some((kind, moment?)))
        .collect()
}

async fn part(
    target: &Described,
    context: &CallContext,
    principal: &Principal,
    rule: &GrantRule,
    account: Option<&Account>,
) -> Result<Part, TargetError> {
    let mut part = match &rule.listing {
        Some(listing) => grants(target, context, &principal.id, rule, listing)
            .await?
            .into_part(rule, listing),
        None => Part {
            unseen: Some(super::capabilities::why_unlisted(rule)),
            ..Part::default()
        },
    };
    if let Some(proof) = &rule.proof {
        let (moment, requests) = proof::moment(target, context, &principal.id, rule, proof, account).await?;
        part.moment = moment;
        part.requests.extend(requests);
    }
    Ok(part)
}

/// The grants of a rule as the target lists them.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Each item, with the member of the outer list that it was read for.
    pub(super) items: Vec<(Value, Option<String>)>,
    requests: Vec<String>,
    unseen: Option<String>,
}

/// Reads the list of a rule.
pub(super) async fn grants(
    target: &Described,
    context: &CallContext,
    id: &str,
    rule: &GrantRule,
    listing: &GrantListing,
) -> Result<Held, TargetError> {
    let doing = format!("listing what {id} has of the kind {}", rule.label());
    let ours = target.ours(context).await?;
    let values = Values {
        id: Some(id),
        ours: ours.as_deref(),
        ..Values::default()
    };
    let mut held = Held::default();
    let Some((outer, at)) = &listing.each else {
        let listed = listing::read(&target.session, context, &doing, &listing.list, values).await?;
        held.take(&doing, (id, listing), listed, None)?;
        return Ok(held);
    };
    let members = match listing::read(&target.session, context, &doing, outer, values).await? {
        Ok(members) => members,
        Err(why) => {
            held.unseen = Some(why);
            return Ok(held);
        }
    };
    held.requests.extend(members.requests);
    held.unseen = members.short;
    let mut each = Vec::with_capacity(members.items.len());
    for member in &members.items {
        let text = at.text(member);
        each.push(text.ok_or_else(|| {
            let why = anyhow!("the answer is not understood: a member of the list has nothing at {at}");
            fail(&doing, Remedy::Retry, why, None)
        })?);
    }
    let lists = each.iter().map(|each| {
        let values = Values {
            each: Some(each),
            ..values
        };
        listing::read(&target.session, context, &doing, &listing.list, values)
    });
    for (listed, each) in try_join_all(lists).await?.into_iter().zip(&each) {
        held.take(&doing, (id, listing), listed, Some(each))?;
    }
    Ok(held)
}

impl Held {
    fn take(
        &mut self,
        doing: &str,
        (id, listing): (&str, &GrantListing),
        listed: Result<Listed, String>,
        each: Option<&String>,
    ) -> Result<(), TargetError> {
        let listed = match listed {
            Ok(listed) => listed,
            Err(why) => {
                self.unseen = Some(why);
                return Ok(());
            }
        };
        // A target that answers with our own list in place of theirs would have us end it.
        if let Some(owner) = &listing.owner
            && !listed.items.iter().all(|item| owner.text(item).as_deref() == Some(id))
        {
            let why = anyhow!(
                "the target lists what is not this account's, or does not say whose it is; nothing of the list is believed"
            );
            return Err(fail(doing, Remedy::GiveUp, why, None));
        }
        if !listed.items.iter().all(|item| listing.id.text(item).is_some()) {
            let why = anyhow!("the answer is not understood: an item has no id at {}", listing.id);
            return Err(fail(doing, Remedy::Retry, why, None));
        }
        self.unseen = self.unseen.take().or(listed.short);
        self.requests.extend(listed.requests);
        self.items.extend(listed.items.into_iter().map(|item| (item, each.cloned())));
        Ok(())
    }

    fn into_part(self, rule: &GrantRule, listing: &GrantListing) -> Part {
        Part {
            grants: self
                .items
                .iter()
                .filter_map(|(item, each)| grant(rule, listing, item, each.as_deref()))
                .collect(),
            requests: self.requests,
            unseen: self.unseen,
            moment: None,
        }
    }
}

/// The name of an item. An id that is the secret itself is replaced by what stands for it.
pub(super) fn name_of(rule: &GrantRule, listing: &GrantListing, item: &Value, each: Option<&str>) -> Option<GrantRef> {
    let id = listing.id.text(item)?;
    let parent = match &listing.parent {
        Some(place) => place.first(item).and_then(scalar_text).or_else(|| each.map(str::to_owned)),
        None => each.map(str::to_owned),
    };
    Some(GrantRef {
        kind: rule.kind,
        id: if listing.secret_id { digest_of(&id) } else { id },
        parent,
        part: rule.part.clone(),
    })
}

fn grant(rule: &GrantRule, listing: &GrantListing, item: &Value, each: Option<&str>) -> Option<Grant> {
    let time = |moment: &Option<super::description::moment::Moment>| moment.as_ref().and_then(|moment| moment.of(item));
    Some(Grant {
        name: name_of(rule, listing, item, each)?,
        enabled: listing.enabled.as_ref().is_none_or(|enabled| enabled.holds(item)),
        made_by: None,
        created_at: time(&listing.created),
        last_used_at: time(&listing.last_used),
        expires_at: time(&listing.expires),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_proved_by_the_earliest_moment_and_only_where_every_unlisted_part_has_one() {
        let part = |moment: Option<i64>, unseen: bool| Part {
            moment: moment.map(Timestamp::from_ms),
            unseen: unseen.then(|| "there is no list".to_owned()),
            ..Part::default()
        };
        let of = |parts: &[Part]| {
            let found = valid_from(parts.iter().map(|part| (GrantKind::Session, part)));
            found.get(&GrantKind::Session).map(|moment| moment.ms())
        };
        let (early, late, listed) = (|| part(Some(1), true), || part(Some(2), true), || part(None, false));
        let off = || part(None, true);
        for (parts, expected) in [
            (vec![early()], Some(1)),
            (vec![late(), early()], Some(1)),
            (vec![early(), late(), listed()], Some(1)),
            (vec![listed()], None),
            (vec![early(), off()], None),
            (vec![off(), early()], None),
            (vec![late(), off(), early()], None),
            (vec![], None),
        ] {
            assert_eq!(of(&parts), expected, "{parts:?}");
        }
    }
}
