//! Webhooks and slash commands: they go on after sessions end and after a suspension, until they are deleted.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::future::try_join_all;
use secrecy::SecretString;

use super::call::Call;
use super::failure::Trouble;
use super::observe::{Look, Part};
use super::pages::{self, Listing};
use super::wire::{IncomingWebhook, Outgoing, Team, instant};
use crate::model::{Grant, GrantKind};
use crate::targets::{Pass, TargetError};

/// How many teams' commands are asked for at once.
const AT_ONCE: usize = 8;

/// The ids of incoming webhooks that were seen and are to be ended, so that ending many does not read the whole list for each. It only
/// saves requests: what it does not hold is looked up.
#[derive(Default)]
pub(super) struct Hooks(Mutex<HashMap<(String, String), SecretString>>);

impl Hooks {
    /// How many are kept at most.
    const KEPT: usize = 4096;

    fn keep(&self, owner: &str, hook: &IncomingWebhook) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= Self::KEPT {
            kept.clear();
        }
        kept.insert((owner.to_owned(), alias(&hook.id)), SecretString::from(hook.id.clone()));
    }

    /// Takes out the id of `owner`'s webhook that is called `alias`.
    pub(super) fn take(&self, owner: &str, alias: &str) -> Option<SecretString> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&(owner.to_owned(), alias.to_owned()))
    }
}

/// The name under which an incoming webhook appears in the trail, since its id is the secret of its URL.
pub(super) fn alias(id: &str) -> String {
    let digest = digest(&SHA256, id.as_bytes());
    digest.as_ref().iter().take(8).fold("sha256:".to_owned(), |mut name, byte| {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// All incoming webhooks of the server.
pub(super) async fn all_incoming(api: &super::api::Api, pass: &Pass) -> Result<Listing<IncomingWebhook>, Trouble> {
    pages::list(api, pass, || {
        Call::get("listing the incoming webhooks", &["hooks", "incoming"])
    })
    .await
}

/// The incoming webhooks that the account made.
pub(super) async fn incoming(look: Look<'_>) -> Result<Part, TargetError> {
    let kind = GrantKind::IncomingWebhook;
    if !look.wants(kind) {
        return Ok(Part::default());
    }
    let listing = match all_incoming(&look.target.api, look.pass).await {
        Ok(listing) => listing,
        Err(Trouble::Refused(refusal)) => return look.refused(&[kind], "incoming webhooks", refusal),
        Err(trouble) => return Err(trouble.into()),
    };
    let mut part = Part::default();
    part.saw(kind, listing.short.or(hidden(look, "manage_others_incoming_webhooks")));
    part.requests = listing.requests;
    let own = listing.items.into_iter().filter(|hook| hook.user_id == look.principal.id);
    part.grants.extend(own.map(|hook| {
        look.target.hooks.keep(&look.principal.id, &hook);
        let mut grant = Grant::new(kind, alias(&hook.id));
        grant.created_at = instant(hook.create_at);
        grant
    }));
    Ok(part)
}

/// The outgoing webhooks that the account made.
pub(super) async fn outgoing(look: Look<'_>) -> Result<Part, TargetError> {
    let kind = GrantKind::OutgoingWebhook;
    if !look.wants(kind) {
        return Ok(Part::default());
    }
    let listing = pages::list::<Outgoing>(&look.target.api, look.pass, || {
        Call::get("listing the outgoing webhooks", &["hooks", "outgoing"])
    });
    let listing = match listing.await {
        Ok(listing) => listing,
        Err(Trouble::Refused(refusal)) => return look.refused(&[kind], "outgoing webhooks", refusal),
        Err(trouble) => return Err(trouble.into()),
    };
    let mut part = Part::default();
    part.saw(kind, listing.short.or(hidden(look, "manage_others_outgoing_webhooks")));
    part.requests = listing.requests;
    part.grants.extend(own(look, kind, listing.items));
    Ok(part)
}

/// The slash commands that the account made. They are listed team by team, in teams that it has left too.
pub(super) async fn commands(look: Look<'_>) -> Result<Part, TargetError> {
    let kind = GrantKind::SlashCommand;
    if !look.wants(kind) {
        return Ok(Part::default());
    }
    let api = &look.target.api;
    let teams = pages::list::<Team>(api, look.pass, || Call::get("listing the teams", &["teams"]));
    let teams = match teams.await {
        Ok(teams) => teams,
        Err(Trouble::Refused(refusal)) => return look.refused(&[kind], "teams, and so slash commands,", refusal),
        Err(trouble) => return Err(trouble.into()),
    };
    let mut part = Part::default();
    let sees_teams = look.standing.may("list_private_teams") && look.standing.may("list_public_teams");
    let some_teams = (!sees_teams).then_some("the operator account sees only some of the teams");
    part.saw(
        kind,
        teams.short.or(some_teams).or(hidden(look, "manage_others_slash_commands")),
    );
    part.requests = teams.requests;
    // There may be hundreds of teams: a few at a time, so that they don't take every connection.
    for teams in teams.items.chunks(AT_ONCE) {
        match try_join_all(teams.iter().map(|team| commands_of(look, &team.id))).await {
            Ok(lists) => {
                for (commands, request) in lists {
                    part.grants.extend(own(look, kind, commands));
                    part.requests.extend(request);
                }
            }
            Err(Trouble::Refused(refusal)) => return look.refused(&[kind], "slash commands", refusal),
            Err(trouble) => return Err(trouble.into()),
        }
    }
    Ok(part)
}

async fn commands_of(look: Look<'_>, team: &str) -> Result<(Vec<Outgoing>, Option<String>), Trouble> {
    let call = Call::get(format!("listing the slash commands of team {team}"), &["commands"])
        .query("team_id", team)
        .query("custom_only", true);
    let answer = look.target.api.send(look.pass, call).await?;
    Ok((answer.read()?, answer.request))
}

/// Why a list of everybody's things may hold our own only: the server answers 200 with those to whoever lacks the wider permission.
fn hidden(look: Look<'_>, permission: &str) -> Option<&'static str> {
    (!look.standing.may(permission)).then_some("the operator account sees only those of its own")
}

fn own(look: Look<'_>, kind: GrantKind, made: Vec<Outgoing>) -> impl Iterator<Item = Grant> {
    let own = made.into_iter().filter(move |one| one.creator_id == look.principal.id);
    own.map(move |one| {
        let mut grant = Grant::new(kind, one.id);
        grant.created_at = instant(one.create_at);
        grant
    })
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
