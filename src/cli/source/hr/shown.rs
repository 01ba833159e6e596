//! A preview on the screen: a row for each person, what could not be read, and the answer last.

use std::path::Path;

use super::map::show_columns;
use crate::cli::output::{Cell, LocalTimes, Meaning, answer, bare, coarse, line, plain, sentence, table, terminal, width_of};
use crate::model::Timestamp;
use crate::sources::hr_csv::{Effect, Preview, PreviewRefusal, PreviewRow, Proposal, Totals};

/// A name is cut to this where the day beside it would have to be broken otherwise.
const SHORT_NAME: usize = 24;
/// What the reasons need at least.
const WHY: usize = 16;

/// Shows a preview of `file`, with the mapping that is proposed for it, if one is.
///
/// # Errors
/// Where standard output cannot be written.
pub(super) fn show(preview: &Preview, file: &Path, proposal: Option<&Proposal>, times: &LocalTimes) -> anyhow::Result<()> {
    // Of a file that is rejected whole no row does anything, whatever it says.
    if preview.rejected.is_none() {
        let rows = preview.rows.iter().map(|row| cells(row, times)).collect();
        table(&headings(&preview.rows, times), rows, "no row could be acted on")?;
    }
    for refused in &preview.refused {
        sentence(&refusal(refused), 2)?;
    }
    if let Some(quotes) = &preview.quotes {
        sentence(&plain(quotes), 2)?;
    }
    if let Some(mapping) = &preview.mapping {
        line("for the config, if it is that:")?;
        for text in mapping.lines() {
            line(format!("  {}", plain(text)))?;
        }
    }
    if let Some(proposal) = proposal {
        suggest(proposal, file)?;
    }
    if let Some(before) = &preview.taken_before {
        let (away, at) = (times.away(before.at), times.time(before.at));
        sentence(
            &format!(
                "this file was taken as {} {away} ({at}): nothing would happen",
                plain(&before.name)
            ),
            2,
        )?;
    }
    if let Some(what) = &preview.not_checked {
        answer(Meaning::Bad, "not checked: ", &plain(what))?;
    }
    for trouble in &preview.not_asked {
        answer(Meaning::Bad, "not asked: ", &plain(trouble))?;
    }
    if let Some(why) = &preview.not_compared {
        answer(Meaning::Bad, "not compared with what was taken before: ", &plain(why))?;
    }
    line("nothing was changed")?;
    if let Some(why) = &preview.rejected {
        return sentence(&format!("rejected whole, nothing in it would be acted on: {}", plain(why)), 2);
    }
    sentence(&totals(&preview.totals), 2)?;
    for (head, over) in [
        ("held whole: ", &preview.held_whole),
        ("held in part: ", &preview.held_in_part),
    ] {
        if let Some(over) = over {
            answer(Meaning::Waiting, head, over)?;
        }
    }
    Ok(())
}

fn refusal(refused: &PreviewRefusal) -> String {
    let whose = refused.whose.as_ref().map_or(String::new(), |whose| format!(", {whose}"));
    let column = refused.column.map_or(String::new(), |column| format!(", column {column}"));
    let value = refused.value.as_ref().map_or(String::new(), |value| format!("{value}: "));
    let stays = if refused.stays { " (the person stays)" } else { "" };
    let text = format!(
        "refused, {}{whose}{column}: {value}{}; write instead: {}{stays}",
        refused.place, refused.why, refused.instead
    );
    plain(&text)
}

/// The mapping that would make something of the columns.
fn suggest(proposal: &Proposal, file: &Path) -> anyhow::Result<()> {
    line("what its columns may be:")?;
    show_columns(proposal, "")?;
    line("for the config:")?;
    for text in proposal.toml.lines() {
        line(format!("  {}", plain(text)))?;
    }
    line(format!("more: revoked source hr map {}", plain(&file.display().to_string())))
}

