//! What happened to a case, one sentence for each entry of its that a reader should know.

use super::document::Statement;
use super::recorded::{Recorded, counted};
use super::words::Words;
use super::zone::Zone;

/// The sentence of an entry; nothing for those that other parts of a report tell, and for the queue's own steps.
pub(super) fn told(entry: &Recorded, zone: &Zone) -> Option<Statement> {
    let words = sentence(entry, zone)?;
    let time = Words::of(zone.time(entry.at()));
    Some(Statement::row(vec![time, words], entry.at(), [entry.seq]))
}

fn sentence(entry: &Recorded, zone: &Zone) -> Option<Words> {
    let target = entry.text("target");
    let due = || {
        entry
            .time("due")
            .map_or(String::new(), |due| format!(", again at {}", zone.time(due)))
    };
    Some(match entry.kind.as_str() {
        "signal.accepted" => accepted(entry),
        "case.opened" => Words::of("the case was opened under the playbook ").name(entry.text("playbook")),
        "case.raised" => Words::of("the case became more urgent"),
        "case.coalesced" => entry.by().and(" sent a further signal, which joined the case"),
        "hold.placed" => Words::of("held for a decision").then(entry.because("why")),
        "hold.approved" => {
            let hold = part_of(entry, entry.number("hold").unwrap_or_default());
            entry.by().and(format!(" approved {hold}")).then(entry.because("note"))
        }
        "hold.rejected" => {
            let hold = part_of(entry, entry.number("hold").unwrap_or_default());
            entry.by().and(format!(" rejected {hold}")).then(entry.because("note"))
        }
        "hold.approval_given" => {
            let hold = part_of(entry, entry.holds().next().unwrap_or_default());
            let first = entry.by().and(format!(" approved {hold} as the first of two persons"));
            first.then(entry.because("note"))
        }
        "hold.approval_void" => Words::of("the first approval counts no more").then(entry.because("why")),
        "case.noted" => entry.by().and(" wrote a note beside the case"),
        "case.assigned" => match entry.text("owner") {
            "" => entry.by().and(" said that nobody looks after the case"),
            owner => entry.by().and(" said who looks after the case: ").name(owner),
        },
        "observation.recorded" => {
            let seen = entry.counts("grants");
            let seen = if seen.is_empty() {
                Words::of("nothing")
            } else {
                counted(&seen)
            };
            let account = Words::of("at ")
                .name(target)
                .and(" the account ")
                .name(entry.text("principal"));
            let state = if entry.detail["suspended"] == true {
                ", suspended,"
            } else {
                ""
            };
            account.and(format!("{state} was seen with ")).then(seen)
        }
        "action.unknown" => Words::of("nobody knows whether the target made a change that was started"),
        "job.enqueued" if entry.text("for") == "watch" => {
            let due = entry
                .time("due")
                .map_or(String::new(), |due| format!(" for {}", zone.time(due)));
            Words::of("a further look at ").name(target).and(format!(" was planned{due}"))
        }
        "job.enqueued" if entry.number("hold").is_some() => entry.by().and(" let the work at ").name(target).and(" go on"),
        "job.retried" => {
            let attempt = entry.number("attempt").unwrap_or_default();
            let failed = Words::of(format!("attempt {attempt} at ")).name(target).and(" failed");
            failed.then(entry.because("error")).and(due())
        }
        "job.snoozed" => Words::of("waited for ").name(target).and(due()),
        "job.interrupted" => Words::of("the work at ").name(target).and(" was interrupted by a shutdown"),
        "job.lease_expired" => Words::of("the work was interrupted: the daemon did not end it"),
        "job.settled" => Words::of("at ")
            .name(target)
            .and(" a second look showed: ")
            .name(entry.text("says")),
        "job.failed" => Words::of("could not be done at ").name(target).then(entry.because("error")),
        "job.cancelled" => Words::of("queued work was called off").then(entry.because("why")),
        "case.contained" => Words::of("the case was closed: ").word(entry.text("verdict")),
        "case.reopened" => Words::of("access at ")
            .name(target)
            .and(" came back: the case was opened again"),
        "case.cancelled" => entry.by().and(" cancelled the case").then(entry.because("why")),
        "case.called_off" => entry.by().and(" called the case off").then(entry.because("why")),
        "release.asked" => entry
            .by()
            .and(" asked for the suspension at ")
            .name(target)
            .and(" to be undone"),
        "alert.raised" => Words::of("an alert was raised: ").word(entry.text("kind")),
        _ => return of_the_person(entry, zone),
    })
}

/// Who said what of the person, for whom, and in what it came.
fn accepted(signal: &Recorded) -> Words {
    let mut said = signal.by().and(" said of the person: ").word(signal.text("reason"));
    for (member, leads) in [("requested_by", ", asked for by "), ("txn", ", in its transaction ")] {
        if !signal.text(member).is_empty() {
            said = said.and(leads).name(signal.text(member));
        }
    }
    match signal.batch() {
        None => said,
        Some(batch) => said.and(", in the batch ").then(batch),
    }
}

/// `hold 3`, or what of it a decision is about where cases were taken out.
fn part_of(decision: &Recorded, hold: i64) -> String {
    let taken_out = decision.detail["except"].as_array().map_or(0, Vec::len);
    match (taken_out, decision.number("cases")) {
        (0, _) => format!("hold {hold}"),
        (_, Some(1)) => format!("this case alone of hold {hold}"),
        (_, Some(cases)) => format!("{cases} cases of hold {hold}, this one among them"),
        (_, None) => format!("a part of hold {hold}, this case in it"),
    }
}

/// Of what concerns the person rather than the work.
fn of_the_person(entry: &Recorded, zone: &Zone) -> Option<Words> {
    Some(match entry.kind.as_str() {
        "departure.planned" => {
            let at = entry
                .time("acts_at")
                .map_or(String::new(), |at| format!(" for {}", zone.time(at)));
            entry.by().and(format!(" planned the departure{at}"))
        }
        "departure.changed" => {
            let at = entry
                .time("fire_at")
                .map_or(String::new(), |at| format!(" to {}", zone.time(at)));
            entry.by().and(format!(" moved the departure{at}"))
        }
        "departure.rescinded" => entry.by().and(" took the departure back"),
        "departure.cancelled" => entry.by().and(" called the departure off"),
        "departure.executed" => Words::of("the departure was due"),
        "subject.unresolved" => Words::of("no target knew the person").then(entry.because("why")),
        "subject.dismissed" => entry.by().and(" said that nothing is to be done").then(entry.because("note")),
        "person.erased" => entry.by().and(" had the person's name erased"),
        "statement.delivered" => Words::of("receiver ")
            .name(entry.text("receiver"))
            .and(" was told what was proved"),
        "statement.refused" | "statement.given_up" => Words::of("receiver ").name(entry.text("receiver")).and(" could not be told"),
        _ => return None,
    })
}
