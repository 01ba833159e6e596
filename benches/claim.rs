//! The claim at a thousand and at a million queued rows, through the same index.

use std::time::Instant;

use revoked::clock::Clock;
use revoked::model::Reason;
use revoked::policy::Policy;
use revoked::store::{Role, SlotOffers, Store};
use sqlx::ConnectOptions as _;

use crate::table::{Row, median, ms};
use crate::{figures, lane};

pub(crate) async fn measure() -> Vec<Row> {
    let small = claims(1_000).await;
    let large = claims(1_000_000).await;
    vec![Row {
        what: figures::CLAIM.to_owned(),
        measured: format!("{large:.2} ms = {:.2} of the small one", large / small),
        reference: format!("10^3 queued: {small:.2} ms"),
        goal: "flat (at most 1.5)".to_owned(),
        met: Some(large / small <= 1.5),
    }]
}

async fn claims(rows: usize) -> f64 {
    let folder = lane::folder();
    let path = folder.path().join("revoked.db");
    filled(&path, rows).await;
    let store = Store::open(&path, Role::Daemon, Clock::system()).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        let claims = store.claim("chat", lane::ANY, 1).await.unwrap();
        times.push(ms(began.elapsed()));
        assert_eq!(claims.len(), 1);
        drop(claims);
    }
    store.close().await;
    median(times)
}

/// A store with so many queued jobs: one real case, copied by SQL.
pub(crate) async fn filled(path: &std::path::Path, rows: usize) {
    let store = Store::open(path, Role::Daemon, Clock::system()).await.unwrap();
    let policy = std::sync::Arc::new(Policy::standard(&["chat"]));
    let delivery = revoked::model::Delivery::of(
        "bench",
        vec![lane::signal(1, 7, Reason::Departed, "first")],
        store.clock().now(),
    );
    store.accept(policy, delivery, SlotOffers::default()).await.unwrap();
    store.close().await;
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap();
    for sql in [
        "INSERT INTO cases (subject_ref, reason, playbook, scope, priority, state, source, received_at) \
         WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
         SELECT c.subject_ref, c.reason, c.playbook, c.scope, c.priority, c.state, c.source, c.received_at FROM n, cases c WHERE c.id = 1",
        "INSERT INTO job (case_id, target, kind, containment, priority, state, created_at) \
         SELECT c.id, j.target, j.kind, j.containment, j.priority, 'queued', j.created_at FROM cases c, job j WHERE j.id = 1 AND c.id > 1 \
         AND ?1 > 0",
    ] {
        sqlx::query(sql)
            .bind(i64::try_from(rows).unwrap())
            .execute(&mut conn)
            .await
            .unwrap();
    }
    sqlx::Connection::close(conn).await.unwrap();
}
