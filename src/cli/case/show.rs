//! One case as a person reads it: what was asked, what was done, what was seen. The answer stands last, in one line.

use std::collections::BTreeSet;

use super::answer_line::answer_line;
use super::progress_line::stands;
use super::verdict_line::{came_back, contained_again, newest, next_look};
use crate::cli::output::{LocalTimes, Meaning, hanging, line, plain, span};
use crate::cli::target::tell_stopped;
use crate::model::{Evidence, GrantKind, JobKind, Sentence, Timestamp};
use crate::store::{ActionView, CaseDetail, CaseView, JobProgress, JobView, ObservedDelay, Store};

/// How many of the grants that a job ended are named; `--json` has them all.
const NAMED: usize = 10;

/// Prints a case the way a person reads it, its answer last. Also what `revoke --wait` ends with. With `explain` what merely explains too.
///
/// # Errors
/// Where the store cannot be read, or standard output not be written.
pub(in crate::cli) async fn show(store: &Store, detail: &CaseDetail, explain: bool) -> anyhow::Result<()> {
    let times = LocalTimes::at(store.clock().now());
    let names = store.shown_names(detail.case.subject.as_deref()).await?;
    let mut shown = detail.clone();
    shown.case.subject = shown.case.subject.map(|subject| names.of(&subject).to_owned());
    let detail = &shown;
    head(&detail.case, &times)?;
    looks(detail, &times)?;
    let progress = if detail.case.state == "open" {
        store.case_progress(detail.case.id).await?
    } else {
        Vec::new()
    };
    targets(detail, &progress, &times)?;
    for signal in &detail.signals {
        let why = signal.why.as_deref().map(|why| plain(&times.told(why)));
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        let plainly = detail.signals.len() == 1 && why.is_empty();
        if explain || !plainly {
            hanging(&format!(
                "  signal {} from {}: {} -> {}{why}",
                signal.id,
                plain(&signal.source),
                signal.reason,
                signal.decision
            ))?;
        }
    }
    for job in detail.jobs.iter().rev() {
        show_job(job, explain, detail.case.called_off_at.is_some(), &times)?;
        actions(detail.actions.iter().filter(|action| action.job == job.id), explain)?;
    }
    delays(detail, &store.observed_delays().await?, &times)?;
    for note in &detail.notes {
        hanging(&format!(
            "  note {} by {}, {}: {}",
            note.id,
            plain(&note.written_by),
            times.time(note.written_at),
            plain(&note.note)
        ))?;
    }
    not_covered(detail, explain)?;
    let unended = detail
        .jobs
        .iter()
        .filter(|job| !matches!(job.state.as_str(), "done" | "failed" | "cancelled"));
    tell_stopped(store, unended.map(|job| job.target.as_str())).await?;
    if let Some(hold) = detail.case.hold.filter(|_| detail.case.state == "held") {
        let why = store.hold(hold).await?.hold.detail;
        hanging(&format!("  hold {hold}: {}", plain(&times.told(&why))))?;
    }
    answer_line(store, detail, &times).await?.print("")
}

