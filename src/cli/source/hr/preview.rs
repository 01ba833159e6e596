//! `revoked source hr preview`: who would leave when, what waits and why, and what could not be read. Changes nothing.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::known;
use super::map::show_columns;
use crate::cli::asked::Reach;
use crate::cli::output::{Cell, LocalTimes, Meaning, bare, json, line, own_time, plain, remark, sentence, table, verbatim};
use crate::cli::store::open_if_there;
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::Subject;
use crate::sources::Source;
use crate::sources::hr_csv::{
    ChangeKind, Effect, HrCsv, LAST_FULL_FILE, Preview, PreviewRow, TakenBefore, Totals, disarmed, preview, propose,
    state_key_of_end,
};
use crate::store::{DepartureFilter, Store};

/// `revoked source hr preview`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked source hr preview leavers.csv --source hr
         revoked source hr preview leavers.csv --ask

Exit code: 16 where the file would be rejected whole, 6 where something of it could not be read and would be put aside, else 0.")]
pub struct PreviewArgs {
    /// The file
    file: PathBuf,
    /// The drop folder's name in the config; needed where there are several
    #[arg(long)]
    source: Option<String>,
    /// Ask the targets, too, whether they know the people
    #[arg(long)]
    ask: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV, safe to open in a spreadsheet
    #[arg(long)]
    csv: bool,
}

/// Runs `revoked source hr preview`.
///
/// # Errors
/// Where the config, the file or the store cannot be read.
pub(super) async fn run(args: &PreviewArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let clock = Clock::system();
    let config = Reach::new(at)?.config;
    let (name, folder) = folder(&config, args.source.as_deref())?;
    let mut preview = preview(&args.file, folder.rules(), clock.now())?;
    // What is known already decides what a row does; without a store nothing is.
    let store = open_if_there(at.store.as_ref().unwrap_or(&config.store)).await?;
    if let Some(store) = &store {
        let (namespace, key) = LAST_FULL_FILE;
        let last = store.state_entry(&name, namespace, key).await?;
        preview.compare(folder.rules(), last.as_ref().map(|entry| entry.body.as_str()));
        for row in &mut preview.rows {
            weigh(store, &name, row).await?;
        }
        if let Some((file, at)) = store.file_taken_before(&name, preview.digest()).await? {
            preview.repeats(TakenBefore { name: file, at });
        }
        known::ask_store(store, &name, &mut preview).await?;
    }
    if args.ask {
        for trouble in known::ask_targets(store.as_ref(), &config, &mut preview).await? {
            remark(format!("could not be asked: {}", plain(&trouble)));
        }
    }
    if let Some(store) = store {
        store.close().await;
    }
    preview.count();
    if args.json {
        json(&preview)?;
    } else if args.csv {
        verbatim(csv(&preview)?.trim_end())?;
    } else {
        show(&preview, args, &LocalTimes::at(clock.now()))?;
    }
    Ok(match (&preview.rejected, preview.refused.is_empty()) {
        (Some(_), _) => Exit::Rejected,
        (None, false) => Exit::Findings,
        (None, true) => Exit::Ok,
    })
}

/// The drop folder asked for.
fn folder<'a>(config: &'a Config, wanted: Option<&str>) -> anyhow::Result<(String, &'a HrCsv)> {
    let mut found = config.sources.iter().filter_map(|source| {
        let Source::Pull(pull) = &source.source else { return None };
        let any: &dyn std::any::Any = pull.as_ref();
        let hr = any.downcast_ref::<HrCsv>()?;
        wanted
            .is_none_or(|wanted| wanted == source.name)
            .then(|| (source.name.clone(), hr))
    });
    let first = found.next().with_context(|| match wanted {
        Some(wanted) => format!("no source of the kind hr-csv is called {wanted:?}"),
        None => "no source of the kind hr-csv is configured".to_owned(),
    })?;
    anyhow::ensure!(
        found.next().is_none(),
        "several sources are of the kind hr-csv: name one with --source"
    );
    Ok(first)
}

