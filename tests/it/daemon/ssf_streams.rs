//! A stream of security events, made by a command and read by the daemon, end to end.

use serde_json::json;

use super::{Installation, InstallationPlan, until};
use crate::ssf::transmitter::{Manners, TOKEN, Transmitter};

const POLL: &str = r#"
[[source]]
name = "idp"
kind = "ssf"
delivery = "poll"
issuer = "{issuer}"
audience = "https://revoked.example.test/signals/idp"
token = { file = "{folder}/idp-token" }
"#;

/// An installation with a source `idp` at a transmitter.
async fn site(source: &str, transmitter: &Transmitter) -> Installation {
    let more = source.replace("{issuer}", transmitter.issuer());
    let site = Installation::new(InstallationPlan {
        // A test's config lives as long as the test.
        more: Box::leak(more.into_boxed_str()),
        ..InstallationPlan::default()
    })
    .await;
    site.secret("idp-token", TOKEN.as_bytes());
    site.secret("idp-authorization", b"Bearer 0123456789abcdef0123456789abcdef");
    // The store is made by the first start.
    site.start().await.stop().await;
    site
}

#[tokio::test]
async fn a_person_in_a_polled_event_is_contained_and_the_event_acknowledged_after() {
    let transmitter = Transmitter::start(Manners {
        path: "/realms/staff",
        ..Manners::default()
    })
    .await;
    let site = site(POLL, &transmitter).await;
    let said = site.says(&["source", "ssf", "connect", "idp"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("stream-1") && said.out.contains("session-revoked"),
        "{said:?}"
    );

    let running = site.start().await;
    transmitter.emit(&transmitter.claims("jti-1", "user01@example.test"));
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    until("the acknowledgement", async || {
        transmitter.acked().contains(&"jti-1".to_owned()).then_some(())
    })
    .await;
    let status = site.ask(&["source", "ssf", "status", "idp"]).await;
    assert_eq!(status["status"], json!("enabled"));
    running.stop().await;
}

const PUSH: &str = r#"
[[source]]
name = "idp"
kind = "ssf"
delivery = "push"
issuer = "{issuer}"
audience = "https://revoked.example.test/signals/idp"
endpoint = "http://127.0.0.1:{port}/signals/idp"
authorization = { file = "{folder}/idp-authorization" }
token = { file = "{folder}/idp-token" }
"#;

#[tokio::test]
async fn a_pushed_stream_is_made_proved_used_paused_and_ended_by_commands() {
    let transmitter = Transmitter::start(Manners {
        metadata: json!({"default_subjects": "NONE"}),
        ..Manners::default()
    })
    .await;
    // The daemon's port is the system's choice, so the stream is told it once the daemon runs.
    let site = site(&PUSH.replace("{port}", "9"), &transmitter).await;
    let running = site.start().await;
    let config = std::fs::read_to_string(site.config()).unwrap();
    let port = running.address.port().to_string();
    std::fs::write(site.config(), config.replace("127.0.0.1:9/", &format!("127.0.0.1:{port}/"))).unwrap();

    let connect = [
        "source",
        "ssf",
        "connect",
        "idp",
        "--add-subject",
        "email:user01@example.test",
        "--json",
    ];
    let made = site.says(&connect).await.done();
    assert_eq!((&made["way"], &made["usable"]), (&json!("made"), &json!(true)));
    assert!(made["warnings"].to_string().contains("add-subject"), "{made}");
    assert_eq!(
        transmitter.subjects(),
        [json!({"format": "email", "email": "user01@example.test"})]
    );
    let added = site
        .says(&["source", "ssf", "add-subject", "idp", r#"{"format": "opaque", "id": "7"}"#])
        .await;
    let removed = site
        .says(&["source", "ssf", "remove-subject", "idp", "email:user01@example.test"])
        .await;
    assert_eq!((added.code, removed.code), (0, 0), "{added:?} {removed:?}");
    assert_eq!(transmitter.subjects(), [json!({"format": "opaque", "id": "7"})]);

    let verified = site.says(&["source", "ssf", "verify", "idp"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(verified.out.contains("the stream is alive"), "{verified:?}");

    let token = Transmitter::sign(&transmitter.claims("jti-1", "user01@example.test"));
    assert_eq!(transmitter.push(&token).await, 202);
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    // Without the header that the stream was told, nobody comes in.
    assert_eq!(running.push(&token).await.unwrap().status(), 400);

    let paused = site
        .says(&["source", "ssf", "status", "idp", "--set", "paused", "--json"])
        .await;
    assert_eq!((paused.code, &paused.json()["status"]), (6, &json!("paused")));
    transmitter.behave(|manners| manners.verifies = false);
    let silent = site.says(&["source", "ssf", "verify", "idp", "--timeout", "1"]).await;
    assert_eq!(silent.code, 15, "{silent:?}");

    assert_eq!(site.says(&["source", "ssf", "disconnect", "idp"]).await.code, 0);
    assert!(transmitter.streams().is_empty());
    let none = site.says(&["source", "ssf", "status", "idp", "--json"]).await;
    assert_eq!((none.code, &none.json()["stream"]), (6, &json!(null)));
    let error = site.says(&["source", "ssf", "verify", "idp"]).await;
    assert!(error.code == 1 && error.err.contains("connect idp"), "{error:?}");
    let other = site.says(&["source", "ssf", "status", "inbox"]).await;
    assert!(other.code == 1 && other.err.contains("kind"), "{other:?}");
    running.stop().await;
    let disk = String::from_utf8_lossy(&std::fs::read(site.store()).unwrap()).into_owned() + site.log().as_str();
    for secret in [TOKEN, "0123456789abcdef0123456789abcdef"] {
        assert!(!disk.contains(secret), "{secret} is in the store or the log");
    }
}

#[tokio::test]
async fn n24_a_kill_between_the_commit_and_the_acknowledgement_loses_nothing_and_doubles_nothing() {
    let transmitter = Transmitter::start(Manners::default()).await;
    let site = site(POLL, &transmitter).await;
    assert_eq!(site.says(&["source", "ssf", "connect", "idp"]).await.code, 0);
    // Polls that acknowledge fail from the first one on: no acknowledgement can leave, and the next event comes all the same.
    transmitter.behave(|manners| manners.takes_acks = false);
    let running = site.start().await;
    until("a poll that acknowledges", async || {
        let polls = transmitter.seen("POST /poll/");
        polls.iter().any(|poll| !poll.body["ack"].is_null()).then_some(())
    })
    .await;
    transmitter.emit(&transmitter.claims("jti-1", "user01@example.test"));
    site.until_count("SELECT count(*) FROM signal WHERE key LIKE '%|jti-1'", 1)
        .await;
    running.kill().await;
    assert!(!transmitter.acked().contains(&"jti-1".to_owned()));
    assert_eq!(transmitter.waiting_for("jti-1"), 1);

    // The transmitter, which was told nothing, gives it out once more; the next life acknowledges it.
    transmitter.behave(|manners| {
        manners.takes_acks = true;
        manners.heeds_acks = false;
    });
    let running = site.start().await;
    until("the acknowledgement of the second time", async || {
        let acked = transmitter.acked();
        (acked.iter().filter(|jti| *jti == "jti-1").count() > 1).then_some(())
    })
    .await;
    transmitter.behave(|manners| manners.heeds_acks = true);
    until("an empty queue", async || (transmitter.waiting() == 0).then_some(())).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
    assert_eq!(site.count("SELECT count(*) FROM signal WHERE key LIKE '%|jti-1'").await, 1);
    running.stop().await;
}

#[tokio::test]
async fn kills_at_any_moment_lose_no_token_that_was_acknowledged() {
    let transmitter = Transmitter::start(Manners::default()).await;
    let site = site(POLL, &transmitter).await;
    assert_eq!(site.says(&["source", "ssf", "connect", "idp"]).await.code, 0);
    let mut sent = 0;
    for round in 0..8_u64 {
        let running = site.start().await;
        for _ in 0..3 {
            sent += 1;
            transmitter.emit(&transmitter.claims(&format!("jti-{sent}"), &format!("user{:02}@example.test", 1 + sent % 12)));
        }
        let moment = std::time::Duration::from_millis(round * 7);
        let polls = transmitter.seen("POST /poll/").len();
        let more = async || (transmitter.seen("POST /poll/").len() > polls + 1).then_some(());
        let _ = tokio::time::timeout(moment, until("two polls", more)).await;
        running.kill().await;
        // Whatever the transmitter was told to forget is stored.
        let acked = transmitter.acked();
        for jti in acked.iter().filter(|jti| jti.starts_with("jti-")) {
            assert_eq!(site.signals_named(jti).await, 1, "{jti} was acknowledged and is not there");
        }
    }
    let running = site.start().await;
    until("an empty queue", async || (transmitter.waiting() == 0).then_some(())).await;
    for n in 1..=sent {
        assert_eq!(site.signals_named(&format!("jti-{n}")).await, 1);
    }
    running.stop().await;
}

impl Installation {
    async fn signals_named(&self, jti: &str) -> i64 {
        let mut conn = self.sql().await;
        let count = sqlx::query_scalar("SELECT count(*) FROM signal WHERE source = 'idp' AND key LIKE ?");
        count.bind(format!("%|{jti}")).fetch_one(&mut conn).await.unwrap()
    }
}

/// The script of the docs, ended when dropped.
struct Script {
    _child: tokio::process::Child,
    lines: tokio::io::Lines<tokio::io::BufReader<tokio::process::ChildStdout>>,
}

impl Script {
    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(super::BOUND, self.lines.next_line());
        line.await
            .expect("the script says nothing")
            .unwrap()
            .expect("the script ended")
    }
}

#[tokio::test]
async fn the_transmitter_of_the_docs_is_enough_to_try_it_out() {
    use tokio::io::AsyncBufReadExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    let mut child = tokio::process::Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sources/ssf-transmitter.py"))
        .args(["--port", "0", "--token", "token"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = tokio::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let mut script = Script { _child: child, lines };
    let issuer = script.line().await.split_once("http://").unwrap().1.to_owned();
    let issuer = format!("http://{issuer}");
    let audience = script.line().await.split_whitespace().last().unwrap().to_owned();

    let source = POLL
        .replace("{issuer}", &issuer)
        .replace("https://revoked.example.test/signals/idp", &audience);
    let site = Installation::new(InstallationPlan {
        more: Box::leak(source.into_boxed_str()),
        ..InstallationPlan::default()
    })
    .await;
    site.secret("idp-token", TOKEN.as_bytes());
    site.start().await.stop().await;
    let said = site.says(&["source", "ssf", "connect", "idp"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let running = site.start().await;
    let verified = site.says(&["source", "ssf", "verify", "idp"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    let emitted = running
        .http
        .post(format!("{issuer}/emit"))
        .body(r#"{"event": "session-revoked", "email": "user01@example.test"}"#)
        .send();
    let jti: serde_json::Value = emitted.await.unwrap().json().await.unwrap();
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    let jti = jti["jti"].as_str().unwrap();
    let mut line = String::new();
    while !line.contains(jti) {
        line = script.line().await;
    }
    assert!(line.starts_with("acknowledged"), "{line}");
    let again = site.says(&["source", "ssf", "connect", "idp"]).await;
    assert!(again.code == 0 && again.out.contains("toy-stream"), "{again:?}");
    assert_eq!(site.says(&["source", "ssf", "disconnect", "idp"]).await.code, 0);
    running.stop().await;
}
