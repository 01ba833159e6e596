//! The target kind `global-token-revocation`: its calls are taken by the endpoint that `revoked` itself has, and every answer means something.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use revoked::model::{Action, GrantKind, Principal, Resolution, Subject};
use revoked::settings::Settings;
use revoked::sources::{self, NoState, Push, Source};
use revoked::targets::{CallContext, Level, ObservationRequest, Remedy, Target};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{NOW, build, secret};

const ENDPOINT: &str = "/oauth/global-token-revocation";
const ISSUER: &str = "https://idp.example.org";

static KEY: LazyLock<Signer> = LazyLock::new(|| Signer::generate("k1", Algorithm::Rs256).unwrap());

/// An application, and the target that logs people out of it.
struct Application {
    server: MockServer,
    target: Arc<dyn Target>,
    folder: tempfile::TempDir,
}

impl Application {
    async fn new(more: &str) -> Self {
        let server = MockServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let keys = format!("{}{more}", keys(&server.uri(), folder.path()));
        let target = build("global-token-revocation", &keys).unwrap_or_else(|complaints| panic!("{complaints:?}"));
        Self { server, target, folder }
    }

    async fn answers(&self, answer: ResponseTemplate) {
        self.server.reset().await;
        Mock::given(method("POST"))
            .and(path(ENDPOINT))
            .respond_with(answer)
            .mount(&self.server)
            .await;
    }

    async fn principal(&self, subject: &str) -> Principal {
        match self
            .target
            .resolve(&CallContext::unpaced(), &subject.parse().unwrap())
            .await
            .unwrap()
        {
            Resolution::One(principal) => principal,
            other => panic!("{other:?}"),
        }
    }

    /// The calls that were made, each as our own endpoint gets it.
    async fn calls(&self) -> Vec<http::Request<Bytes>> {
        let calls = self.server.received_requests().await.unwrap().into_iter().map(|call| {
            let mut request = http::Request::builder().method("POST").uri("/signals/app");
            for (name, value) in &call.headers {
                request = request.header(name, value);
            }
            request.body(Bytes::from(call.body)).unwrap()
        });
        calls.collect()
    }

    /// The endpoint that `revoked` has, for the application's URL and our key.
    fn our_own_endpoint(&self) -> Arc<dyn Push> {
        let keys = self.folder.path().join("jwks.json");
        std::fs::write(&keys, KEY.jwks().unwrap().to_string()).unwrap();
        let audience = format!("{}{ENDPOINT}", self.server.uri());
        let text = format!(
            "issuer = \"{ISSUER}\"\nclient_id = \"notes-1\"\naudience = \"{audience}\"\njwks_file = \"{}\"",
            keys.display()
        );
        let kind = sources::KINDS
            .iter()
            .find(|kind| kind.name == "global-token-revocation")
            .unwrap();
        let settings = Settings {
            name: "app",
            table: toml::de::DeTable::parse(&text).unwrap(),
        };
        match (kind.build)(&settings, &Clock::fixed(NOW)) {
            Ok(Source::Push(push)) => push,
            _ => panic!("it is pushed to"),
        }
    }
}

