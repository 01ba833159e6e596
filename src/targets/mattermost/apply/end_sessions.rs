//! Ending all sessions at once, on every node, and what goes with it: caches, and connections that stay open.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Url;
use tokio::time::Instant;

use super::change::{Change, done};
use crate::model::Action;
use crate::targets::mattermost::Mattermost;
use crate::targets::mattermost::api::client::place;
use crate::targets::mattermost::api::failure::{CallFailure, ORPHAN};
use crate::targets::mattermost::api::request::Call;
use crate::targets::mattermost::api::wire::{Account, Session};
use crate::targets::mattermost::own_account::optional_error;
use crate::targets::{Applied, Remedy, TargetError};

/// How long the ending of all sessions on every node makes another clearing of caches needless: the actions of one plan follow each other at once.
const RECENT: Duration = Duration::from_secs(30);

/// The accounts whose sessions every node was told to forget lately. It only saves requests: what it has forgotten is done again.
#[derive(Default)]
pub(in crate::targets::mattermost) struct FlushedAccounts(Mutex<HashMap<String, Instant>>);

impl FlushedAccounts {
    fn note(&self, id: &str) {
        let mut flushed_accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flushed_accounts.retain(|_, at| at.elapsed() < RECENT);
        flushed_accounts.insert(id.to_owned(), Instant::now());
    }

    pub(in crate::targets::mattermost) fn take(&self, id: &str) -> bool {
        let mut flushed_accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flushed_accounts.remove(id).is_some_and(|at| at.elapsed() < RECENT)
    }
}

/// Ends all sessions, OAuth's included. It is sent to the server and then to every node: a node that missed the message about it keeps the
/// sessions in its cache, and every use renews them; asked itself, it clears them even where no row is left. A node that does not answer
/// does not make the sessions less ended: clearing the caches follows in every plan, and stays undone until that node answers.
pub(in crate::targets::mattermost) async fn end_all_sessions(change: Change<'_>) -> Result<Applied, TargetError> {
    let api = &change.target.api;
    let mut applied = match change.send(call(change)).await {
        Ok(answer) => {
            answer.accepted()?;
            done(answer.request, false)
        }
        // From 10.8 on, an OAuth session without its token row stops the server half way.
        Err(CallFailure::Refused(refusal)) if refusal.is(500, ORPHAN) => {
            let mut applied = one_by_one(change).await?;
            applied.requests.extend(refusal.request);
            applied
        }
        Err(failure) => return Err(change.essential_error(failure)),
    };
    if api.nodes.is_empty() {
        return Ok(applied);
    }
    let told = join_all(api.nodes.iter().map(|node| at_node(change, node, call(change)))).await;
    if told.iter().all(Result::is_ok) {
        change.target.flushed_accounts.note(&change.principal.id);
    }
    applied.requests.extend(told.into_iter().flatten().flatten());
    Ok(applied)
}

fn call(change: Change<'_>) -> Call {
    let id = &change.principal.id;
    Call::post(
        format!("ending all sessions of {id}"),
        &["users", id, "sessions", "revoke", "all"],
    )
}

/// Sends a change to one node. What is wrong with a node must not pause the lane, since the server itself works: a node that refuses us is
/// given up, with its name.
async fn at_node(change: Change<'_>, node: &Url, call: Call) -> Result<Option<String>, TargetError> {
    match change.target.api.send_to(node, change.context, call).await {
        Ok(answer) => {
            answer.accepted()?;
            Ok(answer.request)
        }
        Err(failure) => {
            let mut error = TargetError::from(failure);
            if error.remedy == Remedy::Pause {
                error.remedy = Remedy::GiveUp;
            }
            error.source = error.source.context(format!("at the node {}", place(node)));
            Err(error)
        }
    }
}

/// Ends the sessions one by one, orphans among them last: the server removes their rows in the background.
async fn one_by_one(change: Change<'_>) -> Result<Applied, TargetError> {
    let id = &change.principal.id;
    let list = Call::get(format!("listing the sessions of {id}"), &["users", id, "sessions"]);
    let answer = change.send(list).await.map_err(|failure| change.essential_error(failure))?;
    let sessions: Vec<Session> = answer.read()?;
    let mut applied = done(answer.request, false);
    let mut failed = None;
    for session in sessions.iter().filter(|session| session.user_id == *id) {
        match change.end_session(&session.id).await {
            Ok(one) => applied.requests.extend(one.requests),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(applied),
    }
}

/// Makes every node forget the sessions that it has cached. Ending all sessions does that already; ending one does not reach a node that
/// missed the message, and `revoke/all` there would end the others too, so the node is told to drop its caches.
pub(in crate::targets::mattermost) async fn clear_caches(change: Change<'_>) -> Result<Applied, TargetError> {
    let nodes = &change.target.api.nodes;
    if nodes.is_empty() || change.target.flushed_accounts.take(&change.principal.id) {
        return Ok(done(None, true));
    }
    let calls = nodes.iter().map(|node| {
        let call = Call::post("clearing the session caches", &["caches", "invalidate"]);
        at_node(change, node, call)
    });
    // All are told before the first failure counts.
    let told: Result<Vec<_>, _> = join_all(calls).await.into_iter().collect();
    Ok(Applied {
        requests: told?.into_iter().flatten().collect(),
        ..Applied::default()
    })
}

/// Makes connections that are open stop delivering, on servers before 9.10: a change of the account that changes nothing drops what the
/// server remembers of it. (The same roles again would do it as well, but could undo a demotion made in between.)
pub(in crate::targets::mattermost) async fn silence(change: Change<'_>) -> Result<Applied, TargetError> {
    let id = &change.principal.id;
    let call = Call::put(format!("silencing the open connections of {id}"), &["users", id, "patch"]).json(&serde_json::json!({}));
    match change.send(call).await {
        Ok(answer) => {
            let account: Account = answer.read()?;
            if account.id == *id {
                Ok(done(answer.request, false))
            } else {
                Err(answer.not_understood("it is about another account"))
            }
        }
        Err(failure) => Err(optional_error(failure)),
    }
}

/// What must follow whenever sessions were ended.
pub(in crate::targets::mattermost) fn after_sessions(target: &Mattermost) -> Vec<Action> {
    let mut actions = Vec::new();
    if !target.api.nodes.is_empty() {
        actions.push(Action::ClearCaches);
    }
    if target.api.version().is_some_and(|version| !version.silences_connections()) {
        actions.push(Action::Silence);
    }
    actions
}