/// What a screen shows of a row: when access ends by the calendar and the clocks where the person works is never left out or cut. Names are
/// shortened to give it room; where that is not enough, it is broken between words.
fn headings(rows: &[PreviewRow], times: &LocalTimes) -> [&'static str; 7] {
    let widest = |cell: &dyn Fn(&PreviewRow) -> usize| rows.iter().map(cell).max().unwrap_or(0) + 2;
    let needed = widest(&|row| row.line.to_string().len().max("line".len()))
        + widest(&|row| width_of(&bare(&row.subject.to_string())).min(SHORT_NAME))
        + widest(&|row| row.effect.word().len().max("effect".len()))
        + widest(&|row| width_of(&ends(row, times)))
        + widest(&|row| width_of(&why(row, times)).clamp("why".len(), WHY));
    let is_narrow = terminal().width.is_some_and(|width| needed > width.into());
    let ends = if is_narrow { "access ends…" } else { "access ends" };
    ["line", "person~", "effect", ends, "here?", "employee?", "why…"]
}

fn cells(row: &PreviewRow, times: &LocalTimes) -> Vec<Cell> {
    let meaning = match row.effect {
        // Of somebody who is new here only a target can tell.
        _ if row.unknown && !row.unnamed => Meaning::Bad,
        Effect::Planned | Effect::Moves | Effect::AtOnce | Effect::CallsOff => Meaning::Strong,
        Effect::Held | Effect::Blocked => Meaning::Waiting,
        Effect::Stands | Effect::Overtaken | Effect::Nothing => Meaning::Quiet,
    };
    let employee = if row.employment.is_empty() {
        row.employee.clone()
    } else {
        format!("{} {}", row.employee, row.employment)
    };
    vec![
        row.line.to_string().into(),
        bare(&row.subject.to_string()).into(),
        Cell::meaning(row.effect.word(), meaning),
        ends(row, times).into(),
        row.utc.map_or_else(|| "-".to_owned(), |at| times.on_day(at)).into(),
        employee.into(),
        why(row, times).into(),
    ]
}

/// When access ends, by the clocks and the calendar of whoever leaves.
fn ends(row: &PreviewRow, times: &LocalTimes) -> String {
    match (&row.local, row.utc) {
        (Some(local), _) => times.own_day(local),
        (None, Some(at)) => times.on_day(at),
        (None, None) => "-".to_owned(),
    }
}

/// Why, with the time at which access was to end before.
fn why(row: &PreviewRow, times: &LocalTimes) -> String {
    let from = row.from.map(|from| match (row.effect, row.utc) {
        (Effect::CallsOff, _) => format!("for {}", times.on_day(from)),
        (_, Some(to)) => format!("from {}, {}", times.on_day(from), moved(from, to)),
        (_, None) => format!("from {}", times.on_day(from)),
    });
    let new = row.unnamed.then(|| "new here".to_owned());
    let words: Vec<String> = from.into_iter().chain(new).chain(row.why.clone()).collect();
    words.join("; ")
}

/// By how much a plan moves: `14 d later`.
fn moved(from: Timestamp, to: Timestamp) -> String {
    if to > from {
        format!("{} later", coarse(to.since(from)))
    } else {
        format!("{} earlier", coarse(from.since(to)))
    }
}

/// All rows in one line, each counted once; then what is special about some of them.
fn totals(totals: &Totals) -> String {
    let counts = [
        (totals.planned, Effect::Planned.word()),
        (totals.moves, if totals.moves == 1 { "moves" } else { "move" }),
        (totals.at_once, Effect::AtOnce.word()),
        (totals.held, Effect::Held.word()),
        (totals.blocked, Effect::Blocked.word()),
        (totals.calls_off, if totals.calls_off == 1 { "calls off" } else { "call off" }),
        (totals.stands, if totals.stands == 1 { "stands" } else { "stand" }),
        (totals.overtaken, Effect::Overtaken.word()),
        (totals.nothing, Effect::Nothing.word()),
        (totals.refused, "refused"),
    ];
    let special = [
        (totals.unknown - totals.unnamed, "known at no target"),
        (totals.unnamed, "named by no source before"),
        (totals.null_days, "with a day that stands for none"),
        (totals.stale, "employed after a last day that is over"),
    ];
    let listed = |counts: &[(u64, &str)]| {
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        counts
            .map(|(count, word)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (counts, special) = (listed(&counts), listed(&special));
    let counts = if counts.is_empty() { "nothing to do" } else { &counts };
    let of_these = if special.is_empty() {
        String::new()
    } else {
        format!("; of these {special}")
    };
    let rows = if totals.rows == 1 { "row" } else { "rows" };
    format!("{} {rows}: {counts}{of_these}", totals.rows)
}
