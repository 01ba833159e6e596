//! Nothing is acknowledged before it is stored, and what is stored is known for good.

use std::time::Duration;

use revoked::clock::Clock;
use revoked::store::{Role, Store};
use sqlx::Connection as _;
use tokio::time::timeout;

use super::daemon_fixture::DaemonFixture;
use super::raw_http;
use super::rows::PUSHED;

#[tokio::test]
async fn the_yes_comes_after_the_commit() {
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        let call = stage.prepared(row, "slow-1", "user01").await;
        // While another program holds the lock nothing can be stored, and so nothing may be acknowledged.
        let mut other = stage.site.sql().await;
        let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let mut asked = Box::pin(stage.answer(&call));
        let early = timeout(Duration::from_millis(200), &mut asked).await;
        assert!(early.is_err(), "{}: answered {early:?} before the commit", row.kind);
        lock.rollback().await.unwrap();
        let answer = asked.await;
        assert!(answer.is_yes(), "{}: {answer:?}", row.kind);
        assert_eq!(stage.signals(row).await, 1, "{}: acknowledged and not stored", row.kind);
    }
}

#[tokio::test]
async fn a_power_cut_before_the_commit_gives_no_yes_and_one_after_it_loses_nothing() {
    let mut stage = DaemonFixture::new().await;
    for row in PUSHED {
        let call = stage.prepared(row, "cut-1", "user01").await;
        let mut other = stage.site.sql().await;
        let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let address = stage.address();
        let mut asked = Box::pin(raw_http::send(address, &call));
        assert!(timeout(Duration::from_millis(200), &mut asked).await.is_err(), "{}", row.kind);
        stage.kill().await;
        let answer = asked.await;
        assert!(answer.is_none(), "{}: {answer:?}", row.kind);
        lock.rollback().await.unwrap();
        assert_eq!(stage.signals(row).await, 0, "{}", row.kind);
        stage.start().await;
        // The sender comes again, as it must.
        let first = stage.answer(&call).await;
        assert!(first.is_yes(), "{}: {first:?}", row.kind);
        stage.kill().await;
        stage.start().await;
        assert_eq!(stage.signals(row).await, 1, "{}: acknowledged and lost", row.kind);
        let again = stage.answer(&call).await;
        assert_eq!(again.essence(), first.essence(), "{}", row.kind);
        assert_eq!((stage.signals(row).await, stage.cases(row).await), (1, 1), "{}", row.kind);
    }
}

#[tokio::test]
async fn a_store_that_fails_is_our_trouble_and_nothing_of_the_delivery_stays() {
    let stage = DaemonFixture::new().await;
    for row in PUSHED {
        let call = stage.prepared(row, "fails-1", "user01").await;
        let mut other = stage.site.sql().await;
        sqlx::raw_sql("CREATE TRIGGER broken BEFORE INSERT ON signal BEGIN SELECT RAISE(ABORT, 'broken for a test'); END")
            .execute(&mut other)
            .await
            .unwrap();
        let people = stage.site.count("SELECT count(*) FROM person").await;
        let answer = stage.answer(&call).await;
        assert_eq!(answer.status, 503, "{}: {answer:?}", row.kind);
        let wait: u64 = answer.header("retry-after").expect("no Retry-After").parse().unwrap();
        assert!((1..=60).contains(&wait), "{}: {wait}", row.kind);
        assert!(!answer.body.contains("broken for a test"), "{}: {answer:?}", row.kind);
        assert_eq!(stage.site.count("SELECT count(*) FROM person").await, people, "{}", row.kind);
        sqlx::raw_sql("DROP TRIGGER broken").execute(&mut other).await.unwrap();
        let answer = stage.answer(&call).await;
        assert!(answer.is_yes(), "{}: {answer:?}", row.kind);
        assert_eq!((stage.signals(row).await, stage.cases(row).await), (1, 1), "{}", row.kind);
    }
}

#[tokio::test]
async fn neither_retention_nor_erasure_opens_a_way_for_a_replay() {
    let mut stage = DaemonFixture::new().await;
    let mut calls = Vec::new();
    for row in PUSHED {
        let call = stage.prepared(row, "kept-1", "user01").await;
        let first = stage.answer(&call).await;
        assert!(first.is_yes(), "{}: {first:?}", row.kind);
        calls.push((row, call, first));
    }
    stage
        .site
        .until_count("SELECT count(*) FROM job WHERE state <> 'done'", 0)
        .await;
    stage.kill().await;
    // Everything that is over is older than retention keeps.
    let store = Store::open(&stage.site.store(), Role::Daemon, Clock::system()).await.unwrap();
    store.prune(Duration::ZERO, Duration::ZERO).await.unwrap();
    store.close().await;
    assert_eq!(stage.site.count("SELECT count(*) FROM cases").await, 0, "nothing was pruned");
    assert_eq!(
        stage.site.count("SELECT count(*) FROM person").await,
        0,
        "nobody was forgotten"
    );
    stage.start().await;
    let jobs = "SELECT count(*) FROM job";
    for (row, call, first) in &calls {
        let again = stage.answer(call).await;
        assert_eq!(again.essence(), first.essence(), "{}", row.kind);
        assert_eq!(stage.signals(row).await, 1, "{}", row.kind);
    }
    assert_eq!(
        (
            stage.site.count("SELECT count(*) FROM cases").await,
            stage.site.count(jobs).await
        ),
        (0, 0)
    );
    for subject in ["username:user01", "email:user01@example.test"] {
        stage.site.says(&["erase", subject]).await;
    }
    for (row, call, first) in &calls {
        // Where a person was known to the source itself, nobody is any more.
        let answer = stage.answer(call).await;
        assert!(
            answer.essence() == first.essence() || answer.status == 404,
            "{}: {answer:?}",
            row.kind
        );
    }
    assert_eq!(stage.site.count(jobs).await, 0);
}
