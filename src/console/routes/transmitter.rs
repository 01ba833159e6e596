//! The transmitter: whom we tell what was proved, and whether it arrives.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, Path};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::Listed;
use crate::transmitter::{Handshake, ReceiverSettings, ReceiverState, receiver_states};

/// How long a handshake is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How each receiver stands: what waits for it, since when, and what went wrong last. Nobody where the config has no transmitter.
#[utoipa::path(get, path = "/api/v1/transmitter", tag = "transmitter", operation_id = "list_receivers",
    responses((status = 200, body = Page<ReceiverState>)))]
pub(super) async fn status(State(console): State<Console>) -> Result<Answer<Page<ReceiverState>>, Refusal> {
    let rows = receiver_states(&console.store, &console.installation.receivers).await?;
    Ok(Answer(Page::whole(Listed {
        rows,
        unreadable: Vec::new(),
    })))
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SentAgain {
    /// The receiver.
    receiver: String,
    /// How many tokens.
    count: u64,
}

/// Sends a receiver again what it refused, or what was given up.
#[utoipa::path(post, path = "/api/v1/transmitter/{name}/retry", tag = "transmitter", operation_id = "retry_receiver",
    params(("name" = String, Path)), responses((status = 200, body = SentAgain)))]
pub(super) async fn retry(
    State(console): State<Console>,
    Path(name): Path<String>,
    caller: Caller,
) -> Result<Answer<SentAgain>, Refusal> {
    let receiver = named(&console, &name)?.receiver.name.clone();
    let count = console.store.retry_events(&receiver, caller.operator).await?;
    Ok(Answer(SentAgain { receiver, count }))
}

/// Sends a receiver a handshake (a verification event), and waits up to 10 s until it has it.
#[utoipa::path(post, path = "/api/v1/transmitter/{name}/handshake", tag = "transmitter", operation_id = "shake_hands",
    params(("name" = String, Path)), responses((status = 202, body = Handshake)))]
pub(super) async fn shake_hands(
    State(console): State<Console>,
    Path(name): Path<String>,
    caller: Caller,
) -> Result<(StatusCode, Answer<Handshake>), Refusal> {
    let receiver = named(&console, &name)?;
    let shaken = crate::transmitter::shake_hands(&console.store, receiver, caller.operator, PATIENCE).await?;
    Ok((StatusCode::ACCEPTED, Answer(shaken)))
}

fn named<'c>(console: &'c Console, name: &str) -> Result<&'c ReceiverSettings, Refusal> {
    let receivers = &console.installation.receivers;
    let found = receivers.iter().find(|settings| settings.receiver.name == name);
    found.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("no receiver is called {name:?}")))
}
