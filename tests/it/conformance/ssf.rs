//! The same rules for a stream of security events that we fetch: its answer to a delivery is the acknowledgement in the next poll.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::time::timeout;

use crate::harness::{DaemonProcess, Installation, InstallationPlan, until};
use crate::ssf::transmitter::{Manners, TOKEN, Transmitter};

const SOURCE: &str = r#"
[[source]]
name = "idp"
kind = "ssf"
delivery = "poll"
issuer = "{issuer}"
audience = "https://revoked.example.test/signals/idp"
token = { file = "{folder}/idp-token" }
"#;

struct Stream {
    site: Installation,
    transmitter: Transmitter,
    running: Option<DaemonProcess>,
}

impl Stream {
    async fn new(manners: Manners, level: &'static str) -> Self {
        let transmitter = Transmitter::start(manners).await;
        let site = Installation::new(InstallationPlan {
            more: SOURCE.replace("{issuer}", transmitter.issuer()).leak(),
            level,
            ..InstallationPlan::default()
        })
        .await;
        site.secret("idp-token", TOKEN.as_bytes());
        site.start().await.stop().await;
        let said = site.says(&["source", "ssf", "connect", "idp"]).await;
        assert_eq!(said.code, 0, "{said:?}");
        let running = Some(site.start().await);
        Self {
            site,
            transmitter,
            running,
        }
    }

    async fn acked(&self, jti: &str) {
        until("the acknowledgement", async || {
            self.transmitter.acked().iter().any(|acked| acked == jti).then_some(())
        })
        .await;
    }

    async fn counts(&self) -> (i64, i64) {
        (
            self.site
                .count("SELECT count(*) FROM signal WHERE source = 'idp' AND decision = 'act'")
                .await,
            self.site.count("SELECT count(*) FROM cases").await,
        )
    }

    async fn health(&self) -> Value {
        let status = self.site.ask(&["status"]).await;
        let sources = status["sources"].as_array().unwrap().clone();
        sources.into_iter().find(|source| source["source"] == "idp").unwrap()
    }
}

#[tokio::test]
async fn a_token_that_comes_again_and_again_leads_to_one_case() {
    let stream = Stream::new(
        Manners {
            heeds_acks: false,
            ..Manners::default()
        },
        "info",
    )
    .await;
    stream
        .transmitter
        .emit(&stream.transmitter.claims("again-1", "user01@example.test"));
    until("three acknowledgements", async || {
        let acked = stream.transmitter.acked();
        (acked.iter().filter(|jti| *jti == "again-1").count() >= 3).then_some(())
    })
    .await;
    assert_eq!(stream.counts().await, (1, 1));
    assert!(stream.site.alerts().await.is_empty());
}

#[tokio::test]
async fn nothing_is_acknowledged_before_the_commit_and_a_power_cut_loses_nothing() {
    let mut stream = Stream::new(Manners::default(), "info").await;
    let mut other = stream.site.sql().await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    stream
        .transmitter
        .emit(&stream.transmitter.claims("cut-1", "user01@example.test"));
    assert!(timeout(Duration::from_secs(1), stream.acked("cut-1")).await.is_err());
    stream.running.take().unwrap().kill().await;
    lock.rollback().await.unwrap();
    assert!(!stream.transmitter.acked().contains(&"cut-1".to_owned()));
    assert_eq!(stream.counts().await, (0, 0));
    stream.running = Some(stream.site.start().await);
    stream.acked("cut-1").await;
    assert_eq!(stream.counts().await, (1, 1));
    stream.running.take().unwrap().kill().await;
    stream.running = Some(stream.site.start().await);
    assert_eq!(stream.counts().await, (1, 1), "acknowledged and lost");
}

#[tokio::test]
async fn what_is_bad_is_told_and_on_record_and_what_stands_beside_it_is_taken() {
    let stream = Stream::new(Manners::default(), "trace").await;
    let transmitter = &stream.transmitter;
    let good = Transmitter::sign(&transmitter.claims("good-1", "user01@example.test"));
    let flipped = format!("{}AAAA", &good[..good.len() - 4]);
    let mut far = transmitter.claims("far-1", "user03@example.test");
    far["iat"] = json!(15_203_800_012_i64);
    for (name, token) in [
        ("garbage-1", "no token".to_owned()),
        ("flipped-1", flipped),
        ("half-1", good[..good.len() / 2].to_owned()),
        ("other-name-1", good.clone()),
        ("far-1", Transmitter::sign(&far)),
    ] {
        transmitter.queue(name, token);
    }
    transmitter.emit(&transmitter.claims("good-2", "user01@example.test"));
    until("five errors", async || (transmitter.errs().len() == 5).then_some(())).await;
    stream.acked("good-2").await;
    // The same name with other content is an attack, not a repetition.
    transmitter.emit(&transmitter.claims("good-2", "user05@example.test"));
    until("the alert", async || {
        stream
            .site
            .alerts()
            .await
            .contains(&"replay_with_other_content".to_owned())
            .then_some(())
    })
    .await;
    assert_eq!(stream.counts().await, (1, 1));
    let health = stream.health().await;
    assert_eq!(health["refused"]["unreadable"]["times"], 5, "{health:#}");
    assert!(
        !health["spoke_at"].is_null() && !health["verified_at"].is_null(),
        "{health:#}"
    );
    until("a look", async || {
        (!stream.health().await["looked_at"].is_null()).then_some(())
    })
    .await;
    let trail = stream.site.says(&["trail", "show", "--long", "--last", "10000"]).await.out;
    for name in ["garbage-1", "flipped-1", "half-1", "other-name-1", "far-1"] {
        // Its name is a text of the transmitter's, so the trail has what the name's SHA-256 begins with.
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, name.as_bytes());
        let begins = format!("{:08x}", u32::from_be_bytes(digest.as_ref()[..4].try_into().unwrap()));
        assert!(trail.contains(&format!("token {begins}")), "{name} left no record");
        assert!(!trail.contains(name), "{name} stands in the trail");
    }
    let signature = good.rsplit('.').next().unwrap();
    let metrics = stream.running.as_ref().unwrap().metrics().await;
    let store = String::from_utf8_lossy(&fs::read(stream.site.store()).unwrap()).into_owned();
    let wal = String::from_utf8_lossy(&fs::read(stream.site.path("revoked.db-wal")).unwrap_or_default()).into_owned();
    for (place, text) in [
        ("the log", stream.site.log()),
        ("the trail", trail),
        ("the metrics", metrics),
        ("the store", store),
        ("the log of the store", wal),
    ] {
        for secret in [TOKEN, signature] {
            assert!(!text.contains(secret), "{place} holds a secret");
        }
    }
}
