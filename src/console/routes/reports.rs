//! Reports over many cases.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Query, instant};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Timestamp;
use crate::store::ContainmentTimes;

/// How far back is looked where nothing is said.
const LONG: Duration = Duration::from_hours(24 * 30);
/// The longest time that is measured at once.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct When {
    /// Cases that began from then on, RFC 3339; 30 days ago without it.
    #[param(value_type = Option<Timestamp>)]
    since: Option<String>,
    /// Only those that began before then; now without it, and at most 366 days after `since`.
    #[param(value_type = Option<Timestamp>)]
    until: Option<String>,
}

/// How long it took to end access, by target and reason, against the goals of the config.
#[utoipa::path(get, path = "/api/v1/reports/containment", tag = "reports", operation_id = "report_containment", params(When),
    responses((status = 200, body = ContainmentTimes)))]
pub(super) async fn containment(
    State(console): State<Console>,
    caller: Caller,
    Query(when): Query<When>,
) -> Result<Answer<ContainmentTimes>, Refusal> {
    let now = console.store.clock().now();
    let until = instant("until", when.until.as_deref())?.unwrap_or(Timestamp::from_ms(now.ms().saturating_add(1)));
    let since = instant("since", when.since.as_deref())?.unwrap_or(until.minus(LONG));
    if since >= until || until.since(since) > LONGEST {
        return Err(Refusal::unreadable("since: it is before `until`, and at most 366 days"));
    }
    let times = console
        .store
        .containment_times((since, until), &console.installation.goals)
        .await?;
    let named = times.misses.iter().map(|miss| miss.case);
    let named = named.chain(times.not_whole.iter().map(|case| case.case)).collect();
    console.note_read(&caller, "GET /api/v1/reports/containment", named).await;
    Ok(Answer(times))
}
