//! The times for people.

use std::time::Duration;

use crate::cli::output::{Cell, LocalTimes, Meaning, bare, hanging, line, plain, span, table};
use crate::model::Timestamp;
use crate::store::{ContainmentGroup, ContainmentTimes, Distribution, Miss, NotWhole, ShownNames};

/// Prints them.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn print(times: &ContainmentTimes, names: &ShownNames, now: Timestamp) -> anyhow::Result<()> {
    let clock = LocalTimes::at(now);
    line(format!(
        "{} from {} to {}",
        counted(times.cases, "case"),
        clock.time(times.since),
        clock.time(times.until.min(now))
    ))?;
    if times.groups.is_empty() {
        return Ok(());
    }
    line("\nFrom the signal to the first change that the target confirmed")?;
    figures(&times.groups, |group| &group.first_revoke)?;
    line("\nFrom the signal to the verdict \"contained\"")?;
    figures(&times.groups, |group| &group.containment)?;
    beside(&times.groups)?;
    misses(times, names)?;
    not_whole(times, names)?;
    if times.unasked > 0 {
        hanging(&format!(
            "\nOf {} the trail was not asked, since too many are over a goal: their times may hold a wait for a day or a decision. Take a shorter \
             time.",
            counted(times.unasked, "case")
        ))?;
    }
    Ok(())
}

fn figures(groups: &[ContainmentGroup], of: impl Fn(&ContainmentGroup) -> &Distribution) -> anyhow::Result<()> {
    let rows: Vec<Vec<Cell>> = groups
        .iter()
        .map(|group| {
            let figures = of(group);
            let time = |ms: Option<i64>| Cell::from(ms.map_or_else(|| "-".to_owned(), length));
            let missed = if figures.missed == 0 {
                Cell::meaning("0", Meaning::Good)
            } else {
                Cell::meaning(figures.missed.to_string(), Meaning::Bad)
            };
            vec![
                group.target.clone().into(),
                group.reason.clone().into(),
                figures.n.to_string().into(),
                time(figures.p50_ms),
                time(figures.p95_ms),
                time(figures.max_ms),
                length(figures.goal_ms).into(),
                missed,
            ]
        })
        .collect();
    table(
        &["target~", "reason", "n", "p50?", "p95", "max", "goal", "missed"],
        rows,
        "nothing was measured",
    )
}

/// What is in none of the figures.
fn beside(groups: &[ContainmentGroup]) -> anyhow::Result<()> {
    let mut is_first = true;
    for group in groups {
        let counts = [
            (group.unverified, "unverified"),
            (group.residual, "residual"),
            (group.no_principal, "unknown there"),
            (group.failed, "failed"),
            (group.open, "not over"),
            (group.held, "held for a decision"),
            (group.called_off, "called off"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let mut told: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        if group.waited_for_approval > 0 {
            told.push(format!(
                "{} waited for a decision, the longest {}",
                group.waited_for_approval,
                length(group.longest_wait_ms)
            ));
        }
        if told.is_empty() {
            continue;
        }
        if is_first {
            line("\nBeside these")?;
            is_first = false;
        }
        hanging(&format!(
            "  {}, {}: {}",
            plain(&group.target),
            plain(&group.reason),
            told.join(", ")
        ))?;
    }
    Ok(())
}

fn misses(times: &ContainmentTimes, names: &ShownNames) -> anyhow::Result<()> {
    if times.misses.is_empty() && times.misses_more == 0 {
        return line("\nNo goal was missed.");
    }
    line("\nMissed")?;
    for miss in &times.misses {
        hanging(&format!("  {}", sentence(miss, names)))?;
    }
    if times.misses_more > 0 {
        line(format!("  and {} more: take a shorter time", times.misses_more))?;
    }
    line("  `revoked case report NUMBER` tells all of one.")
}

fn sentence(miss: &Miss, names: &ShownNames) -> String {
    let what = match (miss.goal, miss.what) {
        ("first_revoke", "open") => "no change was confirmed yet, after",
        ("first_revoke", _) => "the first change came after",
        (_, "failed") => "it failed, after",
        (_, "open") => "it is not over, after",
        _ => "the verdict came after",
    };
    let mut told = format!(
        "case {}, {} at {} ({}): {what} {}, the goal is {}",
        miss.case,
        who(miss.subject.as_deref(), names),
        plain(&miss.target),
        plain(&miss.reason),
        length(miss.took_ms),
        length(miss.goal_ms)
    );
    for cause in &miss.causes {
        told.push_str("; ");
        told.push_str(&plain(cause));
    }
    if miss.waited_ms > 0 {
        told = format!("{told}; {} more it waited for a decision", length(miss.waited_ms));
    }
    format!("{told} [{}]", cited(&miss.entries))
}

fn not_whole(times: &ContainmentTimes, names: &ShownNames) -> anyhow::Result<()> {
    if times.not_whole.is_empty() {
        return Ok(());
    }
    line("\nNot contained to the end")?;
    for NotWhole {
        case,
        subject,
        target,
        reason,
        verdict,
        took_ms,
        entries,
    } in &times.not_whole
    {
        hanging(&format!(
            "  case {case}, {} at {} ({}): {} after {} [{}]",
            who(subject.as_deref(), names),
            plain(target),
            plain(reason),
            plain(verdict),
            length(*took_ms),
            cited(entries)
        ))?;
    }
    if times.not_whole_more > 0 {
        line(format!("  and {} more", times.not_whole_more))?;
    }
    Ok(())
}

fn who(subject: Option<&str>, names: &ShownNames) -> String {
    subject.map_or_else(|| "erased".to_owned(), |subject| plain(&bare(names.of(subject))))
}

fn cited(entries: &[u64]) -> String {
    let entries: Vec<String> = entries.iter().map(|seq| format!("#{seq}")).collect();
    entries.join(", ")
}

fn length(ms: i64) -> String {
    span(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

fn counted(count: usize, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}
