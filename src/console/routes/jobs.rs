//! Jobs: the units of the queue, and the ledger of those that could not be revoked.

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Number, Page, Query};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::{JobView, ListFilter};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// It waits for its time.
    Scheduled,
    /// It waits for a lane.
    Queued,
    /// A lane works at it.
    Running,
    /// It waits for a decision.
    Held,
    /// It is over, with what was proved.
    Done,
    /// It is over without proof: it stands in the ledger.
    Failed,
    /// It was called off.
    Cancelled,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Held => "held",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Which jobs are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only in this state.
    #[param(inline)]
    state: Option<Standing>,
    /// Only at this target.
    target: Option<String>,
    /// Only of this case.
    #[param(value_type = Option<Number>)]
    case: Option<Number>,
    /// Only those older than this one: the member `next` of the page before.
    #[param(value_type = Option<Number>)]
    before: Option<Number>,
    /// At most so many, 50 without it, 200 at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<Number>,
}

/// Jobs, the newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", operation_id = "list_jobs", params(Which), responses((status = 200, body = Page<JobView>)))]
pub(super) async fn list(
    State(console): State<Console>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Answer<Page<JobView>>, Refusal> {
    let limit = super::page_size(which.limit)?;
    let filter = ListFilter {
        state: which.state.map(|state| state.word().to_owned()),
        target: which.target,
        case: which.case.map(|case| case.0),
        before: which.before.map(|before| before.0),
        limit: limit + 1,
        ..ListFilter::default()
    };
    page(&console, &caller, "GET /api/v1/jobs", (filter, limit)).await
}

/// Which part of the ledger is listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Only those older than this one: the member `next` of the page before.
    #[param(value_type = Option<Number>)]
    before: Option<Number>,
    /// At most so many, 50 without it, 200 at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<Number>,
}

/// What could not be revoked and is tried again every hour, the newest first.
#[utoipa::path(get, path = "/api/v1/ledger", tag = "jobs", operation_id = "list_ledger", params(Part), responses((status = 200, body = Page<JobView>)))]
pub(super) async fn ledger(
    State(console): State<Console>,
    caller: Caller,
    Query(part): Query<Part>,
) -> Result<Answer<Page<JobView>>, Refusal> {
    let limit = super::page_size(part.limit)?;
    let filter = ListFilter {
        before: part.before.map(|before| before.0),
        ..ListFilter::of_ledger(limit + 1)
    };
    page(&console, &caller, "GET /api/v1/ledger", (filter, limit)).await
}

/// A page of jobs; that it was read is recorded, since evidence names accounts.
async fn page(
    console: &Console,
    caller: &Caller,
    with: &'static str,
    (filter, limit): (ListFilter, u32),
) -> Result<Answer<Page<JobView>>, Refusal> {
    let page = Page::cut(console.store.jobs(&filter).await?, limit, |job: &JobView| job.id);
    console
        .note_read(caller, with, page.items.iter().map(|job| job.case).collect())
        .await;
    Ok(Answer(page))
}

#[cfg(test)]
mod tests {
    use super::Standing;
    use crate::model::JobState;

    #[test]
    fn every_state_of_a_job_can_be_asked_for_by_its_word() {
        for word in JobState::WORDS {
            let read: Standing = serde_json::from_value(word.into()).unwrap();
            assert_eq!(read.word(), word);
        }
    }
}
