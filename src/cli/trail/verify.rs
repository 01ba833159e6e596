//! `revoked trail verify`: the findings first, each once with a count, and the verdict last with what to type next.

use std::path::{Path, PathBuf};

use clap::Args;
use revoked_trail::{Finding, Report, Summary, VerifierKey};

use crate::cli::account::quoted;
use crate::cli::output::{Meaning, answer, json, plain, progress, sentence};
use crate::cli::{Exit, StoreArgs};
use crate::config;
use crate::store::{Store, TrailFilter};
use crate::trail::{self, BESIDE_THE_STORE, anchors_beside};

/// `revoked trail verify`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked trail verify --anchor /srv/anchor/revoked.checkpoints

The verdict stands last. A copy that is older than the checkpoints outside is NOT VERIFIED, and said to be whole as far as it goes: bring the
checkpoints of its time.

Exit codes: 0 verified; 5 not.")]
pub struct VerifyArgs {
    /// The trail's verifier key (name+id+key), or a file that holds it; by default the .vkey beside the store
    #[arg(long)]
    key: Option<String>,
    /// Files of checkpoints that left the machine; by default the config's
    #[arg(long)]
    anchor: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: VerifyArgs, at: &StoreArgs, store: &Store) -> anyhow::Result<Exit> {
    let mut notes = Vec::new();
    let keys = match args.key {
        Some(text) => trail::read_keys(&text)?,
        None => keys(at, store, &mut notes)?,
    };
    let anchors = if args.anchor.is_empty() {
        config::anchors(&at.config, store.path())
    } else {
        args.anchor
    };
    let report = trail::verify_telling(store, &keys, &anchors, progress("entries verified")).await?;
    if args.json {
        json(&Summary::from(&report))?;
    } else {
        let beside = anchors_beside(&anchors, store.path());
        notes.extend(beside.map(|path| format!("{} {BESIDE_THE_STORE}", path.display())));
        show(&report, &notes, store, at.store.is_some()).await?;
    }
    Ok(if report.verified() { Exit::Ok } else { Exit::Unverified })
}

/// The keys beside the store; of a copy that was made without them, those beside the store that the config names.
fn keys(at: &StoreArgs, store: &Store, notes: &mut Vec<String>) -> anyhow::Result<Vec<VerifierKey>> {
    let beside = trail::known_keys(store.path())?;
    if !beside.is_empty() {
        return Ok(beside);
    }
    let configured = config::store_path(&at.config).ok().filter(|path| path != store.path());
    let known = configured.as_deref().and_then(|path| trail::known_keys(path).ok());
    match (known.filter(|keys| !keys.is_empty()), configured) {
        (Some(known), Some(path)) => {
            notes.push(format!(
                "no verifier keys lie beside this store; taken were those beside {}",
                path.display()
            ));
            Ok(known)
        }
        _ => trail::keys_beside(store.path()),
    }
}

async fn show(report: &Report, notes: &[String], store: &Store, is_named: bool) -> anyhow::Result<()> {
    for line in report.lines() {
        sentence(&line, line.len() - line.trim_start().len() + 2)?;
    }
    for note in notes {
        sentence(&format!("note: {note}"), 2)?;
    }
    let (verdict, why) = report.verdict();
    if report.verified() {
        return answer(Meaning::Good, verdict, &format!(": {why}"));
    }
    let about = match report.first_bad() {
        Some(seq) => about(store, seq).await?,
        None => String::new(),
    };
    answer(
        Meaning::Bad,
        verdict,
        &format!(": {}{about} · {}", plain(&why), next(report, store.path(), is_named)),
    )
}

/// What the first bad entry says that it is, as far as it can be read.
async fn about(store: &Store, seq: u64) -> anyhow::Result<String> {
    let filter = TrailFilter {
        from: seq,
        limit: 1,
        ..TrailFilter::default()
    };
    let rows = store.trail_search(&filter).await?;
    let entry = rows.iter().find(|row| row.seq == seq);
    let entry: Option<serde_json::Value> = entry.and_then(|row| serde_json::from_str(&row.body).ok());
    let Some(kind) = entry.as_ref().and_then(|entry| entry["kind"].as_str()) else {
        return Ok(String::new());
    };
    let case = entry.as_ref().and_then(|entry| entry["case"].as_i64());
    Ok(match case {
        Some(case) => format!(" (case {case}, {})", plain(kind)),
        None => format!(" ({})", plain(kind)),
    })
}

/// What to do next about a trail that is not verified.
fn next(report: &Report, store: &Path, is_named: bool) -> String {
    if report.older_than().is_some() {
        return "bring the checkpoints of its time with --anchor, or find out who cut it".to_owned();
    }
    if !report.missing_keys().is_empty() {
        return format!(
            "put the saved {}.vkey back, or bring the key with --key",
            plain(&store.display().to_string())
        );
    }
    let from = report.first_bad().or_else(|| {
        report.findings.iter().find_map(|finding| match finding {
            Finding::Root { after, .. } => Some(*after),
            _ => None,
        })
    });
    match from {
        Some(seq) if is_named => {
            let store = quoted(&store.display().to_string());
            format!("revoked trail show --from {seq} --last 1 --store {store}")
        }
        Some(seq) => format!("revoked trail show --from {seq} --last 1"),
        None => "keep the file, and find out who wrote into it".to_owned(),
    }
}
