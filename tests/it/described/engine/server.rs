//! A server that answers what it is told to, and a target of a description for it.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use revoked::clock::Clock;
use revoked::model::{Access, Action, GrantKind, Principal, Resolution, Subject, Timestamp};
use revoked::settings::Settings;
use revoked::targets::{Applied, Built, CallContext, KINDS, ObservationRequest, Remedy, Target, TargetError};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::mattermost::test_server::RecordingPermits;

/// What the tests take for now.
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_795_478_121_000);

/// A wiki with what most systems have: people are searched for by address and read by name.
pub(crate) const WIKI: &str = r#"name = "wiki"
about = "a wiki"
needs = ["token"]

[auth]
headers = { Authorization = "Bearer {secret.token}" }

[self]
call = "GET /me"
id = "/id"

[[resolve]]
by = "username"
call = "GET /people/{name}"
nobody = [{ status = 404, pointer = "/error", equals = "nobody" }]
nobody_needs = { call = "GET /people", holds = [[{ pointer = "/people", exists = true }]] }

[[resolve]]
by = "email"
call = "GET /search?mail={name}"
paging = { page = "page", first = 1, total = "/total" }
items = "/people"
match = { pointer = "/mail", fold = true }

[principal]
call = "GET /people/{id}"
id = "/id"
names = [{ pointer = "/id", is = "username" }, { pointer = "/mail", is = "email" }]
suspended = [[{ pointer = "/active", equals = false }]]
admin = [[{ pointer = "/admin", equals = true }]]

[admins]
call = "GET /admins"
paging = "none"
items = "/people"
id = "/id"
active = [[{ pointer = "/active", equals = true }]]

[[before]]
call = "POST /people/{id}/codes"
json = {}

[[suspend]]
call = "PUT /people/{id}"
json = { active = false }

[[password]]
call = "PUT /people/{id}/password"
json = { password = "{random}" }
unless = [[{ pointer = "/external", equals = true }]]

[[grant]]
kind = "session"
call = "GET /people/{id}/sessions"
paging = { link = "next" }
items = ""
owner = "/owner"
id = "/id"
last_used = { pointer = "/seen", form = "unix" }
end_all = { call = "DELETE /people/{id}/sessions" }

[[grant]]
kind = "api_key"
call = "GET /people/{id}/keys"
paging = "none"
items = "/keys"
id = "/key"
secret_id = true
end = { call = "DELETE /people/{id}/keys/{grant}" }
gone = [{ status = 404, pointer = "/error", equals = "no such key" }]

[[residual]]
what = "a page in a cache"
life = "10m"
key = "cache"

[not_covered]
pages = "Pages that the person has saved."
"#;

/// A server, and the target for it.
pub(crate) struct Wiki {
    pub(crate) mock: MockServer,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) permits: Arc<RecordingPermits>,
    pub(crate) context: CallContext,
    pub(crate) folder: tempfile::TempDir,
}

/// Writes a file that only we may read.
pub(crate) fn secret(folder: &std::path::Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.display().to_string()
}

/// Builds a target from the keys of its table.
pub(crate) fn build(toml: &str) -> Built {
    let kind = KINDS.iter().find(|kind| kind.name == "described").unwrap();
    let table = toml::de::DeTable::parse(toml).unwrap();
    (kind.build)(&Settings { name: "wiki", table }, &Clock::fixed(NOW))
}

impl Wiki {
    /// A server of which the description is the wiki's, and that knows who we are.
    pub(crate) async fn new() -> Self {
        let wiki = Self::of(WIKI, "").await;
        wiki.get("/me", 200, &json!({"id": "operator"})).await;
        wiki
    }

    /// A server that knows nothing, with this description and these keys more.
    pub(crate) async fn of(description: &str, more: &str) -> Self {
        let mock = MockServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let token = secret(folder.path(), "token", "s3cret\n");
        let file = folder.path().join("wiki.toml");
        std::fs::write(&file, description).unwrap();
        let toml = format!(
            "description = {:?}\nurl = \"{}\"\ntoken = {{ file = {token:?} }}\n{more}\n",
            file.display().to_string(),
            mock.uri()
        );
        let target = build(&toml).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let permits = Arc::new(RecordingPermits::default());
        let context = CallContext::new(revoked::model::Priority::ROUTINE, Arc::clone(&permits) as _);
        Self {
            mock,
            target,
            permits,
            context,
            folder,
        }
    }

    /// Lets a request of this method and path be answered so.
    pub(crate) async fn answer(&self, verb: &str, at: &str, answer: ResponseTemplate) {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(answer)
            .mount(&self.mock)
            .await;
    }

    pub(crate) async fn get(&self, at: &str, status: u16, body: &Value) {
        self.answer("GET", at, ResponseTemplate::new(status).set_body_json(body))
            .await;
    }

    /// Lets `alice` be there, and what she has be listed.
    pub(crate) async fn with_alice(self) -> Self {
        let alice = json!({"id": "alice", "mail": "Alice@example.org", "active": true});
        self.get("/people/alice", 200, &alice).await;
        self.get(
            "/people/alice/sessions",
            200,
            &json!([{"id": 7, "owner": "alice", "seen": 1_795_478_000}, {"id": 8, "owner": "alice"}]),
        )
        .await;
        self.get(
            "/people/alice/keys",
            200,
            &json!({"keys": [{"key": "AKIA-1"}, {"key": "AKIA-2"}]}),
        )
        .await;
        self
    }

    pub(crate) async fn resolve(&self, subject: &str) -> Result<Resolution, TargetError> {
        let subject: Subject = subject.parse().unwrap();
        self.target.resolve(&self.context, &subject).await
    }

    pub(crate) async fn one(&self, subject: &str) -> Principal {
        match self.resolve(subject).await.unwrap() {
            Resolution::One(principal) => principal,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn observe(&self, principal: &Principal) -> Result<Access, TargetError> {
        let ask = ObservationRequest::now(GrantKind::ALL.into());
        self.target.observe(&self.context, principal, &ask).await
    }

    pub(crate) async fn apply(&self, action: &Action, principal: &Principal) -> Result<Applied, TargetError> {
        self.target
            .apply(&self.context, action, std::slice::from_ref(principal))
            .await
    }

    /// The requests that came, each as its method and path.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let requests = self.mock.received_requests().await.unwrap();
        requests
            .iter()
            .map(|request| format!("{} {}", request.method, request.url.path()))
            .collect()
    }

    /// The last request of this method and path.
    pub(crate) async fn last(&self, what: &str) -> Request {
        let requests = self.mock.received_requests().await.unwrap();
        let found = requests
            .into_iter()
            .rev()
            .find(|request| format!("{} {}", request.method, request.url.path()) == what);
        found.unwrap_or_else(|| panic!("{what} was not sent"))
    }
}

/// The remedy of what must have failed.
pub(crate) fn remedy<T: std::fmt::Debug>(result: Result<T, TargetError>) -> (Remedy, String) {
    let error = result.unwrap_err();
    assert!(!error.to_string().contains("s3cret"), "{error}");
    (error.remedy, error.to_string())
}
