//! Sources: how each is.

use axum::Json as Answer;
use axum::extract::State;

use super::Page;
use crate::console::Console;
use crate::console::refusal::Refusal;
use crate::store::SourceHealth;

/// How every source is that was ever known here.
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", operation_id = "list_sources", responses((status = 200, body = Page<SourceHealth>)))]
pub(super) async fn list(State(console): State<Console>) -> Result<Answer<Page<SourceHealth>>, Refusal> {
    Ok(Answer(Page::whole(console.store.source_health().await?)))
}
