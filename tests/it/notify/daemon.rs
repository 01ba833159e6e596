//! The built program tells people: once, whatever it is killed in the middle of, and an operator sees whether it works.

use std::time::Duration;

use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::harness::{Installation, InstallationPlan, until};

const SECRET: &[u8] = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const WEBHOOK: &str = r#"
[[notify]]
name = "ops"
kind = "webhook"
url = { file = "{folder}/ops-url" }
secret = { file = "{folder}/ops-secret" }
"#;

/// An installation with one channel, and whoever is told.
async fn site(answer: ResponseTemplate) -> (Installation, MockServer) {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = 0",
        more: WEBHOOK,
        ..InstallationPlan::default()
    })
    .await;
    site.secret("ops-url", server.uri().as_bytes());
    site.secret("ops-secret", SECRET);
    (site, server)
}

async fn until_told(server: &MockServer, count: usize) -> Vec<Request> {
    until("what was told", async || {
        let sent = server.received_requests().await.unwrap();
        (sent.len() >= count).then_some(sent)
    })
    .await
}

fn id_of(request: &Request) -> &str {
    request.headers["webhook-id"].to_str().unwrap()
}

#[tokio::test]
async fn a_hold_is_told_at_once_and_list_test_metrics_and_trail_say_so() {
    let (site, server) = site(ResponseTemplate::new(200)).await;
    let running = site.start().await;
    site.ask_for(1..=1, "compromised").await;
    let told = until_told(&server, 1).await;
    let body: serde_json::Value = serde_json::from_slice(&told[0].body).unwrap();
    let alert = &body["data"]["alerts"][0];
    assert_eq!(
        (&alert["kind"], &alert["next"]),
        (&"hold".into(), &"revoked hold show 1".into())
    );
    assert!(!body.to_string().contains("user01"), "{body}");
    until("the record", async || (site.entries("alert.told").await == 1).then_some(())).await;

    let tested = site.says(&["notify", "test", "ops"]).await;
    assert!(tested.code == 0 && tested.out.contains("ops: handed over"), "{tested:?}");
    assert_eq!(until_told(&server, 2).await.len(), 2);
    let unknown = site.says(&["notify", "test", "nobody"]).await;
    assert!(
        unknown.code == 2 && unknown.err.contains("no channel is called"),
        "{unknown:?}"
    );

    let listed = site.ask(&["notify", "list"]).await;
    let ops = &listed[0];
    assert_eq!(
        (&ops["channel"], &ops["kind"], &ops["waiting"]),
        (&"ops".into(), &"webhook".into(), &0.into())
    );
    assert!(ops["last_success"].is_string() && ops["failing_since"].is_null(), "{ops}");
    let table = site.says(&["notify", "list"]).await.out;
    assert!(table.contains("ops") && table.contains("works"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let metrics = running.metrics().await;
    for line in [
        "revoked_notifications_total{channel=\"ops\",outcome=\"delivered\"} 2",
        "revoked_notifications_waiting{channel=\"ops\"} 0",
        "revoked_notifications_failing_seconds{channel=\"ops\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    running.stop().await;
    let offline = site.says(&["notify", "test"]).await;
    assert!(
        offline.code == 1 && offline.err.contains("the daemon does not run"),
        "{offline:?}"
    );
}

#[tokio::test]
async fn a_trial_is_tried_once_and_says_what_came_of_it() {
    let (site, server) = site(ResponseTemplate::new(503)).await;
    let running = site.start().await;
    let tested = site.says(&["notify", "test", "ops"]).await;
    assert!(tested.code == 1 && tested.out.contains("503"), "{tested:?}");
    assert_eq!(
        site.count("SELECT count(*) FROM notify_delivery WHERE state = 'given_up'")
            .await,
        1
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn killed_between_the_send_and_the_record_it_sends_the_same_under_the_same_name() {
    let (site, server) = site(ResponseTemplate::new(200).set_delay(Duration::from_mins(1))).await;
    let running = site.start().await;
    site.ask_for(1..=1, "compromised").await;
    let first = id_of(&until_told(&server, 1).await[0]).to_owned();
    running.kill().await;
    server.reset().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let running = site.start().await;
    site.until_count("SELECT count(*) FROM notify_delivery WHERE state = 'delivered'", 1)
        .await;
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent.iter().map(id_of).collect::<Vec<_>>(), [first]);
    running.stop().await;
}

#[tokio::test]
async fn one_who_is_busy_is_left_alone_for_as_long_as_he_asks() {
    let (site, server) = site(ResponseTemplate::new(429).insert_header("retry-after", "3000")).await;
    let running = site.start().await;
    site.ask_for(1..=1, "compromised").await;
    site.until_count(
        "SELECT count(*) FROM notify_delivery WHERE state = 'pending' AND attempts = 1",
        1,
    )
    .await;
    let paused = site.says(&["target", "pause", "chat", "--note", "an upgrade"]).await;
    assert_eq!(paused.code, 0, "{paused:?}");
    site.until_alert("target_paused").await;
    let tested = site.says(&["notify", "test", "ops", "--timeout", "2"]).await;
    assert!(tested.code == 1 && tested.out.contains("nothing came of it"), "{tested:?}");
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent.len(), 1);
    let listed = site.ask(&["notify", "list"]).await;
    assert_eq!(listed[0]["last_error"], "it answered 429");
    running.stop().await;
}

#[tokio::test]
async fn check_judges_the_channels_and_what_nobody_is_told_of() {
    let (site, server) = site(ResponseTemplate::new(200)).await;
    let checked = site.ask(&["check"]).await;
    let channels = checked["channels"].as_array().unwrap();
    assert_eq!(
        (&channels[0]["name"], &channels[0]["kind"]),
        (&"ops".into(), &"webhook".into())
    );
    let text = channels[0].to_string();
    assert!(text.contains("only channel") && !text.contains(&server.uri()), "{text}");
    site.secret("ops-url", b"http://127.0.0.1:9");
    site.configure(&InstallationPlan {
        more: Box::leak(format!("{WEBHOOK}kinds = [\"hold\"]\n").into_boxed_str()),
        ..InstallationPlan::default()
    });
    let checked = site.says(&["check"]).await;
    assert!(
        checked.out.contains("it cannot be reached") && checked.out.contains("nobody is told of"),
        "{checked:?}"
    );
}
