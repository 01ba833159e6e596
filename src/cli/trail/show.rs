//! `revoked trail show`: the newest entries last, and those that come.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use revoked_trail::EntryKind;

use super::entry_line::{EntryLine, Widths};
use super::missing::{Missing, missing};
use crate::cli::human_time::{HumanTime, past};
use crate::cli::output::{LocalTimes, Meaning, is_read, line, name_unreadable, plain, remark, verbatim};
use crate::cli::store::references_of;
use crate::cli::whom::Whom;
use crate::cli::{UsageError, number};
use crate::settings::nearest;
use crate::store::{Store, TrailFilter, TrailRow};

/// How often it is looked for new entries.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many new entries one look takes.
const PORTION: u32 = 1000;

/// `revoked trail show`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked trail show --case 17
         revoked trail show --operator alice --since yesterday
         revoked trail show --kind hold. --follow")]
pub struct ShowArgs {
    /// So many, the newest
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N", alias = "limit")]
    last: u32,
    /// Go on with what comes, until Ctrl-C
    #[arg(long, short = 'f', conflicts_with = "until")]
    follow: bool,
    /// Only of this case
    #[arg(long, value_parser = number::case)]
    case: Option<i64>,
    /// Only of this job
    #[arg(long, value_parser = number::job)]
    job: Option<i64>,
    /// Only about this person, by every name: alice@example.org, username:alice, a login alone, case:17
    #[arg(long, value_name = "WHO")]
    subject: Option<Whom>,
    /// Only kinds that begin with this: action. or hold.approved
    #[arg(long)]
    kind: Option<String>,
    /// Only what this operator did
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Only from then on: 1h, yesterday, 22:00 (the last), 2026-11-28, "2026-11-28 17:30", or RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<HumanTime>,
    /// Only before then
    #[arg(long, value_name = "TIME")]
    until: Option<HumanTime>,
    /// From this entry on, the oldest first: with --last so many (--limit is the same)
    #[arg(long, default_value_t = 0, value_name = "ENTRY")]
    from: u64,
    /// The whole of each entry, under its line
    #[arg(long, conflicts_with = "json")]
    long: bool,
    /// Print the stored lines as they are
    #[arg(long)]
    json: bool,
}

