//! `/sandbox/…`: how another process (a benchmark, a demo) looks at a sandbox and breaks it. Neither limited nor logged, and open to
//! whoever reaches the address: a sandbox holds nothing real.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app_error::{AppError, NO_PERSON};
use crate::call::{Call, Outcome};
use crate::faults::Fault;
use crate::replica::Replica;
use crate::wire::Answer;
use crate::world::{Person, Session, World};

/// The operator's credential, and the first person with all that it holds: what a demo's intruder has stolen.
pub(super) fn operator(call: &mut Call<'_>) -> Outcome {
    let token = call.world().operator_token().ok_or(NO_PERSON)?;
    Ok(Answer::json(&json!({"token": token})))
}

pub(super) fn requests(call: &mut Call<'_>) -> Answer {
    Answer::json(&call.paged(call.state.log.kept.iter()))
}

pub(super) fn stats(call: &mut Call<'_>) -> Answer {
    let world = call.world();
    Answer::json(&json!({
        "requests": call.state.log.total,
        "limited": call.state.log.limited,
        "people": world.population(),
        "sessions": world.session_count(),
        "tokens": world.tokens.len(),
        "bots": world.bots.len(),
    }))
}

/// What is broken at the moment, or is to be.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Broken {
    /// Faults of single calls, added to those that are there.
    calls: Vec<Fault>,
    /// Whether the database is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    database_down: Option<bool>,
    /// The nodes that miss the cluster's messages; the others hear them.
    #[serde(skip_serializing_if = "Option::is_none")]
    deaf_nodes: Option<Vec<usize>>,
    /// How far reads are behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<Reads>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reads {
    Live,
    Frozen,
    /// In milliseconds.
    Lagging(u64),
}

pub(super) fn faults(call: &mut Call<'_>) -> Answer {
    let state = &*call.state;
    let deaf = state
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.deaf)
        .map(|(number, _)| number)
        .collect();
    let replica = match &state.replica {
        Replica::Live => Reads::Live,
        Replica::Frozen(_) => Reads::Frozen,
        Replica::Lagging { by, .. } => Reads::Lagging(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)),
    };
    Answer::json(&Broken {
        calls: state.faults.clone(),
        database_down: Some(state.database_down),
        deaf_nodes: Some(deaf),
        replica: Some(replica),
    })
}

fn wrong(error: &serde_json::Error) -> AppError {
    AppError {
        message: error.to_string().into(),
        ..AppError::new(400, "sandbox.body.app_error", "")
    }
}

pub(super) fn add_faults(call: &mut Call<'_>) -> Outcome {
    let broken: Broken = serde_json::from_slice(call.body).map_err(|error| wrong(&error))?;
    let state = &mut *call.state;
    state.faults.extend(broken.calls);
    if let Some(down) = broken.database_down {
        state.database_down = down;
    }
    if let Some(deaf) = broken.deaf_nodes {
        for (number, node) in state.nodes.iter_mut().enumerate() {
            node.deaf = deaf.contains(&number);
        }
    }
    match broken.replica {
        Some(Reads::Live) => state.replica = Replica::Live,
        Some(Reads::Frozen) => state.replica = Replica::Frozen(Box::new(state.world.clone())),
        Some(Reads::Lagging(ms)) => {
            state.replica = Replica::Lagging {
                by: Duration::from_millis(ms),
                before: VecDeque::new(),
            };
        }
        None => {}
    }
    Ok(Answer::ok())
}

pub(super) fn clear_faults(call: &mut Call<'_>) -> Answer {
    call.state.clear_faults();
    Answer::ok()
}

/// Replaces the server's settings; what the body leaves out takes its default.
pub(super) fn settings(call: &mut Call<'_>) -> Outcome {
    call.world_mut().settings = serde_json::from_slice(call.body).map_err(|error| wrong(&error))?;
    Ok(Answer::ok())
}

/// All that a person holds, secrets included.
pub(super) fn person(call: &mut Call<'_>, username: &str) -> Outcome {
    let world = call.world();
    let person = world.person(username).ok_or(NO_PERSON)?;
    Ok(Answer::json(&holdings(world, person)))
}

fn holdings(world: &World, person: &Person) -> serde_json::Value {
    let sessions = person.sessions.iter().filter_map(|id| world.session(*id));
    let session = |session: &Session| json!({"id": session.id, "token": session.token, "is_oauth": session.is_oauth()});
    let tokens = world
        .tokens_of(person.id)
        .map(|token| json!({"id": token.id, "token": token.secret}));
    let grants = world.grants().filter(|grant| grant.person == person.id);
    let secret = |app| world.apps.get(app).and_then(|app| app.client_secret);
    json!({
        "id": person.id,
        "username": person.username,
        "email": person.email,
        "active": person.is_active(),
        "password": person.password,
        "sessions": sessions.map(session).collect::<Vec<_>>(),
        "tokens": tokens.collect::<Vec<_>>(),
        "grants": grants
            .map(|grant| json!({"client_id": grant.app, "client_secret": secret(grant.app), "access_token": grant.access, "refresh_token": grant.refresh}))
            .collect::<Vec<_>>(),
    })
}
