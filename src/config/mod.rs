//! The config in two stages: what is written (`file`), and what it means once it is checked and built ([`Config`]).
//!
//! Reading order: [`Config::load`] here, the plain tables in `tables` and `trail`, targets and sources in `entries`, policy and playbooks in
//! `playbooks` with `source_rules`, `bounds`, `names` and `groups`, whom we tell in `transmitter`, `alerts` and `notify` (over `notify_carriers`),
//! who decides in `approvals`, where operators come in `console` over `single_sign_on`, how soon access is to end in `goals`; where traces go in `telemetry`; how two configs are told apart in `written`. Everything that is wrong is told at once, each complaint at its place in the file ([`ConfigReport`]).

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use toml::Spanned;
use toml::de::DeTable;

use crate::clock::Clock;
use crate::digest::{hex, sha256};
use crate::model::Goals;
use crate::policy::{Limits, Mode, Policy};
use crate::secret::{SecretSource, is_kept_from_us, is_unreadable_here};
use crate::settings::{ConfigError, Rate};
use crate::sources::Source;
use crate::targets::{Target, TargetRole};

mod alerts;
mod approvals;
mod bounds;
mod console;
mod entries;
mod file;
mod goals;
mod group_acceptance;
mod groups;
mod names;
mod notify;
mod notify_carriers;
mod playbooks;
mod reloaded;
mod single_sign_on;
mod source_rules;
mod tables;
mod telemetry;
mod trail;
mod transmitter;
mod written;

pub use crate::settings::ConfigReport;
pub use alerts::{AlertProgram, Alerts};
pub use approvals::Approvals;
pub use console::ConsoleSettings;
pub use file::LogFormat;
pub use goals::goals_in;
pub use group_acceptance::{AcceptedList, NotAccepted, accept_group_list};
pub use groups::{GroupFile, read_group_file};
pub use reloaded::Reloaded;
pub use single_sign_on::{CALLBACK, SingleSignOnSettings};
pub use tables::{Ledger, Listen, Log, Retention, Retry};
pub use trail::Trail;
pub use written::{Change, ChangeKind, Written};

/// Where a command looks for the config when none is named.
pub const DEFAULT_PATH: &str = "/etc/revoked/revoked.toml";

/// The example with every default, as it is installed.
pub const EXAMPLE: &str = include_str!("../../config/revoked.toml");

/// A larger file is not a config.
const LARGEST: u64 = 1 << 20;

/// A checked config: everything that can be built is built.
pub struct Config {
    /// The database.
    pub store: PathBuf,
    /// The HTTP server.
    pub listen: Listen,
    /// The systems to contain principals in, in the order of the file.
    pub targets: Vec<TargetConfig>,
    /// Their names, those that could not be built among them.
    pub target_names: Vec<String>,
    /// The origins of signals, in the order of the file; the operators' inbox is the first, whether it is written or not.
    pub sources: Vec<SourceConfig>,
    /// Sources that could not be built: where a config was loaded without secrets, those that need one.
    pub unbuilt_sources: Vec<UnbuiltSource>,
    /// The rule from signal to decision.
    pub policy: Policy,
    /// The files of groups of people.
    pub group_files: Vec<GroupFile>,
    /// The trail.
    pub trail: Trail,
    /// How failed attempts are tried again.
    pub retry: Retry,
    /// The could-not-revoke ledger.
    pub ledger: Ledger,
    /// Whom alerts are told.
    pub alerts: Alerts,
    /// The channels on which people are told of them.
    pub channels: Vec<crate::notify::Channel>,
    /// How holds are approved.
    pub approvals: Approvals,
    /// Where operators reach the API and the page.
    pub console: ConsoleSettings,
    /// How soon access is to end.
    pub goals: Goals,
    /// How long what is over is kept.
    pub retention: Retention,
    /// Log lines.
    pub log: Log,
    /// Where traces of cases go; `None` where they go nowhere.
    pub traces: Option<crate::traces::Settings>,
    /// Whom we tell what was proved; `None` where nobody is told.
    pub transmitter: Option<crate::transmitter::Settings>,
    /// What works, but is weaker than it could be.
    pub warnings: ConfigReport,
    /// SHA-256 of the text, by which a config is told from a later one.
    pub digest: String,
    /// Its tables, by which it is said what is different in a later one.
    pub written: Written,
    /// The file that it was read from, where it was.
    pub file: Option<PathBuf>,
}

