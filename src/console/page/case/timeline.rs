//! What the trail says of a case, in its order: the signal, what was decided, each act, what was seen, the verdict. Folded to what matters, or all.

use std::collections::BTreeMap;

use crate::console::page::entry::EntryLine;
use crate::console::page::words::visible;
use crate::model::{JobKind, Timestamp};
use crate::store::{CaseDetail, TrailRow};
use crate::trail::action;

/// A line of the timeline: a step, or those that are folded between two.
pub(super) struct Row {
    pub(super) step: Option<Step>,
    /// The entries that are folded here, for whoever comes by a link to one.
    pub(super) folded: Vec<u64>,
}

/// One entry of the trail.
pub(super) struct Step {
    pub(super) label: &'static str,
    /// Of which sort it is, for its colour.
    pub(super) sort: &'static str,
    pub(super) entry: EntryLine,
}

/// What a kind of entry is called here, and of which sort it is.
const KINDS: &[(&str, &str, &str)] = &[
    ("signal.accepted", "Signal", "signal"),
    ("case.opened", "Case opened", "signal"),
    ("case.coalesced", "Joined", "signal"),
    ("case.raised", "Made more urgent", "decision"),
    ("hold.placed", "Held", "decision"),
    ("hold.approval_given", "First approval", "decision"),
    ("hold.approved", "Approved", "decision"),
    ("hold.rejected", "Rejected", "decision"),
    ("case.called_off", "Called off", "decision"),
    ("case.cancelled", "Called off", "decision"),
    ("case.assigned", "Looked after", "decision"),
    ("case.noted", "Note", "decision"),
    ("action.started", "Intent", "act"),
    ("action.finished", "Act", "act"),
    ("action.unknown", "Act unknown", "act"),
    ("observation.recorded", "Observation", "seen"),
    ("job.enqueued", "Enqueued", "work"),
    ("job.claimed", "Claimed", "work"),
    ("job.due", "Due", "work"),
    ("job.retried", "Tried again later", "work"),
    ("job.snoozed", "Waits", "work"),
    ("job.interrupted", "Interrupted", "work"),
    ("job.cancelled", "Job cancelled", "work"),
    ("job.failed", "Verdict", "verdict"),
    ("job.settled", "Verdict", "verdict"),
    ("case.contained", "Closed", "verdict"),
    ("case.closed", "Closed", "verdict"),
    ("case.reopened", "Opened again", "verdict"),
];

/// The entries of a case as lines; without `all` only those that matter, with the others folded between them.
pub(super) fn timeline(entries: &[TrailRow], detail: &CaseDetail, all: bool, now: Timestamp) -> Vec<Row> {
    let lines: Vec<EntryLine> = entries.iter().map(|row| EntryLine::new(row, now)).collect();
    let beside = Beside::of(detail);
    let matters = beside.that_matter(&lines);
    let mut rows: Vec<Row> = Vec::new();
    for line in lines {
        if all || matters.contains(&line.seq) {
            rows.push(Row {
                step: Some(beside.step(line, all)),
                folded: Vec::new(),
            });
            continue;
        }
        match rows.last_mut().filter(|row| row.step.is_none()) {
            Some(row) => row.folded.push(line.seq),
            None => rows.push(Row {
                step: None,
                folded: vec![line.seq],
            }),
        }
    }
    rows
}

/// What the store knows of a case beside the trail, which has no words of people in it.
struct Beside {
    actions: BTreeMap<i64, String>,
    sweeps: Vec<i64>,
    signals: BTreeMap<i64, String>,
}

impl Beside {
    fn of(detail: &CaseDetail) -> Self {
        let signals = detail.signals.iter().map(|signal| {
            let why = signal.why.as_deref().map_or(String::new(), |why| format!(": {why}"));
            let note = signal.note.as_deref().map_or(String::new(), |note| format!(" ({note})"));
            let said = format!(
                "{} said {}{note}; decision: {}{why}",
                signal.source, signal.reason, signal.decision
            );
            (signal.id, visible(&said))
        });
        let sweeps = detail.jobs.iter().filter(|job| job.kind == JobKind::Sweep.word());
        Self {
            actions: detail
                .actions
                .iter()
                .map(|act| (act.id, visible(&action(&act.action))))
                .collect(),
            sweeps: sweeps.map(|job| job.id).collect(),
            signals: signals.collect(),
        }
    }

    fn is_of_a_sweep(&self, line: &EntryLine) -> bool {
        line.job.is_some_and(|job| self.sweeps.contains(&job))
    }

    /// Which entries are shown where not all are: signals, decisions, the first act, verdicts, and of sweeps the newest and those that found something.
    fn that_matter(&self, lines: &[EntryLine]) -> Vec<u64> {
        let first_act = lines.iter().find(|line| line.kind == "action.finished").map(|line| line.seq);
        let settled = |line: &&EntryLine| line.kind == "job.settled" && self.is_of_a_sweep(line);
        let last_sweep = lines.iter().rfind(settled).map(|line| line.seq);
        let matters = |line: &&EntryLine| match sort(&line.kind).1 {
            "signal" => line.kind != "case.opened",
            "decision" => true,
            "act" => Some(line.seq) == first_act,
            "verdict" => {
                let is_quiet = settled(line) && line.mark.as_ref().is_some_and(|mark| mark.class == "contained");
                !is_quiet || Some(line.seq) == last_sweep
            }
            _ => false,
        };
        lines.iter().filter(matters).map(|line| line.seq).collect()
    }

    fn step(&self, mut entry: EntryLine, all: bool) -> Step {
        let (label, sort) = sort(&entry.kind);
        let label = if sort == "verdict" && entry.kind.starts_with("job.") && self.is_of_a_sweep(&entry) {
            "Sweep"
        } else {
            label
        };
        if let Some(said) = entry.signal.and_then(|signal| self.signals.get(&signal)) {
            entry.said.clone_from(said);
        }
        if entry.kind == "action.finished"
            && let Some(what) = entry.action.and_then(|action| self.actions.get(&action))
        {
            entry.said = format!("{what}: {}", entry.said);
        }
        // Those behind a verdict are many, and stand with all entries.
        if entry.kind == "job.settled" && !all {
            entry.requests.clear();
        }
        // The verdict stands there as a mark.
        if entry.mark.as_ref().is_some_and(|mark| mark.word == entry.said) {
            entry.said.clear();
        }
        Step { label, sort, entry }
    }
}

/// What a kind is called, and of which sort it is.
fn sort(kind: &str) -> (&'static str, &'static str) {
    let found = KINDS.iter().find(|(of, ..)| *of == kind);
    found.map_or(("Recorded", "work"), |(_, label, sort)| (*label, *sort))
}
