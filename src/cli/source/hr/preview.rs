//! `revoked source hr preview`: who would leave when, what waits and why, and what could not be read. Changes nothing.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::folder::folders;
use super::shown::show;
use super::spreadsheet::csv;
use super::{known, weigh};
use crate::cli::account::{again_as_reading, owner_of};
use crate::cli::asked::Reach;
use crate::cli::output::{LocalTimes, json, plain, remark, verbatim};
use crate::cli::store::open;
use crate::cli::{Exit, StoreArgs, UsageError};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::Timestamp;
use crate::passwd::login;
use crate::sources::hr_csv::{
    HrCsv, LARGEST_FILE, LAST_FULL_FILE, Preview, Proposal, Rules, TakenBefore, preview, preview_bytes, propose,
};
use crate::store::{OpenError, Store};

/// `revoked source hr preview`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked source hr preview leavers.csv --source hr
  revoked source hr preview leavers.csv --ask
  sudo -u revoked revoked source hr preview - --ask < leavers.csv

Exit code: 16 where the file would be rejected whole, 8 where it could not be compared with what was taken before or a target could not be \
asked, 6 where something of it could not be read and would be put aside, else 0.")]
pub struct PreviewArgs {
    /// The file; - for standard input
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

/// What a file is read from.
enum Input<'a> {
    At(&'a Path),
    Bytes(Vec<u8>),
}

/// Runs `revoked source hr preview`.
///
/// # Errors
/// Where the config, the file or the store cannot be read.
pub(super) async fn run(args: &PreviewArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let now = Clock::system().now();
    let reach = Reach::new(at)?;
    let (name, folder) = one_of(&folders(&reach.config, args.source.as_deref())?)?;
    let input = Input::of(&args.file)?;
    let mut preview = input.preview(folder.rules(), now)?;
    let store = match known_here(at, &reach.config, &args.file).await? {
        Known::Store(store) => Some(store),
        Known::Nothing => None,
        Known::Closed(why) => {
            preview.not_compared = Some(why);
            None
        }
    };
    let weighed = weighed(&reach, args.ask, store.as_ref(), (name, folder.rules()), &mut preview, now).await;
    if let Some(store) = store {
        store.close().await;
    }
    weighed?;
    preview.conclude();
    if args.json {
        json(&preview)?;
    } else if args.csv {
        verbatim(csv(&preview)?.trim_end())?;
        beside_csv(&preview);
    } else {
        let proposal = input.proposal(&preview);
        show(&preview, &args.file, proposal.as_ref(), &LocalTimes::at(now))?;
    }
    let is_whole = preview.not_compared.is_none() && preview.not_asked.is_empty() && preview.not_checked.is_none();
    Ok(match (&preview.rejected, is_whole, preview.refused.is_empty()) {
        (Some(_), _, _) => Exit::Rejected,
        (None, false, _) => Exit::Unasked,
        (None, true, false) => Exit::Findings,
        (None, true, true) => Exit::Ok,
    })
}

/// Weighs the file against what is known here, and asks the targets.
async fn weighed(
    reach: &Reach,
    ask: bool,
    store: Option<&Store>,
    (name, rules): (&str, &Rules),
    preview: &mut Preview,
    now: Timestamp,
) -> anyhow::Result<()> {
    if let Some(store) = store {
        let (namespace, key) = LAST_FULL_FILE;
        let last = store.state_entry(name, namespace, key).await?;
        preview.compare(rules, last.as_ref().map(|entry| entry.body.as_str()));
        if let Some((file, at)) = store.file_taken_before(name, preview.digest()).await? {
            preview.repeats(TakenBefore { name: file, at });
        }
    }
    if preview.rejected.is_some() {
        return Ok(());
    }
    if preview.taken_before.is_none() {
        weigh::weigh(store, &reach.config, name, preview, now).await?;
    }
    if let Some(store) = store {
        known::ask_store(store, name, preview).await?;
    }
    if ask {
        known::ask_targets(reach, store, preview).await?;
    }
    Ok(())
}

/// What is known here of what was taken before.
enum Known {
    Store(Store),
    /// The daemon was never started.
    Nothing,
    /// Whoever asks may not look: why, and what to type.
    Closed(String),
}

/// Opens the store, if there is one and we may.
async fn known_here(at: &StoreArgs, config: &Config, file: &Path) -> anyhow::Result<Known> {
    let path = at.store.as_ref().unwrap_or(&config.store);
    let owner = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Known::Nothing),
        // As installed, others may not even enter the store's folder.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => owner_of(path),
        _ => match open(path).await {
            Ok(store) => return Ok(Known::Store(store)),
            Err(OpenError::NotOurs { owner, .. }) => Some(owner),
            Err(error) => return Err(error.into()),
        },
    };
    let owner = owner.unwrap_or_else(|| "revoked".to_owned());
    Ok(Known::Closed(format!(
        "the store is open to {owner} alone; type {}",
        again_as_reading(&owner, file)
    )))
}

