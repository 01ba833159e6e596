//! Evidence that cannot be read, and those who wait to be told.

use std::sync::Arc;

use revoked::model::{Delivery, Evidence, Priority, Reason, Settlement, Verdict};
use revoked::policy::Policy;
use revoked::store::SlotOffers;
use sqlx::Connection as _;

use super::making::connect;
use crate::store::{Place, case_of, place, signal};

/// A text that is not UTF-8, which STRICT tables take.
const GARBAGE: &str = "CAST(x'4a6f73e9' AS TEXT)";

async fn set_evidence(place: &Place, value: &str) {
    let mut conn = connect(&place.path, true).await;
    sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE job SET evidence = {value}")))
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
}

/// What was seen at one target cannot be read once the other one is done: an alert says that nobody was told of that case, and of every other one
/// they are told as ever.
#[tokio::test]
async fn evidence_that_cannot_be_read_never_silences_a_receiver() {
    let place = place().await;
    let store = &place.store;
    store.set_receivers(vec![crate::store::outbox::receiver()]).await.unwrap();
    let policy = Arc::new(Policy::standard(&["chat", "mail"]));
    let mut cases = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let signals = vec![signal(name, &format!("{name}@example.org"), Reason::Departed)];
        let delivery = Delivery::of("hr", signals, place.clock.now());
        let accepted = store
            .accept(Arc::clone(&policy), delivery, SlotOffers::default())
            .await
            .unwrap();
        cases.push(case_of(&accepted.receipt.signals[0]).0);
    }
    for target in ["chat", "mail"] {
        for claim in store.claim(target, Priority(9), 10).await.unwrap() {
            let evidence = Evidence {
                after_at: Some(place.clock.now()),
                ..Default::default()
            };
            let done = Settlement::Done(Verdict::Contained);
            store.settle(claim, vec![], evidence, done).await.unwrap();
        }
        let damaged = format!(
            "CASE WHEN target = 'chat' AND case_id = {} THEN {GARBAGE} WHEN target = 'chat' AND case_id = {} THEN '{{' ELSE evidence END",
            cases[0], cases[1]
        );
        if target == "chat" {
            set_evidence(&place, &damaged).await;
        }
    }
    for case in &cases[..2] {
        assert!(
            store
                .alert_is_open("proof_unreadable", &format!("case:{case}"))
                .await
                .unwrap()
        );
    }
    let withheld = place
        .trail()
        .await
        .iter()
        .filter(|kind| *kind == "statement.withheld")
        .count();
    assert_eq!(withheld, 2);
    let due = store.due_events("idp", 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert!(due[0].claims.contains("carol@"), "{}", due[0].claims);
    // What is on its way does not ask the evidence again.
    set_evidence(&place, GARBAGE).await;
    assert_eq!(store.due_events("idp", 10).await.unwrap(), due);
}
