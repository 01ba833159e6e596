//! The config read anew while the daemon runs, on SIGHUP or `revoked reload`: checked whole first, and then taken over whole or not at all. No
//! connection is closed for it and no job waits.
//!
//! What is taken over is what is asked for anew at each decision, or can be stopped and begun alone. A listener, a lane or an open file cannot:
//! where one of those is to change, nothing does, and the refusal names it. So the daemon runs with one file at any time, never with parts of two.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use revoked_trail::EntryKind;
use serde_json::json;
use tokio::sync::Mutex;

use super::certificate::CertificateLook;
use super::channels::Channels;
use super::group_lists::{self, GroupLists};
use super::listeners::{Listeners, Work};
use super::periodic::{CurrentTerms, Terms};
use super::polls::Polls;
use super::systemd;
use crate::config::{Change, Config, Reloaded, Written};
use crate::intake::Intake;
use crate::model::{Actor, error_chain};
use crate::policy::CurrentPolicy;
use crate::store::{Result, Store};
use crate::telemetry;

/// The kind of the alert about a config that was refused.
const ALERT_KEY: &str = "config";

/// What is exchanged.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) policy: CurrentPolicy,
    pub(super) terms: CurrentTerms,
    pub(super) intake: Intake,
    pub(super) certificate: CertificateLook,
    pub(super) listeners: Listeners,
}

/// What the daemon runs with now.
struct Running {
    file: Option<PathBuf>,
    written: Written,
    digest: String,
    polls: Polls,
    told: Channels,
    lists: Option<Work>,
}

/// Reads the config of a running daemon anew. Cheap to clone; the clones are one, and take turns.
#[derive(Clone)]
pub struct Reloader(Arc<(Parts, Mutex<Running>)>);

/// Why a file is not taken over.
struct Refusal {
    why: Vec<String>,
    digest: Option<String>,
    needs_restart: Vec<Change>,
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self {
            why: vec![why],
            digest: None,
            needs_restart: Vec::new(),
        }
    }
}

impl Reloader {
    /// Begins what a later config can exchange: the telling of alerts, and the look at the lists of groups.
    pub(super) async fn begin(parts: Parts, config: &Config, polls: Polls, lists: GroupLists) -> Result<Self> {
        let told_by = (&config.alerts, config.channels.as_slice(), &config.console);
        let told = Channels::begin(&parts.store, told_by, &parts.listeners, Channels::default()).await?;
        let watching = |stop| group_lists::run(parts.store.clone(), lists, stop);
        let lists = parts.listeners.spawn_after(None, "the lists of groups", watching);
        let running = Running {
            file: config.file.clone(),
            written: config.written.clone(),
            digest: config.digest.clone(),
            polls,
            told,
            lists: Some(lists),
        };
        Ok(Self(Arc::new((parts, Mutex::new(running)))))
    }

    /// Reads the config anew, for whoever has asked: the daemon itself where it was a signal, which says nobody's name.
    pub async fn reload(&self, by: Actor) -> Reloaded {
        let (parts, running) = &*self.0;
        let mut running = running.lock().await;
        systemd::reloading();
        // Whatever becomes of the config: files that others renew are no part of it.
        parts.certificate.look(true).await;
        let outcome = match parts.read_anew(&mut running, by.clone()).await {
            Ok(outcome) => outcome,
            Err(refusal) => parts.refuse(running.file.clone(), refusal, by).await,
        };
        systemd::reloaded();
        outcome
    }
}

#[async_trait]
impl crate::console::Reloads for Reloader {
    async fn reload(&self, by: Actor) -> Reloaded {
        let reloader = self.clone();
        // In work of its own: what is begun of that is not given up where nobody waits for the answer any more.
        let reloading = tokio::spawn(async move { Self::reload(&reloader, by).await });
        reloading.await.unwrap_or_else(|_| Reloaded::Refused {
            file: None,
            why: vec!["reading the config anew met a defect, which the log tells".to_owned()],
            needs_restart: false,
        })
    }
}

impl Parts {
    async fn read_anew(&self, running: &mut Running, by: Actor) -> std::result::Result<Reloaded, Refusal> {
        let Some(file) = running.file.clone() else {
            return Err(Refusal::from(
                "the daemon was started with no file that could be read anew".to_owned(),
            ));
        };
        let (path, clock) = (file.clone(), self.store.clock().clone());
        // Credentials, certificates and lists are read, which may take a while.
        let read = tokio::task::spawn_blocking(move || Config::load_with_digest(&path, &clock)).await;
        let (config, digest) = read.map_err(|_| "the config could not be read, by a defect that the log tells".to_owned())?;
        let config = config.map_err(|report| Refusal {
            why: report.to_string().lines().map(ToOwned::to_owned).collect(),
            digest,
            needs_restart: Vec::new(),
        })?;
        let changes = running.written.changes_to(&config.written);
        let (needs_restart, changes): (Vec<Change>, Vec<Change>) = changes.into_iter().partition(Change::needs_restart);
        if !needs_restart.is_empty() {
            return Err(Refusal {
                why: needs_restart
                    .iter()
                    .map(|change| format!("{change}: needs a restart"))
                    .collect(),
                digest: Some(config.digest),
                needs_restart,
            });
        }
        let digest = config.digest.clone();
        if digest == running.digest {
            self.end_alert().await;
            return Ok(Reloaded::Unchanged { file, digest });
        }
        let unwritten = |error| Refusal {
            why: vec![format!("the store does not take it: {}", error_chain(&error))],
            digest: Some(digest.clone()),
            needs_restart: Vec::new(),
        };
        let lists = group_lists::begin(&self.store, config.group_files.clone())
            .await
            .map_err(|error| format!("{error:#}"))?;
        self.take_over(running, config, lists, &changes, by)
            .await
            .map_err(unwritten)?;
        self.end_alert().await;
        for change in &changes {
            tracing::info!("{change}");
        }
        tracing::info!(digest, changes = changes.len(), "the config was read anew and is in force");
        Ok(Reloaded::Taken { file, digest, changes })
    }

