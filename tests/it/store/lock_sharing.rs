//! The write lock among several processes.

use std::time::Duration;

use revoked::clock::Clock;
use revoked::store::{InboxRow, Role, Store, StoreError};
use sqlx::Connection as _;
use tokio::time::{Instant, timeout};

use super::{NOW, place};

fn request() -> InboxRow {
    InboxRow {
        subject: "alice@example.org".to_owned(),
        reason: "compromised".to_owned(),
        requested_by: "operator:ann(1000)".to_owned(),
        ..InboxRow::default()
    }
}

#[tokio::test]
async fn a_command_waits_for_the_write_lock_where_the_daemon_gives_up() {
    let place = place().await;
    let command = Store::open(&place.path, Role::Command, Clock::fixed(NOW)).await.unwrap();
    let mut other = place.connection().await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut asked = Box::pin(command.submit_request(request()));
    let told = command.has_waited_for_lock(Duration::from_millis(300));
    tokio::select! {
        answer = &mut asked => panic!("{answer:?} without the lock"),
        waits = told => assert!(waits, "it can be said what it waits for"),
    }
    let (refused, early) = tokio::join!(
        place.store.submit_request(request()),
        timeout(Duration::from_secs(6), &mut asked)
    );
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("write lock") && said.contains("nothing was stored"), "{said}");
    assert!(early.is_err(), "{early:?} without the lock");
    lock.rollback().await.unwrap();
    let row = timeout(Duration::from_secs(10), asked).await.unwrap().unwrap();
    assert_eq!(place.store.inbox_answer(row).await.unwrap().state, "new");
    command.close().await;
    assert!(
        place.store.alerts(false).await.unwrap().is_empty(),
        "a wait of a command is no alert"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_never_rests_lets_a_command_in() {
    let place = place().await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..64 {
        let store = place.store.clone();
        writers.spawn(async move {
            loop {
                store
                    .raise_alert("hold", format!("hold:{n}"), "nothing".to_owned())
                    .await
                    .unwrap();
            }
        });
    }
    let command = Store::open(&place.path, Role::Command, Clock::fixed(NOW)).await.unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let began = Instant::now();
        command.submit_request(request()).await.unwrap();
        slowest = slowest.max(began.elapsed());
    }
    writers.shutdown().await;
    command.close().await;
    assert!(slowest < Duration::from_secs(4), "a command waited {slowest:?}");
}

#[tokio::test]
async fn a_command_leaves_the_log_to_the_daemon() {
    let place = place().await;
    place.store.submit_request(request()).await.unwrap();
    let log = place.path.with_file_name("revoked.db-wal");
    let before = std::fs::metadata(&log).unwrap().len();
    let command = Store::open(&place.path, Role::Command, Clock::fixed(NOW)).await.unwrap();
    command.submit_request(request()).await.unwrap();
    command.close().await;
    assert!(
        std::fs::metadata(&log).unwrap().len() > before,
        "the log was folded by a command, which takes the write lock for as long as that takes"
    );
}