/// What the store knows about the person of a row.
async fn weigh(store: &Store, source: &str, row: &mut PreviewRow) -> anyhow::Result<()> {
    let (namespace, key) = state_key_of_end(&row.employee, &row.employment);
    let takes_back = row.open_ended && store.state_entry(source, namespace, &key).await?.is_some();
    if matches!(row.effect, Effect::Overtaken | Effect::Nothing)
        || (row.effect == Effect::Stands && !takes_back)
        || row.change == ChangeKind::Suspend
    {
        return Ok(());
    }
    let filter = DepartureFilter {
        source: Some(source.to_owned()),
        person: Some(Subject::EmployeeId(row.employee.clone())),
        limit: 100,
        ..DepartureFilter::default()
    };
    let known = store.departures(&filter).await?;
    let own = known.iter().find(|departure| departure.employment == row.employment);
    match row.change {
        ChangeKind::Terminate => {
            let employments = store.employments(source, &row.employee).await?;
            let other = employments
                .iter()
                .find(|other| other.state == "stands" && other.employment != row.employment && !other.employment.is_empty());
            if let (Some(other), Effect::Planned | Effect::AtOnce) = (other, row.effect) {
                row.effect = Effect::Blocked;
                row.why = Some(format!("employment {} has not ended", other.employment));
            } else if let (Some(own), Effect::Planned | Effect::AtOnce) = (own, row.effect) {
                if own.state == "executed" && row.utc == Some(own.fire_at) {
                    row.effect = Effect::Nothing;
                }
                row.why = match own.state.as_str() {
                    "planned" if row.utc == Some(own.fire_at) => Some(format!("as departure {} says already", own.id)),
                    "planned" => Some(format!("departure {} is planned for {} and moves", own.id, own.fire_at)),
                    state => Some(format!("departure {} is {state}", own.id)),
                };
            }
        }
        ChangeKind::Rescind | ChangeKind::Rehire => {
            let concerned: Vec<_> = known
                .iter()
                .filter(|departure| row.change == ChangeKind::Rehire || departure.employment == row.employment)
                .collect();
            let open = concerned
                .iter()
                .find(|departure| matches!(departure.state.as_str(), "planned" | "held" | "blocked"));
            if let Some(open) = open {
                row.why = Some(format!("departure {}, {} for {}", open.id, open.state, open.acts_at));
            } else {
                row.effect = Effect::Nothing;
                let carried_out = concerned.iter().find(|departure| departure.state == "executed");
                row.why = Some(carried_out.map_or_else(
                    || "no departure of this employee is planned".to_owned(),
                    |late| {
                        format!(
                            "too late: departure {} was carried out, and nothing is undone by itself",
                            late.id
                        )
                    },
                ));
            }
        }
        ChangeKind::Active => {
            let open = own.filter(|own| matches!(own.state.as_str(), "planned" | "held" | "blocked"));
            if let Some(open) = open {
                row.effect = Effect::CallsOff;
                row.why = Some(format!("departure {}, {} for {}", open.id, open.state, open.acts_at));
            }
        }
        ChangeKind::Suspend | ChangeKind::Deleted | ChangeKind::Nothing | ChangeKind::Unclear => {}
    }
    Ok(())
}

fn show(preview: &Preview, args: &PreviewArgs, times: &LocalTimes) -> anyhow::Result<()> {
    let rows = preview.rows.iter().map(|row| shown(row, times)).collect();
    table(&SCREEN, rows, "no row could be acted on")?;
    for refused in &preview.refused {
        let column = refused.column.map_or(String::new(), |column| format!(", column {column}"));
        let stays = if refused.stays { " (the person stays)" } else { "" };
        let text = format!(
            "refused, {}{column}: {}; write instead: {}{stays}",
            refused.place, refused.why, refused.instead
        );
        sentence(&text, 2)?;
    }
    if let Some(quotes) = &preview.quotes {
        sentence(quotes, 2)?;
    }
    if preview.rejected.is_some() && preview.rows.is_empty() {
        suggest_mapping(args)?;
    }
    if let Some(before) = &preview.taken_before {
        let (away, at) = (times.away(before.at), times.time(before.at));
        sentence(
            &format!("this file was taken as {} {away} ({at}): nothing would happen", before.name),
            2,
        )?;
    }
    line("nothing was changed")?;
    if let Some(why) = &preview.rejected {
        return sentence(&format!("rejected whole, nothing in it would be acted on: {why}"), 2);
    }
    line(totals(&preview.totals))
}