/// A built target.
#[derive(Clone)]
pub struct TargetConfig {
    /// Its name, which is unique among the targets.
    pub name: String,
    /// The kind's name.
    pub kind: &'static str,
    /// How often it may be called.
    pub rate: Rate,
    /// How many calls urgent work may send at once after nothing was sent for a while.
    pub burst: u32,
    /// How many calls may be under way at once.
    pub concurrency: usize,
    /// What it is to the other targets.
    pub role: TargetRole,
    /// An account of ours there that is tried.
    pub canary: Option<crate::canary::Canary>,
    /// The connector.
    pub target: Arc<dyn Target>,
}

/// A built source.
pub struct SourceConfig {
    /// Its name, which is unique among the sources.
    pub name: String,
    /// The kind's name.
    pub kind: &'static str,
    /// What it may ask for before a human is asked; the same as in the policy.
    pub limits: Limits,
    /// How long it may say nothing before an alert is raised; without it, for ever.
    pub silent_after: Option<Duration>,
    /// The connector.
    pub source: Source,
}

/// A source of which only the table was read.
#[derive(Debug, Clone)]
pub struct UnbuiltSource {
    /// Its name.
    pub name: String,
    /// The kind's name.
    pub kind: &'static str,
    /// How long it may say nothing before an alert is raised.
    pub silent_after: Option<Duration>,
}

impl Config {
    /// Reads, checks and builds the config in `path`. Reads credentials and certificates; opens no connection and no database.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path, clock: &Clock) -> Result<Self, ConfigReport> {
        Self::load_with_digest(path, clock).0
    }

    /// The same, with SHA-256 of what was read, also where it is refused; nothing where the file could not be read.
    pub fn load_with_digest(path: &Path, clock: &Clock) -> (Result<Self, ConfigReport>, Option<String>) {
        let name = path.display().to_string();
        match read_trusted(path) {
            Ok(text) => {
                let config = Self::parse(&name, &text, clock).map(|config| Self {
                    file: Some(path.to_owned()),
                    ..config
                });
                (config, Some(hex(&sha256(text.as_bytes()))))
            }
            Err(error) => {
                let report = ConfigReport::new(name, "", [ConfigError::new(format!("{error:#}"))]);
                (Err(report), None)
            }
        }
    }

    /// Whether each source is acted on.
    #[must_use]
    pub fn modes(&self) -> BTreeMap<String, Mode> {
        let sources = self.sources.iter().map(|source| &source.name);
        sources.map(|name| (name.clone(), self.policy.mode_of(name))).collect()
    }

    /// What is logged, in the syntax of `tracing`'s filters: checkpoints are let through where the journal is to have them.
    #[must_use]
    pub fn log_filter(&self) -> String {
        let mut filter = format!("{},tokio_cron_scheduler=warn", self.log.level);
        if self.trail.journal {
            filter.push_str(",revoked::trail::checkpoint_signer=info");
        }
        filter
    }

    /// As [`Config::load`], for a command that needs none of the secrets: targets and sources whose secrets cannot be read here are left out.
    ///
    /// # Errors
    /// Everything else that is wrong with it.
    pub fn load_without_secrets(path: &Path, clock: &Clock) -> Result<Self, ConfigReport> {
        let name = path.display().to_string();
        let text =
            read_trusted(path).map_err(|error| ConfigReport::new(name.clone(), "", [ConfigError::new(format!("{error:#}"))]))?;
        let mut found = Diagnostics::default();
        let config = build(&text, clock, &mut found);
        let report = ConfigReport::new(name.clone(), &text, found.errors).without(is_unreadable_here);
        match config {
            Some(mut config) if report.is_empty() => {
                config.warnings = ConfigReport::new(name, &text, found.warnings);
                Ok(config)
            }
            _ => Err(report),
        }
    }

    /// As much of the config in `path` as can be built, with everything that is wrong with it: for a command that is needed all the same.
    /// Secrets that are kept from whoever asks are no fault.
    #[must_use]
    pub fn load_what_stands(path: &Path, clock: &Clock) -> (Option<Self>, ConfigReport) {
        let name = path.display().to_string();
        let text = match read_trusted(path) {
            Ok(text) => text,
            Err(error) => return (None, ConfigReport::new(name, "", [ConfigError::new(format!("{error:#}"))])),
        };
        let mut found = Diagnostics::default();
        let config = build(&text, clock, &mut found);
        (config, ConfigReport::new(name, &text, found.errors).without(is_kept_from_us))
    }

    /// Checks and builds the config `text`, which complaints call `name`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str, clock: &Clock) -> Result<Self, ConfigReport> {
        let mut found = Diagnostics::default();
        let config = build(text, clock, &mut found);
        match config {
            Some(mut config) if found.errors.is_empty() => {
                config.warnings = ConfigReport::new(name, text, found.warnings);
                Ok(config)
            }
            _ => Err(ConfigReport::new(name, text, found.errors)),
        }
    }
}

