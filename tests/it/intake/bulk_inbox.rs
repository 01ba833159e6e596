//! A bulk load in the inbox, and what must get past it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use revoked::clock::Clock;
use revoked::intake::{self, Intake};
use revoked::model::{Delivery, GrantKind, Reason, Signal, When};
use revoked::store::{InboxRow, Role, SlotOffers, Store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::wait::until;
use crate::worker::harness::{Harness, everything};
use crate::worker::scripted_target::Scripted;

/// How many rows about leavers wait.
const BULK: i64 = 30_000;

/// A program that writes everybody into the inbox at once.
async fn bulk(store: &Store) -> SqliteConnection {
    let mut other = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) \
         INSERT INTO inbox (subject, reason, requested_by) SELECT 'username:leaver' || i, 'departed', 'payroll' FROM n",
    )
    .bind(BULK)
    .execute(&mut other)
    .await
    .unwrap();
    other
}

async fn count(other: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(other).await.unwrap()
}

fn request(subject: &str, reason: Reason) -> InboxRow {
    InboxRow {
        subject: subject.to_owned(),
        reason: reason.word().to_owned(),
        requested_by: "operator:ann(1000)".to_owned(),
        ..InboxRow::default()
    }
}

const STILL_NEW: &str = "SELECT count(*) FROM inbox WHERE state = 'new'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_of_another_process_gets_past_a_bulk_of_routine_rows() {
    let mut harness = Harness::demanding(everything()).await;
    let unlimited = harness.policy.limits["test"];
    harness.policy.limits.insert("inbox".to_owned(), unlimited);
    let target = Arc::new(Scripted::new());
    target.account("intruded", &[(GrantKind::Session, "s1")]);
    let lanes = harness.lanes(&target, 4).await;
    let mut other = bulk(&harness.store).await;
    let intake = Intake::new(
        harness.store.clone(),
        Arc::new(harness.policy.clone()),
        lanes,
        vec!["chat".to_owned()],
        BTreeMap::new(),
    );
    let stop = CancellationToken::new();
    let running = tokio::spawn(intake::run_inbox(intake, stop.clone()));
    until("the first of the bulk", async || {
        (count(&mut other, STILL_NEW).await < BULK).then_some(())
    })
    .await;

    // A command is another process with another connection to the file.
    let command = Store::open(harness.store.path(), Role::Command, Clock::system())
        .await
        .unwrap();
    let mut slowest = Duration::ZERO;
    let mut rows = Vec::new();
    for n in 0..5 {
        let began = Instant::now();
        let subject = if n == 4 {
            "username:intruded".to_owned()
        } else {
            format!("username:other{n}")
        };
        rows.push(command.submit_request(request(&subject, Reason::Compromised)).await.unwrap());
        slowest = slowest.max(began.elapsed());
    }
    let before = count(&mut other, STILL_NEW).await;
    let began = Instant::now();
    let urgent = rows[4];
    until("the urgent row", async || {
        let answer = command.inbox_answer(urgent).await.unwrap();
        (answer.state != "new").then_some(())
    })
    .await;
    let taken = before - count(&mut other, STILL_NEW).await;
    until("the first revoke", async || (!target.sent().is_empty()).then_some(())).await;
    let until_revoke = began.elapsed();
    let waiting = count(&mut other, STILL_NEW).await;

    stop.cancel();
    running.await.unwrap();
    command.close().await;
    harness.shutdown.soft.cancel();
    harness.store.close().await;
    assert!(
        waiting > BULK / 2,
        "the bulk was over before anything could be shown: {waiting} rows are left"
    );
    // What it waits for is the portion that is under way, and at most the look that had begun.
    assert!(taken <= 1024, "{taken} routine rows went before an urgent one");
    // Far more than it takes: debug builds on a busy machine.
    assert!(
        slowest < Duration::from_secs(3),
        "a command waited {slowest:?} for the write lock"
    );
    assert!(until_revoke < Duration::from_secs(5), "{until_revoke:?} to the first revoke");
}

