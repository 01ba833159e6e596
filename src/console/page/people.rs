//! People: one box for a name, an address, an id or the number of a case, and what is known of whoever it finds.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;

use super::asked::{Query, given, link};
use super::departures::Line as DepartureLine;
use super::now::CaseLine;
use super::words::{Frame, Mark, Moment, person, visible};
use super::{form_token, render};
use crate::console::Console;
use crate::console::caller::Caller;
use crate::console::refusal::Refusal;
use crate::model::{Evidence, Subject, Timestamp, Verdict};
use crate::store::{CaseFilter, DepartureFilter, HitKind, JobView, PeopleRead, SearchHits, SearchWord, Store};

/// How many people are shown.
const PEOPLE: usize = 10;
/// How many cases of each.
const CASES: u32 = 10;

#[derive(Template)]
#[template(path = "people.html", config = "src/console/page/askama.toml")]
struct Page {
    frame: Frame,
    word: String,
    /// What the word was taken for; nothing where there is none.
    taken_for: Option<String>,
    people: Vec<Person>,
    more: bool,
    /// Cases that were found and are of nobody any more.
    erased: Vec<i64>,
    accounts: Vec<Account>,
}

struct Person {
    name: String,
    others: Vec<String>,
    /// Where their report is; nothing where no case is about them.
    report: Option<String>,
    cases: Vec<CaseLine>,
    more_cases: bool,
    targets: Vec<AtTarget>,
    departures: Vec<DepartureLine>,
}

struct AtTarget {
    target: String,
    seen: Option<Moment>,
    state: String,
    proof: Mark,
    says: String,
    proved: Option<Moment>,
    case: Option<i64>,
}

/// An account of nobody who is named here.
struct Account {
    name: String,
    target: String,
    state: String,
    seen: Moment,
    case: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    word: Option<String>,
}

pub(super) async fn show(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let store = &console.store;
    let now = store.clock().now();
    let word = given(asked.word.as_ref()).and_then(SearchWord::new);
    let mut page = Page {
        frame: Frame::new("People", &caller, form_token(&headers), now).at("/people"),
        word: given(asked.word.as_ref()).unwrap_or_default().to_owned(),
        taken_for: word.as_ref().map(taken_for),
        people: Vec::new(),
        more: false,
        erased: Vec::new(),
        accounts: Vec::new(),
    };
    let mut read = PeopleRead::new(caller.operator.clone(), "the page of people");
    if let Some(word) = &word {
        let found = store.search(word).await?;
        read = read.of_found(&found);
        page.erased = erased(&found);
        let targets = store.known_targets().await?;
        let (people, more) = people(store, &found).await?;
        page.more = more || !found.more.is_empty();
        for names in people {
            page.people.push(known(store, &names, &targets, now).await?);
        }
        if page.people.is_empty() {
            page.accounts = accounts(&found, now);
        }
    }
    let shown = page.people.iter().flat_map(|person| &person.cases);
    read.cases.extend(shown.map(|case| case.id));
    console.record_read(&read).await;
    render(&page)
}

/// What a word is looked for as.
fn taken_for(word: &SearchWord) -> String {
    let text = visible(word.written());
    match (word.number(), text.split_once(':')) {
        (Some(number), _) => format!("the number of case {number}, and a part of a name or an id"),
        (None, Some((format, _))) if word.has_format() => format!("a name of the form {format}"),
        (None, _) if text.contains('@') => "an address".to_owned(),
        (None, _) => "a part of a name, an address or an id".to_owned(),
    }
}

/// The people who were found, each with all known names, the surest first; and whether there are more.
async fn people(store: &Store, found: &SearchHits) -> Result<(Vec<BTreeSet<Subject>>, bool), Refusal> {
    let mut people: Vec<BTreeSet<Subject>> = Vec::new();
    for hit in found.hits.iter().rev() {
        if matches!(hit.kind, HitKind::Alert | HitKind::Account) {
            continue;
        }
        let Some(names) = hit.what.as_deref() else { continue };
        let names: Vec<Subject> = names.split('\n').filter_map(|name| name.parse().ok()).collect();
        let Some(first) = names.first() else { continue };
        if people.iter().any(|known| known.contains(first)) {
            continue;
        }
        if people.len() >= PEOPLE {
            return Ok((people, true));
        }
        let mut all: BTreeSet<Subject> = store.with_known_names(first).await?.names().iter().cloned().collect();
        all.extend(names);
        people.push(all);
    }
    Ok((people, false))
}

/// Cases that fit although their person was erased.
fn erased(found: &SearchHits) -> Vec<i64> {
    let of_nobody = found
        .hits
        .iter()
        .filter(|hit| hit.kind == HitKind::Case && hit.what.is_none());
    of_nobody.filter_map(|hit| hit.number).collect()
}

