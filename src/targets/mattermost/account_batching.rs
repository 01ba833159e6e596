//! Looks up accounts by id. What several jobs that are not urgent ask at the same time is asked in one call.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::oneshot;

use super::api::client::{Answer, Api};
use super::api::failure::CallFailure;
use super::api::request::Call;
use super::api::wire::Account;
use crate::model::Priority;
use crate::targets::{CallContext, TargetError};

/// How many are asked for in one call at most.
const AT_ONCE: usize = 100;

/// An account, and the server's id of the request that showed it.
type Found = (Account, Option<String>);

/// Those who wait for an account, and the turn to ask for all of them.
#[derive(Default)]
pub(super) struct AccountBatches {
    waiting: Mutex<Vec<(String, oneshot::Sender<Found>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl AccountBatches {
    /// The account of this id, looked at after this was called.
    pub(super) async fn get(&self, api: &Api, context: &CallContext, doing: String, id: &str) -> Result<Found, CallFailure> {
        if context.priority() < Priority::ROUTINE {
            return alone(api, context, doing, id).await;
        }
        let (asker, mut answered) = oneshot::channel();
        self.waiting().push((id.to_owned(), asker));
        tokio::select! {
            biased;
            answer = &mut answered => match answer {
                Ok(found) => return Ok(found),
                // Whoever asked for us went away, was refused, or was not shown this one.
                Err(_) => return alone(api, context, doing, id).await,
            },
            _turn = self.turn.lock() => self.ask_for_all(api, context, &doing).await,
        }
        match answered.try_recv() {
            Ok(found) => Ok(found),
            Err(_) => alone(api, context, doing, id).await,
        }
    }

    /// Asks for everybody who waits at the moment there is a permit. Who gets no answer asks alone, and so finds out why.
    async fn ask_for_all(&self, api: &Api, context: &CallContext, doing: &str) {
        // Whoever asks together with us is about to, and there may be a permit at once.
        tokio::task::yield_now().await;
        let mut asked = Vec::new();
        let make = || {
            let mut waiting = self.waiting();
            let count = waiting.len().min(AT_ONCE);
            asked = waiting.drain(..count).collect();
            let ids: Vec<&str> = asked.iter().map(|(id, _)| id.as_str()).collect();
            match ids.as_slice() {
                [only] => Call::get(doing, &["users", only]),
                ids => Call::post(format!("looking up {} accounts", ids.len()), &["users", "ids"]).json(&json!(ids)),
            }
        };
        let Ok(answer) = api.send_once_permitted(&api.url, context, make).await else {
            return;
        };
        let Ok(accounts) = read(&answer, asked.len()) else { return };
        for (id, asker) in asked {
            if let Some(account) = accounts.iter().find(|account| account.id == id) {
                // Whoever went away needs no answer.
                drop(asker.send((account.clone(), answer.request.clone())));
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(String, oneshot::Sender<Found>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(answer: &Answer, count: usize) -> Result<Vec<Account>, TargetError> {
    if count == 1 { Ok(vec![answer.read()?]) } else { answer.read() }
}

async fn alone(api: &Api, context: &CallContext, doing: String, id: &str) -> Result<Found, CallFailure> {
    let answer = api.send(context, Call::get(doing, &["users", id])).await?;
    Ok((answer.read()?, answer.request))
}
