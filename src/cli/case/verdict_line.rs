//! The answer of a case in one line: what was proved about whom, where, how fast, and what comes next by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::progress_line::unended;
use super::whose::{is_of_credential, whose};
use crate::cli::output::{LocalTimes, Meaning, answer_after, bare, coarse, fit_words, plain, span};
use crate::cli::target::Obstacle;
use crate::model::{JobKind, Timestamp, Verdict};
use crate::store::{CaseDetail, CaseView, JobProgress, JobView};

/// How long a case may take for its time to be worth more than the clock.
const SHORT: std::time::Duration = std::time::Duration::from_hours(1);
/// How many targets are named.
const NAMED: usize = 3;

/// The answer of a case.
pub(in crate::cli) struct AnswerLine {
    meaning: Meaning,
    head: String,
    rest: String,
}

impl AnswerLine {
    /// One whose first word and whose rest are known.
    pub(super) fn new(meaning: Meaning, head: impl Into<String>, rest: impl Into<String>) -> Self {
        Self {
            meaning,
            head: head.into(),
            rest: rest.into(),
        }
    }

    /// It in one line of so many columns.
    pub(in crate::cli) fn fitted(&self, width: Option<usize>) -> String {
        let whole = fit_words(&format!("{}{}", self.head, self.rest), width);
        match whole.strip_prefix(&self.head) {
            Some(rest) => format!("{}{rest}", self.meaning.paint(&self.head)),
            None => whole,
        }
    }

    /// Prints it behind some words. It is never cut: what has no room goes on in the next line.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(in crate::cli) fn print(&self, before: &str) -> anyhow::Result<()> {
        answer_after(before, self.meaning, &self.head, &self.rest)
    }
}

/// The answer of a case; `obstacle` is what keeps an open one from going on, and `jobs` how far it is at each target.
pub(super) fn verdict_line(
    detail: &CaseDetail,
    times: &LocalTimes,
    obstacle: Option<&Obstacle>,
    jobs: &[JobProgress],
) -> AnswerLine {
    let (meaning, head, rest) = words(detail, times, obstacle, jobs);
    AnswerLine::new(meaning, head, rest)
}

/// Whom a case is about, as short as it is still clear.
pub(in crate::cli) fn who(case: &CaseView) -> String {
    let Some(subject) = &case.subject else {
        return format!("erased ({})", case.subject_ref);
    };
    let several = subject.strip_prefix("aliases:").unwrap_or(subject);
    let name = several.lines().next().unwrap_or(several);
    plain(&bare(name))
}

/// What it means, the word, and the rest.
fn words(detail: &CaseDetail, times: &LocalTimes, obstacle: Option<&Obstacle>, jobs: &[JobProgress]) -> (Meaning, String, String) {
    let case = &detail.case;
    let who = whose(detail).unwrap_or_else(|| who(case));
    match case.state.as_str() {
        "held" => {
            let hold = case.hold.unwrap_or(0);
            let done = if case.first_revoke_at.is_some() {
                ""
            } else {
                ": nothing was done"
            };
            let rest = format!(" {who} under hold {hold}{done} · revoked hold show {hold}");
            (Meaning::Waiting, "HELD".to_owned(), rest)
        }
        "cancelled" => {
            let did = if detail.actions.is_empty() {
                "nothing was done"
            } else {
                "what was done stays done"
            };
            (
                Meaning::Quiet,
                "CANCELLED".to_owned(),
                format!(" {who}: {did}{}", release(detail)),
            )
        }
        "open" => open(detail, &who, times, (obstacle, jobs)),
        _ => closed(detail, &who, times),
    }
}

fn open(
    detail: &CaseDetail,
    who: &str,
    times: &LocalTimes,
    (obstacle, jobs): (Option<&Obstacle>, &[JobProgress]),
) -> (Meaning, String, String) {
    let case = &detail.case;
    let at = targets(contained(detail).map(|job| &job.target));
    if let Some(due) = case.due.filter(|due| *due > times.now() && detail.actions.is_empty()) {
        let rest = format!(
            " {who}{at} until {} ({}) · revoked case cancel {} --note WHY",
            times.time(due),
            times.away(due),
            case.id
        );
        return (Meaning::Waiting, "WAITS".to_owned(), rest);
    }
    if let Some(Obstacle { why, next }) = obstacle {
        return (Meaning::Waiting, "WAITS".to_owned(), format!(" {who}: {why} · {next}"));
    }
    let since = coarse(times.now().since(detail.begins_at));
    let follow = format!("revoked case show {} --follow", case.id);
    // Where it stands is told by each target: what it waits for, or what was sent and is not answered.
    let (parts, at_work) = unended(jobs, times);
    let stands = if parts.is_empty() {
        format!("{at} for its turn")
    } else {
        format!(": {}", parts.join("; "))
    };
    let waited = detail.begins_at.since(case.received_at);
    let from = match detail.approved_at {
        _ if waited.is_zero() => "the signal".to_owned(),
        Some(at) if at == detail.begins_at => format!("its approval, {} after the signal", coarse(waited)),
        _ => "its day came".to_owned(),
    };
    let (meaning, head) = if at_work {
        (Meaning::Strong, "AT WORK")
    } else {
        (Meaning::Waiting, "WAITS")
    };
    (
        meaning,
        head.to_owned(),
        format!(" {who}{stands} ({since} since {from}) · {follow}"),
    )
}

