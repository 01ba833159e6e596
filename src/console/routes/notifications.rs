//! Notifications: the channels on which people are told of alerts, whether they work, and a test of them.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Json, Page};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::notify::try_channels;
use crate::store::{ChannelState, TrialOutcome};

/// How long what comes of a test is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How every channel stands: when it last took something, what waits, and what is wrong.
#[utoipa::path(get, path = "/api/v1/notifications", tag = "notifications", operation_id = "list_channels",
    responses((status = 200, body = Page<ChannelState>)))]
pub(super) async fn list(State(console): State<Console>) -> Result<Answer<Page<ChannelState>>, Refusal> {
    Ok(Answer(Page::whole(console.store.channels().await?)))
}

/// Which channels are tested.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTest {
    /// One of them; all without it.
    #[schema(max_length = 64)]
    channel: Option<String>,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tested {
    /// The channel.
    channel: String,
    /// To whom it was handed over; an empty text where the channel itself knows.
    taken: Vec<String>,
    /// To whom it was not.
    refused: Vec<NotTaken>,
    /// How many deliveries have come to nothing yet.
    waiting: usize,
}

/// A delivery that came to nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NotTaken {
    /// To whom.
    recipient: String,
    /// Why.
    why: String,
}

impl Tested {
    fn new(channel: &str, outcome: TrialOutcome) -> Self {
        let refused = outcome.refused.into_iter();
        Self {
            channel: channel.to_owned(),
            taken: outcome.taken,
            refused: refused.map(|(recipient, why)| NotTaken { recipient, why }).collect(),
            waiting: outcome.waiting,
        }
    }
}

/// Sends a test to a channel, or to all, and waits up to 20 s for what comes of it.
#[utoipa::path(post, path = "/api/v1/notifications/test", tag = "notifications", operation_id = "test_channels", request_body = NewTest,
    responses((status = 200, body = Vec<Tested>)))]
pub(super) async fn test(
    State(console): State<Console>,
    caller: Caller,
    Json(new): Json<NewTest>,
) -> Result<Answer<Vec<Tested>>, Refusal> {
    let channels = console.store.channels().await?;
    let names = channels.iter().map(|channel| channel.channel.as_str());
    let names: Vec<&str> = names
        .filter(|name| new.channel.as_deref().is_none_or(|wanted| wanted == *name))
        .collect();
    if let (Some(wanted), true) = (&new.channel, names.is_empty()) {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            format!("no channel is called {wanted:?}"),
        ));
    }
    let outcomes = try_channels(&console.store, &names, &caller.operator, PATIENCE).await?;
    let tested = names.iter().zip(outcomes);
    Ok(Answer(tested.map(|(name, outcome)| Tested::new(name, outcome)).collect()))
}
