//! Ending all sessions at once, on every node, and what goes with it: caches, and connections that stay open.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Url;
use tokio::time::Instant;

use super::api::place;
use super::apply::{Change, done};
use super::call::Call;
use super::failure::{ORPHAN, Trouble};
use super::standing::judge_beside;
use super::wire::{Account, Session};
use crate::model::Action;
use crate::targets::{Applied, Remedy, TargetError};

/// How long a sweep of every node makes another clearing of caches needless: the actions of one plan follow each other at once.
const RECENT: Duration = Duration::from_secs(30);

/// The accounts whose sessions every node was told to forget lately. It only saves requests: what it has forgotten is done again.
#[derive(Default)]
pub(super) struct Swept(Mutex<HashMap<String, Instant>>);

impl Swept {
    fn note(&self, id: &str) {
        let mut swept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        swept.retain(|_, at| at.elapsed() < RECENT);
        swept.insert(id.to_owned(), Instant::now());
    }

    pub(super) fn take(&self, id: &str) -> bool {
        let mut swept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        swept.remove(id).is_some_and(|at| at.elapsed() < RECENT)
    }
}

/// Ends all sessions, OAuth's included. It is sent to the server and then to every node: a node that missed the message about it keeps the
/// sessions in its cache, and every use renews them; asked itself, it clears them even where no row is left. A node that does not answer
/// does not make the sessions less ended: clearing the caches follows in every plan, and stays undone until that node answers.
pub(super) async fn end_all_sessions(change: Change<'_>) -> Result<Applied, TargetError> {
    let api = &change.target.api;
    let mut applied = match change.send(call(change)).await {
        Ok(answer) => {
            answer.accepted()?;
            done(answer.request, false)
        }
        // From 10.8 on, an OAuth session without its token row stops the server half way.
        Err(Trouble::Refused(refusal)) if refusal.is(500, ORPHAN) => {
            let mut applied = one_by_one(change).await?;
            applied.requests.extend(refusal.request);
            applied
        }
        Err(trouble) => return Err(change.judge(trouble)),
    };
    if api.nodes.is_empty() {
        return Ok(applied);
    }
    let told = join_all(api.nodes.iter().map(|node| at_node(change, node, call(change)))).await;
    if told.iter().all(Result::is_ok) {
        change.target.swept.note(&change.principal.id);
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
        Err(trouble) => {
            let mut error = TargetError::from(trouble);
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
    let answer = change.send(list).await.map_err(|trouble| change.judge(trouble))?;
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
pub(super) async fn clear_caches(change: Change<'_>) -> Result<Applied, TargetError> {
    let nodes = &change.target.api.nodes;
    if nodes.is_empty() || change.target.swept.take(&change.principal.id) {
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
        already: false,
    })
}

/// Makes connections that are open stop delivering, on servers before 9.10: a change of the account that changes nothing drops what the
/// server remembers of it. (The same roles again would do it as well, but could undo a demotion made in between.)
pub(super) async fn silence(change: Change<'_>) -> Result<Applied, TargetError> {
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
        Err(trouble) => Err(judge_beside(trouble)),
    }
}

/// What must follow whenever sessions were ended.
pub(super) fn after_sessions(target: &super::Mattermost) -> Vec<Action> {
    let mut actions = Vec::new();
    if !target.api.nodes.is_empty() {
        actions.push(Action::ClearCaches);
    }
    if target.api.version().is_some_and(|version| !version.silences_connections()) {
        actions.push(Action::Silence);
    }
    actions
}
