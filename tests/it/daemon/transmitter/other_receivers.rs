//! Receivers that are not ours to write: the script of the docs, and another `revoked`.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::super::{BOUND, Installation, InstallationPlan};
use super::{POLL, PUSH, SESSION_REVOKED, TransmitterUnderTest};

#[tokio::test]
async fn the_receiver_of_the_docs_believes_what_it_is_told_knowing_only_our_issuer() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let running = transmitter.site.start().await;
    let port = transmitter.ear.rsplit(':').next().unwrap();
    let mut receiver = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/receiver.py"))
        .args([&format!("http://{}", transmitter.us), "https://idp.example.test/ssf", port])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    let mut lines = BufReader::new(receiver.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(BOUND, lines.next_line())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let claims: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(claims["sub_id"]["email"], "user01@example.test");
    assert!(claims["events"][SESSION_REVOKED].is_object());
    transmitter
        .site
        .until_count("SELECT count(*) FROM outbox WHERE state = 'delivered'", 1)
        .await;
    // It is no fool: what we did not sign it does not believe.
    let forged = running
        .http
        .post(format!("http://{}/", transmitter.ear))
        .body("e30.e30.c2ln")
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), 400);
    receiver.kill().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn another_daemon_of_ours_takes_what_it_is_told_over_its_own_door() {
    let transmitter = TransmitterUnderTest::new(PUSH).await;
    let other = Installation::new(InstallationPlan::default()).await;
    let config = std::fs::read_to_string(other.config())
        .unwrap()
        .replace("127.0.0.1:0", &transmitter.ear);
    let source = format!(
        "[[source]]\nname = \"peer\"\nkind = \"ssf-push\"\nissuer = \"http://{}\"\naudience = \"https://idp.example.test/ssf\"\n\
         authorization = {{ file = \"{}\" }}\n",
        transmitter.us,
        transmitter.site.path("idp-authorization").display()
    );
    std::fs::write(other.config(), config + source.as_str()).unwrap();
    let config = std::fs::read_to_string(transmitter.site.config()).unwrap();
    std::fs::write(
        transmitter.site.config(),
        config.replace("/ssf\"\nauthorization", "/signals/peer\"\nauthorization"),
    )
    .unwrap();
    let (_ours, theirs) = (transmitter.site.start().await, other.start().await);
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    transmitter
        .site
        .until_count("SELECT count(*) FROM outbox WHERE state = 'delivered'", 1)
        .await;
    // It believes us, and does not act: with a transmitter of its own, the two would tell each other for ever.
    let kept = "SELECT count(*) FROM signal WHERE source = 'peer' AND decision = 'ignore' AND why LIKE 'echo%'";
    assert_eq!(other.count(kept).await, 1);
    assert_eq!(other.count("SELECT count(*) FROM cases").await, 0);
    theirs.stop().await;
}

#[tokio::test]
async fn another_daemon_of_ours_finds_its_stream_by_our_name_alone_and_polls_it() {
    let transmitter = TransmitterUnderTest::new(POLL).await;
    let other = Installation::new(InstallationPlan::default()).await;
    let source = format!(
        "[[source]]\nname = \"peer\"\nkind = \"ssf\"\nissuer = \"http://{}/tenant\"\naudience = \"https://siem.example.test\"\n\
         delivery = \"poll\"\ntoken = {{ file = \"{}\" }}\nevents = [\"session-revoked\", \"credential-change\"]\n",
        transmitter.us,
        transmitter.site.path("idp-token").display()
    );
    let config = std::fs::read_to_string(other.config()).unwrap();
    std::fs::write(other.config(), config + source.as_str()).unwrap();
    let (_ours, theirs) = (transmitter.site.start().await, other.start().await);
    let connected = other.says(&["source", "ssf", "connect", "peer"]).await;
    assert_eq!(connected.code, 0, "{connected:?}");
    transmitter.site.revoke("user01@example.test", "compromised", &[]).await;
    transmitter
        .site
        .until_count(
            "SELECT count(*) FROM outbox WHERE event = 'session-revoked' AND state = 'delivered'",
            1,
        )
        .await;
    let kept = "SELECT count(*) FROM signal WHERE source = 'peer' AND why LIKE 'echo%'";
    assert_eq!(other.count(kept).await, 1);
    theirs.stop().await;
}
