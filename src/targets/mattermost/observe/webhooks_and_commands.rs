//! Webhooks and slash commands: they go on after sessions end and after a suspension, until they are deleted.

use super::bots::OwnedAccounts;
use super::observation::{ObservationContext, PartialObservation};
use super::shared_lists::Reading;
use crate::digest::{hex, sha256};
use crate::model::{Grant, GrantKind};
use crate::targets::TargetError;
use crate::targets::mattermost::api::wire::{IncomingWebhook, Outgoing, instant};

/// The name under which an incoming webhook appears in the trail, since its id is the secret of its URL.
pub(in crate::targets::mattermost) fn alias(id: &str) -> String {
    format!("sha256:{}", hex(&sha256(id.as_bytes())[..8]))
}

/// The incoming webhooks that post as the account or as a bot of it. The server shows in whose name one posts, and not who made it.
pub(in crate::targets::mattermost) fn incoming(
    observation: ObservationContext<'_>,
    reading: &Reading<IncomingWebhook>,
    owned: &OwnedAccounts,
) -> Result<PartialObservation, TargetError> {
    let kind = GrantKind::IncomingWebhook;
    let listing = match &reading.shown {
        Ok(listing) => listing,
        Err(refusal) => return observation.refused(&[kind], "incoming webhooks", refusal.clone()),
    };
    let mut part = PartialObservation::default();
    let short = listing.short.or(hidden(observation, "manage_others_incoming_webhooks"));
    part.saw(kind, short.or(observation.unseen_owned));
    part.requests.clone_from(&listing.requests);
    let own = listing.items.iter().filter(|hook| owned.include(&hook.user_id));
    part.grants.extend(own.map(|hook| {
        let mut grant = Grant::new(kind, alias(&hook.id));
        grant.created_at = instant(hook.create_at);
        grant.made_by = observation.made_by(&hook.user_id);
        grant
    }));
    Ok(part)
}

/// The outgoing webhooks that the account or a bot of it made.
pub(in crate::targets::mattermost) fn outgoing(
    observation: ObservationContext<'_>,
    reading: &Reading<Outgoing>,
    owned: &OwnedAccounts,
) -> Result<PartialObservation, TargetError> {
    let (kind, permission) = (GrantKind::OutgoingWebhook, "manage_others_outgoing_webhooks");
    made(
        observation,
        reading,
        owned,
        (kind, "outgoing webhooks", hidden(observation, permission)),
    )
}

/// The slash commands that the account or a bot of it made.
pub(in crate::targets::mattermost) fn commands(
    observation: ObservationContext<'_>,
    reading: &Reading<Outgoing>,
    owned: &OwnedAccounts,
) -> Result<PartialObservation, TargetError> {
    let sees_teams = observation.own_account.may("list_private_teams") && observation.own_account.may("list_public_teams");
    let some_teams = (!sees_teams).then_some("the operator account sees only some of the teams");
    let short = some_teams.or(hidden(observation, "manage_others_slash_commands"));
    made(
        observation,
        reading,
        owned,
        (GrantKind::SlashCommand, "slash commands", short),
    )
}

fn made(
    observation: ObservationContext<'_>,
    reading: &Reading<Outgoing>,
    owned: &OwnedAccounts,
    (kind, what, short): (GrantKind, &str, Option<&'static str>),
) -> Result<PartialObservation, TargetError> {
    let listing = match &reading.shown {
        Ok(listing) => listing,
        Err(refusal) => return observation.refused(&[kind], what, refusal.clone()),
    };
    let mut part = PartialObservation::default();
    part.saw(kind, listing.short.or(short).or(observation.unseen_owned));
    part.requests.clone_from(&listing.requests);
    let own = listing.items.iter().filter(|one| owned.include(&one.creator_id));
    part.grants.extend(own.map(|one| {
        let mut grant = Grant::new(kind, &one.id);
        grant.created_at = instant(one.create_at);
        grant.made_by = observation.made_by(&one.creator_id);
        grant
    }));
    Ok(part)
}

/// Why a list of everybody's things may hold our own only: the server answers 200 with those to whoever lacks the wider permission.
fn hidden(observation: ObservationContext<'_>, permission: &str) -> Option<&'static str> {
    (!observation.own_account.may(permission)).then_some("the operator account sees only those of its own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_stable_and_does_not_hold_the_secret() {
        let name = alias("is889gzyppds7kxqyrty8j7qry");
        assert_eq!(name, alias("is889gzyppds7kxqyrty8j7qry"));
        assert_eq!(name.len(), "sha256:".len() + 16);
        assert!(!name.contains("is889"));
    }
}
