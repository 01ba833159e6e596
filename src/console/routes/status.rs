//! How things stand.

use axum::Json;
use axum::extract::State;

use crate::console::Console;
use crate::console::refusal::Refusal;
use crate::store::Counts;

/// The numbers of `revoked status`.
#[utoipa::path(get, path = "/api/v1/status", tag = "status", operation_id = "status", responses((status = 200, body = Counts)))]
pub(super) async fn status(State(console): State<Console>) -> Result<Json<Counts>, Refusal> {
    Ok(Json(console.store.counts().await?))
}