fn accounts(found: &SearchHits, now: Timestamp) -> Vec<Account> {
    let accounts = found.hits.iter().filter(|hit| hit.kind == HitKind::Account);
    let account = |hit: &crate::store::SearchHit| Account {
        name: visible(hit.names.first().or(hit.what.as_ref()).map_or("", String::as_str)),
        target: visible(hit.target.as_deref().unwrap_or_default()),
        state: visible(&hit.state),
        seen: Moment::new(hit.at, now),
        case: hit.case,
    };
    accounts.map(account).collect()
}

/// What is known of somebody with these names.
async fn known(store: &Store, names: &BTreeSet<Subject>, asked: &BTreeSet<String>, now: Timestamp) -> Result<Person, Refusal> {
    let mut references = BTreeSet::new();
    for name in names {
        references.extend(store.references(name).await?);
    }
    let references: Vec<String> = references.into_iter().collect();
    let filter = CaseFilter {
        subject_refs: Some(references.clone()),
        limit: CASES + 1,
        ..CaseFilter::default()
    };
    let mut cases = store.find_cases(&filter).await?.rows;
    let more_cases = cases.len() > usize::try_from(CASES).unwrap_or(usize::MAX);
    cases.truncate(usize::try_from(CASES).unwrap_or(usize::MAX));
    let seen = store.last_seen(&references).await?.rows;
    let mut targets: BTreeMap<String, AtTarget> = asked.iter().map(|target| (target.clone(), unseen(target))).collect();
    for job in &seen {
        targets.insert(job.target.clone(), at_target(job, now));
    }
    let mut sorted: Vec<&Subject> = names.iter().collect();
    // Numbers say least to a reader.
    sorted.sort_by_key(|name| {
        (
            matches!(name, Subject::EmployeeId(_) | Subject::Opaque(_)),
            name.rank(),
            (*name).clone(),
        )
    });
    let mut departures = BTreeMap::new();
    for name in sorted.iter().take(1) {
        let filter = DepartureFilter {
            person: Some((*name).clone()),
            limit: 5,
            ..DepartureFilter::default()
        };
        for departure in &store.departures(&filter).await?.rows {
            let is_moved = !store.moved_departures(&[departure.id]).await?.is_empty();
            departures.insert(
                (departure.acts_at, departure.id),
                DepartureLine::new(departure, is_moved, now),
            );
        }
    }
    let first = sorted.first().filter(|_| !cases.is_empty()).map(ToString::to_string);
    let mut shown = sorted.into_iter().map(|name| person(Some(&name.to_string())));
    Ok(Person {
        name: shown.next().unwrap_or_default(),
        others: shown.collect(),
        report: first.map(|name| link("/people/report", &[("subject", Some(name.as_str()))])),
        cases: cases.iter().map(|case| CaseLine::new(case, now)).collect(),
        more_cases,
        targets: targets.into_values().collect(),
        departures: departures.into_values().collect(),
    })
}

/// At a target that was never asked about somebody.
fn unseen(target: &str) -> AtTarget {
    AtTarget {
        target: visible(target),
        seen: None,
        state: "never looked at".to_owned(),
        proof: Mark::new("none"),
        says: String::new(),
        proved: None,
        case: None,
    }
}

fn at_target(job: &JobView, now: Timestamp) -> AtTarget {
    let evidence = job.evidence.as_ref();
    let says = match &job.verdict {
        Some(Verdict::Contained) | None => String::new(),
        Some(verdict) => visible(&verdict.to_string()),
    };
    AtTarget {
        target: visible(&job.target),
        seen: evidence
            .and_then(|evidence| evidence.after_at.or(evidence.before_at))
            .map(|at| Moment::new(at, now)),
        state: evidence.map_or_else(|| "cannot see".to_owned(), |evidence| state(evidence, job.verdict.as_ref())),
        proof: Mark::new(job.verdict.as_ref().map_or(job.state.as_str(), |verdict| verdict.word())),
        says,
        proved: job.finished_at.map(|at| Moment::new(at, now)),
        case: Some(job.case),
    }
}

/// What was there when it was last looked: the account, what it holds, and what cannot be seen.
fn state(evidence: &Evidence, verdict: Option<&Verdict>) -> String {
    if let Some(Verdict::NoPrincipal { .. }) = verdict {
        return "nobody of that name".to_owned();
    }
    if evidence.before_at.is_none() && evidence.after_at.is_none() {
        return "cannot see".to_owned();
    }
    let (before, after) = evidence.suspended;
    let (suspended, counts) = if evidence.after_at.is_some() {
        (after, &evidence.after)
    } else {
        (before, &evidence.before)
    };
    let mut parts = vec![if suspended { "suspended" } else { "enabled" }.to_owned()];
    let held: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.word().replace('_', " ")))
        .collect();
    parts.push(if held.is_empty() {
        "nothing listed".to_owned()
    } else {
        held.join(", ")
    });
    if let Some(Verdict::Unverified { kinds, .. }) = verdict {
        let unseen: Vec<String> = kinds.keys().map(|kind| kind.word().replace('_', " ")).collect();
        if !unseen.is_empty() {
            parts.push(format!("cannot see {}", unseen.join(", ")));
        }
    }
    parts.join("; ")
}