/// Shows them.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn run(args: &ShowArgs, store: &Store) -> anyhow::Result<()> {
    let now = store.clock().now();
    let (since, until) = past(args.since, args.until, now)?;
    if let Some(kind) = &args.kind {
        known_kind(kind)?;
    }
    let subject = match &args.subject {
        Some(whom) => Some(whom.person(store).await?),
        None => None,
    };
    let mut filter = TrailFilter {
        case: args.case,
        job: args.job,
        subject_refs: references_of(store, subject.as_ref()).await?,
        kind: args.kind.clone(),
        operator: args.operator.clone(),
        since,
        until,
        from: args.from,
        before: None,
        // One more, which says whether there are any besides.
        limit: args.last.saturating_add(1),
        // Whoever names where to begin reads on from there.
        newest: args.from == 0,
    };
    // Before the rows: what is appended meanwhile is not missing.
    let head = store.trail_head().await.map_or(0, |head| head.size());
    let found = store.trail_search(&filter).await?;
    name_unreadable(&found.unreadable);
    let last = usize::try_from(args.last).unwrap_or(usize::MAX);
    let more = found.rows.len().saturating_sub(last);
    let cut = if filter.newest { more } else { 0 };
    if cut > 0 && !args.json {
        line(Meaning::Quiet.paint(earlier(&filter, found.rows.get(cut), args.last)))?;
    }
    let shown = found.rows.get(cut..cut + found.rows.len().min(last)).unwrap_or_default();
    let missing = if args.follow {
        Vec::new()
    } else {
        let left_out = found.rows.len() + found.unreadable.len() > last;
        missing(store, &filter, (shown, &found.unreadable), (left_out, head)).await?
    };
    show(args, store, shown, &missing).await?;
    if let (true, Some(end), false) = (more > cut, shown.last(), args.json || args.follow) {
        line(Meaning::Quiet.paint(format!("later ones are not shown (--from {})", end.seq + 1)))?;
    }
    if shown.is_empty() && missing.is_empty() && !args.json && !args.follow {
        line(no_entries(args, store).await?)?;
    }
    if !args.follow {
        return Ok(());
    }
    if shown.is_empty() && !args.json {
        remark("no entries yet; those that come are shown until Ctrl-C");
    }
    let head = store.trail_head().await?.size();
    filter.from = shown.last().map_or(head.max(filter.from), |row| row.seq + 1);
    (filter.limit, filter.newest) = (PORTION, false);
    while is_read() {
        let found = store.trail_search(&filter).await?;
        name_unreadable(&found.unreadable);
        show(args, store, &found.rows, &[]).await?;
        match found.rows.last() {
            Some(last) => filter.from = last.seq + 1,
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
    Ok(())
}

/// Refuses what no kind of entry begins with: nothing would be found, and that would be no answer.
fn known_kind(typed: &str) -> Result<(), UsageError> {
    let names: Vec<&str> = EntryKind::ALL.iter().map(|kind| kind.name()).collect();
    if names.iter().any(|name| name.starts_with(typed)) {
        return Ok(());
    }
    let families: BTreeSet<&str> = names.iter().filter_map(|name| name.split('.').next()).collect();
    let meant = nearest(typed, names.iter().copied()).or_else(|| nearest(typed.trim_end_matches('.'), families.iter().copied()));
    let meant = match meant {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("they begin with {}", families.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Err(UsageError(format!(
        "no kind of entry begins with {:?}: {meant}",
        plain(typed)
    )))
}

/// That there is nothing to show, and whether an operator of that name has ever done anything.
async fn no_entries(args: &ShowArgs, store: &Store) -> anyhow::Result<String> {
    let Some(operator) = &args.operator else {
        return Ok("no entries".to_owned());
    };
    let any = TrailFilter {
        operator: Some(operator.clone()),
        limit: 1,
        ..TrailFilter::default()
    };
    Ok(if store.trail_search(&any).await?.rows.is_empty() {
        format!("no entries, and none at all by an operator called {:?}", plain(operator))
    } else {
        "no entries".to_owned()
    })
}

/// What is said of those before the first that is shown: how many where that is known without reading them.
fn earlier(filter: &TrailFilter, first: Option<&TrailRow>, last: u32) -> String {
    let everything = TrailFilter {
        from: filter.from,
        limit: filter.limit,
        newest: filter.newest,
        ..TrailFilter::default()
    };
    let more = last.saturating_mul(4).max(10);
    match first {
        Some(first) if *filter == everything => format!("{} earlier (--last {more})", first.seq.saturating_sub(filter.from)),
        _ => format!("earlier ones are not shown (--last {more})"),
    }
}

async fn show(args: &ShowArgs, store: &Store, rows: &[TrailRow], missing: &[Missing]) -> anyhow::Result<()> {
    if args.json {
        for gap in missing {
            remark(&gap.what);
        }
        return rows.iter().try_for_each(|row| verbatim(&row.body));
    }
    let entries: Vec<EntryLine> = rows.iter().map(|row| EntryLine::of(row.seq, &row.body)).collect();
    let references: BTreeSet<String> = entries
        .iter()
        .filter_map(|entry| entry.subject_ref().map(str::to_owned))
        .collect();
    let people = store.people_behind(&references).await?;
    let times = LocalTimes::at(store.clock().now());
    let widths = Widths::of(&entries, &times);
    let mut missing = missing.iter().peekable();
    for (row, entry) in rows.iter().zip(&entries) {
        while let Some(gap) = missing.next_if(|gap| gap.before <= row.seq) {
            line(Meaning::Bad.paint(&gap.what))?;
        }
        line(entry.in_words(&times, &people, widths))?;
        if args.long {
            line(Meaning::Quiet.paint(entry.rest()))?;
        }
    }
    missing.try_for_each(|gap| line(Meaning::Bad.paint(&gap.what)))
}