fn head(case: &CaseView, times: &LocalTimes) -> anyhow::Result<()> {
    let subject = case.subject.clone().unwrap_or_else(|| "erased".to_owned());
    hanging(&format!(
        "case {}: {} is {} ({})",
        case.id,
        plain(&subject).replace("\\u{a}", ", "),
        case.reason,
        case.subject_ref
    ))?;
    let verdict = case
        .verdict
        .as_deref()
        .map_or(String::new(), |verdict| format!(", {verdict}"));
    hanging(&format!(
        "  {}{verdict}; playbook {}; received {} from {}",
        case.state,
        case.playbook,
        times.time(case.received_at),
        plain(&case.source)
    ))?;
    if let Some(lowered) = &case.lowered {
        hanging(&format!("  {}", plain(lowered)))?;
    }
    let asked = case.requested_by.as_deref().map(|by| format!("asked for by {}", plain(by)));
    let owner = case.owner.as_deref().map(|owner| format!("looked after by {}", plain(owner)));
    if asked.is_some() || owner.is_some() {
        hanging(&format!(
            "  {}",
            asked.into_iter().chain(owner).collect::<Vec<_>>().join("; ")
        ))?;
    }
    if let Some(note) = &case.note {
        hanging(&format!("  because: {}", plain(note)))?;
    }
    if let Some(due) = case
        .due
        .filter(|due| *due > times.now() && matches!(case.state.as_str(), "open" | "held"))
    {
        hanging(&format!("  due {} ({})", times.time(due), times.away(due)))?;
    }
    if let Some(at) = case.called_off_at {
        let why = case
            .called_off_why
            .as_deref()
            .map_or(String::new(), |why| format!(": {}", plain(why)));
        let by = case.called_off_by.as_deref().unwrap_or("somebody");
        hanging(&format!("  called off {} by {}{why}", times.time(at), plain(by)))?;
    }
    Ok(())
}

