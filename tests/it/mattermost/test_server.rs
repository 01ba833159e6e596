//! What the tests of the target stand on: a server that answers what it is told to, and permits that remember.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use revoked::clock::Clock;
use revoked::model::{AccountState, Principal, PrincipalTrait, Priority, Resolution, Subject, Timestamp};
use revoked::settings::Settings;
use revoked::targets::mattermost::KIND;
use revoked::targets::{AttemptStage, Built, CallContext, Permit, Permits, RateLimitHints, Target};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The account whose token the tests use, as in `users-me-pat.json`.
pub(crate) const ADMIN: &str = "k75x53o6gpgpfqn8d5kwcngfxe";
/// `user01` of the recordings.
pub(crate) const USER01: &str = "npryem6qbfdcxji356uo9tc33o";
/// When the recordings were made.
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_795_478_121_000);

/// Permits that let everything through at once and remember what was asked and heard.
#[derive(Default)]
pub(crate) struct RecordingPermits {
    pub(crate) permits: Mutex<usize>,
    pub(crate) noted: Mutex<Vec<RateLimitHints>>,
}

#[async_trait]
impl Permits for RecordingPermits {
    async fn permit(&self, _: Priority, _: AttemptStage) -> Permit {
        *self.permits.lock().unwrap() += 1;
        Permit::free()
    }

    fn note_limits(&self, hints: RateLimitHints) {
        self.noted.lock().unwrap().push(hints);
    }
}

/// A server, the target that was built for it, and the folder of its token.
pub(crate) struct TestServer {
    pub(crate) mock: MockServer,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) permits: Arc<RecordingPermits>,
    pub(crate) context: CallContext,
    folder: tempfile::TempDir,
}

/// Builds a target from the keys of its table.
pub(crate) fn build(toml: &str) -> Built {
    let table = toml::de::DeTable::parse(toml).unwrap();
    (KIND.build)(&Settings { name: "chat", table }, &Clock::fixed(NOW))
}

/// Writes a token into `folder` and returns the file's path.
pub(crate) fn token_file(folder: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.join("token");
    std::fs::write(&file, "pat-of-the-operator\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.display().to_string()
}

impl TestServer {
    /// A server that knows only who we are.
    pub(crate) async fn new() -> Self {
        let server = Self::bare("").await;
        server.recorded("users-me-pat", 0).await;
        server.get(&format!("/api/v4/users/{ADMIN}/tokens"), 200, &json!([])).await;
        server
    }

    /// Puts another token into the credential's file.
    pub(crate) fn replace_token(&self, token: &str) {
        std::fs::write(self.folder.path().join("token"), token).unwrap();
    }

    /// A server that knows nothing, and more keys of the target's table.
    pub(crate) async fn bare(keys: &str) -> Self {
        let mock = MockServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let token = token_file(folder.path());
        let target = build(&format!("url = \"{}\"\ntoken = {{ file = \"{token}\" }}\n{keys}", mock.uri()))
            .unwrap_or_else(|complaints| panic!("{complaints:?}"));
        let permits = Arc::new(RecordingPermits::default());
        Self {
            mock,
            target,
            context: CallContext::new(Priority::URGENT, Arc::clone(&permits) as Arc<dyn Permits>),
            permits,
            folder,
        }
    }

    /// Answers as the recording's step did.
    pub(crate) async fn recorded(&self, case: &str, step: usize) {
        let step = &steps(case)[step];
        let request = &step["request"];
        let at = request["path"].as_str().unwrap().split('?').next().unwrap().to_owned();
        let at = reqwest_decoded(&at);
        Mock::given(method(request["method"].as_str().unwrap()))
            .and(path(at))
            .respond_with(answer(step))
            .mount(&self.mock)
            .await;
    }

    /// Answers a `GET` of `at`.
    pub(crate) async fn get(&self, at: &str, status: u16, body: &Value) {
        self.respond("GET", at, ResponseTemplate::new(status).set_body_json(body))
            .await;
    }

    /// Answers a `POST` of `at`.
    pub(crate) async fn post(&self, at: &str, status: u16, body: &Value) {
        self.respond("POST", at, ResponseTemplate::new(status).set_body_json(body))
            .await;
    }

    /// Answers with anything.
    pub(crate) async fn respond(&self, verb: &str, at: &str, with: impl Respond + 'static) {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(with)
            .mount(&self.mock)
            .await;
    }

    /// The requests that came with `verb`, as paths.
    pub(crate) async fn sent(&self, verb: &str) -> Vec<String> {
        let requests: Vec<Request> = self.mock.received_requests().await.unwrap();
        let of_verb = requests.into_iter().filter(|request| request.method.as_str() == verb);
        of_verb.map(|request| request.url.path().to_owned()).collect()
    }

    /// Looks up what must be one account.
    pub(crate) async fn resolve(&self, subject: &str) -> Principal {
        let subject: Subject = subject.parse().unwrap();
        match self.target.resolve(&self.context, &subject).await.unwrap() {
            Resolution::One(principal) => principal,
            other => panic!("{other:?}"),
        }
    }
}

/// The steps of a recording.
pub(crate) fn steps(case: &str) -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/mattermost/{case}.json"));
    let recording: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let steps = recording["steps"].as_array().unwrap().clone();
    steps.into_iter().filter(|step| step.get("request").is_some()).collect()
}

/// A recorded answer, with its headers, doubled ones too.
pub(crate) fn answer(step: &Value) -> ResponseTemplate {
    let response = &step["response"];
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    let mut answer = ResponseTemplate::new(status).set_body_string(response["body"].as_str().unwrap_or_default());
    for header in response["headers"].as_array().unwrap() {
        let name = header[0].as_str().unwrap();
        if !["Content-Length", "Transfer-Encoding"].contains(&name) {
            answer = answer.append_header(name, header[1].as_str().unwrap());
        }
    }
    answer
}

fn reqwest_decoded(path: &str) -> String {
    path.replace("%2B", "+").replace("%40", "@")
}

/// An account as the server sends it.
pub(crate) fn account(id: &str, name: &str, roles: &str, delete_at: i64) -> Value {
    json!({
        "id": id, "username": name, "email": format!("{name}@example.test"), "roles": roles,
        "auth_service": "", "delete_at": delete_at, "is_bot": false,
    })
}

/// An error as the server sends it.
pub(crate) fn refusal(status: u16, id: &str) -> ResponseTemplate {
    let request = "8cjzibpiu7dutky6cxunk4o8zy";
    ResponseTemplate::new(status)
        .insert_header("X-Request-Id", request)
        .set_body_json(json!({
            "id": id, "message": "Nachricht", "detailed_error": "", "request_id": request, "status_code": status,
        }))
}

/// The acceptance of a change.
pub(crate) fn accepted() -> Value {
    json!({ "status": "OK" })
}

/// A principal without traits.
pub(crate) fn principal(id: &str) -> Principal {
    Principal {
        id: id.to_owned(),
        names: Vec::new(),
        traits: [].into(),
        account: AccountState {
            own_password: true,
            ..AccountState::default()
        },
    }
}

/// A principal with one trait.
pub(crate) fn with_trait(id: &str, one: PrincipalTrait) -> Principal {
    Principal {
        traits: [one].into(),
        ..principal(id)
    }
}
