//! A store that is taken away, replaced or given a second name under a running daemon.

use std::fs;
use std::path::{Path, PathBuf};

use super::under_way::with_identity_provider;
use super::{DaemonProcess, Installation, until};
use crate::harness::identity_provider::Idp;

/// A file of the store beside the database.
fn beside(store: &Path, what: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(what);
    name.into()
}

/// The status of a push about one of the people. A daemon that has ended by itself has accepted nothing.
async fn push(running: &DaemonProcess, idp: &Idp, person: usize) -> u16 {
    let token = idp.token(&format!("jti-{person}"), &format!("user{person:02}@example.test"));
    running.push(&token).await.map_or(0, |answer| answer.status().as_u16())
}

/// Waits for its end, which must be a failure that says what happened to which file.
async fn ends_with(site: &Installation, running: DaemonProcess, why: &str) {
    let status = running.ended().await;
    assert_eq!(status.code(), Some(1), "{}", site.log());
    assert!(site.log().contains(why), "{why}: {}", site.log());
    assert!(!site.log().contains("panicked"), "{}", site.log());
}

#[tokio::test]
async fn nothing_is_acknowledged_once_the_database_is_gone_and_the_daemon_ends_with_the_reason() {
    let (site, idp, running) = with_identity_provider().await;
    assert_eq!(push(&running, &idp, 1).await, 202);
    for part in ["", "-wal", "-shm"] {
        fs::remove_file(beside(&site.store(), part)).unwrap();
    }
    // Long enough idle for the next delivery to be looked after: the answer before it was trusted for 50 ms at most.
    tokio::time::timeout(std::time::Duration::from_millis(60), std::future::pending::<()>())
        .await
        .unwrap_err();
    for person in 2..5 {
        let status = push(&running, &idp, person).await;
        assert!([503, 0].contains(&status), "{status}");
    }
    ends_with(&site, running, "was removed while revoked ran").await;
}

#[tokio::test]
async fn a_log_that_was_unlinked_loses_nothing_that_was_acknowledged() {
    let (site, idp, running) = with_identity_provider().await;
    fs::remove_file(beside(&site.store(), "-wal")).unwrap();
    let mut acknowledged = 0;
    for person in 1..6 {
        acknowledged += i64::from(push(&running, &idp, person).await == 202);
    }
    ends_with(&site, running, "the log of the database").await;
    site.lost_none_of(acknowledged).await;
}

#[tokio::test]
async fn a_copy_that_was_put_in_the_place_of_the_database_is_left_as_it_is() {
    let (site, idp, running) = with_identity_provider().await;
    assert_eq!(push(&running, &idp, 1).await, 202);
    let copies = ["", "-wal"].map(|part| (beside(&site.store(), part), beside(&site.path("copy"), part)));
    for (there, copy) in &copies {
        fs::copy(there, copy).unwrap();
    }
    let before = copies.each_ref().map(|(_, copy)| fs::read(copy).unwrap());
    for (there, copy) in &copies {
        fs::rename(copy, there).unwrap();
    }
    ends_with(&site, running, "the database").await;
    assert!(site.log().contains("was replaced while revoked ran"));
    let after = copies.each_ref().map(|(there, _)| fs::read(there).unwrap());
    assert!(before == after, "the daemon wrote what it had not opened");
}

#[tokio::test]
async fn a_second_name_of_the_database_alerts_while_it_is_there_and_keeps_every_start_out() {
    let (site, _, running) = with_identity_provider().await;
    let other = site.path("other.db");
    fs::hard_link(site.store(), &other).unwrap();
    until("the alert", async || (site.alerts().await == ["store_linked"]).then_some(())).await;
    for path in [&site.store(), &other] {
        let said = site.says(&["run", "--store", &path.display().to_string()]).await;
        assert!(said.code == 3 && said.err.contains("2 names"), "{said:?}");
    }
    fs::remove_file(&other).unwrap();
    until("the alert's end", async || site.alerts().await.is_empty().then_some(())).await;
    running.stop().await;
}

#[tokio::test]
async fn a_daemon_whose_lock_was_taken_away_keeps_others_out_and_ends() {
    let (site, _, running) = with_identity_provider().await;
    fs::remove_file(beside(&site.store(), ".lock")).unwrap();
    let said = site.says(&["run"]).await;
    let ended = site.log().contains("the lock of the store");
    assert!(said.code == 4 || ended, "{said:?}");
    ends_with(&site, running, "the lock of the store").await;
    site.start().await.stop().await;
}
