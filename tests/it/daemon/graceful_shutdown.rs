//! Graceful shutdown: SIGTERM in the middle of work.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use super::under_way::{stopped_in_the_middle, with_a_call_that_hangs};
use super::{BOUND, Installation, InstallationPlan, until};
use crate::harness::chat_holdings::Holdings;

#[tokio::test]
async fn a_stop_in_the_middle_of_a_batch_burns_no_attempt() {
    let site = stopped_in_the_middle().await;
    assert!(
        site.count("SELECT count(*) FROM job WHERE state <> 'done'").await > 0,
        "nothing was left to do"
    );
    assert_eq!(site.count("SELECT count(*) FROM job WHERE state = 'running'").await, 0);
    assert_eq!(
        site.count("SELECT count(*) FROM action WHERE outcome IS NULL OR outcome = 'unknown'")
            .await,
        0
    );
    assert_eq!(site.entries("daemon.stopped").await, 1);
    let _running = site.start().await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 80)
        .await;
    assert_eq!(site.count("SELECT max(attempt) FROM job").await, 1);
}

#[tokio::test]
async fn a_call_that_hangs_keeps_nobody_from_stopping_and_is_known_to_be_unknown() {
    let (site, running) = with_a_call_that_hangs().await;
    let began = Instant::now();
    running.stop().await;
    let took = began.elapsed();
    assert!(took > Duration::from_secs(24) && took < BOUND, "{took:?}");
    assert_eq!(site.count("SELECT count(*) FROM action WHERE outcome = 'unknown'").await, 1);
    assert_eq!(site.count("SELECT attempt FROM job WHERE state = 'queued'").await, 0);
    site.chat().faults().clear();
    let _running = site.start().await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
}

#[tokio::test]
async fn a_hangup_ends_nothing() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    running.signal(Signal::HUP);
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 0);
    running.stop().await;
    assert_eq!(site.entries("daemon.stopped").await, 1);
}

#[tokio::test]
async fn a_second_order_to_stop_stops_at_once_and_the_next_start_knows_what_was_under_way() {
    let (site, running) = with_a_call_that_hangs().await;
    running.terminate();
    until("the first order", async || site.log().contains("\"stopping\"").then_some(())).await;
    let began = Instant::now();
    running.terminate();
    let status = running.ended().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(1));
    assert!(site.log().contains("told to stop a second time"), "{}", site.log());
    site.chat().faults().clear();
    let _running = site.start().await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(site.count("SELECT count(*) FROM action WHERE outcome = 'unknown'").await > 0);
    assert!(Holdings::of(site.chat(), "user01").is_out());
}
