//! `revoked case`: what was asked, what was done, what was proved.

use std::collections::BTreeSet;

use clap::Subcommand;

use super::output::{Cell, LocalTimes, json, json_lines, line, name_unreadable, plain, span, table, time};
use super::store::{operator, references_of};
use super::target::tell_paused;
use super::whom::{Whom, subject_of};
use super::{Exit, StoreArgs};
use crate::model::{Evidence, Sentence};
use crate::store::{ActionView, CaseDetail, CaseView, JobView, ListFilter, ObservedDelay};

/// How many of the grants that a job ended are named; `--json` has them all.
const NAMED: usize = 10;

/// `revoked case`
#[derive(Debug, Clone, Subcommand)]
pub enum CaseCommand {
    /// List cases, newest first
    #[command(after_help = "Example: revoked case list --state open --json")]
    List {
        /// Only open, held, closed or cancelled ones
        #[arg(long, value_parser = ["open", "held", "closed", "cancelled"])]
        state: Option<String>,
        /// Only about this subject (alice@example.org, username:alice, …)
        #[arg(long)]
        subject: Option<Whom>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one case with its signals, jobs, actions and evidence
    #[command(after_help = "Example: revoked case show 17")]
    Show {
        /// The case's number
        case: i64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Call a case off: what is queued, held or watched ends, what is at work stops before its next change
    #[command(after_help = "Example: revoked case cancel 17 --note \"departed by mistake, HR ticket 812\"

What was done stays done. To give a suspended account back: revoked release CASE.")]
    Cancel {
        /// The case's number
        case: i64,
        /// Why, for the trail
        #[arg(long)]
        note: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs `revoked case`.
///
/// # Errors
/// Where the store cannot be read or the case does not exist.
pub(super) async fn run(command: CaseCommand, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    match command {
        CaseCommand::List {
            state,
            subject,
            limit,
            json: as_json,
        } => {
            let subject = subject_of(&store, subject.as_ref()).await?;
            let subject_refs = references_of(&store, subject.as_ref()).await?;
            let cases = store
                .cases(&ListFilter {
                    state,
                    subject_refs,
                    limit,
                    ..ListFilter::default()
                })
                .await?;
            if as_json {
                json_lines(&cases)?;
            } else {
                name_unreadable(&cases.unreadable);
                let times = LocalTimes::at(store.clock().now());
                let headings = [
                    "case",
                    "subject",
                    "reason?",
                    "state?",
                    "verdict",
                    "received",
                    "first revoke?",
                    "contained?",
                ];
                table(&headings, cases.iter().map(|case| row(case, &times)).collect(), "no cases")?;
            }
        }
        CaseCommand::Cancel {
            case,
            note,
            json: as_json,
        } => {
            let ended = store.call_off(case, operator(), Some(note)).await?;
            if as_json {
                json(&ended)?;
            } else {
                let at_work = match ended.stopping {
                    0 => String::new(),
                    count => format!("; {count} at work stop before their next change"),
                };
                line(format!(
                    "case {case} is called off: {} jobs are cancelled{at_work}",
                    ended.cancelled
                ))?;
            }
        }
        CaseCommand::Show { case, json: as_json } => {
            let detail = store.case_detail(case).await?;
            name_unreadable(&detail.unreadable);
            if as_json {
                json(&detail)?;
            } else {
                show(&detail)?;
                show_delays(&detail, &store.observed_delays().await?)?;
                let unended = detail
                    .jobs
                    .iter()
                    .filter(|job| !matches!(job.state.as_str(), "done" | "failed" | "cancelled"));
                tell_paused(&store, unended.map(|job| job.target.as_str())).await?;
            }
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn row(case: &CaseView, times: &LocalTimes) -> Vec<Cell> {
    let after = |at: Option<crate::model::Timestamp>| at.map_or_else(|| "-".to_owned(), |at| span(at.since(case.received_at)));
    let erased = || format!("erased ({})", case.subject_ref);
    vec![
        case.id.to_string().into(),
        case.subject.clone().unwrap_or_else(erased).into(),
        case.reason.clone().into(),
        Cell::state(&case.state),
        Cell::verdict(case.verdict.as_deref()),
        times.time(case.received_at).into(),
        after(case.first_revoke_at).into(),
        after(case.contained_at).into(),
    ]
}

/// Prints a case the way a person reads it. Also what `revoke --wait` ends with.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn show(detail: &CaseDetail) -> anyhow::Result<()> {
    let case = &detail.case;
    let subject = case.subject.clone().unwrap_or_else(|| "erased".to_owned());
    line(format!(
        "case {}: {} is {} ({})",
        case.id,
        plain(&subject),
        case.reason,
        case.subject_ref
    ))?;
    let verdict = case
        .verdict
        .as_deref()
        .map_or(String::new(), |verdict| format!(", {verdict}"));
    line(format!(
        "  {}{verdict}; playbook {}; received {} from {}",
        case.state,
        case.playbook,
        case.received_at,
        plain(&case.source)
    ))?;
    if let Some(by) = &case.requested_by {
        line(format!("  asked for by {}", plain(by)))?;
    }
    if let Some(first) = case.first_revoke_at {
        line(format!("  first revoke after {}", span(first.since(case.received_at))))?;
    }
    if let Some(contained) = case.contained_at {
        line(format!("  contained after {}", span(contained.since(case.received_at))))?;
    }
    if let Some(at) = case.called_off_at {
        let why = case
            .called_off_why
            .as_deref()
            .map_or(String::new(), |why| format!(": {}", plain(why)));
        let by = case.called_off_by.as_deref().unwrap_or("somebody");
        line(format!("  called off at {at} by {}{why}", plain(by)))?;
    }
    if case.reopened > 0 {
        line(format!("  reopened {} times: access came back", case.reopened))?;
    }
    show_targets(detail)?;
    for signal in &detail.signals {
        let why = signal.why.as_deref().map_or(String::new(), |why| format!(": {}", plain(why)));
        line(format!(
            "  signal {} from {}: {} -> {}{why}",
            signal.id,
            plain(&signal.source),
            signal.reason,
            signal.decision
        ))?;
    }
    for job in detail.jobs.iter().rev() {
        show_job(job)?;
        show_actions(detail.actions.iter().filter(|action| action.job == job.id))?;
    }
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
    for (target, gap) in gaps {
        line(format!("  not covered at {}: {}", plain(target), plain(gap)))?;
    }
    Ok(())
}

/// How fast the targets of a case let go of what ends there, as their canaries showed.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn show_delays(detail: &CaseDetail, delays: &[ObservedDelay]) -> anyhow::Result<()> {
    let targets: BTreeSet<&String> = detail.jobs.iter().map(|job| &job.target).collect();
    for shown in delays.iter().filter(|shown| targets.contains(&shown.target)) {
        let (target, kind) = (plain(&shown.target), plain(&shown.kind));
        line(match shown.delay_ms {
            Some(ms) => format!(
                "  observed delay at {target}: a {kind} was refused {ms} ms after its end (canary, {})",
                shown.at
            ),
            None => format!(
                "  not to be trusted: the canary's {kind} at {target} outlived its end by {} s ({})",
                shown.within_ms / 1000,
                shown.at
            ),
        })?;
    }
    Ok(())
}

/// Where a case has several targets, what came of it at each.
fn show_targets(detail: &CaseDetail) -> anyhow::Result<()> {
    let mut newest: Vec<&JobView> = Vec::new();
    // The newest stands first; a look that is still to come says nothing yet.
    for job in detail
        .jobs
        .iter()
        .filter(|job| job.kind != "release" && !(job.kind == "watch" && job.state == "scheduled"))
    {
        if newest.iter().all(|known| known.target != job.target) {
            newest.push(job);
        }
    }
    if newest.len() < 2 {
        return Ok(());
    }
    newest.sort_by_key(|job| job.id);
    for job in newest {
        let came = match (&job.verdict, job.finished_at) {
            (Some(verdict), Some(at)) => format!(
                "{} after {}",
                plain(&verdict.to_string()),
                span(at.since(detail.case.received_at))
            ),
            (Some(verdict), None) => plain(&verdict.to_string()),
            (None, _) => match &job.error {
                Some(error) => format!("{}: {}", job.state, plain(error)),
                None => job.state.clone(),
            },
        };
        line(format!("  at {}: {came}", plain(&job.target)))?;
    }
    Ok(())
}

/// The actions of a job in their order; the same with the same outcome again and again is one line with a count.
fn show_actions<'a>(actions: impl Iterator<Item = &'a ActionView>) -> anyhow::Result<()> {
    let mut lines: Vec<(String, usize, Vec<&str>)> = Vec::new();
    for action in actions {
        let outcome = action.outcome.as_deref().unwrap_or("under way");
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
            shown => format!("  (requests {})", plain(&shown.join(" "))),
        };
        line(format!("      {text}{times}{shown}"))?;
    }
    Ok(())
}

fn show_job(job: &JobView) -> anyhow::Result<()> {
    let verdict = job
        .verdict
        .as_ref()
        .map_or(String::new(), |verdict| format!(": {}", plain(&verdict.to_string())));
    let due = job.due.map_or(String::new(), |due| format!(" due {due}"));
    line(format!(
        "  job {} ({} at {}): {}{due}, attempt {}{verdict}",
        job.id,
        job.kind,
        plain(&job.target),
        job.state,
        job.attempt
    ))?;
    if let (Some(error), None) = (&job.error, &job.verdict) {
        line(format!("      last error: {}", plain(error)))?;
    }
    let Some(evidence) = job.evidence.as_ref().filter(|evidence| evidence.before_at.is_some()) else {
        return Ok(());
    };
    let counts: Vec<String> = evidence
        .after
        .iter()
        .map(|(kind, after)| format!("{kind} {} -> {after}", evidence.before.get(kind).copied().unwrap_or(0)))
        .collect();
    if let Some(id) = &evidence.principal {
        line(format!("      account: {}", plain(id)))?;
    }
    line(format!(
        "      seen {} and {}: {}",
        time(evidence.before_at),
        time(evidence.after_at),
        counts.join(", ")
    ))?;
    line(format!(
        "      account suspended: {} -> {}",
        evidence.suspended.0, evidence.suspended.1
    ))?;
    line(format!("      {} grants ended{}", evidence.ended_count, named(evidence)))?;
    if let Some(at) = evidence.refused_at {
        line(format!("      the credential itself was refused at {at}"))?;
    }
    for door in &evidence.doors {
        line(format!("      still open: {}", plain(&door.to_string())))?;
    }
    for note in &evidence.notes {
        line(format!("      note: {}", plain(note)))?;
    }
    Ok(())
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
