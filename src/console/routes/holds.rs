//! Holds: what waits for a human, and the decision about exactly what was shown.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Json, LONGEST_NOTE, Number, Page, Path, Query, text};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::store::{CombinedSet, Hold, HoldChoice};

/// Which holds are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The decided ones too, the newest 200.
    #[serde(default)]
    all: bool,
}

/// Open holds, the oldest first.
#[utoipa::path(get, path = "/api/v1/holds", tag = "holds", operation_id = "list_holds", params(Which), responses((status = 200, body = Page<Hold>)))]
pub(super) async fn list(State(console): State<Console>, Query(which): Query<Which>) -> Result<Answer<Page<Hold>>, Refusal> {
    Ok(Answer(Page::whole(console.store.holds(which.all).await?)))
}

/// Which cases of a hold are left out.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Except {
    /// Numbers of cases, with commas between.
    #[param(pattern = "^[0-9]{1,15}(,[0-9]{1,15})*$", max_length = 2000)]
    except: Option<String>,
}

/// What a hold covers now, with the hash that a decision must name.
#[utoipa::path(get, path = "/api/v1/holds/{id}", tag = "holds", operation_id = "show_hold", params(("id" = Number, Path), Except),
    responses((status = 200, body = CombinedSet)))]
pub(super) async fn show(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    Query(except): Query<Except>,
) -> Result<Answer<CombinedSet>, Refusal> {
    let except = except.except.as_deref().map_or(Ok(Vec::new()), numbers)?;
    Ok(Answer(console.store.held_together(&[id], &except).await?))
}

/// A decision about a hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    /// The hash of what was shown: a decision about anything else is refused.
    #[schema(min_length = 16, max_length = 16, pattern = "^[0-9a-f]{16}$")]
    set: String,
    /// Cases that are taken out: they stay held.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    except: Vec<Number>,
    /// Why.
    #[schema(min_length = 1, max_length = 2000, pattern = "\\S")]
    note: String,
}

impl Decision {
    /// Which cases of that hold it is about, the set that was shown, and why.
    fn about(self, hold: i64) -> Result<(HoldChoice, String, String), Refusal> {
        let note = text("note", &self.note, LONGEST_NOTE)?;
        let choice = HoldChoice {
            holds: vec![hold],
            except: self.except.into_iter().map(|case| case.0).collect(),
        };
        Ok((choice, self.set, note))
    }
}

/// What was decided.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Decided {
    /// `approved`, `rejected`, or `awaits_second`: it was the first of two approvals, and nothing goes on yet.
    state: &'static str,
    /// How many people it is about.
    people: usize,
    /// The cases.
    cases: Vec<i64>,
    /// The hash of what was decided about.
    set: String,
}

impl Decided {
    fn new(state: &'static str, set: CombinedSet) -> Self {
        Self {
            state,
            people: set.people,
            cases: set.cases.iter().map(|case| case.case).collect(),
            set: set.set,
        }
    }
}

/// Lets exactly what was shown go on. Where that needs two persons, the first approval is kept, and another person's of the same set takes effect.
#[utoipa::path(post, path = "/api/v1/holds/{id}/approval", tag = "holds", operation_id = "approve_hold", params(("id" = Number, Path)),
    request_body = Decision, responses((status = 200, body = Decided)))]
pub(super) async fn approve(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(decision): Json<Decision>,
) -> Result<Answer<Decided>, Refusal> {
    let (choice, set, note) = decision.about(id)?;
    let approved = console.store.approve_holds(choice, set, caller.operator, Some(note)).await?;
    let state = if approved.awaits_second { "awaits_second" } else { "approved" };
    Ok(Answer(Decided::new(state, approved.set)))
}

/// Calls exactly what was shown off.
#[utoipa::path(post, path = "/api/v1/holds/{id}/rejection", tag = "holds", operation_id = "reject_hold", params(("id" = Number, Path)),
    request_body = Decision, responses((status = 200, body = Decided)))]
pub(super) async fn reject(
    State(console): State<Console>,
    Path(Number(id)): Path<Number>,
    caller: Caller,
    Json(decision): Json<Decision>,
) -> Result<Answer<Decided>, Refusal> {
    let (choice, set, note) = decision.about(id)?;
    let decided = console
        .store
        .reject_holds(choice, Some(set), caller.operator, Some(note))
        .await?;
    Ok(Answer(Decided::new("rejected", decided)))
}

/// Numbers with commas between.
fn numbers(text: &str) -> Result<Vec<i64>, Refusal> {
    let number = |part: &str| {
        part.trim()
            .parse()
            .map_err(|_| Refusal::unreadable(format!("except: {part:?} is no number of a case")))
    };
    text.split(',').filter(|part| !part.trim().is_empty()).map(number).collect()
}
