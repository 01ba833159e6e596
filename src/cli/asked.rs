//! How a command asks targets: by itself where it may read their credentials, else by the running daemon, which has them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreArgs;
use super::account::{again_as, as_typed, owner_of};
use super::config_faults::faults_in_a_line;
use super::output::remark;
use super::store::{open, open_if_there, operator};
use crate::clock::Clock;
use crate::config::{self, Config, ConfigReport};
use crate::daemon::asked::{Answer, Answerer, Asks, Question};
use crate::secret::is_kept_from_us;
use crate::store::{Store, StoreError, daemon_runs};

/// How often a command looks whether its answer is there, and how many such looks go by between two at the daemon itself.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 20;
/// How long it waits before it says that it waits.
const PATIENCE: Duration = Duration::from_secs(3);

/// The config, as far as it can be read here, and the way to its targets.
pub(super) struct Reach {
    /// The config; targets and sources are left out whose secrets are kept from us.
    pub(super) config: Config,
    /// How many complaints were about secrets that are kept from us.
    pub(super) kept: usize,
    /// What a start would be refused for, where the config was taken as far as it stands.
    pub(super) faults: Option<String>,
    file: PathBuf,
    store: PathBuf,
}

impl Reach {
    /// Loads the config.
    ///
    /// # Errors
    /// Everything that is wrong with it, but for secrets that are there and that only the daemon may read.
    pub(super) fn new(at: &StoreArgs) -> Result<Self, ConfigReport> {
        let clock = Clock::system();
        let (config, kept) = match Config::load(&at.config, &clock) {
            Ok(config) => (config, 0),
            Err(report) => {
                let complaints = report.len();
                let mistakes = report.without(is_kept_from_us);
                if !mistakes.is_empty() {
                    return Err(mistakes);
                }
                (Config::load_without_secrets(&at.config, &clock)?, complaints)
            }
        };
        Ok(Self::of(config, kept, at))
    }

    /// Loads as much of the config as stands: the running daemon has a config of its own and can ask.
    ///
    /// # Errors
    /// Everything that is wrong with a config of which nothing can be built.
    pub(super) fn with_what_stands(at: &StoreArgs) -> Result<Self, ConfigReport> {
        let (config, faults) = Config::load_what_stands(&at.config, &Clock::system());
        let line = faults_in_a_line(&faults);
        let config = config.ok_or(faults)?;
        Ok(Self {
            faults: line,
            ..Self::of(config, 0, at)
        })
    }

    fn of(config: Config, kept: usize, at: &StoreArgs) -> Self {
        Self {
            kept,
            faults: None,
            file: at.config.clone(),
            store: at.store.clone().unwrap_or_else(|| config.store.clone()),
            config,
        }
    }

    /// Says what is wrong with the config, where the command goes on all the same.
    pub(super) fn tell_faults(&self) {
        if let Some(faults) = &self.faults {
            remark(faults);
        }
    }

    /// The answers, in the order of the questions.
    ///
    /// # Errors
    /// Where neither we nor a daemon can ask the targets: with what to type.
    pub(super) async fn ask(&self, questions: Vec<Question>) -> anyhow::Result<Vec<Answer>> {
        let is_open = |question: &Question| {
            let target = self.config.targets.iter().find(|target| target.name == question.target);
            target.is_some_and(|target| {
                let proves = matches!(question.asks, Asks::Probe { prove: true });
                !proves || target.canary.as_ref().is_none_or(|canary| canary.password.read().is_ok())
            })
        };
        if questions.iter().all(is_open) {
            let store = if questions
                .iter()
                .any(|question| matches!(question.asks, Asks::Probe { prove: true }))
            {
                open_if_there(&self.store).await?
            } else {
                None
            };
            let targets = self.config.targets.clone();
            let answers = Answerer::new(targets, Arc::new(self.config.policy.clone()), store.clone())
                .answer(&questions)
                .await;
            if let Some(store) = store {
                store.close().await;
            }
            return Ok(answers);
        }
        let store = open(&self.store).await.map_err(|error| self.unasked(error))?;
        let answers = self.ask_the_daemon(&store, &questions).await;
        store.close().await;
        answers
    }

    async fn ask_the_daemon(&self, store: &Store, questions: &[Question]) -> anyhow::Result<Vec<Answer>> {
        if !daemon_runs(store.path()) {
            bail!(self.hint("and it does not run"));
        }
        let answers: Vec<Answer> = answer_of(store, &questions, "the daemon asks the targets; waiting for their answers").await?;
        ensure!(
            answers.len() == questions.len(),
            "the daemon is of another version than this command: restart it"
        );
        Ok(answers)
    }

    /// Why a target cannot be asked from here, where the store could not be opened either.
    fn unasked(&self, error: crate::store::OpenError) -> anyhow::Error {
        match error {
            crate::store::OpenError::Missing(_) => anyhow::anyhow!(self.hint("and there is no store yet, so it does not run")),
            error => error.into(),
        }
    }

    /// What to type where only the daemon's account has the secrets, and no daemon answers.
    fn hint(&self, so: &str) -> String {
        let names = credentials(&self.file);
        let owner = owner_of(&self.store).unwrap_or_else(|| "revoked".to_owned());
        if names.is_empty() {
            return format!(
                "the targets' secrets may be read by the daemon alone, {so}: start it, or type {}",
                again_as(&owner)
            );
        }
        let load: Vec<String> = names
            .iter()
            .map(|name| format!("-p LoadCredential={name}:/etc/revoked/credentials/{name}"))
            .collect();
        format!(
            "the targets' credentials are passed to the daemon alone, {so}: start it, or type sudo systemd-run --pipe --wait --collect \
             --uid={owner} {} {}",
            load.join(" "),
            as_typed()
        )
    }
}

/// What the running daemon answers; `slow` is said where that takes a while.
///
/// # Errors
/// What the daemon says of why it does not, and where the store cannot be written.
pub(super) async fn answer_of<A: DeserializeOwned>(store: &Store, asked: &impl Serialize, slow: &str) -> anyhow::Result<A> {
    let text = serde_json::to_string(asked).context("writing down what is asked")?;
    let id = store.put_question(text, operator()).await?;
    let answer = wait(store, id, slow).await;
    // Whatever came of it: what a person can reach is not left lying about.
    let forgotten = store.forget_question(id).await;
    let answer: Result<A, String> =
        serde_json::from_str(&answer?).context("the daemon is of another version than this command: restart it")?;
    forgotten?;
    answer.map_err(|error| anyhow::anyhow!(error))
}

/// Waits for the daemon's answer.
async fn wait(store: &Store, id: i64, slow: &str) -> anyhow::Result<String> {
    let (mut looks, mut told) = (0_u32, false);
    loop {
        match store.answer_to(id).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(StoreError::NotFound { .. }) => bail!("the daemon has taken away what was asked, unanswered: ask again"),
            Err(error) => return Err(error.into()),
        }
        looks += 1;
        if looks.is_multiple_of(LOOKS) && !daemon_runs(store.path()) {
            bail!("the daemon has stopped before it answered: ask again once it runs");
        }
        if !told && LOOK_EVERY * looks >= PATIENCE {
            told = true;
            remark(slow);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The systemd credentials that a config names, each once.
pub(super) fn credentials(config: &Path) -> Vec<String> {
    let places = config::secret_places(config);
    let names: BTreeSet<String> = places
        .into_iter()
        .filter_map(|(_, source)| match source {
            crate::secret::SecretSource::Credential(name) => Some(name),
            crate::secret::SecretSource::File(_) => None,
        })
        .collect();
    names.into_iter().collect()
}
