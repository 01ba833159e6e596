//! What was changed at the targets: the intent of each change with its outcome, equal ones counted.

use std::collections::BTreeMap;

use super::document::{Section, Statement};
use super::recorded::Recorded;
use super::words::Words;
use super::zone::Zone;
use crate::model::{Action, Timestamp};

/// How many of the target's request ids a row names.
const REQUESTS: usize = 3;

/// Changes of one sort with one outcome.
struct Sort<'e> {
    what: Words,
    target: &'e str,
    outcome: Words,
    count: usize,
    first: Timestamp,
    last: Timestamp,
    entries: Vec<u64>,
    requests: Vec<&'e str>,
}

/// How each change ended, by its number.
fn ends(entries: &[Recorded]) -> BTreeMap<i64, &Recorded> {
    let ends = entries
        .iter()
        .filter(|entry| matches!(entry.kind.as_str(), "action.finished" | "action.unknown"));
    ends.filter_map(|entry| Some((entry.number("action")?, entry))).collect()
}

/// The changes that a target may have made, each with how it ended: not those that were never sent.
pub(super) fn sent(entries: &[Recorded]) -> Vec<(&Recorded, Option<&Recorded>)> {
    let ends = ends(entries);
    let begun = entries.iter().filter(|entry| entry.kind == "action.started");
    let with_ends = begun.map(|start| (start, start.number("action").and_then(|action| ends.get(&action)).copied()));
    with_ends
        .filter(|(_, end)| end.is_none_or(|end| end.text("outcome") != "not_sent"))
        .collect()
}

/// The table of the changes that these entries tell of.
pub(super) fn changes(entries: &[Recorded], zone: &Zone) -> Section {
    let ends = ends(entries);
    let mut sorts: Vec<Sort<'_>> = Vec::new();
    for start in entries.iter().filter(|entry| entry.kind == "action.started") {
        let end = start.number("action").and_then(|action| ends.get(&action)).copied();
        let (what, target) = (what(start), start.text("target"));
        let outcome = outcome(end);
        let at = end.map_or(start.at(), |end| end.time("answered_at").unwrap_or(end.at()));
        let requests = end.and_then(|end| end.detail["requests"].as_array()).into_iter().flatten();
        let requests: Vec<&str> = requests.filter_map(serde_json::Value::as_str).collect();
        let cited = [Some(start.seq), end.map(|end| end.seq)].into_iter().flatten();
        let same = |sort: &&mut Sort<'_>| sort.what == what && sort.target == target && sort.outcome == outcome;
        match sorts.iter_mut().find(same) {
            Some(sort) => {
                sort.count += 1;
                sort.first = sort.first.min(at);
                sort.last = sort.last.max(at);
                sort.entries.extend(cited);
                sort.requests.extend(requests);
            }
            None => sorts.push(Sort {
                what,
                target,
                outcome,
                count: 1,
                first: at,
                last: at,
                entries: cited.collect(),
                requests,
            }),
        }
    }
    let rows = sorts.into_iter().map(|sort| row(sort, zone));
    Section {
        name: "changes",
        heading: "What was changed",
        columns: &["when", "target", "change", "answer", "the target's request ids"],
        statements: rows.collect(),
        nothing: "Nothing was changed at any target.",
        ..Section::default()
    }
}

fn row(sort: Sort<'_>, zone: &Zone) -> Statement {
    let when = match sort.last.since(sort.first).as_secs() {
        0 => zone.time(sort.first),
        _ => format!("{} to {}", zone.time(sort.first), zone.time(sort.last)),
    };
    let times = if sort.count > 1 {
        format!(", {} times", sort.count)
    } else {
        String::new()
    };
    let shown = sort.requests.iter().take(REQUESTS).map(|id| Words::outside(id));
    let mut requests = Words::joined(shown, " ");
    if sort.requests.len() > REQUESTS {
        requests = requests.and(format!(" and {} more", sort.requests.len() - REQUESTS));
    }
    let cells = vec![
        Words::of(when),
        Words::outside(sort.target),
        sort.what.and(times),
        sort.outcome,
        requests,
    ];
    Statement::row(cells, sort.first, sort.entries)
}

/// What was to be changed. The ids of what was ended stand in the evidence; here its kind is enough.
fn what(start: &Recorded) -> Words {
    let written = &start.detail["what"];
    match serde_json::from_value::<Action>(written.clone()) {
        Ok(Action::End { grant }) => Words::of("end ").word(&grant.kind.to_string()),
        Ok(Action::Disable { grant }) => Words::of("disable ").word(&grant.kind.to_string()),
        Ok(action) => Words::outside(&action.to_string()),
        Err(_) => Words::outside(&written.to_string()),
    }
}

fn outcome(end: Option<&Recorded>) -> Words {
    let Some(end) = end else { return Words::of("no answer yet") };
    if end.kind == "action.unknown" {
        return Words::of("unknown: the daemon died before the answer was recorded");
    }
    match end.text("outcome") {
        "done" => Words::of("accepted"),
        "already" => Words::of("was so already"),
        "not_sent" => Words::of("not sent"),
        other => Words::default().word(other).then(end.because("why")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_sent_is_no_change() {
        let told = |seq: u64, kind: &str, detail: serde_json::Value| -> Recorded {
            serde_json::from_value(serde_json::json!({ "seq": seq, "at": 0, "kind": kind, "actor": "daemon", "detail": detail }))
                .unwrap()
        };
        let entries = [
            told(1, "action.started", serde_json::json!({ "action": 1 })),
            told(2, "action.started", serde_json::json!({ "action": 2 })),
            told(
                3,
                "action.finished",
                serde_json::json!({ "action": 1, "outcome": "not_sent" }),
            ),
            told(4, "action.finished", serde_json::json!({ "action": 2, "outcome": "done" })),
            told(5, "action.started", serde_json::json!({ "action": 3 })),
        ];
        let sent = sent(&entries);
        let seqs: Vec<_> = sent.iter().map(|(start, end)| (start.seq, end.map(|end| end.seq))).collect();
        assert_eq!(seqs, [(2, Some(4)), (5, None)]);
    }
}