    /// What must be written first, then what is exchanged, which cannot fail.
    async fn take_over(
        &self,
        running: &mut Running,
        config: Config,
        lists: GroupLists,
        changes: &[Change],
        by: Actor,
    ) -> Result<()> {
        let is_changed = |table: &str| changes.iter().any(|change| change.table == table);
        let names = config.sources.iter().map(|source| source.name.clone()).collect();
        self.store.register_sources(names).await?;
        self.store
            .take_config(config.approvals.rule, by, reloaded(&running.digest, &config.digest, changes))
            .await?;

        if let Err(error) = self.store.keep_modes(config.modes()).await {
            tracing::error!(error = %error_chain(&error), "could not keep which sources are acted on");
        }
        let (terms, filter) = (Terms::of(&config), config.log_filter());
        self.policy.replace(config.policy);
        self.terms.replace(terms);
        let watching = |stop| group_lists::run(self.store.clone(), lists, stop);
        let watched = self
            .listeners
            .spawn_after(running.lists.take(), "the lists of groups", watching);
        running.lists = Some(watched);
        let mut sources = BTreeMap::new();
        let mut begun = Vec::new();
        for source in config.sources {
            let stands = self.intake.sources().get(&source.name);
            let stands = stands.filter(|_| running.written.reads_alike(&config.written, &source.name));
            if stands.is_none() {
                begun.push(source.name.clone());
            }
            sources.insert(source.name, stands.unwrap_or(source.source));
        }
        self.intake.sources().replace(sources.clone());
        running.polls.end_all_but(|name| sources.contains_key(name));
        for name in begun {
            running.polls.begin(&self.listeners, &self.intake, &name, &sources[&name]);
        }
        if is_changed("alerts") || is_changed("notify") {
            let told_by = (&config.alerts, config.channels.as_slice(), &config.console);
            match Channels::begin(&self.store, told_by, &self.listeners, std::mem::take(&mut running.told)).await {
                Ok(told) => running.told = told,
                Err(error) => {
                    let error = error_chain(&error);
                    tracing::error!(%error, "could not begin to tell people on the channels that are named now");
                }
            }
        }
        if is_changed("log")
            && let Err(error) = telemetry::set_filter(&filter)
        {
            tracing::warn!(error = format!("{error:#}"), "what is logged stays as it was");
        }
        (running.written, running.digest) = (config.written, config.digest);
        if let Err(error) = self.store.note_config(&running.digest) {
            tracing::warn!(%error, "could not note which config this daemon runs with: revoked check cannot tell whether it was changed since");
        }
        Ok(())
    }

    /// Says by log, trail and alert that a file was refused.
    async fn refuse(&self, file: Option<PathBuf>, refusal: Refusal, by: Actor) -> Reloaded {
        let Refusal {
            why,
            digest,
            needs_restart,
        } = refusal;
        for why in &why {
            tracing::error!("{why}");
        }
        tracing::error!("the config was refused: the daemon runs as before");
        let tables: Vec<String> = needs_restart.iter().map(|change| change.table.clone()).collect();
        let detail =
            json!({ "digest": digest, "mistakes": if tables.is_empty() { why.len() } else { 0 }, "needs_restart": tables });
        let more = match why.len() {
            0 | 1 => String::new(),
            all => format!(", and {} more", all - 1),
        };
        let first = why.first().map_or("", String::as_str);
        let summary = format!("the config was read anew and refused, the daemon runs with the one before: {first}{more}");
        let told = async {
            self.store.record_by(EntryKind::ConfigRefused, by, detail).await?;
            self.store.raise_alert("config_refused", ALERT_KEY.to_owned(), summary).await
        };
        if let Err(error) = told.await {
            tracing::error!(error = %error_chain(&error), "could not record that a config was refused");
        }
        Reloaded::Refused {
            file,
            why,
            needs_restart: !tables.is_empty(),
        }
    }

    async fn end_alert(&self) {
        if let Err(error) = self.store.end_alert("config_refused", ALERT_KEY.to_owned()).await {
            tracing::warn!(error = %error_chain(&error), "could not end the alert about the config that was refused");
        }
    }
}

/// The entry about a config that is in force now.
fn reloaded(before: &str, digest: &str, changes: &[Change]) -> serde_json::Value {
    let tables: Vec<serde_json::Value> = changes
        .iter()
        .map(|change| json!({ "table": change.table, "name": change.name, "how": change.how, "keys": change.keys }))
        .collect();
    json!({ "before": before, "digest": digest, "tables": tables })
}
