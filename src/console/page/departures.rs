//! Departures as a calendar: by the leaver's own day, with what that is where the reader is. What is over stays a month.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::asked::{Query, beginning, given, link, number};
use super::words::{Frame, Mark, Moment, person, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::{Leaves, Timestamp};
use crate::store::{DepartureFilter, DepartureView, Store};

/// How many departures a page has.
const SHOWN: usize = 100;
/// How long one that is over stays.
const MONTH: Duration = Duration::from_hours(31 * 24);
/// In which states there are any.
const STATES: [&str; 6] = ["planned", "held", "blocked", "executed", "rescinded", "cancelled"];

#[derive(Template)]
#[template(path = "departures.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    from: Moment,
    is_of_a_day: bool,
    days: Vec<(String, Vec<Line>)>,
    later: Option<String>,
}

pub(super) struct Line {
    pub(super) id: i64,
    pub(super) who: String,
    pub(super) state: Mark,
    /// When access ends, by the clock and the zone of where the person works.
    pub(super) local: String,
    pub(super) at: Moment,
    /// What is to be said of it besides.
    pub(super) remarks: Vec<String>,
    pub(super) case: Option<i64>,
    pub(super) hold: Option<i64>,
    source: String,
}

impl Line {
    pub(super) fn new(departure: &DepartureView, is_moved: bool, now: Timestamp) -> Self {
        let mut remarks = Vec::new();
        if departure.late {
            remarks.push("late".to_owned());
        } else if departure.acts_at < now && departure.state == "planned" {
            remarks.push("its time has come".to_owned());
        }
        if is_moved {
            remarks.push("moved".to_owned());
        }
        if departure.acts_at > departure.fire_at {
            remarks.push("another employment ends later".to_owned());
        }
        if let Some(change) = &departure.change {
            remarks.push(format!(
                "a change to {} waits for a decision",
                Moment::new(change.acts_at, now).clock
            ));
        }
        if departure.suspended_by.is_some() {
            remarks.push("the account is suspended already".to_owned());
        }
        remarks.extend(departure.why.as_deref().map(visible));
        Self {
            id: departure.id,
            who: match departure.subject.as_deref() {
                Some(subject) => person(Some(subject)),
                None => format!("employee {}", visible(&departure.employee)),
            },
            state: Mark::new(&departure.state),
            local: local(departure),
            at: Moment::new(departure.acts_at, now),
            remarks,
            case: departure.case,
            hold: departure.change.as_ref().and_then(|change| change.hold),
            source: visible(&departure.source),
        }
    }
}

/// `2026-04-01 00:00 +02:00 Europe/Berlin`; of a plan that names an instant, that.
fn local(departure: &DepartureView) -> String {
    let Some(local) = &departure.local else {
        return format!(
            "{} (an instant, no zone)",
            Moment::new(departure.acts_at, departure.acts_at).clock
        );
    };
    let (wall, zone) = local.split_once('[').unwrap_or((local, ""));
    let (time, offset) = wall.split_at(wall.len().min(16));
    let offset = offset.trim_start_matches(|c: char| c == ':' || c == '.' || c.is_ascii_digit());
    let text = format!("{} {offset} {}", time.replace('T', " "), zone.trim_end_matches(']'));
    visible(text.trim_end())
}

/// The day that the person leaves on, where the person works.
fn day(departure: &DepartureView) -> String {
    match (&departure.leaves, &departure.local) {
        (Some(Leaves::Wall { date, .. }), _) if departure.acts_at == departure.fire_at => date.clone(),
        (_, Some(local)) => local.get(..10).unwrap_or(local).to_owned(),
        _ => departure.acts_at.to_string().get(..10).unwrap_or_default().to_owned(),
    }
}

/// From where on.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    from: Option<String>,
    behind: Option<String>,
}

pub(super) async fn show(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let store = &console.store;
    let now = store.clock().now();
    let from = beginning("from", asked.from.as_ref())?.unwrap_or_else(|| now.minus(MONTH));
    let mut listed = calendar(store, from, number("behind", asked.behind.as_ref())?).await?;
    let is_cut = listed.len() > SHOWN;
    listed.truncate(SHOWN);
    let last = listed.last().filter(|_| is_cut);
    let later = last.map(|last| {
        let (at, id) = (last.acts_at.to_string(), last.id.to_string());
        link("/departures", &[("from", Some(&at)), ("behind", Some(&id))])
    });
    let ids: Vec<i64> = listed.iter().map(|departure| departure.id).collect();
    let cases = listed.iter().filter_map(|departure| departure.case).collect();
    console.note_read(&caller, "the page of departures", cases).await;
    let moved = store.moved_departures(&ids).await?;
    let mut days: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for departure in &listed {
        let line = Line::new(departure, moved.contains(&departure.id), now);
        days.entry(visible(&day(departure))).or_default().push(line);
    }
    render(&Page {
        frame: Frame::new("Departures", &caller, form_token(&headers), now).at("/departures"),
        from: Moment::new(from, now),
        is_of_a_day: given(asked.from.as_ref()).is_some(),
        days: days.into_iter().collect(),
        later,
    })
}

/// The departures by which access ends from an instant on, whatever became of them: one more than a page has.
async fn calendar(store: &Store, from: Timestamp, behind: Option<i64>) -> Result<Vec<DepartureView>, Refusal> {
    let mut all = Vec::new();
    for state in STATES {
        let filter = DepartureFilter {
            state: Some(state.to_owned()),
            from: Some(from),
            behind,
            limit: u32::try_from(SHOWN).unwrap_or(u32::MAX) + 1,
            ..DepartureFilter::default()
        };
        all.extend(store.departures(&filter).await?.rows);
    }
    all.sort_by_key(|departure| (departure.acts_at, departure.id));
    all.truncate(SHOWN + 1);
    Ok(all)
}
