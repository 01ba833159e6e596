//! A burst is held back by the protocol's own means, and no delivery is lost to it.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use sqlx::Connection as _;
use tokio::io::AsyncWriteExt as _;

use super::daemon_fixture::DaemonFixture;
use super::raw_http::{Answer, Call, connect, exchange, send};
use super::rows::PUSHED;
use crate::harness::{InstallationPlan, until};

/// A yes, or a no that says when to come again.
fn is_fair(answer: &Answer) -> bool {
    let wait = answer.header("retry-after").and_then(|wait| wait.parse::<u64>().ok());
    answer.is_yes() || (matches!(answer.status, 429 | 503) && wait.is_some_and(|wait| (1..=60).contains(&wait)))
}

#[tokio::test]
async fn who_keeps_sending_garbage_is_held_off_and_nobody_else() {
    let stage = DaemonFixture::new().await;
    for (n, row) in PUSHED.iter().enumerate() {
        let good = stage.prepared(row, "garbage-1", "user01").await;
        let bad = Call {
            body: b"garbage".to_vec(),
            ..good.clone().but("authorization", None)
        };
        let from = Ipv4Addr::new(198, 51, 100, u8::try_from(n + 1).unwrap());
        let send = async |call: &Call| {
            let answer = exchange(connect(stage.address()).await, &call.bytes_from(from)).await;
            answer.unwrap()
        };
        let mut statuses = Vec::new();
        // Twenty, and one more for each three seconds that these take.
        while statuses.last() != Some(&429) {
            let answer = send(&bad).await;
            assert!(answer.status != 429 || is_fair(&answer), "{}: {answer:?}", row.kind);
            statuses.push(answer.status);
            assert!(statuses.len() < 60, "{}: {statuses:?}", row.kind);
        }
        assert!(statuses.len() > 20, "{}: {statuses:?}", row.kind);
        until("the alert about the closed door", async || {
            let alerts = stage.site.ask(&["alert", "list"]).await;
            let about = |alert: &Value| alert["kind"] == "door_closed" && alert["key"] == format!("source:{}", row.kind);
            alerts.as_array().unwrap().iter().any(about).then_some(())
        })
        .await;
        assert!(send(&good).await.is_yes(), "{}: who proves who it is gets in", row.kind);
        let bad_and_proven = Call {
            body: b"garbage".to_vec(),
            ..good
        };
        let (mut held_off, begun) = (0, Instant::now());
        for _ in 0..24 {
            held_off += u64::from(send(&bad_and_proven).await.status == 429);
        }
        if row.by_header.is_empty() {
            let let_in = 1 + begun.elapsed().as_secs() / 3;
            assert!(held_off + let_in >= 24, "{}: {held_off}", row.kind);
        } else {
            assert_eq!(held_off, 0, "{}", row.kind);
        }
    }
}

#[tokio::test]
async fn a_burst_of_good_deliveries_is_taken_whole_by_senders_who_come_again() {
    let stage = DaemonFixture::with(InstallationPlan {
        listen: "connections = 16",
        ..InstallationPlan::default()
    })
    .await;
    for row in PUSHED {
        let mut calls = Vec::new();
        for n in 0..60 {
            calls.push(
                stage
                    .prepared(row, &format!("burst-{n}"), &format!("user{:02}", n % 10 + 1))
                    .await,
            );
        }
        let to = stage.address();
        let sent = join_all(calls.iter().map(|call| async move {
            until("a yes", async || {
                let answer = send(to, call).await?;
                assert!(is_fair(&answer), "{answer:?}");
                answer.is_yes().then_some(())
            })
            .await;
        }));
        sent.await;
        assert_eq!(stage.signals(row).await, 60, "{}", row.kind);
    }
}

#[tokio::test]
async fn more_than_can_wait_for_the_store_are_told_to_come_again() {
    let stage = DaemonFixture::with(InstallationPlan {
        listen: "connections = 4",
        ..InstallationPlan::default()
    })
    .await;
    for row in PUSHED {
        let mut calls = Vec::new();
        for n in 0..5 {
            calls.push(stage.prepared(row, &format!("wait-{n}"), "user01").await);
        }
        let mut other = stage.site.sql().await;
        let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let answer = until("a refusal", async || {
            // Senders who hang up leave their deliveries at work; what has begun is finished.
            for call in &calls[..4] {
                let mut stream = connect(stage.address()).await;
                stream.write_all(&call.bytes()).await.unwrap();
                let silence = tokio::time::timeout(Duration::from_millis(100), exchange(stream, b"")).await;
                assert!(silence.is_err(), "{}: {silence:?}", row.kind);
            }
            // A second is waited for a place. Where one of the four had not begun yet, this one takes it, and the next one is told.
            tokio::time::timeout(Duration::from_secs(3), stage.answer(&calls[4]))
                .await
                .ok()
        })
        .await;
        assert!(answer.status == 503 && is_fair(&answer), "{}: {answer:?}", row.kind);
        lock.rollback().await.unwrap();
        for call in &calls {
            until("a yes", async || {
                send(stage.address(), call).await.filter(Answer::is_yes).map(drop)
            })
            .await;
        }
        assert_eq!(stage.signals(row).await, 5, "{}", row.kind);
    }
}
