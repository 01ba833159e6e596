//! `revoked departures show`: one departure with its history and the person's other employments, and last what may be typed about it.

use super::remarks::remarks;
use super::{person, state, waits};
use crate::cli::output::{LocalTimes, coarse, hanging, line, name_unreadable, plain};
use crate::model::{Leaves, Verdict};
use crate::store::{CaseDetail, DepartureDetail, DepartureView, StepView, Store, StoreError};

/// Prints it.
///
/// # Errors
/// Where the store cannot be read, or standard output not be written.
pub(super) async fn show(store: &Store, detail: &DepartureDetail, times: &LocalTimes) -> anyhow::Result<()> {
    let departure = &detail.departure;
    name_unreadable(&detail.unreadable);
    let names = store.shown_names(departure.subject.as_deref()).await?;
    // What is known of the case is a help: a departure is shown without it.
    let case = match departure.case {
        Some(case) => match store.case_detail(case).await {
            Ok(case) => Some(case),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    line(format!("departure {}: {}", departure.id, plain(&person(departure, &names))))?;
    let why = departure
        .why
        .as_deref()
        .map_or(String::new(), |why| format!(": {}", plain(&times.told(why))));
    hanging(&format!("  {}{why}", state(departure)))?;
    for remark in remarks(departure, times) {
        hanging(&format!("  {}", plain(&remark)))?;
    }
    when(departure, times)?;
    origin(departure, times)?;
    let others = detail
        .employments
        .iter()
        .filter(|other| other.employment != departure.employment && !other.employment.is_empty());
    for other in others {
        hanging(&format!("  employment {} {}", plain(&other.employment), other.state))?;
    }
    for step in &detail.steps {
        hanging(&format!(
            "  {} {} by {}{}",
            times.time(step.at),
            step.what,
            plain(&step.by),
            told(step, departure, times)
        ))?;
    }
    for text in next(departure, case.as_ref(), times) {
        hanging(&text)?;
    }
    Ok(())
}

/// What HR wrote, and when access ends by it.
fn when(departure: &DepartureView, times: &LocalTimes) -> anyhow::Result<()> {
    let written = match &departure.leaves {
        Some(Leaves::Wall { date, zone, at, .. }) => {
            let at = at.as_deref().map_or(String::new(), |at| format!(" at {at}"));
            format!("{date}{at} in {}", plain(zone))
        }
        Some(Leaves::Instant { at }) => times.on_day(*at),
        None => "what cannot be read".to_owned(),
    };
    hanging(&format!(
        "  HR wrote {written}, which means {}",
        times.on_day(departure.fire_at)
    ))?;
    let local = departure.local.as_deref();
    let local = local.map_or(String::new(), |local| format!(" ({})", times.own_day(local)));
    let at = times.on_day(departure.acts_at);
    hanging(&match departure.state.as_str() {
        "planned" => format!("  access ends {at}{local}, {}", times.away(departure.acts_at)),
        "held" | "blocked" => format!("  access is to end {at}{local}"),
        _ => format!("  access was to end {at}{local}"),
    })?;
    if departure.acts_at > departure.fire_at {
        line("  which is when the last of the person's employments ends")?;
    }
    if let Some(at) = departure.executed_at {
        hanging(&format!(
            "  carried out {}, {}{}",
            times.on_day(at),
            times.away(at),
            late(departure)
        ))?;
    }
    Ok(())
}

/// `, 32 h late`, where it was.
fn late(departure: &DepartureView) -> String {
    match departure.executed_at.filter(|_| departure.late) {
        Some(at) => format!(", {} late", coarse(at.since(departure.acts_at))),
        None => String::new(),
    }
}

/// Where it comes from.
fn origin(departure: &DepartureView, times: &LocalTimes) -> anyhow::Result<()> {
    let employment = if departure.employment.is_empty() {
        String::new()
    } else {
        format!(", employment {}", plain(&departure.employment))
    };
    let case = departure.case.map_or(String::new(), |case| format!("; case {case}"));
    let stated = departure
        .stated_at
        .map_or(String::new(), |at| format!("; HR changed it {}", times.on_day(at)));
    hanging(&format!(
        "  source {}, employee {}{employment}{case}{stated}",
        plain(&departure.source),
        plain(&departure.employee)
    ))
}

/// More about a step, with its times as people read them.
fn told(step: &StepView, departure: &DepartureView, times: &LocalTimes) -> String {
    match &step.detail {
        // Counted in minutes, however many.
        Some(detail) if detail.starts_with("late by ") && departure.late => format!(":{}", late(departure).trim_start_matches(',')),
        Some(detail) => format!(": {}", plain(&times.told(detail))),
        None => String::new(),
    }
}

/// What comes next by itself, and what may be typed.
fn next(departure: &DepartureView, detail: Option<&CaseDetail>, times: &LocalTimes) -> Vec<String> {
    let id = departure.id;
    let call_off = format!("to call it off: revoked departures cancel {id} --note WHY");
    let case = detail.map(|detail| &detail.case);
    let hold = case.and_then(|case| case.hold.filter(|_| case.state == "held"));
    let decide = hold.map_or_else(|| "revoked hold list".to_owned(), |hold| format!("revoked hold show {hold}"));
    if !waits(departure) {
        return vec![over(departure, detail, times)];
    }
    match departure.state.as_str() {
        "held" => vec![call_off, format!("held: nothing is done before somebody decides: {decide}")],
        "blocked" => vec![
            call_off,
            format!("blocked: nothing is done before the other employment ends; to end the access all the same: {decide}"),
        ],
        _ => vec![format!("planned {}; {call_off}", times.away(departure.acts_at))],
    }
}

/// What became of what is over.
fn over(departure: &DepartureView, detail: Option<&CaseDetail>, times: &LocalTimes) -> String {
    let state = state(departure);
    if departure.state != "executed" {
        return format!("{state}: nothing of it is done");
    }
    let Some(detail) = detail else {
        return format!("{state}: nothing more happens by itself");
    };
    let case = &detail.case;
    let shown = format!("revoked case show {}", case.id);
    let released = detail
        .jobs
        .iter()
        .find(|job| matches!(job.verdict, Some(Verdict::Released { .. })));
    if let Some(at) = released.and_then(|job| job.finished_at) {
        return format!(
            "{state}, and undone: the account is open again since {}: {shown}",
            times.on_day(at)
        );
    }
    match (case.state.as_str(), case.verdict.as_deref()) {
        ("closed", Some("no_principal")) => {
            format!("{state}, but no target knew the person, and nothing was ended: revoked subject unresolved, {shown}")
        }
        ("closed", Some("contained")) => format!("{state}, and proved by case {}: {shown}", case.id),
        ("closed", Some(verdict)) => format!("{state}, and the verdict of case {} is {verdict}: {shown}", case.id),
        (word, _) => format!("{state}, and case {} is {word}: {shown}", case.id),
    }
}
