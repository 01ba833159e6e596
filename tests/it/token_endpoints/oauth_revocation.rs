//! The target kind `oauth-revocation`, against an authorisation server by the samples of RFC 7009 and RFC 7662.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use revoked::model::{Action, GrantKind, Resolution, Subject};
use revoked::targets::{CallContext, Identified, Remedy, Target};
use secrecy::SecretString;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{build, secret};
use crate::harness::{Installation, InstallationPlan};

const TOKEN: &str = "mF_9.B5f-4.1JqM";

/// A server that knows the tokens that are in it, of one client.
#[derive(Clone, Default)]
struct Tokens(Arc<Mutex<BTreeSet<String>>>);

impl Respond for Tokens {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let form: std::collections::BTreeMap<String, String> = reqwest::Url::parse(&format!("http://form/?{body}"))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        let basic = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        // Base 64 of `revoked:p%40ss+word`.
        let known = basic == Some("Basic cmV2b2tlZDpwJTQwc3Mrd29yZA==")
            || (form.get("client_id").is_some_and(|id| id == "revoked")
                && form.get("client_secret").is_some_and(|it| it == "p@ss word"));
        if !known {
            return ResponseTemplate::new(401).set_body_json(json!({ "error": "invalid_client" }));
        }
        let mut tokens = self.0.lock().unwrap();
        match request.url.path() {
            "/introspect" if tokens.contains(&form["token"]) => ResponseTemplate::new(200).set_body_json(json!({
                "active": true, "client_id": "l238j323ds-23ij4", "username": "jdoe", "scope": "read write dolphin",
                "sub": "Z5O3upPC88QrAjx00dis", "aud": "https://protected.example.net/resource", "iss": "https://server.example.com/",
                "exp": 1_919_356_238, "iat": 1_419_350_238,
            })),
            "/introspect" => ResponseTemplate::new(200).set_body_json(json!({ "active": false })),
            _ => {
                tokens.remove(&form["token"]);
                ResponseTemplate::new(200)
            }
        }
    }
}

