//! The trail: what was done, by whom.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Number, Query};
use crate::console::Console;
use crate::console::refusal::Refusal;
use crate::store::TrailFilter;

/// Which entries are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only those of this case.
    #[param(value_type = Option<Number>)]
    case: Option<Number>,
    /// Only kinds that begin with this.
    kind: Option<String>,
    /// Only what an operator of this name did.
    operator: Option<String>,
    /// From this entry on.
    #[param(value_type = Option<Number>)]
    from: Option<Number>,
    /// At most so many, 50 without it, 200 at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<Number>,
}

/// An entry of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrailEntry {
    /// Its number, also the index of its leaf.
    seq: u64,
    /// The line exactly as it was hashed.
    line: String,
}

/// Entries of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entries {
    /// Oldest first.
    items: Vec<TrailEntry>,
    /// What to pass as `from` for what follows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Entries of the trail, oldest first.
#[utoipa::path(get, path = "/api/v1/trail", tag = "trail", operation_id = "list_trail", params(Which), responses((status = 200, body = Entries)))]
pub(super) async fn list(State(console): State<Console>, Query(which): Query<Which>) -> Result<Answer<Entries>, Refusal> {
    let limit = super::page_size(which.limit)?;
    let filter = TrailFilter {
        case: which.case.map(|case| case.0),
        kind: which.kind,
        operator: which.operator,
        from: which.from.map_or(0, |from| u64::try_from(from.0).unwrap_or_default()),
        limit: limit + 1,
        ..TrailFilter::default()
    };
    let mut rows = console.store.trail_search(&filter).await?.rows;
    let next = rows.get(usize::try_from(limit).unwrap_or(usize::MAX)).map(|row| row.seq);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let items = rows
        .into_iter()
        .map(|row| TrailEntry {
            seq: row.seq,
            line: row.body,
        })
        .collect();
    Ok(Answer(Entries { items, next }))
}