fn closed(detail: &CaseDetail, who: &str, times: &LocalTimes) -> (Meaning, String, String) {
    let case = &detail.case;
    let verdict = case.verdict.as_deref().unwrap_or("closed");
    let newest = newest(detail);
    // Where somebody is contained, a target that knows nobody of that name is no part of the answer.
    let of_it = newest.iter().filter(|job| {
        let word = job.verdict.as_ref().map(Verdict::word);
        word == Some(verdict) || (verdict != "no_principal" && word.is_some_and(|word| word != "no_principal"))
    });
    let at = targets(of_it.map(|job| &job.target));
    if verdict == "no_principal" {
        return nobody(detail, who, &at);
    }
    if let Some(over) = undone(detail, who, &at, times) {
        return over;
    }
    let mut parts = vec![format!(" {who}{at}")];
    let again = case.reopened > 0 && verdict == "contained";
    if let Some(at) = contained_again(detail).filter(|_| again) {
        parts.push(format!(" {}, {}", times.time(at), came_back(case.reopened)));
    } else if let Some(at) = proved(detail) {
        let took = at.since(detail.begins_at);
        parts.push(if took < SHORT {
            format!(" in {}{}", span(took), after_what(detail))
        } else {
            format!(" {}", times.time(at))
        });
    }
    parts.push(format!(", {} ended", ended(detail)));
    let why = newest.iter().find_map(|job| match &job.verdict {
        Some(Verdict::Failed { why }) => Some(plain(why)),
        Some(Verdict::Residual { until, what }) => Some(format!("{} lives on until {}", plain(what), times.time(*until))),
        Some(unverified @ Verdict::Unverified { .. }) => {
            Some(plain(&unverified.to_string()).trim_start_matches("unverified: ").to_owned())
        }
        _ => None,
    });
    parts.extend(why.map(|why| format!(": {why}")));
    match (next_look(detail), verdict) {
        (_, "failed") => parts.push("; tried again every hour · revoked ledger".to_owned()),
        (Some(at), _) => parts.push(format!("; next look {}", times.time(at))),
        (None, _) => {}
    }
    let head = match verdict {
        _ if again => "CONTAINED AGAIN".to_owned(),
        word => word.to_uppercase(),
    };
    (Meaning::of_verdict(verdict), head, parts.concat())
}

/// From when on a span counts that is not the time since the signal, and for how long that was waited for.
fn after_what(detail: &CaseDetail) -> String {
    let waited = detail.begins_at.since(detail.case.received_at);
    if waited.is_zero() {
        return String::new();
    }
    let what = if detail.approved_at == Some(detail.begins_at) {
        "its approval"
    } else {
        "its day had come"
    };
    format!(" after {what}, {} after the signal", coarse(waited))
}

/// What came after the verdict, where that stands no more: the account was given back, or nobody looks after the case since it was called off.
fn undone(detail: &CaseDetail, who: &str, at: &str, times: &LocalTimes) -> Option<(Meaning, String, String)> {
    let ended = ended(detail);
    let suspended = still_suspended(detail);
    if let Some(since) = released(detail) {
        let rest = match suspended.len() {
            0 => String::new(),
            _ => format!(", still suspended{}", targets(suspended.into_iter())),
        };
        let at = targets(releases(detail).map(|job| &job.target));
        let rest = format!(
            " {who}{at}: the account is open again since {}, {ended} ended before{rest}",
            times.time(since)
        );
        return Some((Meaning::Waiting, "RELEASED".to_owned(), rest));
    }
    let called_off = detail.case.called_off_at?;
    let verdict = detail.case.verdict.as_deref().unwrap_or("closed");
    let stays = if suspended.is_empty() {
        "what was done stays done".to_owned()
    } else {
        format!("still suspended{}", release(detail))
    };
    let rest = format!(
        " {who}{at} {}: {stays}; {verdict} before, {ended} ended",
        times.time(called_off)
    );
    Some((Meaning::Waiting, "CALLED OFF".to_owned(), rest))
}

/// How many grants the case has ended.
fn ended(detail: &CaseDetail) -> usize {
    contained(detail)
        .filter_map(|job| Some(job.evidence.as_ref()?.ended_count))
        .sum()
}

