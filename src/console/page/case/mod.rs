//! One case: from the signal to the proof.
//!
//! `timeline` is what the trail says of it, folded to what matters; `proof` what was seen before and after, which doors are open, and what is still
//! to come; `forms` what may be done about it here.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use self::proof::{Counted, OpenDoor, ToCome, counted, doors, to_come};
use self::timeline::{Row, timeline};
use super::asked::{Query, given, link, number};
use super::now::CaseLine;
use super::words::{Frame, Mark, Moment, span, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::report;
use crate::store::{CaseDetail, DecidedHolds, JobProgress, Store, TrailFilter, TrailRow};

mod forms;
mod proof;
mod timeline;

pub(super) use forms::{call_off, note};

/// How many entries of the trail a page has.
const SHOWN: u32 = 500;
/// How many entries a decision may lie beside its place, since clocks are set.
const BESIDE: u64 = 1_000;

#[derive(Template)]
#[template(path = "case.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    case: CaseLine,
    facts: Vec<(&'static str, String)>,
    hold: Option<i64>,
    at_work: Vec<AtWork>,
    rows: Vec<Row>,
    /// How many entries there are on this page in all, folded ones too.
    entries: usize,
    all: bool,
    every: String,
    later: Option<String>,
    counted: Vec<Counted>,
    doors: Vec<OpenDoor>,
    to_come: Vec<ToCome>,
    notes: Vec<(String, String, Moment)>,
    may_call_off: bool,
}

/// Where the work at one target stands that is not over.
struct AtWork {
    target: String,
    state: Mark,
    says: String,
}

/// How much of it.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    all: Option<String>,
    from: Option<String>,
}

pub(super) async fn show(
    State(console): State<Console>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let store = &console.store;
    let now = store.clock().now();
    let all = given(asked.all.as_ref()).is_some();
    let detail = store.case_detail(id).await?;
    console.note_read(&caller, "the page of a case", vec![id]).await;
    let filter = TrailFilter {
        case: Some(id),
        from: number("from", asked.from.as_ref())?.unwrap_or_default(),
        limit: SHOWN + 1,
        ..TrailFilter::default()
    };
    let mut entries = store.trail_search(&filter).await?.rows;
    let behind = entries.get(usize::try_from(SHOWN).unwrap_or(usize::MAX)).map(|row| row.seq);
    entries.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    let beside = beside(store, &detail, &entries).await?;
    entries.extend(
        beside
            .into_iter()
            .filter(|row| row.seq >= filter.from && behind.is_none_or(|behind| row.seq < behind)),
    );
    entries.sort_by_key(|row| row.seq);
    let path = format!("/cases/{id}");
    let is_open = matches!(detail.case.state.as_str(), "open" | "held");
    let progress = if detail.case.state == "open" {
        store.case_progress(id).await?
    } else {
        Vec::new()
    };
    let notes = detail.notes.iter().map(|note| {
        let at = Moment::new(note.written_at, now);
        (visible(&note.note), visible(&note.written_by), at)
    });
    let mut facts = facts(&detail, now);
    if let Some((batch, pause)) = store.pause_of_case(id).await? {
        facts.push(("Paused", format!("with batch {batch}, {}", visible(&pause.sentence()))));
    }
    render(&Page {
        case: CaseLine::new(&detail.case, now),
        facts,
        hold: detail.case.hold,
        at_work: progress.iter().filter_map(at_work).collect(),
        rows: timeline(&entries, &detail, all, now),
        entries: entries.len(),
        all,
        every: link(&path, &[("all", Some("1"))]),
        later: behind.map(|seq| link(&path, &[("all", Some("1")), ("from", Some(&seq.to_string()))])),
        counted: counted(&detail.jobs),
        doors: doors(&detail.jobs, now),
        to_come: to_come(&detail.jobs, now),
        notes: notes.collect(),
        may_call_off: is_open && detail.case.called_off_at.is_none(),
        frame: Frame::new(format!("Case {id}"), &caller, form_token(&headers), now),
    })
}

