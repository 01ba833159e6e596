//! The trail: entries by filters that stand in the address, the newest first, with what is proved of them.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use revoked_trail::leaf_hash;
use serde::Deserialize;

use super::asked::{Query, beginning, end, given, link, number};
use super::entry::EntryLine;
use super::words::{Frame, Moment, person, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::{Subject, Timestamp};
use crate::store::{Store, TrailFilter, TrailRow};

/// How many entries a page has.
const SHOWN: u32 = 50;
/// How many entries are looked through for them, where nothing says which blocks speak of what is looked for.
const LOOKED_THROUGH: u64 = 20_000;
/// How many entries an instant may lie beside its place, since clocks are set.
const BESIDE: u64 = 2_000;

#[derive(Template)]
#[template(path = "trail.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    asked: Asked,
    lines: Vec<Line>,
    /// Of the entries shown, those whose line is not what was hashed.
    bad: Vec<u64>,
    head: Head,
    /// From which entry on, and before which, was looked.
    looked: (u64, u64),
    older: Option<String>,
    newest: Option<String>,
}

struct Line {
    entry: EntryLine,
    who: Option<String>,
}

/// What vouches for the trail.
struct Head {
    size: i64,
    signed: Option<(i64, Option<Moment>)>,
    /// The size of the newest checkpoint that has reached the file outside.
    anchored: Option<String>,
    broken: Option<String>,
}

/// What the address asks for.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    person: Option<String>,
    case: Option<String>,
    kind: Option<String>,
    operator: Option<String>,
    from: Option<String>,
    until: Option<String>,
    before: Option<String>,
}

impl Asked {
    /// The same before that entry; from the newest on where there is none.
    fn before(&self, entry: Option<u64>) -> String {
        let entry = entry.map(|entry| entry.to_string());
        let fields = [
            ("person", given(self.person.as_ref())),
            ("case", given(self.case.as_ref())),
            ("kind", given(self.kind.as_ref())),
            ("operator", given(self.operator.as_ref())),
            ("from", given(self.from.as_ref())),
            ("until", given(self.until.as_ref())),
            ("before", entry.as_deref()),
        ];
        link("/trail", &fields)
    }

    async fn filter(&self, store: &Store, size: u64) -> Result<TrailFilter, Refusal> {
        let since = beginning("from", self.from.as_ref())?;
        let until = end("until", self.until.as_ref())?;
        let case: Option<i64> = number("case", self.case.as_ref())?;
        let subject_refs = match given(self.person.as_ref()) {
            Some(name) => Some(store.references(&subject(name)?).await?),
            None => None,
        };
        let mut before: u64 = number("before", self.before.as_ref())?.unwrap_or(size);
        if let Some(until) = until {
            before = before.min(store.trail_place_at(until).await?.saturating_add(BESIDE));
        }
        let mut from = match since {
            Some(since) => store.trail_place_at(since).await?.saturating_sub(BESIDE),
            None => 0,
        };
        // The entries of a case or a person are found by their blocks; for everything else so many are looked through at once.
        if case.is_none() && subject_refs.is_none() {
            from = from.max(before.saturating_sub(LOOKED_THROUGH));
        }
        Ok(TrailFilter {
            case,
            subject_refs,
            kind: given(self.kind.as_ref()).map(str::to_owned),
            operator: given(self.operator.as_ref()).map(str::to_owned),
            since,
            until,
            from: from.min(before),
            before: Some(before),
            limit: SHOWN + 1,
            newest: true,
            ..TrailFilter::default()
        })
    }
}

/// Whom a name means: an address, a login name, or a name with its format before it.
fn subject(name: &str) -> Result<Subject, Refusal> {
    let named = name.parse().or_else(|_| format!("username:{name}").parse());
    named.map_err(|error| Refusal::unreadable(format!("person: {error}")))
}

pub(super) async fn show(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let store = &console.store;
    let now = store.clock().now();
    let head = head(store, now).await?;
    let filter = asked.filter(store, u64::try_from(head.size).unwrap_or_default()).await?;
    let mut rows = store.trail_search(&filter).await?.rows;
    let before = filter.before.unwrap_or_default();
    let is_cut = rows.len() > usize::try_from(SHOWN).unwrap_or(usize::MAX);
    if is_cut {
        rows.remove(0);
    }
    rows.reverse();
    let oldest = if is_cut {
        rows.last().map_or(filter.from, |row| row.seq)
    } else {
        filter.from
    };
    let begins_here = filter.since.is_some() && !is_cut && looked_back_to(store, filter.since, filter.from).await?;
    render(&Page {
        frame: Frame::new("Trail", &caller, form_token(&headers), now).at("/trail"),
        bad: rows
            .iter()
            .filter(|row| leaf_hash(row.body.as_bytes()) != row.leaf)
            .map(|row| row.seq)
            .collect(),
        lines: lines(store, &rows, now).await?,
        looked: (oldest, before),
        older: (oldest > 0 && !begins_here).then(|| asked.before(Some(oldest))),
        newest: given(asked.before.as_ref()).map(|_| asked.before(None)),
        head,
        asked,
    })
}

/// Whether everything from an instant on was looked through with the entries from `from` on.
async fn looked_back_to(store: &Store, since: Option<Timestamp>, from: u64) -> Result<bool, Refusal> {
    match since {
        Some(since) => Ok(from <= store.trail_place_at(since).await?.saturating_sub(BESIDE)),
        None => Ok(false),
    }
}

async fn lines(store: &Store, rows: &[TrailRow], now: Timestamp) -> Result<Vec<Line>, Refusal> {
    let entries: Vec<EntryLine> = rows.iter().map(|row| EntryLine::new(row, now)).collect();
    let references: BTreeSet<String> = entries.iter().filter_map(|entry| entry.subject_ref.clone()).collect();
    let people: BTreeMap<String, String> = store.people_behind(&references).await?;
    let line = |entry: EntryLine| Line {
        who: entry.subject_ref.as_ref().map(|reference| {
            people
                .get(reference)
                .map_or_else(|| visible(reference), |names| person(Some(names)))
        }),
        entry,
    };
    Ok(entries.into_iter().map(line).collect())
}

async fn head(store: &Store, now: Timestamp) -> Result<Head, Refusal> {
    let counts = store.counts().await?;
    let anchored = store.trail_snapshot().await?.newest_anchored().await?;
    // A checkpoint is a note whose second line is the size that it vouches for.
    let size = anchored.as_deref().and_then(|note| note.lines().nth(1)).map(visible);
    let broken = store
        .alerts(false)
        .await?
        .rows
        .into_iter()
        .find(|alert| alert.kind == "trail_broken");
    Ok(Head {
        size: counts.trail,
        signed: counts
            .signed
            .map(|size| (size, counts.signed_at.map(|at| Moment::new(at, now)))),
        anchored: size,
        broken: broken.map(|alert| visible(&alert.summary)),
    })
}