/// What must not be lost where only rows are printed.
fn beside_csv(preview: &Preview) {
    for (head, text) in [
        ("not checked", &preview.not_checked),
        ("not compared with what was taken before", &preview.not_compared),
        ("held whole", &preview.held_whole),
        ("held in part", &preview.held_in_part),
    ] {
        if let Some(text) = text {
            remark(format!("{head}: {}", plain(text)));
        }
    }
    for trouble in &preview.not_asked {
        remark(format!("not asked: {}", plain(trouble)));
    }
}

impl<'a> Input<'a> {
    fn of(file: &'a Path) -> anyhow::Result<Self> {
        if file.as_os_str() != "-" {
            return Ok(Self::At(file));
        }
        let mut bytes = Vec::new();
        // One more than is taken, so that a file that is too large is known to be.
        let mut input = std::io::stdin().lock().take(LARGEST_FILE + 1);
        input.read_to_end(&mut bytes).context("cannot read standard input")?;
        Ok(Self::Bytes(bytes))
    }

    fn preview(&self, rules: &Rules, now: Timestamp) -> anyhow::Result<Preview> {
        match self {
            Self::At(path) => preview(path, rules, now).map_err(|error| handed_over(error, path)),
            Self::Bytes(bytes) => preview_bytes(bytes, rules, now),
        }
    }

    /// The mapping that would make something of the columns, where nothing else does and one can be told.
    fn proposal(&self, preview: &Preview) -> Option<Proposal> {
        if preview.rejected.is_none() || !preview.rows.is_empty() {
            return None;
        }
        let proposal = match self {
            Self::At(path) => propose(&std::fs::read(path).ok()?),
            Self::Bytes(bytes) => propose(bytes),
        };
        proposal
            .ok()
            .filter(|proposal| !proposal.plain && !proposal.columns.is_empty())
    }
}

/// The error with what to type, where the file is not for the account that we run as: whoever may read it can hand it over.
fn handed_over(error: anyhow::Error, path: &Path) -> anyhow::Error {
    let cause = error.root_cause().downcast_ref::<std::io::Error>();
    if cause.is_none_or(|cause| cause.kind() != std::io::ErrorKind::PermissionDenied) {
        return error;
    }
    let uid = rustix::process::getuid().as_raw();
    let who = login(uid).unwrap_or_else(|| format!("#{uid}"));
    anyhow::anyhow!(
        "{error:#}; whoever may read it can hand it over: {}",
        again_as_reading(&who, path)
    )
}

/// The one drop folder that is meant.
fn one_of<'c>(folders: &[(&'c str, &'c HrCsv)]) -> anyhow::Result<(&'c str, &'c HrCsv)> {
    if let [one] = folders {
        return Ok(*one);
    }
    let names: Vec<String> = folders.iter().map(|(name, _)| plain(name)).collect();
    let text = format!(
        "several sources are of the kind hr-csv: say which with --source: {}",
        names.join(", ")
    );
    Err(UsageError(text).into())
}