#[tokio::test]
async fn a_row_about_somebody_whose_rows_are_damaged_is_rejected_and_holds_up_no_other() {
    let harness = Harness::demanding(everything()).await;
    let target = Arc::new(Scripted::new());
    let lanes = harness.lanes(&target, 1).await;
    // Planned for a day that does not come, so that only the store knows of it.
    let mut planned = Signal::new("planned", [1; 32], "username:damaged".parse().unwrap(), Reason::Departed);
    planned.when = When::At(harness.store.clock().now().plus(Duration::from_hours(24)));
    let delivery = Delivery::of("test", vec![planned], harness.store.clock().now());
    let policy = Arc::new(harness.policy.clone());
    harness
        .store
        .accept(Arc::clone(&policy), delivery, SlotOffers::default())
        .await
        .unwrap();
    let mut other = SqliteConnectOptions::new()
        .filename(harness.store.path())
        .connect()
        .await
        .unwrap();
    sqlx::query("UPDATE job SET containment = 'rubbish'")
        .execute(&mut other)
        .await
        .unwrap();
    let mut rows = Vec::new();
    for subject in ["username:before", "username:damaged", "username:after"] {
        rows.push(
            harness
                .store
                .submit_request(request(subject, Reason::Compromised))
                .await
                .unwrap(),
        );
    }
    let intake = Intake::new(harness.store.clone(), policy, lanes, vec!["chat".to_owned()], BTreeMap::new());
    let stop = CancellationToken::new();
    let running = tokio::spawn(intake::run_inbox(intake, stop.clone()));
    until("the last row", async || {
        (count(&mut other, STILL_NEW).await == 0).then_some(())
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    let mut answers = Vec::new();
    for row in rows {
        answers.push(harness.store.inbox_answer(row).await.unwrap());
    }
    harness.shutdown.soft.cancel();
    harness.store.close().await;
    let states: Vec<&str> = answers.iter().map(|answer| answer.state.as_str()).collect();
    assert_eq!(states, ["accepted", "rejected", "accepted"], "{answers:?}");
    let why = answers[1].why.as_deref().unwrap();
    assert!(why.contains("damaged") && why.contains("containment"), "{why}");
}

#[tokio::test]
async fn rows_go_by_urgency_and_words_about_a_leaver_keep_their_order() {
    let harness = Harness::demanding(everything()).await;
    for reason in Reason::ALL {
        // As another program writes it: nothing but the columns of the contract.
        let mut other = SqliteConnectOptions::new()
            .filename(harness.store.path())
            .connect()
            .await
            .unwrap();
        sqlx::query("INSERT INTO inbox (subject, reason, requested_by) VALUES ('username:u', ?, 'payroll')")
            .bind(reason.word())
            .execute(&mut other)
            .await
            .unwrap();
    }
    let mut order = Vec::new();
    loop {
        let rows = harness.store.inbox_new(100).await.unwrap();
        if rows.is_empty() {
            break;
        }
        order.push(
            rows.iter()
                .map(|row| Reason::from_word(&row.reason).unwrap())
                .collect::<Vec<_>>(),
        );
        for row in rows {
            let refusal = revoked::store::InboxRefusal {
                code: "subject_not_understood",
                why: "looked at".to_owned(),
                digest: None,
            };
            harness.store.reject_inbox(row.id, refusal).await.unwrap();
        }
    }
    harness.store.close().await;
    let urgent = [
        vec![Reason::Compromised],
        vec![Reason::CredentialChanged],
        vec![Reason::Logout],
    ];
    assert_eq!(order[..3], urgent);
    assert!(urgent.iter().is_sorted_by_key(|reasons| reasons[0].priority()));
    // A suspension is more urgent than a departure as work. Here it must not overtake the word that takes it back.
    let in_turn = [
        Reason::Departed,
        Reason::Suspended,
        Reason::RiskElevated,
        Reason::Reactivated,
        Reason::Noted,
    ];
    assert_eq!(order[3..], [in_turn]);
}
