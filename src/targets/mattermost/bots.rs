//! Bots that the account owns, and their tokens: both live on when the account's sessions end.

use futures_util::future::try_join_all;

use super::call::Call;
use super::credentials::tokens_of;
use super::failure::Trouble;
use super::observe::{Look, Part};
use super::pages;
use super::wire::{Bot, instant};
use crate::model::{Grant, GrantKind};
use crate::targets::TargetError;

/// How many bots' tokens are asked for at once.
const AT_ONCE: usize = 8;

/// The bots that are enabled, and the tokens of all: a disabled bot's tokens work again when somebody enables it. The server has no
/// filter by owner, so all bots are read.
pub(super) async fn bots(look: Look<'_>) -> Result<Part, TargetError> {
    let asked: Vec<GrantKind> = [GrantKind::Bot, GrantKind::BotToken]
        .into_iter()
        .filter(|kind| look.wants(*kind))
        .collect();
    if asked.is_empty() {
        return Ok(Part::default());
    }
    let listing = pages::list::<Bot>(&look.target.api, look.pass, || {
        Call::get("listing the bots", &["bots"]).query("include_deleted", true)
    });
    let listing = match listing.await {
        Ok(listing) => listing,
        Err(Trouble::Refused(refusal)) => return look.refused(&asked, "bots", refusal),
        Err(trouble) => return Err(trouble.into()),
    };
    let mut part = Part::default();
    let ours_only = (!look.standing.may("read_others_bots")).then_some("the operator account sees only the bots of its own");
    let short = listing.short.or(ours_only);
    for kind in asked {
        part.saw(kind, short);
    }
    part.requests = listing.requests;
    let own: Vec<Bot> = listing
        .items
        .into_iter()
        .filter(|bot| bot.owner_id == look.principal.id)
        .collect();
    part.grants.extend(own.iter().filter(|bot| bot.delete_at == 0).map(|bot| {
        let mut grant = Grant::new(GrantKind::Bot, &bot.user_id);
        grant.created_at = instant(bot.create_at);
        grant
    }));
    if look.wants(GrantKind::BotToken) {
        for bots in own.chunks(AT_ONCE) {
            let tokens = bots.iter().map(|bot| tokens_of(look, &bot.user_id, GrantKind::BotToken));
            for tokens in try_join_all(tokens).await? {
                part.grants.extend(tokens.grants);
                part.unseen.extend(tokens.unseen);
                part.requests.extend(tokens.requests);
            }
        }
    }
    Ok(part)
}