async fn server(secret_text: &str, more: &str) -> (MockServer, Tokens, Arc<dyn Target>, tempfile::TempDir) {
    let server = MockServer::start().await;
    let tokens = Tokens::default();
    Mock::given(any()).respond_with(tokens.clone()).mount(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = secret(folder.path(), "secret", secret_text);
    let url = server.uri();
    let keys = format!(
        "revocation_url = \"{url}/revoke\"\nintrospection_url = \"{url}/introspect\"\nclient_id = \"revoked\"\n\
         client_secret = {{ file = \"{file}\" }}\n{more}"
    );
    let target = build("oauth-revocation", &keys).unwrap_or_else(|complaints| panic!("{complaints:?}"));
    (server, tokens, target, folder)
}

#[tokio::test]
async fn a_leaked_token_is_known_by_its_owner_ended_by_its_value_and_refused_afterwards() {
    for more in ["", "client_auth = \"client_secret_post\""] {
        let (_server, tokens, target, _folder) = server("p@ss word", more).await;
        tokens
            .0
            .lock()
            .unwrap()
            .extend([TOKEN.to_owned(), "the-neighbour's".to_owned()]);
        let (context, leaked) = (CallContext::unpaced(), SecretString::from(TOKEN));
        let Identified::Alive(owner) = target.identify(&context, &leaked).await.unwrap() else {
            panic!("{more}: it is alive");
        };
        assert_eq!(owner.id, "owner:Z5O3upPC88QrAjx00dis");
        assert!(owner.names.contains(&Subject::Username("jdoe".to_owned())));
        assert!(
            owner
                .names
                .contains(&"iss_sub:https://server.example.com/#Z5O3upPC88QrAjx00dis".parse().unwrap())
        );
        let ended = target.end_leaked(&context, &leaked, &owner).await.unwrap();
        assert_eq!(ended.grants[0].kind, GrantKind::OauthGrant);
        assert!(!format!("{ended:?}").contains(TOKEN), "the token is in the evidence");
        assert!(matches!(
            target.identify(&context, &leaked).await.unwrap(),
            Identified::Refused { .. }
        ));
        // Twice is once.
        target.end_leaked(&context, &leaked, &owner).await.unwrap();
        assert_eq!(tokens.0.lock().unwrap().len(), 1, "the neighbour's token is gone");
        let kept = target.resolve(&context, &Subject::Opaque(owner.id.clone())).await.unwrap();
        assert!(matches!(kept, Resolution::One(principal) if principal.id == owner.id));
    }
}

#[tokio::test]
async fn our_own_secret_is_known_and_a_wrong_one_pauses() {
    let (_server, _tokens, target, _folder) = server("p@ss word", "").await;
    let ours = target
        .identify(&CallContext::unpaced(), &SecretString::from("p@ss word"))
        .await
        .unwrap();
    assert_eq!(ours, Identified::Ours);
    let (_server, _tokens, target, _folder) = server("another", "").await;
    for error in [
        target
            .identify(&CallContext::unpaced(), &SecretString::from(TOKEN))
            .await
            .unwrap_err(),
        target.probe(&CallContext::unpaced()).await.unwrap_err(),
    ] {
        assert_eq!(error.remedy, Remedy::Pause);
        assert!(
            !error.to_string().contains("another") && !error.to_string().contains(TOKEN),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_no_introspection_proves_nothing() {
    let (server, _tokens, target, _folder) = server("p@ss word", "").await;
    for (answer, remedy) in [
        (
            ResponseTemplate::new(200).set_body_string("<html>sign in</html>"),
            Remedy::Pause,
        ),
        (ResponseTemplate::new(200).set_body_json(json!({})), Remedy::Pause),
        (ResponseTemplate::new(404), Remedy::GiveUp),
        (
            ResponseTemplate::new(302).insert_header("location", "/elsewhere"),
            Remedy::GiveUp,
        ),
        (
            ResponseTemplate::new(400).set_body_json(json!({ "error": "invalid_client" })),
            Remedy::Pause,
        ),
        (ResponseTemplate::new(500), Remedy::Retry),
    ] {
        server.reset().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let error = target
            .identify(&CallContext::unpaced(), &SecretString::from(TOKEN))
            .await
            .unwrap_err();
        assert_eq!(error.remedy, remedy, "{error}");
    }
}

#[tokio::test]
async fn nobody_is_here_and_nothing_else_can_be_done_here() {
    let (server, _tokens, target, _folder) = server("p@ss word", "").await;
    let context = CallContext::unpaced();
    for subject in ["alice@example.org", "username:alice", "opaque:alice"] {
        let found = target.resolve(&context, &subject.parse().unwrap()).await.unwrap();
        assert_eq!(found, Resolution::None, "{subject}");
    }
    let able = target.capabilities();
    assert!(GrantKind::ALL.iter().all(|kind| !able.has(*kind)) && !able.suspends);
    let refused = target.apply(&context, &Action::Suspend, &[]).await.unwrap_err();
    assert_eq!(refused.remedy, Remedy::GiveUp);
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[test]
fn endpoints_of_two_servers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = secret(folder.path(), "secret", "s");
    let keys = format!(
        "revocation_url = \"https://a.example.org/r\"\nintrospection_url = \"https://b.example.org/i\"\nclient_id = \"c\"\n\
         client_secret = {{ file = \"{file}\" }}\n"
    );
    let complaints = build("oauth-revocation", &keys).err().expect("taken");
    assert!(complaints[0].message.contains("different servers"), "{complaints:?}");
}

/// From the operator's command to the verdict, by the built daemon: the token is known, ended, and refused when it is shown again.
#[tokio::test]
async fn a_token_that_is_handed_in_as_leaked_is_ended_by_the_daemon() {
    let server = MockServer::start().await;
    let tokens = Tokens::default();
    tokens
        .0
        .lock()
        .unwrap()
        .extend([TOKEN.to_owned(), "the-neighbour's".to_owned()]);
    Mock::given(any()).respond_with(tokens.clone()).mount(&server).await;
    let url = server.uri();
    let table = format!(
        "[[target]]\nname = \"tokens\"\nkind = \"oauth-revocation\"\nrevocation_url = \"{url}/revoke\"\n\
         introspection_url = \"{url}/introspect\"\nclient_id = \"revoked\"\nclient_secret = {{ file = \"{{folder}}/client-secret\" }}\n"
    );
    let site = Installation::new(InstallationPlan {
        more: table.leak(),
        ..InstallationPlan::default()
    })
    .await;
    site.secret("client-secret", b"p@ss word");
    let _running = site.start().await;
    site.secret("found", TOKEN.as_bytes());
    let found = site.path("found").display().to_string();
    let hand_in = [
        "leaked",
        "--target",
        "tokens",
        "--file",
        &found,
        "--wait",
        "--timeout",
        "50",
        "--json",
    ];
    let said = site.says(&hand_in).await;
    assert_eq!(said.code, 0, "{said:?}");
    let case = said.json();
    assert_eq!(case["case"]["verdict"], "contained", "{case:#}");
    let evidence = &case["jobs"][0]["evidence"];
    assert_eq!(evidence["ended"][0]["kind"], "oauth_grant", "{case:#}");
    assert!(evidence["refused_at"].is_string(), "{case:#}");
    let left: Vec<String> = tokens.0.lock().unwrap().iter().cloned().collect();
    assert_eq!(left, ["the-neighbour's"]);
    std::fs::remove_file(site.path("found")).unwrap();
    site.holds_nowhere(TOKEN, &[&said]).await;
}
