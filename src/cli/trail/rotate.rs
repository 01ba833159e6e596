//! `revoked trail rotate-key`: replaces the key that signs the trail, as the only one who has the store.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;

use crate::cli::account::owner_of;
use crate::cli::output::line;
use crate::cli::store::{operator, permitted};
use crate::cli::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_PATH};
use crate::model::error_chain;
use crate::secret::{SecretSource, is_kept_from_us};
use crate::store::{OpenError, Role, Store};
use crate::trail;

/// Where root keeps the files that systemd passes on as credentials, as the installation has it.
const CREDENTIALS: &str = "/etc/revoked/credentials";

/// `revoked trail rotate-key`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  revoked trail rotate-key
  revoked trail rotate-key --to /etc/revoked/trail-key.new

The daemon must not run. Where [trail] key names the key, make the new one first and name it with --to; put it in the old one's place
afterwards. Where systemd passes the key to the daemon alone, the error is the line to type.")]
pub struct RotateArgs {
    /// The new key, 32 random bytes, where [trail] key names one: a file, or the name of a credential that is passed to this command
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// The old key is lost, or has signed nothing that is left: go on without its word. An entry, an alert and every verification say so
    #[arg(long)]
    lost: bool,
}

pub(super) async fn run(args: RotateArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let clock = Clock::system();
    // No other secret is needed, and most are the daemon's alone.
    let config = Config::load_without_secrets(&at.config, &clock)?;
    let path = at.store.as_ref().unwrap_or(&config.store);
    permitted(path)?;
    ensure!(path.exists(), OpenError::Missing(path.clone()));
    let store = Store::open(path, Role::Daemon, clock).await?;
    let place = trail::TrailPlace {
        origin: &config.trail.origin,
        key: config.trail.key.as_ref(),
        anchor: trail::AnchorFile::new(&config.trail.anchor),
    };
    let to = args.to.as_deref().map(source);
    let rotated = match kept(&args, &place, to.as_ref(), at, path) {
        Some(hint) => Err(anyhow::anyhow!(hint)),
        None => trail::rotate(&store, &place, to.as_ref(), args.lost, operator()).await,
    };
    store.close().await;
    let rotated = rotated?;
    line(format!(
        "the trail of {} entries is signed by its new key: give it to whoever verifies elsewhere",
        rotated.signed
    ))?;
    line(format!("  {}", rotated.key))?;
    if !rotated.in_place {
        line("put the new key where [trail] key names it, before you start the daemon: it does not start with another one")?;
    }
    Ok(Exit::Ok)
}

/// A file, or a credential where one of that plain name was passed to this command.
fn source(to: &Path) -> SecretSource {
    let name = to.to_str().filter(|name| !name.contains('/'));
    let credential = name.map(|name| SecretSource::Credential(name.to_owned()));
    let passed = credential.filter(|credential| credential.path().is_ok_and(|path| path.exists()));
    passed.unwrap_or_else(|| SecretSource::File(to.to_owned()))
}

/// What to type where the old key or the new one is kept from whoever runs this.
fn kept(
    args: &RotateArgs,
    place: &trail::TrailPlace<'_>,
    to: Option<&SecretSource>,
    at: &StoreArgs,
    store: &Path,
) -> Option<String> {
    let Some(SecretSource::Credential(name)) = place.key else {
        return None;
    };
    let is_kept = |source: &SecretSource| {
        let error = source.read_bytes().err();
        error.is_some_and(|error| is_kept_from_us(&error_chain(&error).to_string()))
    };
    let old = SecretSource::Credential(name.clone());
    if !is_kept(&old) && !to.is_some_and(is_kept) {
        return None;
    }
    let file = match &args.to {
        Some(to) if to.is_absolute() => to.clone(),
        Some(to) => Path::new(CREDENTIALS).join(to),
        None => Path::new(CREDENTIALS).join(format!("{name}.new")),
    };
    let (new, file) = (file.file_name()?.to_string_lossy().into_owned(), file.display());
    let first = match &args.to {
        Some(_) => String::new(),
        None => format!("make the new one first (head -c 32 /dev/urandom > {file}; chmod 600 {file}), then "),
    };
    let owner = owner_of(store).unwrap_or_else(|| "revoked".to_owned());
    let again = format!(
        "sudo systemd-run --pipe --wait --collect --uid={owner} -p LoadCredential={name}:{CREDENTIALS}/{name} -p LoadCredential={new}:{file} \
         revoked trail rotate-key --to {new}"
    );
    let lost = if args.lost { " --lost" } else { "" };
    let config = match at.config.as_path() {
        config if config == Path::new(DEFAULT_PATH) => String::new(),
        config => format!(" --config {}", config.display()),
    };
    let store = at
        .store
        .as_ref()
        .map_or(String::new(), |store| format!(" --store {}", store.display()));
    Some(format!(
        "the trail's key is passed to the daemon alone: {first}type {again}{lost}{config}{store}"
    ))
}
