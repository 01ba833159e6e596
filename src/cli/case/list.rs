//! `case list`: which cases there are, by what one knows of them.

use clap::Args;

use super::verdict_line::who;
use crate::cli::human_time::HumanTime;
use crate::cli::output::{Cell, LocalTimes, Meaning, json_lines, line, name_unreadable, span, table};
use crate::cli::whom::{Whom, subject_of};
use crate::cli::{Exit, UsageError};
use crate::model::{Reason, Timestamp, Verdict};
use crate::store::{CaseFilter, CaseView, Store};

/// How many cases beyond the shown are counted.
const COUNTED: u32 = 10_000;

/// `revoked case list`
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Only open, held, closed or cancelled ones; several with commas
    #[arg(long, value_delimiter = ',', value_parser = ["open", "held", "closed", "cancelled"])]
    state: Vec<String>,
    /// Only with this verdict: contained, unverified, residual, `no_principal`, failed
    #[arg(long, value_delimiter = ',', value_parser = Verdict::WORDS)]
    verdict: Vec<String>,
    /// Only for this reason: compromised, departed, …
    #[arg(long, value_delimiter = ',', value_parser = reason)]
    reason: Vec<String>,
    /// Only by a signal of this source
    #[arg(long)]
    source: Option<String>,
    /// Only with work at this target
    #[arg(long)]
    target: Option<String>,
    /// Only about this subject (alice@example.org, username:alice, alice, case:17, …), by every name and account that is known of it
    #[arg(long)]
    subject: Option<Whom>,
    /// Only those that this login looks after
    #[arg(long, value_name = "LOGIN")]
    owner: Option<String>,
    /// Only what was received since then: 1h, yesterday, 2026-11-28
    #[arg(long, value_name = "TIME")]
    since: Option<HumanTime>,
    /// Only what was received before then
    #[arg(long, value_name = "TIME")]
    until: Option<HumanTime>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

fn reason(word: &str) -> Result<String, String> {
    let reason = Reason::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        format!("write one of {}", words.join(", "))
    })?;
    Ok(reason.word().to_owned())
}

/// Lists cases, newest first.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn run(args: &ListArgs, store: &Store) -> anyhow::Result<Exit> {
    let now = store.clock().now();
    let instant = |at: Option<HumanTime>| at.map(|at| at.back_from(now)).transpose().map_err(UsageError);
    let mut filter = CaseFilter {
        states: args.state.clone(),
        verdicts: args.verdict.clone(),
        reasons: args.reason.clone(),
        source: args.source.clone(),
        target: args.target.clone(),
        owner: args.owner.clone(),
        since: instant(args.since)?,
        until: instant(args.until)?,
        limit: args.limit,
        ..CaseFilter::default()
    };
    if let Some(subject) = &subject_of(store, args.subject.as_ref()).await? {
        filter.subject_refs = Some(store.references(subject).await?);
        filter.or_cases = store.cases_by_account(subject).await?;
    }
    let mut cases = store.find_cases(&filter).await?;
    if args.json {
        json_lines(&cases)?;
        return Ok(Exit::Ok);
    }
    name_unreadable(&cases.unreadable);
    let names = store
        .shown_names(cases.iter().filter_map(|case| case.subject.as_deref()))
        .await?;
    for case in &mut cases.rows {
        case.subject = case.subject.take().map(|subject| names.of(&subject).to_owned());
    }
    let times = LocalTimes::at(now);
    let headings = [
        "case",
        "subject",
        "reason?",
        "state?",
        "verdict",
        "received",
        "owner?",
        "due?",
        "first revoke?",
        "contained?",
    ];
    // Whom nobody looks after, and what is due at once, are no column.
    let (owned, due) = (
        cases.iter().any(|case| case.owner.is_some()),
        cases.iter().any(|case| due(case).is_some()),
    );
    let kept: Vec<usize> = (0..headings.len())
        .filter(|n| (*n != 6 || owned) && (*n != 7 || due))
        .collect();
    let headings: Vec<&'static str> = kept.iter().map(|n| headings[*n]).collect();
    let rows = cases.iter().map(|case| {
        let cells = row(case, &times);
        kept.iter().map(|n| cells[*n].clone()).collect()
    });
    table(&headings, rows.collect(), "no cases")?;
    if cases.rows.len() + cases.unreadable.len() >= args.limit as usize {
        let all = store.count_cases(&filter, COUNTED).await?;
        let more = all.saturating_sub(args.limit);
        let least = if all == COUNTED { "at least " } else { "" };
        if more > 0 {
            line(Meaning::Quiet.paint(format!("{least}{more} more (--limit)")))?;
        }
    }
    Ok(Exit::Ok)
}

/// When what of a case waits for its time begins, as long as nothing else is to be said of it.
fn due(case: &CaseView) -> Option<Timestamp> {
    case.due.filter(|_| matches!(case.state.as_str(), "open" | "held"))
}

fn row(case: &CaseView, times: &LocalTimes) -> Vec<Cell> {
    let after = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| span(at.since(case.received_at)));
    let erased = || format!("erased ({})", case.subject_ref);
    vec![
        case.id.to_string().into(),
        case.subject
            .clone()
            .map_or_else(erased, |subject| {
                // Several names of one person: the surest of them.
                if subject.contains('\n') { who(case) } else { subject }
            })
            .into(),
        case.reason.clone().into(),
        Cell::state(&case.state),
        Cell::verdict(case.verdict.as_deref()),
        times.time(case.received_at).into(),
        case.owner.clone().unwrap_or_else(|| "-".to_owned()).into(),
        times.cell(due(case)).into(),
        after(case.first_revoke_at).into(),
        after(case.contained_at).into(),
    ]
}
