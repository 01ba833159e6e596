//! Bots that hang on the account, and their tokens: both live on when the account's sessions end.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::observation::{ObservationContext, PartialObservation};
use super::sessions_and_tokens::tokens_of;
use super::shared_lists::Reading;
use crate::model::{Grant, GrantKind, GrantRef};
use crate::targets::TargetError;
use crate::targets::mattermost::api::wire::{Bot, instant};
use crate::targets::mattermost::own_account::OwnAccount;

/// How many bots' tokens are asked for at once.
const AT_ONCE: usize = 8;

/// Who acts for a person: the account itself, the bots that it owns, those that these own, and so on. Bots that are disabled count too, since
/// what they made lives on. A bot may be given to anybody, so that ownership can go round in a circle.
#[derive(Debug, Clone)]
pub(in crate::targets::mattermost) struct OwnedAccounts {
    ids: BTreeSet<String>,
    /// Whether the bot that we are hangs on the account.
    pub(in crate::targets::mattermost) owns_us: bool,
}

impl OwnedAccounts {
    /// Everybody who acts for `principal`, by all bots of the server. The bot that we are is left out, with what hangs on it.
    pub(in crate::targets::mattermost) fn of(principal: &str, bots: &[Bot], own_account: &OwnAccount) -> Self {
        let mut owned = Self {
            ids: [principal.to_owned()].into(),
            owns_us: false,
        };
        loop {
            let before = owned.ids.len();
            for bot in bots
                .iter()
                .filter(|bot| owned.ids.contains(&bot.owner_id))
                .collect::<Vec<_>>()
            {
                if own_account.is_us(&bot.user_id) && !own_account.is_us(principal) {
                    owned.owns_us = true;
                } else {
                    owned.ids.insert(bot.user_id.clone());
                }
            }
            if owned.ids.len() == before {
                return owned;
            }
        }
    }

    /// Whether what `maker` made is the person's.
    pub(in crate::targets::mattermost) fn include(&self, maker: &str) -> bool {
        self.ids.contains(maker)
    }
}

/// The bots that are enabled, and the tokens of all: a disabled bot's tokens work again when somebody enables it.
pub(in crate::targets::mattermost) async fn bots(
    observation: ObservationContext<'_>,
    reading: &Reading<Bot>,
    owned: &OwnedAccounts,
) -> Result<PartialObservation, TargetError> {
    let asked: Vec<GrantKind> = [GrantKind::Bot, GrantKind::BotToken]
        .into_iter()
        .filter(|kind| observation.wants(*kind))
        .collect();
    if asked.is_empty() {
        return Ok(PartialObservation::default());
    }
    let listing = match &reading.shown {
        Ok(listing) => listing,
        Err(refusal) => return observation.refused(&asked, "bots", refusal.clone()),
    };
    let mut part = PartialObservation::default();
    let short = listing.short.or(unseen_bots(observation));
    for kind in asked {
        part.saw(kind, short);
    }
    part.requests.clone_from(&listing.requests);
    if owned.owns_us {
        part.notes.push(
            "the bot that revoked acts as hangs on this account: it and its tokens are left alone; look whether a token of it was made that \
             nobody knows"
                .to_owned(),
        );
    }
    // A person's own account is no bot of its own.
    let own = listing
        .items
        .iter()
        .filter(|bot| bot.user_id != observation.principal.id && owned.include(&bot.user_id));
    let own: Vec<&Bot> = own.collect();
    for bot in &own {
        if bot.delete_at == 0 {
            let mut grant = Grant::new(GrantKind::Bot, &bot.user_id);
            grant.created_at = instant(bot.create_at);
            part.grants.push(grant);
        } else if observation.wants(GrantKind::Bot) && was_disabled_with(observation, bot) {
            part.ended_with_suspension
                .push(GrantRef::new(GrantKind::Bot, bot.user_id.clone()));
        }
    }
    if observation.wants(GrantKind::BotToken) {
        for bots in own.chunks(AT_ONCE) {
            let tokens = bots
                .iter()
                .map(|bot| tokens_of(observation, &bot.user_id, GrantKind::BotToken));
            for tokens in try_join_all(tokens).await? {
                part.grants.extend(tokens.grants);
                part.unseen.extend(tokens.unseen);
                part.requests.extend(tokens.requests);
            }
        }
    }
    Ok(part)
}

/// Whether the server disabled the bot together with its owner: it does both by the same clock, the bots after the owner.
fn was_disabled_with(observation: ObservationContext<'_>, bot: &Bot) -> bool {
    let suspended = observation.account.suspended_at.filter(|_| observation.account.suspended);
    bot.owner_id == observation.principal.id && suspended.is_some_and(|at| bot.delete_at >= at.ms())
}

/// Why there may be bots that are not seen, or `None` where all are.
pub(in crate::targets::mattermost) fn unseen_bots(observation: ObservationContext<'_>) -> Option<&'static str> {
    (!observation.own_account.may("read_others_bots")).then_some("the operator account sees only the bots of its own")
}
