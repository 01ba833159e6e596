//! One hold, and the decision about exactly what the page shows.

use std::collections::BTreeSet;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::asked::{Query, given};
use super::now::CaseLine;
use super::refused::reads_pages;
use super::words::{Frame, Mark, Moment, person, visible};
use super::{form_token, is_our_form, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::console::routes::{LONGEST_NOTE, text};
use crate::model::Role;
use crate::store::{FirstApproval, HeldSet, HoldChoice, StoreError, TwoPersons};

/// How many of those that are decided are named.
const DECIDED: u32 = 200;

#[derive(Template)]
#[template(path = "hold.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    id: i64,
    detail: String,
    source: String,
    state: String,
    decided: Option<(String, Moment, String)>,
    people: i64,
    placed: Moment,
    cases: Vec<Line>,
    set: String,
    may_decide: bool,
    two_persons: Option<Second>,
    /// Why what was just sent was not decided.
    refused: String,
    /// What was typed there.
    note: String,
    /// Those that are decided: how many stand how, and the first of them, where it did not go well first.
    decided_cases: Vec<CaseLine>,
    counted: Vec<(i64, Mark)>,
    /// In which file or list it came, where in one.
    delivery: Option<String>,
}

/// That an approval needs two persons.
struct Second {
    why: String,
    /// By whom, when, why, and whether parts were taken out.
    first: Option<(String, Moment, String, bool)>,
}

struct Line {
    /// Whether it is ticked at first: what the first of two approvals took out is not.
    kept: bool,
    case: i64,
    subject: String,
    reason: String,
    targets: String,
    due: Option<Moment>,
}

/// What is ticked at first, where the address says so.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    tick: Option<String>,
}

pub(super) async fn show(
    State(console): State<Console>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let ticks = match given(asked.tick.as_ref()) {
        None => Ticks::Proposed,
        Some("all") => Ticks::All,
        Some("none") => Ticks::These(BTreeSet::new()),
        Some(other) => return Err(Refusal::unreadable(format!("tick: all or none, not {other:?}"))),
    };
    page(
        &console,
        id,
        &caller,
        &headers,
        Shown {
            ticks,
            ..Shown::default()
        },
    )
    .await
}

/// Which cases are ticked at first.
#[derive(Default)]
enum Ticks {
    /// All but what the first of two approvals took out.
    #[default]
    Proposed,
    All,
    These(BTreeSet<i64>),
}

/// What the page shows beside the hold itself.
#[derive(Default)]
struct Shown {
    ticks: Ticks,
    refused: String,
    note: String,
}

async fn page(console: &Console, id: i64, caller: &Caller, headers: &HeaderMap, shown: Shown) -> Result<Response, Refusal> {
    let now = console.store.clock().now();
    let HeldSet {
        hold,
        cases,
        set,
        two_persons,
        ..
    } = console.store.hold(id).await?;
    let first = match &two_persons {
        Some(two) => first_approval(console, id, two).await?,
        None => None,
    };
    let decided = hold.decided_at.map(|at| {
        let by = hold.decided_by.as_deref().map_or(String::new(), visible);
        (by, Moment::new(at, now), hold.note.as_deref().map_or(String::new(), visible))
    });
    let (counted, of_them) = console.store.decided_under(id, DECIDED).await?;
    let is_kept = |case: i64| match &shown.ticks {
        Ticks::Proposed => first.as_ref().is_none_or(|first| !first.except.contains(&case)),
        Ticks::All => true,
        Ticks::These(these) => these.contains(&case),
    };
    render(&Page {
        refused: visible(&shown.refused),
        note: shown.note,
        counted: counted.iter().map(|(count, stands)| (*count, Mark::new(stands))).collect(),
        decided_cases: of_them.rows.iter().map(|case| CaseLine::new(case, now)).collect(),
        delivery: hold.batch.as_deref().map(visible),
        may_decide: caller.role >= Role::Approver && hold.state == "open",
        frame: Frame::new(format!("Hold {id}"), caller, form_token(headers), now).at("/holds"),
        id,
        detail: visible(&hold.detail),
        source: hold.source,
        state: hold.state,
        decided,
        people: hold.people,
        placed: Moment::new(hold.placed_at, now),
        cases: cases
            .into_iter()
            .map(|case| Line {
                kept: is_kept(case.case),
                case: case.case,
                subject: person(case.subject.as_deref()),
                reason: case.reason,
                targets: case.targets.join(", "),
                due: case.due.map(|due| Moment::new(due, now)),
            })
            .collect(),
        set,
        two_persons: two_persons.map(|two| Second {
            why: two.why,
            first: first.map(|first| {
                let note = first.note.as_deref().map_or(String::new(), visible);
                (visible(&first.by), Moment::new(first.at, now), note, !first.except.is_empty())
            }),
        }),
    })
}