/// How fast it went, and how the looks afterwards stand.
fn looks(detail: &CaseDetail, times: &LocalTimes) -> anyhow::Result<()> {
    let case = &detail.case;
    let after = |from: Timestamp| {
        let after = |what: &str, at: Option<Timestamp>| Some(format!("{what} after {}", span(at?.since(from))));
        [
            after("first revoke", case.first_revoke_at),
            after("contained", case.contained_at),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<String>>()
    };
    let mut said = after(detail.begins_at);
    // What was waited for was not ours to hurry: both are told.
    if detail.begins_at > case.received_at {
        let what = if detail.approved_at == Some(detail.begins_at) {
            "approved"
        } else {
            "its day came"
        };
        let waited = span(detail.begins_at.since(case.received_at));
        let since_the_signal = after(case.received_at);
        let mut told = format!("  since the signal: {what} after {waited}");
        if !since_the_signal.is_empty() {
            told = format!("{told}, {}", since_the_signal.join(", "));
        }
        hanging(&told)?;
        if let Some(first) = said.first_mut() {
            *first = format!("since then: {first}");
        }
    }
    if case.reopened > 0 {
        let again = contained_again(detail);
        said.push(came_back(case.reopened));
        if let Some(again) = again.filter(|_| case.verdict.as_deref() == Some("contained")) {
            said.push(format!("contained again {}", times.time(again)));
        }
    }
    if !said.is_empty() {
        hanging(&format!("  {}", said.join(", ")))?;
    }
    let sweeps = || detail.jobs.iter().filter(|job| job.kind == JobKind::Sweep.word());
    let targets: BTreeSet<&String> = sweeps().map(|job| &job.target).collect();
    let at = |target: &String| {
        let looked = |job: &&JobView| job.target == *target && matches!(job.state.as_str(), "done" | "failed");
        sweeps().filter(looked).count()
    };
    // Where there are several targets, how often every one of them was looked at.
    if let Some(looked) = targets.into_iter().map(at).min() {
        let planned = sweeps().map(|job| job.looks).max().flatten();
        let of = planned.map_or(String::new(), |planned| format!(" of {planned}"));
        let next = next_look(detail).map_or(", no more to come".to_owned(), |at| format!(", next {}", times.time(at)));
        hanging(&format!("  looked {looked}{of} times since{next}"))?;
    }
    Ok(())
}

/// What the targets cannot end or see: how many sentences, or each.
fn not_covered(detail: &CaseDetail, explain: bool) -> anyhow::Result<()> {
    // Once for all jobs of a target: a sweep does not reach what the first attempt did not.
    // Where nobody was found there is nothing that could be left over.
    let found = detail
        .jobs
        .iter()
        .filter_map(|job| Some((&job.target, job.evidence.as_ref()?)));
    let found = found.filter(|(_, evidence)| evidence.before_at.is_some());
    let gaps: BTreeSet<(&String, &Sentence)> = found
        .flat_map(|(target, evidence)| evidence.not_covered.iter().map(move |gap| (target, gap)))
        .collect();
    if explain {
        for (target, gap) in gaps {
            hanging(&format!("  not covered at {}: {}", plain(target), plain(gap)))?;
        }
    } else if !gaps.is_empty() {
        line(Meaning::Quiet.paint(format!("  not covered: {} (--explain)", gaps.len())))?;
    }
    Ok(())
}

/// How fast the targets of a case let go of what ends there, as their canaries showed.
fn delays(detail: &CaseDetail, delays: &[ObservedDelay], times: &LocalTimes) -> anyhow::Result<()> {
    let targets: BTreeSet<&String> = detail.jobs.iter().map(|job| &job.target).collect();
    for shown in delays.iter().filter(|shown| targets.contains(&shown.target)) {
        let (target, kind) = (plain(&shown.target), plain(&shown.kind));
        hanging(&match shown.delay_ms {
            Some(ms) => format!(
                "  observed delay at {target}: a {kind} was refused {ms} ms after its end (canary, {})",
                times.time(shown.at)
            ),
            None => format!(
                "  not to be trusted: the canary's {kind} at {target} outlived its end by {} s ({})",
                shown.within_ms / 1000,
                times.time(shown.at)
            ),
        })?;
    }
    Ok(())
}

/// Where a case has several targets, what came of it at each.
fn targets(detail: &CaseDetail, progress: &[JobProgress], times: &LocalTimes) -> anyhow::Result<()> {
    let newest = newest(detail);
    if newest.len() < 2 {
        return Ok(());
    }
    for job in newest {
        if let Some(stands) = stands(&job.target, progress, times) {
            hanging(&format!("  {stands}"))?;
            continue;
        }
        let came = match (&job.verdict, job.finished_at) {
            (Some(verdict), Some(at)) => format!("{} after {}", plain(&verdict.to_string()), span(at.since(detail.begins_at))),
            (Some(verdict), None) => plain(&verdict.to_string()),
            (None, _) => match &job.error {
                Some(error) => format!("{}: {}", job.state, plain(error)),
                None => job.state.clone(),
            },
        };
        hanging(&format!("  at {}: {came}", plain(&job.target)))?;
    }
    Ok(())
}

/// The actions of a job in their order; the same with the same outcome again and again is one line with a count.
fn actions<'a>(actions: impl Iterator<Item = &'a ActionView>, explain: bool) -> anyhow::Result<()> {
    let mut lines: Vec<(String, usize, Vec<&str>)> = Vec::new();
    for action in actions {
        let outcome = match action.outcome.as_deref() {
            Some("not_sent") => "not sent, since an earlier change failed or the case was called off",
            Some("unknown") => "unknown, since no answer was recorded",
            Some(outcome) => outcome,
            None => "under way",
        };
        let what = serde_json::from_value::<crate::model::Action>(action.action.clone());
        let what = what.map_or_else(|_| action.action.to_string(), |action| action.to_string());
        let why = action
            .why
            .as_deref()
            .map_or(String::new(), |why| format!(" ({})", plain(why)));
        let text = format!("{}: {outcome}{why}", plain(&what));
        let requests = action.requests.iter().map(String::as_str);
        match lines.iter_mut().find(|(line, ..)| *line == text) {
            Some((_, times, all)) => {
                *times += 1;
                all.extend(requests);
            }
            None => lines.push((text, 1, requests.collect())),
        }
    }
    for (text, times, requests) in lines {
        let times = if times > 1 {
            format!(", {times} times")
        } else {
            String::new()
        };
        // The newest are those that the target's own log still holds.
        let shown = match &requests[requests.len().saturating_sub(3)..] {
            [] => String::new(),
            _ if !explain => String::new(),
            shown => format!("  (requests {})", plain(&shown.join(" "))),
        };
        hanging(&format!("      {text}{times}{shown}"))?;
    }
    Ok(())
}

