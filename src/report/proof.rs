//! What was proved, by which look at the target, and what was not.

use std::collections::BTreeMap;

use super::document::{Section, Statement};
use super::recorded::{Recorded, counted};
use super::words::Words;
use super::zone::Zone;
use crate::model::{Door, Timestamp};

/// One row for each look that ended a job: what was held before, what is left, and what that proves.
pub(super) fn looks(entries: &[Recorded], zone: &Zone) -> Section {
    let settled = entries.iter().filter(|entry| entry.kind == "job.settled");
    let rows = settled.map(|entry| {
        let cells = vec![
            Words::outside(entry.text("target")),
            account(entry),
            Words::of(between(entry, zone)),
            held(entry),
            left(entry),
            Words::outside(entry.text("says")),
        ];
        Statement::row(cells, entry.at(), [entry.seq])
    });
    Section {
        name: "proof",
        heading: "What was proved",
        columns: &["target", "account", "looked", "was there", "is left", "verdict"],
        statements: rows.collect(),
        nothing: "Nothing was proved.",
        ..Section::default()
    }
}

/// The account that an entry is about.
pub(super) fn account(entry: &Recorded) -> Words {
    match entry.text("principal") {
        "" => Words::of("none found"),
        id => Words::outside(id),
    }
}

/// When the target was looked at: before the first change, and after the last.
fn between(entry: &Recorded, zone: &Zone) -> String {
    match (entry.time("before_at"), entry.time("after_at")) {
        (Some(before), Some(after)) if before != after => format!("{}, then {}", zone.time(before), zone.time(after)),
        (Some(at), _) | (_, Some(at)) => zone.time(at),
        (None, None) => zone.time(entry.at()),
    }
}

/// What was held before.
pub(super) fn held(entry: &Recorded) -> Words {
    match entry.counts("before").as_slice() {
        [] => Words::of("nothing"),
        counts => counted(counts),
    }
}

/// What is left.
fn left(entry: &Recorded) -> Words {
    let left = match entry.counts("after").as_slice() {
        _ if entry.time("after_at").is_none() => Words::of("not seen"),
        [] => Words::of("nothing listed"),
        counts => counted(counts),
    };
    match entry.detail["suspended"].as_bool() {
        Some(true) => left.and("; account suspended"),
        _ => left,
    }
}

/// The last settled job of each target and account, of each case.
pub(super) fn last_looks(entries: &[Recorded]) -> Vec<&Recorded> {
    let mut last: BTreeMap<(Option<i64>, &str), &Recorded> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.kind == "job.settled") {
        last.insert((entry.case, entry.text("target")), entry);
    }
    let mut last: Vec<&Recorded> = last.into_values().collect();
    last.sort_by_key(|entry| entry.seq);
    last
}

/// That an account is open again, of each last look that saw a suspension undone: who had it undone, and why.
pub(super) fn given_back(entries: &[Recorded], zone: &Zone) -> Vec<Statement> {
    // Another case may have suspended it again since.
    let again = |look: &Recorded| {
        let mut later = entries
            .iter()
            .filter(|entry| entry.seq > look.seq && entry.text("target") == look.text("target"));
        later.any(|entry| entry.kind == "job.settled" && entry.detail["suspended"] == true)
    };
    let looks = last_looks(entries)
        .into_iter()
        .filter(|look| look.text("verdict") == "released" && !again(look));
    let told = looks.map(|look| {
        let asked = entries
            .iter()
            .rfind(|entry| entry.kind == "release.asked" && entry.case == look.case && entry.text("target") == look.text("target"));
        let words = Words::of("The account at ")
            .name(look.text("target"))
            .and(format!(" is open again since {}", zone.time(look.at())));
        let words = match asked {
            Some(asked) => words
                .and(": ")
                .then(asked.by())
                .and(" had the suspension undone")
                .then(asked.because("note")),
            None => words,
        };
        Statement::new(
            words.and("."),
            look.at(),
            asked.map(|asked| asked.seq).into_iter().chain([look.seq]),
        )
    });
    told.collect()
}

/// The ways in that the last look at each target left open at `now`.
pub(super) fn doors(entries: &[Recorded], now: Timestamp, zone: &Zone) -> Vec<Statement> {
    let mut told = Vec::new();
    for entry in last_looks(entries) {
        for door in entry.detail["doors"].as_array().into_iter().flatten() {
            let Ok(door) = serde_json::from_value::<Door>(door.clone()) else {
                continue;
            };
            if door.until.is_some_and(|until| until <= now) {
                continue;
            }
            let until = door
                .until
                .map_or(String::new(), |until| format!(" (until {})", zone.time(until)));
            let words = Words::of("at ")
                .name(entry.text("target"))
                .and(", ")
                .word(door.door.word())
                .and(": ")
                .name(&door.says)
                .and(until);
            told.push(Statement::new(words, entry.at(), [entry.seq]));
        }
    }
    told
}

/// The first action that took something away, by what the targets answered.
pub(super) fn first_revoke(entries: &[Recorded]) -> Option<(Timestamp, u64)> {
    let firsts = entries.iter().filter(|entry| entry.kind == "job.settled");
    firsts
        .filter_map(|entry| Some((entry.time("first_revoke_at")?, entry.seq)))
        .min()
}