/// What was found while a config was checked.
#[derive(Debug, Default)]
struct Diagnostics {
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

impl Diagnostics {
    fn complain(&mut self, span: std::ops::Range<usize>, message: impl Into<String>) {
        self.errors.push(ConfigError::at(span, message));
    }

    fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(ConfigError::new(message));
    }
}

/// Builds what can be built. `None` only where the file is not TOML or one of its tables cannot be read: what is wrong elsewhere has
/// been found all the same.
fn build(text: &str, clock: &Clock, found: &mut Diagnostics) -> Option<Config> {
    let mut root = syntax(text, found)?;
    let targets = entries::take(&mut root, "target", found);
    let sources = entries::take(&mut root, "source", found);
    let receivers = entries::take(&mut root, "receiver", found);
    let channels = entries::take(&mut root, "notify", found);
    let transmitter = transmitter::take(&mut root, found);
    let (file, errors) = crate::settings::salvage::<file::File>(root);
    found.errors.extend(errors.into_iter().map(entries::with_arrays));
    let (targets, target_names) = entries::targets(targets, clock, found);
    let (mut sources, unbuilt_sources, overrides) = entries::sources(sources, &target_names, clock, found);
    let transmitter = transmitter::transmitter(transmitter, receivers, &sources, found);
    let file = file?;
    let store = trail::store(&file.store, found);
    let (groups, group_files) = groups::groups(&file.group, found);
    let mut policy = playbooks::policy(&file, &target_names, &overrides, groups, found);
    let providers = targets.iter().filter(|target| target.role == TargetRole::IdentityProvider);
    policy.identity_providers = providers.map(|target| target.name.clone()).collect();
    for source in &mut sources {
        source.limits = policy.limits_of(&source.name);
    }
    let alerts = alerts::alerts(&file.alerts, found);
    let trail = trail::trail(file.trail, &store, found);
    let config = Config {
        traces: telemetry::traces(&file.telemetry, &trail.origin, found),
        listen: tables::listen(&file.listen, found),
        channels: notify::channels(channels, &alerts, &trail.origin, found),
        trail,
        retry: tables::retry(&file.retry, found),
        ledger: tables::ledger(&file.ledger, found),
        alerts,
        approvals: approvals::approvals(&file.approvals, found),
        console: console::console(&file.console, found),
        goals: goals::goals(&file.goals, found),
        retention: tables::retention(&file.retention, found),
        log: tables::log(&file.log, found),
        store,
        targets,
        target_names,
        sources,
        unbuilt_sources,
        policy,
        group_files,
        transmitter,
        warnings: ConfigReport::new("", "", []),
        digest: hex(&sha256(text.as_bytes())),
        written: Written::of(text),
        file: None,
    };
    if config.target_names.is_empty() {
        found.warn("no [[target]] is configured: nothing can be revoked");
    }
    if config.sources.len() == 1 && config.unbuilt_sources.is_empty() {
        found.warn("no [[source]] is configured: only operators can ask for anything, through the inbox");
    }
    single_sign_on::warn_of_two_names(&config, found);
    Some(config)
}

/// Parses the TOML. Where that fails only the syntax is complained about: what the broken file would mean is anybody's guess.
fn syntax<'a>(text: &'a str, found: &mut Diagnostics) -> Option<Spanned<DeTable<'a>>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(root);
    }
    found.errors.extend(errors.iter().map(|error| ConfigError {
        span: error.span(),
        message: format!("not TOML: {}", error.message()),
    }));
    None
}

/// Reads a config that nobody else may write.
fn read_trusted(path: &Path) -> anyhow::Result<String> {
    let (text, meta) = read(path)?;
    // Standard input and the like are not files that somebody could have left open.
    if meta.is_file() {
        crate::file_modes::check("the config", path, &meta)?;
    }
    Ok(text)
}

fn read(path: &Path) -> anyhow::Result<(String, std::fs::Metadata)> {
    let mut file = std::fs::File::open(path).context("cannot read the config")?;
    let meta = file.metadata().context("cannot read the config")?;
    let size = meta.len();
    anyhow::ensure!(
        size <= LARGEST,
        "cannot read the config: it has {size} bytes, more than any config needs"
    );
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).context("cannot read the config")?;
    let text = String::from_utf8(bytes).context("cannot read the config: it is not UTF-8 text")?;
    Ok((text, meta))
}

/// The database that the config in `path` names. Reads nothing else of it: a command of an operator who may not read the daemon's
/// credentials needs no more.
///
/// # Errors
/// Where the file cannot be read, or says nothing that can be understood about the store. A default config that is not there means the
/// default database.
pub fn store_path(path: &Path) -> anyhow::Result<PathBuf> {
    Ok(glance(path)?.0)
}

