//! Webhooks, end to end: a SOAR asks in our own schema, and the person's sessions are gone.

use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{CommandOutput, DaemonProcess, Installation, InstallationPlan};
use crate::harness::chat_holdings::Holdings;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const SOURCE: &str = r#"
[[source]]
name = "soar"
kind = "webhook"
secrets = [{ file = "{folder}/soar-secret" }]
"#;

fn signed(id: &str, at: i64, body: &str) -> String {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let tag = aws_lc_rs::hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

async fn send(running: &DaemonProcess, id: &str, body: &Value) -> reqwest::Response {
    let (at, body) = (Clock::system().now().ms() / 1000, body.to_string());
    let request = running
        .http
        .post(running.url("/signals/soar"))
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", at.to_string())
        .header("webhook-signature", signed(id, at, &body));
    request.body(body).send().await.unwrap()
}

fn request(email: &str, reason: &str) -> Value {
    json!({
        "type": "revoked.request.v1",
        "timestamp": Clock::system().now(),
        "data": {"subject": {"format": "email", "email": email}, "reason": reason, "ticket": "INC-1", "requested_by": "soar"},
    })
}

#[tokio::test]
async fn one_request_ends_the_sessions_and_its_id_serves_nobody_else() {
    let site = Installation::new(InstallationPlan {
        more: SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    site.secret("soar-secret", SECRET.as_bytes());
    let running = site.start().await;

    let genuine = request("user01@example.test", "compromised");
    for _ in 0..2 {
        let answer = send(&running, "msg_1", &genuine).await;
        assert_eq!(answer.status(), 204);
        assert!(answer.bytes().await.unwrap().is_empty());
        let stored = "SELECT count(*) FROM signal WHERE source = 'soar' AND case_id IS NOT NULL";
        assert_eq!(site.count(stored).await, 1, "answered and not stored, or stored twice");
    }
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
    assert!(site.alerts().await.is_empty());

    let other = send(&running, "msg_1", &request("user02@example.test", "compromised")).await;
    assert_eq!(other.status(), 400);
    assert_eq!(site.alerts().await, ["replay_with_other_content"]);

    let unknown = send(&running, "msg_2", &request("user02@example.test", "boredom")).await;
    assert_eq!(unknown.status(), 422);
    let told: Value = unknown.json().await.unwrap();
    assert_eq!(told["error"], "not_understood");
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
    assert!(!Holdings::of(site.chat(), "user02").is_out());
    running.stop().await;
}

/// Runs the script that the docs give to a stranger.
async fn script(site: &Installation, url: &str, id: &str) -> CommandOutput {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources/send-webhook.sh");
    let mut command = Command::new(script);
    command
        .arg(url)
        .arg(site.path("soar-secret"))
        .arg(site.path("request.json"))
        .arg(id);
    CommandOutput::of(command.stdin(Stdio::null()).output().await.unwrap())
}

#[tokio::test]
async fn the_script_of_the_docs_is_taken_once_and_its_forgery_is_not() {
    let site = Installation::new(InstallationPlan {
        more: SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    site.secret("soar-secret", format!("{SECRET}\n").as_bytes());
    let running = site.start().await;
    let url = running.url("/signals/soar");
    std::fs::write(
        site.path("request.json"),
        request("user03@example.test", "compromised").to_string(),
    )
    .unwrap();
    for _ in 0..2 {
        let said = script(&site, &url, "INC-1").await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.starts_with("HTTP/1.1 204"), "{said:?}");
    }
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user03").is_out());

    site.secret("soar-secret", format!("whsec_{}", STANDARD.encode([9_u8; 32])).as_bytes());
    let forged = script(&site, &url, "INC-2").await;
    assert_ne!(forged.code, 0);
    assert!(
        forged.out.starts_with("HTTP/1.1 401") && forged.out.contains("invalid_signature"),
        "{forged:?}"
    );
    running.stop().await;
}

const OTHERS: &str = r#"
[[source]]
name = "hook"
kind = "webhook"
preset = "okta"
secrets = [{ file = "{folder}/hook-secret" }]

[[source]]
name = "logout"
kind = "back-channel-logout"
issuer = "https://idp.example.test"
audience = "revoked"
algorithms = ["ES256"]
jwks_file = "{folder}/jwks.json"
subject = "username"
"#;

async fn others() -> (Installation, Signer) {
    let site = Installation::new(InstallationPlan {
        more: OTHERS,
        ..InstallationPlan::default()
    })
    .await;
    let signer = Signer::generate("k1", Algorithm::Es256).unwrap();
    std::fs::write(site.path("jwks.json"), signer.jwks().unwrap().to_string()).unwrap();
    site.secret("hook-secret", b"the-static-secret-of-the-hook");
    (site, signer)
}

#[tokio::test]
async fn okta_makes_sure_of_its_hook_and_then_deactivates_somebody() {
    let (site, _) = others().await;
    let running = site.start().await;
    let url = running.url("/signals/hook");
    let asked = running.http.get(&url).header("x-okta-verification-challenge", "abc-123");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"verification": "abc-123"}));

    let body = json!({"eventType": "com.okta.event_hook", "data": {"events": [{
        "eventType": "user.lifecycle.deactivate", "outcome": {"result": "SUCCESS"}, "published": Clock::system().now(), "uuid": "u1",
        "actor": {"type": "User", "alternateId": "user02@example.test"}, "target": [{"type": "User", "alternateId": "user05@example.test"}],
    }]}});
    let post = async |secret: &str| {
        let request = running.http.post(&url).header("authorization", secret).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post("another").await, 401);
    assert_eq!(post("the-static-secret-of-the-hook").await, 204);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user05").is_out());
    assert!(
        !Holdings::of(site.chat(), "user02").is_out(),
        "the administrator was taken for the leaver"
    );
    running.stop().await;
}

#[tokio::test]
async fn a_signed_token_of_another_kind_is_checked_when_it_is_tried() {
    let (site, signer) = others().await;
    let now = Clock::system().now().ms() / 1000;
    let claims = json!({
        "iss": "https://idp.example.test", "aud": "revoked", "sub": "user01", "iat": now, "exp": now + 120, "jti": "j1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let header = json!({"typ": "logout+jwt", "alg": "ES256", "kid": "k1"});
    let token = signer.sign_under(&header, claims.to_string().as_bytes()).unwrap();
    let file = site.path("form");
    let tried = async |form: String| {
        std::fs::write(&file, form).unwrap();
        let media = "Content-Type: application/x-www-form-urlencoded";
        let file = file.to_str().unwrap();
        site.says(&["source", "test", "logout", "--payload", file, "--header", media, "--json"])
            .await
    };
    let good = tried(format!("logout_token={token}")).await.done();
    assert_eq!((&good["proved"], &good["status"]), (&json!(true), &json!(200)));
    let signal = &good["signals"][0];
    assert_eq!(
        (&signal["reason"], &signal["scope"], &signal["decision"]),
        (&json!("logout"), &json!("all_sessions"), &json!("act"))
    );
    let bad = tried(format!("logout_token={}", &token[..token.len() - 8])).await;
    assert_eq!(bad.code, 16, "{bad:?}");
    assert_eq!(bad.json()["status"], 400);
    assert!(!site.store().exists());
}

const THREE: &str = r#"
[[source]]
name = "siem"
kind = "webhook"
verify = "bearer"
secrets = [{ file = "{folder}/siem-secret" }]
bearer = { path = true }

[[source.rule]]
subject = [{ pointer = "/result/user", is = "username" }]
reason = "compromised"
key = "/sid"

[[source]]
name = "hr"
kind = "webhook"
preset = "hibob"
secrets = [{ file = "{folder}/hr-secret" }]

[[source]]
name = "soar"
kind = "webhook"
secrets = [{ file = "{folder}/soar-secret" }]
"#;

async fn three() -> Installation {
    let site = Installation::new(InstallationPlan {
        more: THREE,
        ..InstallationPlan::default()
    })
    .await;
    site.secret("siem-secret", b"canary-canary-canary-canary");
    site.secret("hr-secret", b"a secret of the usual length");
    site.secret("soar-secret", SECRET.as_bytes());
    site
}

#[tokio::test]
async fn a_secret_at_the_end_of_the_url_opens_the_door_and_is_written_nowhere() {
    let site = three().await;
    let running = site.start().await;
    let url = running.url("/signals/siem/canary-canary-canary-canary");
    let post = async |url: &str| {
        let body = json!({"sid": "s1", "result": {"user": "user04"}});
        running.http.post(url).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(&running.url("/signals/siem/another")).await, 401);
    assert_eq!(post(&running.url("/signals/siem")).await, 401);
    assert_eq!(post(&url).await, 204);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user04").is_out());
    let metrics = running.metrics().await;
    running.stop().await;
    let trail = site.says(&["trail", "show", "--limit", "10000", "--json"]).await.out;
    assert_eq!(trail.matches("invalid_signature").count(), 2, "{trail}");
    for text in [site.log(), metrics, trail] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn check_says_which_sources_could_be_stronger() {
    let site = three().await;
    let said = site.says(&["check", "--offline"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    for words in [
        "warning: whoever learns the static bearer",
        "warning: the secret stands in the URL",
        "warning: the sender signs no time",
    ] {
        assert!(said.out.contains(words), "{words}\n{}", said.out);
    }
    assert!(
        !said.out.contains("source soar:") && !said.out.contains("canary"),
        "{}",
        said.out
    );
}

#[tokio::test]
async fn a_payload_is_tried_without_its_signature_and_nothing_is_stored() {
    let site = three().await;
    let file = site.path("payload.json");
    let tried = async |name: &str, body: &Value, more: &[&str]| {
        std::fs::write(&file, body.to_string()).unwrap();
        let mut args = vec!["source", "test", name, "--payload", file.to_str().unwrap()];
        args.extend(more);
        site.says(&args).await
    };

    let said = tried(
        "soar",
        &request("user01@example.test", "compromised"),
        &["--json", "--header", "webhook-id: msg_1"],
    )
    .await;
    let answer = said.done();
    assert_eq!((&answer["proved"], &answer["status"]), (&json!(false), &json!(204)));
    let signal = &answer["signals"][0];
    assert_eq!(signal["key"], "msg_1");
    assert_eq!(signal["subject"], json!(["email:user01@example.test"]));
    assert_eq!(
        (&signal["decision"], &signal["playbook"], &signal["targets"]),
        (&json!("act"), &json!("compromised"), &json!(["chat"]))
    );

    let left = json!({"type": "employee.left", "data": {"employeeId": "4711"}, "triggeredAt": Clock::system().now()});
    let held = tried("hr", &left, &[]).await;
    assert_eq!(held.code, 0, "{held:?}");
    for words in [
        "NOT checked",
        "would be answered with 204",
        "employee_id:4711",
        "hold: playbook departed at chat",
        "HiBob says",
        "nothing was stored",
    ] {
        assert!(held.out.contains(words), "{words}\n{}", held.out);
    }

    let refused = tried("soar", &request("user01@example.test", "boredom"), &["--json"]).await;
    assert_eq!(
        (refused.code, &refused.json()["refused"]["code"]),
        (16, &json!("not_understood"))
    );
    let unsigned = tried("soar", &request("user01@example.test", "compromised"), &["--signed"]).await;
    assert_eq!(unsigned.code, 16, "{unsigned:?}");
    assert!(
        unsigned.out.contains("would be refused with 401: invalid_signature"),
        "{unsigned:?}"
    );

    let (at, body) = (
        Clock::system().now().ms() / 1000,
        request("user01@example.test", "compromised"),
    );
    let headers = [
        "webhook-id: msg_1".to_owned(),
        format!("webhook-timestamp: {at}"),
        format!("webhook-signature: {}", signed("msg_1", at, &body.to_string())),
    ];
    let mut args = vec!["--signed", "--json"];
    args.extend(headers.iter().flat_map(|header| ["--header", header.as_str()]));
    let genuine = tried("soar", &body, &args).await.done();
    assert_eq!(
        (&genuine["proved"], &genuine["signals"][0]["decision"]),
        (&json!(true), &json!("act"))
    );

    for (name, words) in [
        ("nobody", "no source is called"),
        ("inbox", "nothing is posted to the source inbox"),
    ] {
        let said = tried(name, &json!({}), &[]).await;
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(words), "{said:?}");
    }
    assert!(!site.store().exists(), "a try made a store");
}

#[tokio::test]
async fn a_person_is_tried_under_every_name_that_is_linked() {
    let site = three().await;
    let running = site.start().await;
    let linked = site
        .says(&["subject", "link", "user01@example.test", "employee_id:4711"])
        .await;
    assert_eq!(linked.code, 0, "{linked:?}");
    let file = site.path("payload.json");
    std::fs::write(&file, request("user01@example.test", "compromised").to_string()).unwrap();
    let args = ["source", "test", "soar", "--payload", file.to_str().unwrap(), "--json"];
    let tried = site.says(&args).await.done();
    let names = json!(["employee_id:4711", "email:user01@example.test"]);
    assert_eq!(tried["signals"][0]["subject"], names);
    running.stop().await;
}

const CLOUDS: &str = r#"
[[source]]
name = "sns"
kind = "webhook"
preset = "aws-sns"
sns = { topics = ["arn:aws:sns:us-west-2:123456789012:MyTopic"] }

[[source]]
name = "graph"
kind = "webhook"
preset = "microsoft-graph"
secrets = [{ file = "{folder}/state" }]

[[source]]
name = "pubsub"
kind = "webhook"
preset = "google-pubsub"
token = { audience = "us", email = "push@p.example" }

[[source]]
name = "scanning"
kind = "webhook"
preset = "github-secret-scanning"
"#;

#[tokio::test]
async fn what_the_clouds_send_is_tried_without_their_keys_and_shows_no_value() {
    let site = Installation::new(InstallationPlan {
        more: CLOUDS,
        ..InstallationPlan::default()
    })
    .await;
    site.secret("state", b"a-client-state-of-some-length");
    let file = site.path("payload.json");
    let tried = async |name: &str, body: &str, more: &[&str]| {
        std::fs::write(&file, body).unwrap();
        let mut args = vec!["source", "test", name, "--payload", file.to_str().unwrap()];
        args.extend(more);
        site.says(&args).await
    };
    let fixture = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/webhook/sns");
        std::fs::read_to_string(folder.join(name)).unwrap()
    };
    let message = tried("sns", &fixture("notification.json"), &["--json"]).await.done();
    assert_eq!(message["signals"][0]["subject"], json!(["email:zo\u{eb}@example.test"]));
    let asked = tried("sns", &fixture("confirmation.json"), &[]).await;
    assert!(
        asked.out.contains("would be answered with 200") && asked.out.contains("alert sender_notice: source sns: SNS says"),
        "{asked:?}"
    );
    let deleted = json!({"value": [{"id": "n", "changeType": "deleted", "tenantId": "t", "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": "6f"}}]});
    let deleted = tried("graph", &deleted.to_string(), &["--json"]).await.done();
    assert_eq!(
        deleted["signals"][0]["subject"],
        json!(["iss_sub:https://sts.windows.net/t/#6f"])
    );
    let data = STANDARD.encode(request("user01@example.test", "compromised").to_string());
    let pushed = json!({"message": {"data": data, "messageId": "m1"}});
    let pushed = tried("pubsub", &pushed.to_string(), &["--json"]).await.done();
    let signal = &pushed["signals"][0];
    assert_eq!((&signal["key"], &signal["decision"]), (&json!("m1"), &json!("act")));
    let found = tried("scanning", r#"[{"token":"canary-token","type":"acme_token"}]"#, &[]).await;
    assert!(
        found.out.contains("alert leaked_value: ") && found.out.contains("of the sort acme_token, sha256:"),
        "{found:?}"
    );
    assert!(!found.out.contains("canary"), "{found:?}");
    let unsigned = tried("scanning", "[]", &["--signed"]).await;
    assert_eq!(unsigned.code, 16, "{unsigned:?}");
}

#[tokio::test]
async fn a_value_that_a_scanner_found_is_ended_at_its_target_and_stands_nowhere() {
    let rules = r#"
[[source]]
name = "soar"
kind = "webhook"
secrets = [{ file = "{folder}/soar-secret" }]
items = "/found"

[[source.rule]]
when = [{ pointer = "/sort", equals = "chat" }]
leaked = { pointer = "/value", sort = "/sort", target = "chat" }
reason = "compromised"
note = ["/url"]

[[source.rule]]
when = [{ pointer = "/value", exists = true }]
leaked = { pointer = "/value", sort = "/sort" }
reason = "compromised"
"#;
    let site = Installation::new(InstallationPlan {
        more: rules,
        level: "trace",
        ..InstallationPlan::default()
    })
    .await;
    site.secret("soar-secret", SECRET.as_bytes());
    let running = site.start().await;
    let (person, secret) = {
        let world = site.chat().world();
        let person = world.person("user01").unwrap().id;
        let secret = world.tokens_of(person).next().unwrap().secret.to_string();
        (person, secret)
    };
    let elsewhere = "a-key-of-another-vendor-0123456789";
    let found = json!({"found": [
        {"value": secret, "sort": "chat", "url": "https://github.com/a/b/blob/c/d"},
        {"value": elsewhere, "sort": "cloud", "url": "https://github.com/a/b/blob/c/e"},
    ]});
    assert_eq!(send(&running, "msg_1", &found).await.status(), 204);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert_eq!(site.chat().world().tokens_of(person).count(), 0);
    assert_eq!(site.alerts().await, ["leaked_value"]);
    running.stop().await;
    for value in [secret.as_str(), elsewhere] {
        site.holds_nowhere(value, &[]).await;
    }
    let text = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), text.replace("target = \"chat\" }", "target = \"chta\" }")).unwrap();
    let said = site.says(&["check", "--offline"]).await;
    assert!(said.code == 2 && said.err.contains("did you mean `chat`"), "{said:?}");
}
