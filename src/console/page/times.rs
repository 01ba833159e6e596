//! How long it took to end access, day by day, against the goals; and what missed them, by name.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::asked::{Query, beginning, given};
use super::words::{Frame, Moment, person, span, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::Timestamp;
use crate::store::{ContainmentGroup, ContainmentTimes, Distribution, Miss};

/// How many days a page has.
const DAYS: u32 = 14;
const DAY: Duration = Duration::from_hours(24);
/// How many misses are named.
const MISSES: usize = 50;
/// How wide a bar may be, and what stands at its left end: what is faster than that is not told apart.
const WIDTH: f64 = 180.0;
const FASTEST_MS: f64 = 100.0;

#[derive(Template)]
#[template(path = "times.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    first: String,
    last: String,
    earlier: String,
    is_of_a_day: bool,
    groups: Vec<Group>,
    misses: Vec<MissLine>,
    misses_more: usize,
    unasked: usize,
}

/// One reason at one target.
struct Group {
    target: String,
    reason: String,
    measures: Vec<Measure>,
    /// What is open, held, failed and the like, as far as there is any.
    beside: Vec<(&'static str, usize)>,
}

/// The first revoke, or containment.
struct Measure {
    name: &'static str,
    goal: String,
    whole: Figures,
    days: Vec<(String, Figures)>,
}

/// A distribution in words, and as a bar.
struct Figures {
    n: usize,
    p50: String,
    p95: String,
    missed: usize,
    bar: Option<Bar>,
    goal_at: u32,
}

/// From the half to the 95th of a hundred.
struct Bar {
    from: u32,
    width: u32,
}

impl Figures {
    fn new(of: &Distribution) -> Self {
        let bar = of.p50_ms.zip(of.p95_ms).map(|(half, most)| {
            let (from, to) = (place(half, of.goal_ms), place(most, of.goal_ms));
            Bar {
                from,
                width: to.saturating_sub(from).max(3),
            }
        });
        Self {
            n: of.n,
            p50: length(of.p50_ms),
            p95: length(of.p95_ms),
            missed: of.missed,
            bar,
            goal_at: place(of.goal_ms, of.goal_ms),
        }
    }
}

/// Where a time stands on a scale of powers of ten, whose goal is at three quarters of it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place on the screen, between 0 and its width"
)]
fn place(ms: i64, goal_ms: i64) -> u32 {
    let powers = |ms: i64| (ms.max(1) as f64 / FASTEST_MS).max(1.0).log10();
    let goal = powers(goal_ms).max(1.0);
    (powers(ms) / goal * WIDTH * 0.75).clamp(0.0, WIDTH) as u32
}

fn length(ms: Option<i64>) -> String {
    let length = |ms: i64| span(Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
    ms.map_or_else(|| "none".to_owned(), length)
}

struct MissLine {
    case: i64,
    subject: String,
    target: String,
    reason: String,
    says: String,
    causes: Vec<String>,
    entries: Vec<u64>,
    began: Moment,
}

impl MissLine {
    fn new(miss: Miss, now: Timestamp) -> Self {
        let goal = if miss.goal == "first_revoke" {
            "first revoke"
        } else {
            "containment"
        };
        let took = length(Some(miss.took_ms));
        let of = length(Some(miss.goal_ms));
        let says = match miss.what {
            "failed" => format!("{goal} failed after {took}; the goal is {of}"),
            "open" => format!("{goal} is not there after {took}; the goal is {of}"),
            _ => format!("{goal} took {took}; the goal is {of}"),
        };
        let waited =
            (miss.waited_ms > 0).then(|| format!("waited {} for a decision, which does not count", length(Some(miss.waited_ms))));
        Self {
            case: miss.case,
            subject: person(miss.subject.as_deref()),
            target: visible(&miss.target),
            reason: visible(&miss.reason),
            says,
            causes: miss.causes.iter().map(|cause| visible(cause)).chain(waited).collect(),
            entries: miss.entries,
            began: Moment::new(miss.began_at, now),
        }
    }
}

/// Up to which day.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    until: Option<String>,
}

