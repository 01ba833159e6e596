//! One source of the kind `ssf` between a transmitter over HTTP and a real store, looked after as the intake does it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use revoked::clock::Clock;
use revoked::config::Config;
use revoked::model::{Actor, Delivery, Receipt, StateEntry};
use revoked::policy::Policy;
use revoked::settings::Settings;
use revoked::sources::ssf::{Connected, Stream, StreamState, stream_of};
use revoked::sources::{KINDS, Pull, Received, Rejection, Source, SourceState};
use revoked::store::{Role, SlotOffers, Store};
use serde_json::Value;

use super::transmitter::{AUDIENCE, Manners, TOKEN, Transmitter};

pub(super) const SECRET: &str = "Bearer 0123456789abcdef0123456789abcdef";
pub(super) const ENDPOINT: &str = "https://revoked.example.test/signals/idp";

pub(super) struct StreamFixture {
    pub(super) transmitter: Transmitter,
    pub(super) store: Store,
    source: Source,
    policy: Arc<Policy>,
    folder: tempfile::TempDir,
    settings: String,
}

impl StreamFixture {
    /// A source with these settings besides the usual ones. No stream is made yet.
    pub(super) async fn unconnected(manners: Manners, more: &str) -> Self {
        let transmitter = Transmitter::start(manners).await;
        let folder = tempfile::tempdir().unwrap();
        secret(&folder, "token", TOKEN);
        secret(&folder, "authorization", SECRET);
        let settings = settings(&transmitter, &folder, more);
        let store = Store::open(&folder.path().join("revoked.db"), Role::Daemon, Clock::system()).await;
        let config = format!(
            "[[target]]\nname = \"chat\"\nkind = \"mattermost\"\nurl = \"http://127.0.0.1:9\"\ntoken = {{ file = \"{}\" }}\n\
             [[source]]\nname = \"idp\"\nkind = \"ssf\"\n{settings}",
            folder.path().join("token").display()
        );
        let config = Config::parse("config", &config, &Clock::system()).unwrap_or_else(|report| panic!("{report}"));
        Self {
            source: config
                .sources
                .iter()
                .find(|source| source.name == "idp")
                .unwrap()
                .source
                .clone(),
            transmitter,
            store: store.unwrap(),
            policy: Arc::new(config.policy),
            folder,
            settings,
        }
    }

    /// A source by poll, with its stream.
    pub(super) async fn polled(manners: Manners, more: &str) -> Self {
        let bench = Self::unconnected(manners, &format!("delivery = \"poll\"\n{more}")).await;
        bench.connect().await.unwrap();
        bench
    }

    /// A source by push, with its stream.
    pub(super) async fn pushed(manners: Manners, more: &str) -> Self {
        let bench = Self::unconnected(manners, &format!("{}{more}", push_settings())).await;
        bench.connect().await.unwrap();
        bench
    }

    pub(super) fn stream(&self) -> Arc<Stream> {
        stream_of(&self.source).unwrap()
    }

    pub(super) fn pull(&self) -> &Arc<dyn Pull> {
        self.source.pull().unwrap()
    }

    /// Makes the stream and remembers it, as the command does.
    pub(super) async fn connect(&self) -> anyhow::Result<Connected> {
        let connected = self.stream().connect(self).await?;
        self.store
            .change_state("idp", vec![connected.made.keep()?], operator())
            .await?;
        Ok(connected)
    }

    pub(super) async fn made(&self) -> StreamState {
        StreamState::recall(self).await.unwrap().unwrap()
    }

    /// Forgets what is known in memory only, as a restart does.
    pub(super) fn restart(&mut self) {
        self.source = build(&self.settings).unwrap();
    }

    /// One look, stored as the intake stores it. Gives what was stored.
    pub(super) async fn look(&self) -> anyhow::Result<Vec<(Delivery, Receipt)>> {
        let mut stored = Vec::new();
        for (delivery, receipt) in self.look_without_end().await? {
            self.pull().stored(&delivery, &receipt).await?;
            stored.push((delivery, receipt));
        }
        Ok(stored)
    }

    /// One look that ends with the commit, as where the daemon is killed then.
    pub(super) async fn look_without_end(&self) -> anyhow::Result<Vec<(Delivery, Receipt)>> {
        let cursor = self.store.cursor("idp").await?;
        let mut stored = Vec::new();
        for delivery in self.pull().poll(cursor.as_deref(), self).await? {
            let accepted = self
                .store
                .accept(Arc::clone(&self.policy), delivery.clone(), SlotOffers::default())
                .await?;
            stored.push((delivery, accepted.receipt));
        }
        Ok(stored)
    }

    /// Looks until nothing comes any more, and gives all that was stored.
    pub(super) async fn settle(&self) -> Vec<(Delivery, Receipt)> {
        let mut all = Vec::new();
        loop {
            let stored = self.look().await.unwrap();
            if stored.is_empty() {
                return all;
            }
            all.extend(stored);
        }
    }