fn keys(url: &str, folder: &std::path::Path) -> String {
    let der = STANDARD.encode(KEY.to_pkcs8().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let key = secret(folder, "key.pem", &pem);
    format!(
        "url = \"{url}{ENDPOINT}\"\nissuer = \"{ISSUER}\"\nclient_id = \"notes-1\"\nkey_id = \"k1\"\nkey = {{ file = \"{key}\" }}\n"
    )
}

const ALL: Action = Action::EndAll {
    kind: GrantKind::Session,
};

#[tokio::test]
async fn its_call_is_taken_by_the_endpoint_that_revoked_itself_has_and_names_the_person() {
    for (more, subject, sub_id) in [
        (
            "",
            "alice@example.org",
            json!({ "format": "email", "email": "alice@example.org" }),
        ),
        (
            "subject = \"iss_sub\"",
            "iss_sub:https://idp.example.org#00u1",
            json!({ "format": "iss_sub", "iss": ISSUER, "sub": "00u1" }),
        ),
    ] {
        let app = Application::new(more).await;
        app.answers(ResponseTemplate::new(204)).await;
        let principal = app.principal(subject).await;
        let context = CallContext::unpaced();
        app.target
            .apply(&context, &ALL, std::slice::from_ref(&principal))
            .await
            .unwrap();
        // A sweep knows the account by its id.
        let again = app
            .target
            .resolve(&context, &Subject::Opaque(principal.id.clone()))
            .await
            .unwrap();
        assert_eq!(again, Resolution::One(principal.clone()));
        app.target
            .apply(&context, &ALL, std::slice::from_ref(&principal))
            .await
            .unwrap();
        let calls = app.calls().await;
        let endpoint = app.our_own_endpoint();
        let mut tokens = Vec::new();
        for call in &calls {
            let body: Value = serde_json::from_slice(call.body()).unwrap();
            assert_eq!(body, json!({ "sub_id": sub_id }));
            let received = endpoint.receive(call, &NoState).await;
            assert!(received.is_ok(), "{:?}", received.err());
            tokens.push(call.headers()["authorization"].clone());
        }
        assert_eq!(calls.len(), 2);
        assert_ne!(tokens[0], tokens[1], "a token is used twice");
    }
}

#[tokio::test]
async fn what_nobody_can_see_is_said_to_be_unseen_and_never_listed() {
    let app = Application::new("").await;
    let able = app.target.capabilities();
    assert!(able.lists.is_empty() && !able.suspends);
    let kinds = able.ends_all.clone();
    assert_eq!(kinds, able.unlisted.keys().copied().collect());
    let principal = app.principal("alice@example.org").await;
    let seen = app
        .target
        .observe(&CallContext::unpaced(), &principal, &ObservationRequest::now(kinds.clone()))
        .await
        .unwrap();
    assert!(seen.listed.is_empty() && seen.valid_from.is_empty());
    assert_eq!(kinds, seen.unseen.keys().copied().collect());
    assert!(app.server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn every_answer_has_its_meaning_and_none_of_its_words_come_out() {
    let app = Application::new("").await;
    let principal = app.principal("alice@example.org").await;
    let context = CallContext::unpaced();
    let apply = async |status: u16, header: Option<(&str, &str)>| {
        let mut answer = ResponseTemplate::new(status).set_body_string("{\"error\":\"hush\"}");
        if let Some((name, value)) = header {
            answer = answer.insert_header(name, value);
        }
        app.answers(answer).await;
        app.target.apply(&context, &ALL, std::slice::from_ref(&principal)).await
    };
    for status in [200, 202, 204] {
        let applied = apply(status, Some(("x-request-id", "r-1"))).await.unwrap();
        assert_eq!(
            (applied.requests, applied.already),
            (vec!["r-1".to_owned()], false),
            "{status}"
        );
    }
    let nobody = apply(404, None).await.unwrap();
    assert!(nobody.already && nobody.notes[0].contains("nothing was ended"), "{nobody:?}");
    for (status, header, remedy) in [
        (401, None, Remedy::Pause),
        (403, None, Remedy::Pause),
        (400, None, Remedy::GiveUp),
        (422, None, Remedy::GiveUp),
        (302, Some(("location", "https://elsewhere.example.org")), Remedy::GiveUp),
        (
            429,
            Some(("retry-after", "7")),
            Remedy::RetryAfter(std::time::Duration::from_secs(7)),
        ),
        (503, None, Remedy::RetryAfter(std::time::Duration::from_secs(5))),
        (500, None, Remedy::Retry),
    ] {
        let error = apply(status, header).await.unwrap_err();
        assert_eq!(error.remedy, remedy, "{status}: {error}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
    let suspend = app
        .target
        .apply(&context, &Action::Suspend, std::slice::from_ref(&principal))
        .await;
    assert_eq!(suspend.unwrap_err().remedy, Remedy::GiveUp);
}

#[tokio::test]
async fn a_probe_logs_out_somebody_who_cannot_exist_and_warns_of_a_yes() {
    let app = Application::new("").await;
    for (status, level) in [(404, None), (204, Some(Level::Warning)), (422, Some(Level::Note))] {
        app.answers(ResponseTemplate::new(status)).await;
        let probe = app.target.probe(&CallContext::unpaced()).await.unwrap();
        assert_eq!(probe.findings.first().map(|finding| finding.level), level, "{status}");
        let body: Value = serde_json::from_slice(app.calls().await[0].body()).unwrap();
        assert!(body["sub_id"]["email"].as_str().unwrap().ends_with(".invalid"), "{body}");
    }
    app.answers(ResponseTemplate::new(401)).await;
    assert_eq!(
        app.target.probe(&CallContext::unpaced()).await.unwrap_err().remedy,
        Remedy::Pause
    );
}

#[tokio::test]
async fn only_names_of_the_form_that_the_application_takes_are_asked_for() {
    let app = Application::new("subject = \"iss_sub\"\nsubject_issuer = \"https://other.example.org\"").await;
    for (subject, taken) in [
        ("alice@example.org", false),
        ("username:alice", false),
        ("iss_sub:https://idp.example.org#1", false),
        ("iss_sub:https://other.example.org#1", true),
    ] {
        assert_eq!(app.target.asks_by(&subject.parse().unwrap()), taken, "{subject}");
    }
}

#[test]
fn a_config_that_could_not_work_is_refused_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let good = keys("https://notes.example.org", folder.path());
    let no_key = secret(folder.path(), "no-key", "secret words");
    for (keys, word) in [
        (good.replace("https://notes", "http://notes"), "unencrypted"),
        (
            good.replace("client_id = \"notes-1\"", "client_id = \" \""),
            "cannot be empty",
        ),
        (good.replace("key.pem", "no-key"), "no-key"),
        (format!("{good}subject_issuer = \"x\""), "subject"),
        (format!("{good}algorithm = \"HS256\""), "HS256"),
        (format!("{good}usrl = \"x\""), "usrl"),
        (format!("{good}timeout = \"1h\""), "between 100ms and 10m"),
        (format!("{good}connect_timeout = \"99ms\""), "between 100ms and 10m"),
        (format!("{good}timeout = \"soon\""), "not a length of time"),
    ] {
        let complaints = build("global-token-revocation", &keys)
            .err()
            .unwrap_or_else(|| panic!("taken: {keys}"));
        assert!(
            complaints.iter().any(|one| one.message.contains(word)),
            "{word}: {complaints:?}"
        );
        assert!(
            complaints.iter().all(|one| !one.message.contains("secret words")),
            "{complaints:?}"
        );
    }
    drop(no_key);
}
