//! Lists of the whole server, read once for all jobs that need them.
//!
//! Bots, webhooks, commands and apps have no list by person, so whoever looks for one person's reads everybody's. A reading that began after a
//! job's last change proves as much for that job as one of its own, so jobs that need one at the same time wait for one and the same. A
//! reading begins when its first call has a permit, which comes after everybody else's: who has come by then shares it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::targets::mattermost::api::client::Api;
use crate::targets::mattermost::api::failure::{CallFailure, Refusal};
use crate::targets::mattermost::api::pages::{self, Listing};
use crate::targets::mattermost::api::request::Call;
use crate::targets::mattermost::api::wire::{App, Bot, IncomingWebhook, Keyed, Outgoing, Team};
use crate::targets::{AttemptStage, CallContext};

/// How many teams' commands are asked for at once.
const AT_ONCE: usize = 8;

/// The lists. Each keeps its last reading: as many rows as are read of a list at most, some 19,000.
#[derive(Default)]
pub(in crate::targets::mattermost) struct SharedLists {
    bots: List<Bot>,
    apps: List<App>,
    incoming: List<IncomingWebhook>,
    outgoing: List<Outgoing>,
    commands: List<Outgoing>,
}

/// One list with its last reading.
struct List<T> {
    last: Mutex<Option<Arc<Reading<T>>>>,
    /// One reads at a time. An urgent job does not wait for a reading whose calls are routine.
    urgent: tokio::sync::Mutex<()>,
    others: tokio::sync::Mutex<()>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            last: Mutex::default(),
            urgent: tokio::sync::Mutex::default(),
            others: tokio::sync::Mutex::default(),
        }
    }
}

/// What a reading showed.
pub(in crate::targets::mattermost) struct Reading<T> {
    begun: Instant,
    /// The rows, or the server's refusal to list them.
    pub(in crate::targets::mattermost) shown: Result<Listing<T>, Refusal>,
}

impl<T> Reading<T> {
    /// The rows, where there are any.
    pub(in crate::targets::mattermost) fn rows(&self) -> &[T] {
        self.shown.as_ref().map_or(&[], |listing| &listing.items)
    }
}

impl<T> List<T> {
    /// The last reading, where it began at `since` or later.
    fn fresh(&self, since: Instant) -> Option<Arc<Reading<T>>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|reading| reading.begun >= since).map(Arc::clone)
    }

    /// A reading that began at `since` or later: the last one, one that somebody is at, or `read`, which notes when it begins.
    async fn get(
        &self,
        context: &CallContext,
        since: Instant,
        begun: &Begun,
        read: impl Future<Output = Result<Listing<T>, CallFailure>>,
    ) -> Result<Arc<Reading<T>>, CallFailure> {
        if let Some(reading) = self.fresh(since) {
            return Ok(reading);
        }
        let turn = if context.priority().is_urgent() {
            &self.urgent
        } else {
            &self.others
        };
        let _turn = turn.lock().await;
        if let Some(reading) = self.fresh(since) {
            return Ok(reading);
        }
        let shown = match read.await {
            Ok(listing) => Ok(listing),
            Err(CallFailure::Refused(refusal)) => Err(refusal),
            Err(failure) => return Err(failure),
        };
        let reading = Arc::new(Reading {
            begun: begun.0.get().copied().unwrap_or(since),
            shown,
        });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&reading));
        Ok(reading)
    }
}

impl<T: DeserializeOwned + Keyed> List<T> {
    /// The same of a list that comes by pages.
    async fn get_paged(
        &self,
        api: &Api,
        context: &CallContext,
        since: Instant,
        call: impl Fn() -> Call,
    ) -> Result<Arc<Reading<T>>, CallFailure> {
        let context = &context.stage(AttemptStage::Shared);
        let begun = Begun::default();
        self.get(context, since, &begun, pages::list(api, context, begun.by(call)))
            .await
    }
}

/// When a reading began: when there was a permit for its first call.
#[derive(Default)]
struct Begun(OnceLock<Instant>);

impl Begun {
    /// The same call, and a note of when the first of its kind was made.
    fn by(&self, call: impl Fn() -> Call) -> impl Fn() -> Call {
        move || {
            self.0.get_or_init(Instant::now);
            call()
        }
    }
}

impl SharedLists {
    /// Every bot, disabled ones too.
    pub(in crate::targets::mattermost) async fn bots(
        &self,
        api: &Api,
        context: &CallContext,
        since: Instant,
    ) -> Result<Arc<Reading<Bot>>, CallFailure> {
        let call = || Call::get("listing the bots", &["bots"]).query("include_deleted", true);
        self.bots.get_paged(api, context, since, call).await
    }

    /// Every OAuth app.
    pub(in crate::targets::mattermost) async fn apps(
        &self,
        api: &Api,
        context: &CallContext,
        since: Instant,
    ) -> Result<Arc<Reading<App>>, CallFailure> {
        let call = || Call::get("listing the OAuth apps", &["oauth", "apps"]);
        self.apps.get_paged(api, context, since, call).await
    }

    /// Every incoming webhook.
    pub(in crate::targets::mattermost) async fn incoming(
        &self,
        api: &Api,
        context: &CallContext,
        since: Instant,
    ) -> Result<Arc<Reading<IncomingWebhook>>, CallFailure> {
        let call = || Call::get("listing the incoming webhooks", &["hooks", "incoming"]);
        self.incoming.get_paged(api, context, since, call).await
    }

    /// The incoming webhooks of the last reading, however old.
    pub(in crate::targets::mattermost) fn incoming_last_seen(&self) -> Option<Arc<Reading<IncomingWebhook>>> {
        self.incoming.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every outgoing webhook.
    pub(in crate::targets::mattermost) async fn outgoing(
        &self,
        api: &Api,
        context: &CallContext,
        since: Instant,
    ) -> Result<Arc<Reading<Outgoing>>, CallFailure> {
        let call = || Call::get("listing the outgoing webhooks", &["hooks", "outgoing"]);
        self.outgoing.get_paged(api, context, since, call).await
    }

    /// Every slash command. They are listed team by team, in teams that a person has left too.
    pub(in crate::targets::mattermost) async fn commands(
        &self,
        api: &Api,
        context: &CallContext,
        since: Instant,
    ) -> Result<Arc<Reading<Outgoing>>, CallFailure> {
        let context = &context.stage(AttemptStage::Shared);
        let begun = Begun::default();
        self.commands
            .get(context, since, &begun, commands(api, context, &begun))
            .await
    }
}

async fn commands(api: &Api, context: &CallContext, begun: &Begun) -> Result<Listing<Outgoing>, CallFailure> {
    let teams = pages::list::<Team>(api, context, begun.by(|| Call::get("listing the teams", &["teams"]))).await?;
    let mut all = Listing {
        items: Vec::new(),
        requests: teams.requests,
        short: teams.short,
    };
    // There may be hundreds of teams: a few at a time, so that they don't take every connection.
    for teams in teams.items.chunks(AT_ONCE) {
        for (commands, request) in try_join_all(teams.iter().map(|team| commands_of(api, context, &team.id))).await? {
            all.items.extend(commands);
            all.requests.extend(request);
        }
    }
    Ok(all)
}

async fn commands_of(api: &Api, context: &CallContext, team: &str) -> Result<(Vec<Outgoing>, Option<String>), CallFailure> {
    let call = Call::get(format!("listing the slash commands of team {team}"), &["commands"])
        .query("team_id", team)
        .query("custom_only", true);
    let answer = api.send(context, call).await?;
    Ok((answer.read()?, answer.request))
}