    /// A last word, as when the daemon stops.
    pub(super) async fn leave(&self) {
        let cursor = self.store.cursor("idp").await.unwrap();
        self.pull().before_stop(cursor.as_deref(), self).await;
    }

    /// Takes a pushed token through the endpoint, and stores it.
    pub(super) async fn push(&self, token: &str) -> Response<Bytes> {
        self.push_with(token, SECRET).await.unwrap_or_else(|rejection| {
            let push = self.source.push().unwrap();
            push.rejected(&rejection)
        })
    }

    pub(super) async fn push_with(&self, token: &str, authorization: &str) -> Result<Response<Bytes>, Rejection> {
        let request = Request::post("/signals/idp")
            .header("content-type", "application/secevent+jwt")
            .header("authorization", authorization)
            .body(Bytes::copy_from_slice(token.as_bytes()))
            .unwrap();
        let push = self.source.push().unwrap();
        let Received::Delivery(delivery) = push.receive(&request, self).await? else {
            panic!("it is a delivery");
        };
        let accepted = self
            .store
            .accept(Arc::clone(&self.policy), delivery, SlotOffers::default())
            .await
            .unwrap();
        Ok(push.accepted(&accepted.receipt))
    }

    /// The kinds of the open alerts.
    pub(super) async fn alerts(&self) -> Vec<String> {
        let alerts = self.store.alerts(false).await.unwrap();
        alerts.into_iter().map(|alert| alert.kind).collect()
    }

    /// The `state` of the last verification that was asked for.
    pub(super) fn state(&self) -> String {
        let asked = self
            .transmitter
            .seen("POST")
            .into_iter()
            .rfind(|seen| seen.line.ends_with("/verify"));
        asked.unwrap().body["state"].as_str().unwrap().to_owned()
    }

    /// A connection to the store, as any other program may open one.
    pub(super) async fn sql(&self) -> sqlx::SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.folder.path().join("revoked.db"));
        <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options)
            .await
            .unwrap()
    }

    /// Everything that is on the disk, as text.
    pub(super) fn disk(&self) -> String {
        let files = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let stores = files.filter(|path| path.to_string_lossy().contains("revoked.db"));
        stores
            .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
            .collect()
    }
}

#[async_trait]
impl SourceState for StreamFixture {
    async fn state_entry(&self, namespace: &str, key: &str) -> anyhow::Result<Option<StateEntry>> {
        Ok(self.store.state_entry("idp", namespace, key).await?)
    }

    async fn state_entries_by(&self, namespace: &str, look_up: &str) -> anyhow::Result<Vec<StateEntry>> {
        Ok(self.store.state_entries_by("idp", namespace, look_up).await?)
    }

    async fn state_entries_after(&self, namespace: &str, after: &str, limit: u32) -> anyhow::Result<Vec<StateEntry>> {
        Ok(self.store.state_entries_after("idp", namespace, after, limit).await?)
    }

    async fn state_entries_page(&self, namespace: &str, skip: u64, limit: u64) -> anyhow::Result<(u64, Vec<StateEntry>)> {
        Ok(self.store.state_entries_page("idp", namespace, skip, limit).await?)
    }
}

pub(super) fn push_settings() -> String {
    format!("delivery = \"push\"\nendpoint = {ENDPOINT:?}\nauthorization = {{ file = \"{{folder}}/authorization\" }}\n")
}

/// The settings of a source at `transmitter`.
fn settings(transmitter: &Transmitter, folder: &tempfile::TempDir, more: &str) -> String {
    let token = if more.contains("oauth") {
        ""
    } else {
        "token = { file = \"{folder}/token\" }\n"
    };
    let text = format!(
        "issuer = {:?}\naudience = {AUDIENCE:?}\n{token}{more}\n",
        transmitter.issuer()
    );
    let text = text.replace("{issuer}", transmitter.issuer());
    text.replace("{folder}", &folder.path().display().to_string())
}

pub(super) fn build(text: &str) -> Result<Source, Vec<String>> {
    let kind = KINDS.iter().find(|kind| kind.name == "ssf").unwrap();
    let settings = Settings {
        name: "idp",
        table: toml::de::DeTable::parse(text).unwrap(),
    };
    let built = (kind.build)(&settings, &Clock::system());
    built.map_err(|complaints| complaints.into_iter().map(|complaint| complaint.message).collect())
}

fn secret(folder: &tempfile::TempDir, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn operator() -> Actor {
    Actor::operator("test".to_owned(), None)
}

/// Lets the pacing clock pass by `by`, and runs again in real time, since sockets do not wait for a paused clock.
pub(super) async fn pass(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

/// The tokens of deliveries, by their names, in order.
pub(super) fn names(stored: &[(Delivery, Receipt)]) -> Vec<String> {
    let signals = stored.iter().flat_map(|(delivery, _)| &delivery.signals);
    signals
        .map(|signal| signal.key.rsplit('|').next().unwrap().to_owned())
        .collect()
}

/// A body's `err`.
pub(super) fn err(response: &Response<Bytes>) -> String {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    body["err"].as_str().unwrap_or_default().to_owned()
}
