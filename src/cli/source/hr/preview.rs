//! `revoked source hr preview`: who would leave when, what waits and why, and what could not be read. Changes nothing.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::cli::asked::Reach;
use crate::cli::output::{json, line, plain, table};
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::Subject;
use crate::sources::Source;
use crate::sources::hr_csv::{
    ChangeKind, Effect, HrCsv, LAST_FULL_FILE, Preview, PreviewRow, TakenBefore, Totals, disarmed, preview, state_key_of_end,
};
use crate::store::{DepartureFilter, Store};

/// `revoked source hr preview`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked source hr preview leavers.csv --source hr

Exit code: 16 where the file would be rejected whole, 6 where something of it could not be read and would be put aside, else 0.")]
pub struct PreviewArgs {
    /// The file
    file: PathBuf,
    /// The drop folder's name in the config; needed where there are several
    #[arg(long)]
    source: Option<String>,
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
    let path = at.store.as_ref().unwrap_or(&config.store);
    if path.exists() {
        let store = at.open().await?;
        let (namespace, key) = LAST_FULL_FILE;
        let last = store.state_entry(&name, namespace, key).await?;
        preview.compare(folder.rules(), last.as_ref().map(|entry| entry.body.as_str()));
        for row in &mut preview.rows {
            weigh(&store, &name, row).await?;
        }
        if let Some((name, at)) = store.file_taken_before(&name, preview.digest()).await? {
            preview.repeats(TakenBefore { name, at });
        }
        store.close().await;
        preview.count();
    }
    if args.json {
        json(&preview)?;
    } else if args.csv {
        line(csv(&preview)?.trim_end())?;
    } else {
        show(&preview)?;
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

fn show(preview: &Preview) -> anyhow::Result<()> {
    if let Some(why) = &preview.rejected {
        line(format!(
            "the file would be rejected whole, and nothing in it acted on: {}",
            plain(why)
        ))?;
    }
    if let Some(quotes) = &preview.quotes {
        line(plain(quotes))?;
    }
    let rows = preview.rows.iter().map(cells).collect();
    table(&HEADINGS, rows, "no row could be acted on")?;
    for refused in &preview.refused {
        let column = refused.column.map_or(String::new(), |column| format!(", column {column}"));
        let stays = if refused.stays { " (the person stays)" } else { "" };
        line(format!(
            "refused, {}{column}: {}; write instead: {}{stays}",
            refused.place,
            plain(&refused.why),
            plain(&refused.instead)
        ))?;
    }
    if let Some(before) = &preview.taken_before {
        line(format!(
            "a file with these bytes was taken before, as {} at {}: dropped again it says nothing new",
            plain(&before.name),
            before.at
        ))?;
    }
    line(totals(&preview.totals))?;
    line("nothing was changed")
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
        row.effect.word().to_owned(),
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
