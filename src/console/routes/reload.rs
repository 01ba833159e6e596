//! The config, read anew while the daemon runs.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;

use crate::config::Reloaded;
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;

/// Has the daemon read its config anew, whole or not at all. A file that is wrong, or that needs a restart, is refused with what is the matter,
/// and the daemon runs as before.
#[utoipa::path(post, path = "/api/v1/reload", tag = "config", operation_id = "reload_config", responses((status = 200, body = Reloaded)))]
pub(super) async fn reload(State(console): State<Console>, caller: Caller) -> Result<Answer<Reloaded>, Refusal> {
    let not_yet = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon has only begun to start");
    let reloads = console.reloads.get().ok_or_else(not_yet)?;
    match reloads.reload(caller.operator).await {
        Reloaded::Refused { why, .. } => Err(Refusal::new(StatusCode::CONFLICT, why.join("\n"))),
        taken => Ok(Answer(taken)),
    }
}
