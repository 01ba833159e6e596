//! What a source that only rehearses would have led to: kept with its signal, under a key that leaves the signal's own free.

use revoked_trail::{Entry, EntryKind, detail};

use super::accept_context::DecidedSignal;
use crate::digest::{hex, sha256};
use crate::policy::Decision;

/// What stands before the key of a signal that was only rehearsed: said again once its source is acted on, it is news.
const REHEARSED: &str = "rehearsed:";

/// The key that a rehearsed signal is stored under. A key may be as long as the column allows, so its digest stands here.
pub(super) fn rehearsal_key(key: &str) -> String {
    format!("{REHEARSED}{}", hex(&sha256(key.as_bytes())))
}

/// Why nothing follows, for the sender and for people.
pub(super) fn why(source: &str, would: &Decision) -> String {
    match would {
        Decision::Act(work) => format!(
            "{source} rehearses: it would have been acted on, by the playbook {}",
            work.playbook
        ),
        Decision::Hold { why, .. } => format!("{source} rehearses: a human would have been asked: {why}"),
        Decision::Ignore { why } => why.clone(),
        Decision::Withdraw | Decision::Rehearse(_) => format!("{source} rehearses"),
    }
}

/// The entry about it.
pub(super) fn entry(new: &DecidedSignal<'_>, would: &Decision) -> Entry {
    let class = match would {
        Decision::Hold { class, .. } => Some(*class),
        _ => None,
    };
    let work = would.work();
    let targets: Vec<&str> = work
        .iter()
        .flat_map(|work| work.jobs.iter().map(|(target, _)| target.as_str()))
        .collect();
    new.entry(EntryKind::SignalRehearsed).detail(detail! {
        "signal": new.signal_id, "reason": new.signal.reason.word(), "would": would.word(), "class": class,
        "playbook": work.map(|work| work.playbook.as_str()), "targets": targets, "priority": work.map(|work| work.priority.0),
        "lowered_to": work.and_then(|work| work.lowered.as_ref()).map(|lowered| lowered.to.word()),
        "key_sha256": hex(&sha256(new.signal.key.as_bytes())),
    })
}
