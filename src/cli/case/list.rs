//! `case list`: which cases there are, by what one knows of them.

use clap::Args;

use super::verdict_line::who;
use crate::cli::Exit;
use crate::cli::human_time::{HumanTime, past};
use crate::cli::output::{Cell, LocalTimes, Meaning, answer, json_lines, line, name_unreadable, span, table};
use crate::cli::store::NOT_RUNNING;
use crate::cli::whom::{Whom, near, shown_text, subject_of};
use crate::model::{Reason, Timestamp, Verdict};
use crate::store::{CaseFilter, CaseView, SearchWord, Store, daemon_runs, value_of};

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
    /// Only what was received since then: 1h, yesterday, 22:00 (the last), 2026-11-28
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
    let (since, until) = past(args.since, args.until, now)?;
    let mut filter = CaseFilter {
        states: args.state.clone(),
        verdicts: args.verdict.clone(),
        reasons: args.reason.clone(),
        source: args.source.clone(),
        target: args.target.clone(),
        owner: args.owner.clone(),
        since,
        until,
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
    // Where it stands is what one looks for: when it came and why is left out before that.
    let headings = [
        "case",
        "subject",
        "reason?",
        "state",
        "verdict",
        "received?",
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
    if cases.rows.is_empty() {
        not_found(args, store).await?;
    }
    // What nobody has taken up has no case yet.
    let waiting = store.waiting_requests(0).await?.count;
    if waiting > 0 && !daemon_runs(store.path()) {
        let requests = if waiting == 1 {
            "1 request waits"
        } else {
            &format!("{waiting} requests wait")
        };
        answer(Meaning::Waiting, requests, &format!(": {NOT_RUNNING}"))?;
    }
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

/// Whom one may have meant where nothing was found.
async fn not_found(args: &ListArgs, store: &Store) -> anyhow::Result<()> {
    let Some(word) = args.subject.as_ref().map(Whom::typed) else {
        return Ok(());
    };
    let Some(word) = SearchWord::new(value_of(&word)) else {
        return Ok(());
    };
    match near(store, &word).await? {
        // Another name is another person: only how it is written may differ.
        Some(name) if value_of(&name) != word.written() && word.is(&name) => line(format!("did you mean {}?", shown_text(&name))),
        _ => Ok(()),
    }
}

/// Where a case stands: what was undone or called off is not merely closed.
fn state(case: &CaseView) -> Cell {
    match case.state.as_str() {
        "closed" if case.released_at.is_some() => Cell::meaning("released", Meaning::Waiting),
        "closed" if case.called_off_at.is_some() => Cell::meaning("called off", Meaning::Waiting),
        state => Cell::state(state),
    }
}

/// What was proved; of what was undone or called off since, without the colour of what is well.
fn verdict(case: &CaseView) -> Cell {
    match &case.verdict {
        Some(word) if case.released_at.is_some() || case.called_off_at.is_some() => Cell::meaning(word, Meaning::Quiet),
        word => Cell::verdict(word.as_deref()),
    }
}

/// When what of a case waits for its time begins, as long as nothing else is to be said of it.
fn due(case: &CaseView) -> Option<Timestamp> {
    case.due.filter(|_| matches!(case.state.as_str(), "open" | "held"))
}

fn row(case: &CaseView, times: &LocalTimes) -> Vec<Cell> {
    let after = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| span(at.since(case.received_at)));
    vec![
        case.id.to_string().into(),
        // Of several names of one person the surest.
        who(case).into(),
        case.reason.clone().into(),
        state(case),
        verdict(case),
        times.time(case.received_at).into(),
        case.owner.clone().unwrap_or_else(|| "-".to_owned()).into(),
        times.cell(due(case)).into(),
        after(case.first_revoke_at).into(),
        after(case.contained_at).into(),
    ]
}
