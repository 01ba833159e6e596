//! Sources: how each is, and what one that only rehearses would have led to.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Number, Page, Path, Query, instant, page_size};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Timestamp;
use crate::store::{PeopleRead, RehearsedReport, SourceHealth};

/// How far back is looked where nothing is said.
const LONG: Duration = Duration::from_hours(24 * 30);

/// How every source is that was ever known here.
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", operation_id = "list_sources", responses((status = 200, body = Page<SourceHealth>)))]
pub(super) async fn list(State(console): State<Console>) -> Result<Answer<Page<SourceHealth>>, Refusal> {
    Ok(Answer(Page::whole(console.store.source_health().await?)))
}

/// Of which time, and how many people.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// Signals that were received from then on, RFC 3339; 30 days ago without it.
    #[param(value_type = Option<Timestamp>)]
    since: Option<String>,
    /// How many people are named at most, 50 without it, 200 at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<Number>,
}

/// What a source that only rehearses would have led to. Nothing of it was done.
#[utoipa::path(get, path = "/api/v1/sources/{name}/rehearsed", tag = "sources", operation_id = "show_rehearsed",
    params(("name" = String, Path), Since), responses((status = 200, body = RehearsedReport)))]
pub(super) async fn rehearsed(
    State(console): State<Console>,
    Path(name): Path<String>,
    caller: Caller,
    Query(which): Query<Since>,
) -> Result<Answer<RehearsedReport>, Refusal> {
    let since = instant("since", which.since.as_deref())?;
    let since = since.unwrap_or_else(|| console.store.clock().now().minus(LONG));
    let report = console.store.rehearsed(&name, since, page_size(which.limit)?).await?;
    let report = report.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, format!("no source is called {name:?}")))?;
    let read = PeopleRead {
        subject_refs: report.people.iter().map(|person| person.subject_ref.clone()).collect(),
        ..PeopleRead::new(caller.operator, "GET /api/v1/sources/{name}/rehearsed")
    };
    console.record_read(&read).await;
    Ok(Answer(report))
}
