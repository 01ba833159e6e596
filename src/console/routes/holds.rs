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
    Ok(Answer(Page::whole(console.store.holds_with_approvals(which.all).await?)))
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

/// Which holds are looked at as one.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Several {
    /// Their numbers, with commas between.
    #[param(pattern = "^[0-9]{1,15}(,[0-9]{1,15})*$", max_length = 1000)]
    holds: String,
    /// Cases that are left out, likewise.
    #[param(pattern = "^[0-9]{1,15}(,[0-9]{1,15})*$", max_length = 1000)]
    except: Option<String>,
}

/// What several holds cover now, as one set with one hash.
#[utoipa::path(get, path = "/api/v1/holds/together", tag = "holds", operation_id = "show_holds_together", params(Several),
    responses((status = 200, body = CombinedSet)))]
pub(super) async fn together(State(console): State<Console>, Query(which): Query<Several>) -> Result<Answer<CombinedSet>, Refusal> {
    let holds = numbers(&which.holds)?;
    let except = which.except.as_deref().map_or(Ok(Vec::new()), numbers)?;
    if holds.is_empty() {
        return Err(Refusal::unreadable("holds: name at least one"));
    }
    Ok(Answer(console.store.held_together(&holds, &except).await?))
}

/// What is decided about several holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verb {
    /// They go on.
    Approve,
    /// They are called off.
    Reject,
}

/// A decision about several holds as one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionTogether {
    /// The holds.
    #[schema(min_items = 1, max_items = 100)]
    holds: Vec<Number>,
    /// What is decided.
    decision: Verb,
    /// The hash of what was shown of them together.
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

/// Decides about several holds as one: about all of what was shown of them, or nothing.
#[utoipa::path(post, path = "/api/v1/holds/decision", tag = "holds", operation_id = "decide_holds", request_body = DecisionTogether,
    responses((status = 200, body = Decided)))]
pub(super) async fn decide(
    State(console): State<Console>,
    caller: Caller,
    Json(decision): Json<DecisionTogether>,
) -> Result<Answer<Decided>, Refusal> {
    if !(1..=100).contains(&decision.holds.len()) {
        return Err(Refusal::unreadable("holds: name from 1 to 100"));
    }
    let note = text("note", &decision.note, LONGEST_NOTE)?;
    let choice = HoldChoice {
        holds: decision.holds.into_iter().map(|hold| hold.0).collect(),
        except: decision.except.into_iter().map(|case| case.0).collect(),
    };
    match decision.decision {
        Verb::Approve => approved(&console, choice, decision.set, caller, note).await,
        Verb::Reject => rejected(&console, choice, decision.set, caller, note).await,
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
    approved(&console, choice, set, caller, note).await
}

async fn approved(
    console: &Console,
    choice: HoldChoice,
    set: String,
    caller: Caller,
    note: String,
) -> Result<Answer<Decided>, Refusal> {
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
    rejected(&console, choice, set, caller, note).await
}

async fn rejected(
    console: &Console,
    choice: HoldChoice,
    set: String,
    caller: Caller,
    note: String,
) -> Result<Answer<Decided>, Refusal> {
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