/// The releases that were done.
fn releases(detail: &CaseDetail) -> impl Iterator<Item = &JobView> {
    let jobs = detail.jobs.iter();
    jobs.filter(|job| matches!(job.verdict, Some(Verdict::Released { .. })))
}

/// When the last of them was.
fn released(detail: &CaseDetail) -> Option<Timestamp> {
    releases(detail).filter_map(|job| job.finished_at).max()
}

/// The targets at which the case has suspended somebody, and has not released that.
fn still_suspended(detail: &CaseDetail) -> BTreeSet<&String> {
    let made = contained(detail).filter(|job| job.evidence.as_ref().is_some_and(|evidence| !evidence.suspensions.is_empty()));
    let released: BTreeSet<&String> = releases(detail).map(|job| &job.target).collect();
    made.map(|job| &job.target)
        .filter(|target| !released.contains(target))
        .collect()
}

/// When the verdict was reached first: looks afterwards do not make it later.
fn proved(detail: &CaseDetail) -> Option<Timestamp> {
    let first = contained(detail).filter(|job| job.kind == JobKind::Contain.word());
    detail
        .case
        .contained_at
        .or_else(|| first.filter_map(|job| job.finished_at).max())
}

/// When the last of the looks that found access again was over.
pub(super) fn contained_again(detail: &CaseDetail) -> Option<Timestamp> {
    let found = contained(detail).filter(|job| job.evidence.as_ref().is_some_and(|evidence| evidence.came_back));
    found.filter_map(|job| job.finished_at).max()
}

/// `came back once`, `came back 3 times`.
pub(super) fn came_back(times: i64) -> String {
    match times {
        1 => "came back once".to_owned(),
        n => format!("came back {n} times"),
    }
}

/// Nobody of that name, or a credential that was refused from the start.
fn nobody(detail: &CaseDetail, who: &str, at: &str) -> (Meaning, String, String) {
    if is_of_credential(&detail.case) {
        return (
            Meaning::Good,
            "REFUSED".to_owned(),
            format!(" {who}{at} from the start: nothing was ended"),
        );
    }
    if let Some((at, what)) = unknown_grant(detail) {
        return (Meaning::Waiting, "UNKNOWN".to_owned(), format!(" {who}{at}: {what}"));
    }
    (
        Meaning::Waiting,
        "NOBODY".to_owned(),
        format!(" is called {who}{at} · revoked subject unresolved"),
    )
}

/// Of a case about one session or one token that is none of the account's: where the account was found, and what was looked for there.
fn unknown_grant(detail: &CaseDetail) -> Option<(String, String)> {
    let newest = newest(detail);
    let unknown = newest.iter().filter_map(|job| match &job.verdict {
        Some(Verdict::NoPrincipal { what }) if job.evidence.as_ref()?.principal.is_some() => Some((&job.target, what)),
        _ => None,
    });
    let (looked_at, what): (Vec<&String>, Vec<&String>) = unknown.unzip();
    Some((targets(looked_at.into_iter()), plain(what.first()?)))
}

/// When the next sweep comes.
pub(super) fn next_look(detail: &CaseDetail) -> Option<Timestamp> {
    let waiting = detail
        .jobs
        .iter()
        .filter(|job| job.kind == JobKind::Sweep.word() && job.state == "scheduled");
    waiting.filter_map(|job| job.due).min()
}

/// Of each target the newest job that is no release and no look that is still to come, or does not come any more.
pub(super) fn newest(detail: &CaseDetail) -> Vec<&JobView> {
    let mut newest: BTreeMap<&str, &JobView> = BTreeMap::new();
    let looked = |job: &&JobView| job.kind != JobKind::Sweep.word() || !matches!(job.state.as_str(), "scheduled" | "cancelled");
    for job in contained(detail).filter(looked) {
        let known = newest.entry(&job.target).or_insert(job);
        if known.id < job.id {
            *known = job;
        }
    }
    let mut jobs: Vec<&JobView> = newest.into_values().collect();
    jobs.sort_by_key(|job| job.id);
    jobs
}

fn contained(detail: &CaseDetail) -> impl Iterator<Item = &JobView> {
    detail.jobs.iter().filter(|job| job.kind != JobKind::Release.word())
}

/// How the access that a case has suspended is given back, where it has suspended somebody.
pub(super) fn release(detail: &CaseDetail) -> String {
    if still_suspended(detail).is_empty() {
        String::new()
    } else {
        format!(" · revoked release {} gives the account back", detail.case.id)
    }
}

/// ` at chat, idp`, or ` at 5 targets`.
fn targets<'t>(names: impl Iterator<Item = &'t String>) -> String {
    let mut names: Vec<&String> = names.collect();
    names.sort();
    names.dedup();
    match names.len() {
        0 => String::new(),
        1..=NAMED => format!(" at {}", plain(&names.into_iter().cloned().collect::<Vec<_>>().join(", "))),
        many => format!(" at {many} targets"),
    }
}