/// The mapping that would make something of the columns, where one can be told.
fn suggest_mapping(args: &PreviewArgs) -> anyhow::Result<()> {
    let Some(proposal) = std::fs::read(&args.file).ok().and_then(|bytes| propose(&bytes).ok()) else {
        return Ok(());
    };
    if proposal.plain || proposal.columns.is_empty() {
        return Ok(());
    }
    line("what its columns may be:")?;
    show_columns(&proposal, "")?;
    line("for the config:")?;
    for text in proposal.toml.lines() {
        line(format!("  {}", plain(text)))?;
    }
    line(format!(
        "more: revoked source hr map {}",
        plain(&args.file.display().to_string())
    ))
}

/// What a screen shows of a row.
const SCREEN: [&str; 7] = [
    "line",
    "person",
    "effect",
    "access ends",
    "where they work?",
    "employee?",
    "why…",
];

fn shown(row: &PreviewRow, times: &LocalTimes) -> Vec<Cell> {
    let word = known::effect(row.effect, row.unknown);
    let meaning = match row.effect {
        _ if row.unknown => Meaning::Bad,
        Effect::Planned | Effect::AtOnce | Effect::CallsOff => Meaning::Strong,
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
        Cell::meaning(word, meaning),
        times.cell(row.utc).into(),
        row.local.as_deref().map(own_time).unwrap_or_default().into(),
        employee.into(),
        row.why.clone().unwrap_or_default().into(),
    ]
}

/// All rows in one line.
fn totals(totals: &Totals) -> String {
    let counts = [
        (totals.planned, Effect::Planned.word()),
        (totals.at_once, Effect::AtOnce.word()),
        (totals.held, Effect::Held.word()),
        (totals.blocked, Effect::Blocked.word()),
        (totals.calls_off, "call off"),
        (totals.stands, "stand"),
        (totals.overtaken, Effect::Overtaken.word()),
        (totals.nothing, Effect::Nothing.word()),
        (totals.refused, "refused"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    if totals.unknown > 0 {
        parts.push(format!("{} about people of whom nothing is known", totals.unknown));
    }
    if totals.null_days > 0 {
        parts.push(format!("{} with a day that stands for none", totals.null_days));
    }
    if totals.stale > 0 {
        parts.push(format!("{} employed after a last day that is over", totals.stale));
    }
    let parts = if parts.is_empty() {
        "nothing to do".to_owned()
    } else {
        parts.join(", ")
    };
    let rows = if totals.rows == 1 { "row" } else { "rows" };
    format!("{} {rows}: {parts}", totals.rows)
}

const HEADINGS: [&str; 8] = [
    "line",
    "employee",
    "employment",
    "person",
    "effect",
    "access ends",
    "in UTC",
    "why",
];

fn cells(row: &PreviewRow) -> Vec<String> {
    vec![
        row.line.to_string(),
        row.employee.clone(),
        row.employment.clone(),
        row.subject.to_string().replace('\n', ", "),
        known::effect(row.effect, row.unknown).to_owned(),
        row.local.clone().unwrap_or_default(),
        row.utc.map(|at| at.to_string()).unwrap_or_default(),
        row.why.clone().unwrap_or_default(),
    ]
}

/// The rows as CSV; what a spreadsheet would run as a formula stands disarmed.
fn csv(preview: &Preview) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADINGS)?;
    for row in &preview.rows {
        writer.write_record(cells(row).iter().map(|cell| disarmed(cell)))?;
    }
    for refused in &preview.refused {
        let why = format!("{}; write instead: {}", refused.why, refused.instead);
        let place = refused.place.clone();
        let record = [
            place,
            String::new(),
            String::new(),
            String::new(),
            "refused".to_owned(),
            String::new(),
            String::new(),
            why,
        ];
        writer.write_record(record.iter().map(|cell| disarmed(cell)))?;
    }
    if let Some(why) = &preview.rejected {
        let record = ["file", "", "", "", "rejected", "", "", &disarmed(why)];
        writer.write_record(record)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| anyhow::anyhow!("cannot write CSV: {error}"))?;
    Ok(String::from_utf8(bytes)?)
}
