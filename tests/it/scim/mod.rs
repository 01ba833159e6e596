//! The source kind `scim`: a server over a real store, asked as Okta and Entra ID ask it.

mod entra;
mod listing;
mod namesakes;
mod okta;
mod refused;
mod user_mapping;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use revoked::clock::Clock;
use revoked::intake::Intake;
use revoked::model::{Reason, Subject};
use revoked::policy::{Limits, Policy};
use revoked::settings::{ConfigError, Settings};
use revoked::sources::{KINDS, Source};
use revoked::store::{Role, Store};
use revoked::supervision::Supervisor;
use revoked::worker::{Lanes, Protection, Shutdown, WorkSettings};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const NEXT: &str = "fedcba9876543210fedcba9876543210";
/// The address that the client is told.
const BASE: &str = "https://revoked.example.org/signals/okta";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A server with a store of its own.
struct Server {
    intake: Intake,
    folder: tempfile::TempDir,
}

/// What was answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

/// A signal as it is stored.
#[derive(Debug, PartialEq, Eq)]
struct Stored {
    key: String,
    reason: Reason,
    decision: String,
    names: Vec<String>,
}

fn secret(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

fn build(folder: &Path, more: &str, clock: &Clock) -> Result<Source, Vec<ConfigError>> {
    let token = secret(folder, "token", TOKEN);
    let next = secret(folder, "next", NEXT);
    let text = format!("url = {BASE:?}\ntoken = {{ file = {token:?} }}\nnext_token = {{ file = {next:?} }}\n{more}");
    build_as_written(&text, clock)
}

fn build_as_written(text: &str, clock: &Clock) -> Result<Source, Vec<ConfigError>> {
    let kind = KINDS.iter().find(|kind| kind.name == "scim").unwrap();
    let settings = Settings {
        name: "okta",
        table: toml::de::DeTable::parse(text).unwrap(),
    };
    (kind.build)(&settings, clock)
}

impl Server {
    async fn new() -> Self {
        Self::with("").await
    }

    /// A server with more keys in its config.
    async fn with(more: &str) -> Self {
        Self::under(more, Policy::standard(&["chat"])).await
    }

    /// A server whose departures all wait for a human.
    async fn holding() -> Self {
        let limits = Limits {
            departures_per_hour: Some(0),
            ..Limits::default()
        };
        let mut policy = Policy::standard(&["chat"]);
        policy.limits.insert("okta".to_owned(), limits);
        Self::under("", policy).await
    }

    async fn under(more: &str, policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(crate::store::NOW);
        let source = build(folder.path(), more, &clock).unwrap();
        let store = Store::open(&folder.path().join("revoked.db"), Role::Daemon, clock.clone())
            .await
            .unwrap();
        let policy = Arc::new(policy);
        let shutdown = Shutdown {
            tracker: TaskTracker::new(),
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            supervisor: Supervisor::default(),
        };
        let lanes = Lanes::start(
            &store,
            Vec::new(),
            Arc::clone(&policy) as Arc<dyn Protection>,
            WorkSettings::default(),
            shutdown,
        )
        .await
        .unwrap();
        let sources = BTreeMap::from([("okta".to_owned(), source)]);
        Self {
            intake: Intake::new(store, policy, lanes, vec!["chat".to_owned()], sources),
            folder,
        }
    }

    async fn send(&self, request: Request<Bytes>) -> Answer {
        let response = self.intake.deliver("okta", &request).await.unwrap();
        let (parts, body) = response.into_parts();
        if !body.is_empty() {
            assert_eq!(parts.headers["content-type"], "application/scim+json");
        }
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: if body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&body).unwrap()
            },
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(request(method, path, body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, &body.to_string()).await
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, &body.to_string()).await
    }

    async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        self.ask("PATCH", path, &body.to_string()).await
    }

    /// Users that a filter finds.
    async fn filter(&self, filter: &str) -> Answer {
        let mut url = reqwest::Url::parse("form:").unwrap();
        url.query_pairs_mut().append_pair("filter", filter);
        self.get(&format!("/Users?{}", url.query().unwrap())).await
    }

    /// Makes a user and gives the path to it.
    async fn maya(&self) -> String {
        let made = self.post("/Users", &maya()).await;
        assert_eq!(made.status, 201, "{made:?}");
        format!("/Users/{}", made.body["id"].as_str().unwrap())
    }

    async fn sql(&self) -> SqliteConnection {
        let path = self.folder.path().join("revoked.db");
        SqliteConnectOptions::new().filename(path).connect().await.unwrap()
    }

    /// Every signal, in order.
    async fn signals(&self) -> Vec<Stored> {
        let mut conn = self.sql().await;
        let rows = sqlx::query(
            "SELECT s.key, s.reason, s.decision, p.subject FROM signal s JOIN person p ON p.ref = s.subject_ref ORDER BY s.id",
        )
        .fetch_all(&mut conn)
        .await
        .unwrap();
        let stored = |row: &sqlx::sqlite::SqliteRow| Stored {
            key: row.get(0),
            reason: Reason::from_word(row.get(1)).unwrap(),
            decision: row.get(2),
            names: row
                .get::<String, _>(3)
                .parse::<Subject>()
                .unwrap()
                .names()
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        rows.iter().map(stored).collect()
    }

    /// Every case: its state, its reason and whom it is about.
    async fn cases(&self) -> Vec<(String, String, String)> {
        let mut conn = self.sql().await;
        let rows =
            sqlx::query("SELECT c.state, c.reason, p.subject FROM cases c JOIN person p ON p.ref = c.subject_ref ORDER BY c.id")
                .fetch_all(&mut conn)
                .await
                .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    async fn reasons(&self) -> Vec<Reason> {
        self.signals().await.into_iter().map(|signal| signal.reason).collect()
    }

    async fn count(&self, sql: &str) -> i64 {
        let mut conn = self.sql().await;
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut conn)
            .await
            .unwrap()
            .get(0)
    }
}

fn request(method: &str, path: &str, body: &str) -> Request<Bytes> {
    let method: Method = method.parse().unwrap();
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/signals/okta{path}"))
        .header("authorization", format!("Bearer {TOKEN}"));
    if !body.is_empty() {
        request = request.header("content-type", "application/scim+json");
    }
    request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

/// Maya as Okta sends her.
fn maya() -> Value {
    json!({
        "schemas": [USER_URN, ENTERPRISE],
        "userName": "Maya@Example.org",
        "externalId": "00u1maya",
        "name": {"givenName": "Maya", "familyName": "Lindqvist"},
        "emails": [
            {"primary": true, "value": "maya@example.org", "type": "work"},
            {"value": "maya@home.example", "type": "home"},
        ],
        "displayName": "Maya Lindqvist",
        "locale": "en-US",
        "groups": [],
        "password": "canary-password",
        "active": true,
        (ENTERPRISE): {"employeeNumber": "4711"},
    })
}