/// The entries that belong to a case and do not name it: its signals, and the decision of its hold.
async fn beside(store: &Store, detail: &CaseDetail, entries: &[TrailRow]) -> Result<Vec<TrailRow>, Refusal> {
    let case = &detail.case;
    let number = |row: &TrailRow, name: &str| -> Option<i64> {
        let entry: serde_json::Value = serde_json::from_str(&row.body).ok()?;
        let is_of_the_case = !entry["case"].is_null();
        entry["detail"][name].as_i64().filter(|_| !is_of_the_case)
    };
    let mut references: Vec<String> = vec![case.subject_ref.clone()];
    references.extend(entries.iter().filter_map(|row| {
        let entry: serde_json::Value = serde_json::from_str(&row.body).ok()?;
        entry["subject_ref"].as_str().map(str::to_owned)
    }));
    references.sort();
    references.dedup();
    let signals = TrailFilter {
        subject_refs: Some(references),
        kind: Some("signal.accepted".to_owned()),
        limit: SHOWN,
        newest: true,
        ..TrailFilter::default()
    };
    let is_own = |row: &TrailRow| number(row, "signal").is_some_and(|id| detail.signals.iter().any(|signal| signal.id == id));
    let mut rows: Vec<TrailRow> = store.trail_search(&signals).await?.rows.into_iter().filter(is_own).collect();
    let Some(hold) = case.hold else { return Ok(rows) };
    let decided = DecidedHolds {
        before: Some(hold.saturating_add(1)),
        limit: 1,
        ..DecidedHolds::default()
    };
    let decided = store
        .decided_holds(&decided)
        .await?
        .rows
        .pop()
        .filter(|decided| decided.id == hold);
    // A part of a hold is decided while the rest waits on.
    let decided_at = decided.and_then(|decided| decided.decided_at);
    let mut instants: Vec<_> = decided_at.into_iter().chain(detail.approved_at).collect();
    instants.dedup();
    for at in instants {
        let place = store.trail_place_at(at).await?;
        let decisions = TrailFilter {
            kind: Some("hold.".to_owned()),
            from: place.saturating_sub(BESIDE),
            before: Some(place.saturating_add(BESIDE)),
            limit: SHOWN,
            ..TrailFilter::default()
        };
        let of_it = |row: &TrailRow| report::decides(row, hold, case.id);
        rows.extend(store.trail_search(&decisions).await?.rows.into_iter().filter(of_it));
    }
    rows.sort_by_key(|row| row.seq);
    rows.dedup_by_key(|row| row.seq);
    Ok(rows)
}

/// What is to be known of a case at a glance: how it came, and how fast it went.
fn facts(detail: &CaseDetail, now: crate::model::Timestamp) -> Vec<(&'static str, String)> {
    let case = &detail.case;
    let moment = |at| Moment::new(at, now).clock;
    let mut facts = vec![("Reason", visible(&case.reason)), ("Playbook", visible(&case.playbook))];
    facts.push((
        "Signal",
        format!("{} from {}", moment(case.received_at), visible(&case.source)),
    ));
    facts.extend(case.requested_by.as_deref().map(|by| ("Asked for by", visible(by))));
    facts.extend(case.note.as_deref().map(|note| ("Because", visible(note))));
    if let Some(due) = case.due.filter(|due| *due > now) {
        facts.push(("Due", moment(due)));
    }
    let mut since = "the signal";
    if detail.begins_at > case.received_at {
        let (what, then) = if detail.approved_at == Some(detail.begins_at) {
            ("Approved", "its approval")
        } else {
            ("Its day came", "its day came")
        };
        since = then;
        facts.push((
            what,
            format!("{} after the signal", span(detail.begins_at.since(case.received_at))),
        ));
    }
    let after = |at: crate::model::Timestamp| format!("{} after {since}", span(at.since(detail.begins_at)));
    facts.extend(case.first_revoke_at.map(|at| ("First revoke", after(at))));
    facts.extend(case.contained_at.map(|at| ("Contained", after(at))));
    if case.reopened > 0 {
        facts.push(("Came back", format!("{} times", case.reopened)));
    }
    facts.extend(case.owner.as_deref().map(|owner| ("Looked after by", visible(owner))));
    if let Some(at) = case.called_off_at {
        let by = visible(case.called_off_by.as_deref().unwrap_or("somebody"));
        let why = case
            .called_off_why
            .as_deref()
            .map_or(String::new(), |why| format!(": {}", visible(why)));
        facts.push(("Called off", format!("{} by {by}{why}", moment(at))));
    }
    facts
}

fn at_work(job: &JobProgress) -> Option<AtWork> {
    if !matches!(job.state.as_str(), "scheduled" | "queued" | "running") {
        return None;
    }
    let mut says = Vec::new();
    if job.attempt > 1 || job.attempt > 0 && job.state != "running" {
        says.push(format!("attempt {}", job.attempt));
    }
    if job.stopped.is_some() {
        says.push("nothing goes on at this target".to_owned());
    }
    if job.more_urgent > 0 {
        says.push(format!("behind {} more urgent", job.more_urgent));
    } else if job.before > 0 {
        says.push(format!("{} before it", job.before));
    }
    says.extend(job.error.as_deref().map(visible));
    Some(AtWork {
        target: visible(&job.target),
        state: Mark::new(&job.state),
        says: says.join("; "),
    })
}
