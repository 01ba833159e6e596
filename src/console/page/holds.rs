//! Holds: those that wait for a decision, and what was decided, by whom and why.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::asked::{Query, beginning, end, given, link, number};
use super::words::{Frame, Mark, Moment, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Timestamp;
use crate::store::{DecidedHolds, Hold};

/// How many decided holds a page has.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "holds.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    open: Vec<Line>,
    decided: Vec<Line>,
    asked: Asked,
    older: Option<String>,
}

pub(super) struct Line {
    pub(super) id: i64,
    state: Mark,
    why: String,
    pub(super) detail: String,
    pub(super) source: String,
    pub(super) people: i64,
    /// Whose approval it has already.
    pub(super) given: Option<String>,
    pub(super) first: String,
    pub(super) placed: Moment,
    /// By whom, when, and why.
    decided: Option<(String, Moment, String)>,
}

impl Line {
    pub(super) fn new(hold: &Hold, now: Timestamp) -> Self {
        Self {
            id: hold.id,
            state: Mark::new(&hold.state),
            why: visible(&hold.why.replace('_', " ")),
            detail: visible(&hold.detail),
            source: visible(&hold.source),
            people: hold.people,
            given: hold.approvals_given().as_deref().map(visible),
            first: visible(&hold.first.join(", ")),
            placed: Moment::new(hold.placed_at, now),
            decided: hold.decided_at.map(|at| {
                let by = hold.decided_by.as_deref().map_or(String::new(), visible);
                (by, Moment::new(at, now), hold.note.as_deref().map_or(String::new(), visible))
            }),
        }
    }
}

/// Which decided ones.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    by: Option<String>,
    cause: Option<String>,
    from: Option<String>,
    until: Option<String>,
    before: Option<String>,
}

impl Asked {
    fn which(&self) -> Result<DecidedHolds, Refusal> {
        Ok(DecidedHolds {
            by: given(self.by.as_ref()).map(str::to_owned),
            cause: given(self.cause.as_ref()).map(str::to_owned),
            from: beginning("from", self.from.as_ref())?,
            until: end("until", self.until.as_ref())?,
            before: number("before", self.before.as_ref())?,
            limit: u32::try_from(SHOWN).unwrap_or(u32::MAX) + 1,
        })
    }

    fn before(&self, hold: i64) -> String {
        let hold = hold.to_string();
        let fields = [
            ("by", given(self.by.as_ref())),
            ("cause", given(self.cause.as_ref())),
            ("from", given(self.from.as_ref())),
            ("until", given(self.until.as_ref())),
            ("before", Some(hold.as_str())),
        ];
        link("/holds", &fields)
    }
}

pub(super) async fn show(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let now = console.store.clock().now();
    let mut decided = console.store.decided_holds(&asked.which()?).await?.rows;
    let is_cut = decided.len() > SHOWN;
    decided.truncate(SHOWN);
    let open = console.store.holds_with_approvals(false).await?.rows;
    render(&Page {
        frame: Frame::new("Holds", &caller, form_token(&headers), now).at("/holds"),
        older: decided.last().filter(|_| is_cut).map(|hold| asked.before(hold.id)),
        open: open.iter().map(|hold| Line::new(hold, now)).collect(),
        decided: decided.iter().map(|hold| Line::new(hold, now)).collect(),
        asked,
    })
}