pub(super) async fn show(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let now = console.store.clock().now();
    let last = midnight(beginning("until", asked.until.as_ref())?.unwrap_or(now));
    let first = last.minus(DAY * (DAYS - 1));
    let whole = times(&console, first, last.plus(DAY)).await?;
    let mut days = Vec::new();
    for n in 0..DAYS {
        let from = first.plus(DAY * n);
        // A day of which nothing was asked is no row.
        if whole.cases > 0 {
            days.push((day(from), times(&console, from, from.plus(DAY)).await?));
        }
    }
    let mut misses = whole.misses;
    let misses_more = whole.misses_more + misses.len().saturating_sub(MISSES);
    misses.truncate(MISSES);
    console
        .note_read(&caller, "the page of times", misses.iter().map(|miss| miss.case).collect())
        .await;
    render(&Page {
        frame: Frame::new("Times", &caller, form_token(&headers), now).at("/times"),
        first: day(first),
        last: day(last),
        earlier: day(first.minus(DAY)),
        is_of_a_day: given(asked.until.as_ref()).is_some(),
        groups: whole.groups.iter().map(|of| group(of, &days)).collect(),
        misses: misses.into_iter().map(|miss| MissLine::new(miss, now)).collect(),
        misses_more,
        unasked: whole.unasked,
    })
}

async fn times(console: &Console, from: Timestamp, until: Timestamp) -> Result<ContainmentTimes, Refusal> {
    Ok(console
        .store
        .containment_times((from, until), &console.installation.goals)
        .await?)
}

/// Where the day of UTC begins in which an instant lies.
fn midnight(at: Timestamp) -> Timestamp {
    Timestamp::from_ms(at.ms() - at.ms().rem_euclid(i64::try_from(DAY.as_millis()).unwrap_or(1)))
}

fn day(at: Timestamp) -> String {
    at.to_string().get(..10).unwrap_or_default().to_owned()
}

fn group(whole: &ContainmentGroup, days: &[(String, ContainmentTimes)]) -> Group {
    let mut by_day: BTreeMap<&str, &ContainmentGroup> = BTreeMap::new();
    for (day, times) in days {
        let same = |of: &&ContainmentGroup| of.target == whole.target && of.reason == whole.reason;
        by_day.extend(times.groups.iter().find(same).map(|of| (day.as_str(), of)));
    }
    let measure = |name, of: fn(&ContainmentGroup) -> &Distribution| Measure {
        name,
        goal: length(Some(of(whole).goal_ms)),
        whole: Figures::new(of(whole)),
        days: by_day
            .iter()
            .map(|(day, group)| ((*day).to_owned(), Figures::new(of(group))))
            .collect(),
    };
    let beside = [
        ("open", whole.open),
        ("held", whole.held),
        ("failed", whole.failed),
        ("unverified", whole.unverified),
        ("residual", whole.residual),
        ("nobody there", whole.no_principal),
        ("called off", whole.called_off),
    ];
    Group {
        target: visible(&whole.target),
        reason: visible(&whole.reason),
        measures: vec![
            measure("First revoke", |group| &group.first_revoke),
            measure("Containment", |group| &group.containment),
        ],
        beside: beside.into_iter().filter(|(_, count)| *count > 0).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, place};

    #[test]
    fn a_bar_grows_with_its_time_and_stays_in_its_room() {
        let goal = 60_000;
        let places: Vec<u32> = [0, 100, 1000, 10_000, goal, 600_000, i64::MAX]
            .map(|ms| place(ms, goal))
            .into();
        assert!(places.is_sorted() && places[0] == 0 && places[4] == 135, "{places:?}");
        assert!(f64::from(places[6]) <= WIDTH, "{places:?}");
        assert!(
            place(5, 1) <= place(5000, 1),
            "a goal below what can be told apart divides nothing by nothing"
        );
    }
}