/// The newest first approval of what is there still, the whole or a part of it.
async fn first_approval(console: &Console, id: i64, two: &TwoPersons) -> Result<Option<FirstApproval>, Refusal> {
    for given in two.others.iter().rev().chain(&two.first) {
        match console.store.held_together(&[id], &given.except).await {
            Ok(now) if now.set == given.set => return Ok(Some(given.clone())),
            // What it took out, or all the rest, is there no more.
            Ok(_) | Err(StoreError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// What the form says: the set that was shown, by its hash and its cases, and which of these were kept in.
struct Form {
    token: String,
    set: String,
    approve: bool,
    shown: BTreeSet<i64>,
    kept: BTreeSet<i64>,
    note: String,
}

impl Form {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let mut form = Self {
            token: String::new(),
            set: String::new(),
            approve: false,
            shown: BTreeSet::new(),
            kept: BTreeSet::new(),
            note: String::new(),
        };
        let mut decision = None;
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body).map_err(Refusal::unreadable)?;
        for (name, value) in pairs {
            let number = |value: &str| {
                value
                    .parse()
                    .map_err(|_| Refusal::unreadable(format!("{name}: {value:?} is no number")))
            };
            match name.as_str() {
                "form" => form.token = value,
                "set" => form.set = value,
                "decision" => decision = Some(value),
                "shown" => drop(form.shown.insert(number(&value)?)),
                "keep" => drop(form.kept.insert(number(&value)?)),
                "note" => form.note = value,
                _ => return Err(Refusal::unreadable(format!("{name}: this form has no such field"))),
            }
        }
        form.approve = match decision.as_deref() {
            Some("approve") => true,
            Some("reject") => false,
            _ => return Err(Refusal::unreadable("decision: approve or reject")),
        };
        Ok(form)
    }
}

pub(super) async fn decide(
    State(console): State<Console>,
    Path(id): Path<i64>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::read(&body)?;
    is_our_form(&headers, &form.token)?;
    let Err(refusal) = decided(&console, id, &caller, &form).await else {
        return Ok(Redirect::to(&format!("/holds/{id}")).into_response());
    };
    let mendable = [StatusCode::CONFLICT, StatusCode::BAD_REQUEST];
    if !reads_pages(&headers) || !mendable.contains(&refusal.0.status()) {
        return Err(refusal);
    }
    // As it is now, with what was ticked and typed: what came since nobody has ticked.
    let shown = Shown {
        ticks: Ticks::These(form.kept),
        refused: refusal.0.detail().to_owned(),
        note: form.note,
    };
    let mut again = page(&console, id, &caller, &headers, shown).await?;
    *again.status_mut() = refusal.0.status();
    Ok(again)
}

async fn decided(console: &Console, id: i64, caller: &Caller, form: &Form) -> Result<(), Refusal> {
    let note = text("note", &form.note, LONGEST_NOTE)?;
    let choice = HoldChoice {
        holds: vec![id],
        except: form.shown.difference(&form.kept).copied().collect(),
    };
    let now = console.store.held_together(&choice.holds, &choice.except).await?;
    // Looked at after what is decided about was read: what changes later is refused with that. What one case would do may have changed as well as
    // which there are.
    if console.store.hold(id).await?.set != form.set {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "what is held has changed since the page was made: look at it again, as it stands below",
        ));
    }
    let (by, note) = (caller.operator.clone(), Some(note));
    if form.approve {
        console.store.approve_holds(choice, now.set, by, note).await?;
    } else {
        console.store.reject_holds(choice, Some(now.set), by, note).await?;
    }
    Ok(())
}