/// The files of checkpoints to verify the trail in `store` with: the config's, as far as it can be read, else the one beside the store.
#[must_use]
pub fn anchors(path: &Path, store: &Path) -> Vec<PathBuf> {
    let named = glance(path).ok().and_then(|(_, anchor)| anchor);
    vec![named.unwrap_or_else(|| trail::beside(store, "checkpoints"))]
}

/// The targets that a config names, and the rate of each as it is written there; none where it cannot be read. Reads no credential.
#[must_use]
pub fn target_rates(path: &Path) -> Vec<(String, Option<String>)> {
    let table = read(path)
        .ok()
        .and_then(|(text, _)| toml::from_str::<toml::Table>(&text).ok());
    let targets = table.as_ref().and_then(|table| table.get("target")?.as_array());
    let text = |target: &toml::Value, key: &str| Some(target.get(key)?.as_str()?.to_owned());
    let targets = targets.into_iter().flatten();
    targets
        .filter_map(|target| Some((text(target, "name")?, text(target, "rate"))))
        .collect()
}

/// The folder of the console's sockets that a config names, as far as it can be read; the usual one where it is kept from us. Nothing where there are
/// none.
#[must_use]
pub fn console_sockets(path: &Path) -> Option<PathBuf> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Some(PathBuf::from(USUAL_SOCKETS)),
        Err(_) => return None,
    };
    let (root, _) = DeTable::parse_recoverable(&text);
    let sockets = root.get_ref().get("console")?.get_ref().get("sockets")?;
    sockets.get_ref().as_str().map(PathBuf::from)
}

/// Where the console's sockets usually are.
const USUAL_SOCKETS: &str = "/run/revoked";

/// The database and the checkpoint file that a config names.
fn glance(path: &Path) -> anyhow::Result<(PathBuf, Option<PathBuf>)> {
    let looking = || format!("looking for the database in {} (or name it with --store)", path.display());
    if path == Path::new(DEFAULT_PATH) && !path.exists() {
        return Ok((PathBuf::from(trail::STORE), None));
    }
    let (text, _) = read(path).with_context(looking)?;
    // What is no TOML further down keeps nobody from the database that is named above it.
    let (root, errors) = DeTable::parse_recoverable(&text);
    let root = root.get_ref();
    let text_at = |table: &str, key: &str| root.get(table)?.get_ref().get(key)?.get_ref().as_str().map(PathBuf::from);
    let (store, anchor) = (text_at("store", "path"), text_at("trail", "anchor"));
    match (store, errors.first()) {
        (Some(store), _) => Ok((store, anchor)),
        (None, None) => Ok((PathBuf::from(trail::STORE), anchor)),
        (None, Some(error)) => Err(ConfigReport::new(
            path.display().to_string(),
            &text,
            [ConfigError {
                span: error.span(),
                message: error.message().to_owned(),
            }],
        )
        .into()),
    }
}

/// SHA-256 of the config in `path` as it stands, by which it is told from the one that a daemon was started with; nothing where it cannot
/// be read.
#[must_use]
pub fn digest(path: &Path) -> Option<String> {
    read(path).ok().map(|(text, _)| hex(&sha256(text.as_bytes())))
}

/// Every secret that a config names, with the table or the key that it is for, in the order of the file; nothing of a file that cannot be read.
#[must_use]
pub fn secret_places(path: &Path) -> Vec<(String, SecretSource)> {
    let mut places = Vec::new();
    if let Ok((text, _)) = read(path)
        && let Ok(root) = toml::from_str::<toml::Table>(&text)
    {
        gather_secrets("", &toml::Value::Table(root), &mut places);
    }
    places
}

fn gather_secrets(at: &str, value: &toml::Value, places: &mut Vec<(String, SecretSource)>) {
    let below = |key: &str| {
        if at.is_empty() {
            key.to_owned()
        } else {
            format!("{at} {key}")
        }
    };
    match value {
        toml::Value::Table(table) => {
            let text = |key: &str| table.get(key).and_then(toml::Value::as_str).filter(|_| table.len() == 1);
            if let Some(name) = text("credential") {
                places.push((at.to_owned(), SecretSource::Credential(name.to_owned())));
            } else if let Some(path) = text("file") {
                places.push((at.to_owned(), SecretSource::File(path.into())));
            } else {
                for (key, value) in table {
                    gather_secrets(&below(key), value, places);
                }
            }
        }
        toml::Value::Array(values) => {
            for value in values {
                let name = value.get("name").and_then(toml::Value::as_str);
                let at = name.map_or_else(|| at.to_owned(), |name| format!("{at} {name}"));
                gather_secrets(&at, value, places);
            }
        }
        _ => {}
    }
}
