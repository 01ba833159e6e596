//! One scenario of the tour, a kind of source with whom its signal is about, and what it works with: the folder, the identity provider, the
//! daemon's address, the person.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use revoked_sandbox::World;
use revoked_trail::key::random_key;

use super::super::folder::Folder;
use super::super::people::{DemoPerson, date_in};
use super::identity_provider::IdentityProvider;
use crate::clock::Clock;
use crate::digest::hex;
use crate::http::{Bounds, client};

/// One way in, who comes through it, and what follows.
pub(super) struct Scenario {
    /// The kind of source, as a config writes it.
    pub(super) kind: &'static str,
    /// The name of the source; each scenario has its own.
    pub(super) source: &'static str,
    /// Whom the signal is about, by username; each scenario has its own person.
    pub(super) who: &'static str,
    /// What is sent, in one line; `{who}` stands for the person.
    pub(super) sends: &'static str,
    /// The answer that the sender is to get.
    pub(super) answer: &'static str,
    /// The reason of the case that is to follow.
    pub(super) reason: &'static str,
    /// Whether the identity provider is the sender, and is told what was proved.
    pub(super) told_back: bool,
    /// Writes the files that the source needs, and gives its table of the config.
    pub(super) configure: fn(&ScenarioContext<'_>) -> anyhow::Result<String>,
    /// Sends the signal, and gives what the sender was answered.
    pub(super) send: for<'a> fn(&'a ScenarioContext<'a>) -> LocalBoxFuture<'a, anyhow::Result<String>>,
}

/// What one scenario works with.
pub(super) struct ScenarioContext<'a> {
    pub(super) provider: &'a IdentityProvider,
    pub(super) who: DemoPerson,
    /// The person's account id at the chat.
    pub(super) account: String,
    pub(super) scenario: &'a Scenario,
    folder: &'a Folder,
    clock: &'a Clock,
    pub(super) daemon: String,
    http: reqwest::Client,
}

impl<'a> ScenarioContext<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        folder: &'a Folder,
        provider: &'a IdentityProvider,
        world: &World,
        clock: &'a Clock,
    ) -> anyhow::Result<Self> {
        let person = world
            .person(scenario.who)
            .with_context(|| format!("the sandbox has no {}", scenario.who))?;
        Ok(Self {
            provider,
            who: DemoPerson::of(person),
            account: person.id.to_string(),
            scenario,
            folder,
            clock,
            daemon: String::new(),
            http: client(Bounds::default())?,
        })
    }

    /// Takes note of where the daemon listens.
    pub(super) fn open(&mut self, daemon: String) {
        self.daemon = daemon;
    }

    /// What is sent, in words.
    pub(super) fn sends(&self) -> String {
        self.scenario.sends.replace("{who}", &self.who.shown())
    }

    /// A call to the endpoint of the scenario's source.
    pub(super) fn post(&self) -> reqwest::RequestBuilder {
        self.call(http::Method::POST, "")
    }

    /// A call to a path below it.
    pub(super) fn call(&self, method: http::Method, below: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/signals/{}{below}", self.daemon, self.scenario.source);
        self.http.request(method, url)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a folder and gives its path as a config writes it.
    pub(super) fn folder(&self, name: &str) -> anyhow::Result<String> {
        Ok(quoted(&self.folder.folder(name)?))
    }

    /// Writes `before` and a secret of the scenario's own into a file, and gives the path as a config writes it.
    pub(super) fn secret(&self, name: &str, before: &str) -> anyhow::Result<String> {
        self.write(name, &format!("{before}{}\n", hex(&random_key()?)))
    }

    /// Writes a file of the scenario's own, and gives the path as a config writes it.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<String> {
        Ok(quoted(&self.folder.write(name, text)?))
    }

    /// What is in a file of the scenario's.
    pub(super) fn read(&self, name: &str) -> anyhow::Result<String> {
        let path = self.path(name);
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(text.trim().to_owned())
    }

    /// Seconds since the epoch.
    pub(super) fn seconds(&self) -> i64 {
        self.clock.now().ms() / 1000
    }

    /// Yesterday in UTC.
    pub(super) fn yesterday(&self) -> anyhow::Result<String> {
        Ok(date_in("UTC", self.clock.now())?.yesterday()?.to_string())
    }
}

/// A path as a config writes it.
pub(super) fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}