fn show_job(job: &JobView, explain: bool, called_off: bool, times: &LocalTimes) -> anyhow::Result<()> {
    // A look that is still to come says nothing yet but when.
    if !explain && job.kind == JobKind::Sweep.word() && job.state == "scheduled" && job.attempt == 0 {
        return Ok(());
    }
    let verdict = job
        .verdict
        .as_ref()
        .map_or(String::new(), |verdict| format!(": {}", plain(&verdict.to_string())));
    let due = job.due.map_or(String::new(), |due| format!(" due {}", times.time(due)));
    hanging(&format!(
        "  job {} ({} at {}): {}{due}, attempt {}{verdict}",
        job.id,
        job.kind,
        plain(&job.target),
        job.state,
        job.attempt
    ))?;
    if let (Some(error), None) = (&job.error, &job.verdict) {
        hanging(&format!("      last error: {}", plain(error)))?;
    }
    let Some(evidence) = job.evidence.as_ref().filter(|evidence| evidence.before_at.is_some()) else {
        return Ok(());
    };
    if let Some(id) = &evidence.principal {
        let names: Vec<String> = evidence.names.iter().map(|name| plain(&name.to_string())).collect();
        let called = if names.is_empty() {
            String::new()
        } else {
            format!(" ({})", names.join(", "))
        };
        hanging(&format!("      account: {}{called}", plain(id)))?;
    }
    hanging(&format!(
        "      seen {} and {}: {}",
        times.cell(evidence.before_at),
        times.cell(evidence.after_at),
        counts(evidence, explain)
    ))?;
    match evidence.suspended {
        // Somebody else has suspended it: a release of ours gives nothing back.
        (true, true) => hanging("      account suspended: before already")?,
        (before, after) if explain || before != after => {
            hanging(&format!("      account suspended: {before} -> {after}"))?;
        }
        _ => {}
    }
    if explain || evidence.ended_count > 0 {
        hanging(&format!("      {} grants ended{}", evidence.ended_count, named(evidence)))?;
    }
    if let Some(at) = evidence.refused_at {
        hanging(&format!("      the credential itself was refused {}", times.time(at)))?;
    }
    for door in &evidence.doors {
        let door = times.door(door);
        // What was true when it was seen.
        let over = if called_off && door.contains("sweep") {
            "; but the sweeps ended when the case was called off"
        } else {
            ""
        };
        hanging(&format!("      still open: {}{over}", plain(&door)))?;
    }
    for note in &evidence.notes {
        hanging(&format!("      note: {}", plain(note)))?;
    }
    Ok(())
}

/// How many grants of each kind there were and are: what has changed, what is left, or that there was nothing.
fn counts(evidence: &Evidence, explain: bool) -> String {
    let before = |kind: &GrantKind| evidence.before.get(kind).copied().unwrap_or(0);
    let told = evidence
        .after
        .iter()
        .filter(|(kind, after)| explain || **after > 0 || before(kind) > 0);
    let counts: Vec<String> = told
        .map(|(kind, after)| format!("{kind} {} -> {after}", before(kind)))
        .collect();
    if counts.is_empty() {
        "nothing there".to_owned()
    } else {
        counts.join(", ")
    }
}

/// The first of the grants that were ended, by kind and id, with what they hang on.
fn named(evidence: &Evidence) -> String {
    let mut text = String::new();
    for (n, grant) in evidence.ended.iter().take(NAMED).enumerate() {
        let of = grant.parent.as_ref().map_or(String::new(), |parent| format!(" of {parent}"));
        let before = if n == 0 { ": " } else { ", " };
        text.push_str(&plain(&format!("{before}{grant}{of}")));
    }
    match evidence.ended_count.saturating_sub(NAMED) {
        0 => text,
        more => format!("{text} and {more} more (--json)"),
    }
}
