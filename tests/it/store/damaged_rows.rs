//! A row that another program or a damaged file has made unreadable is an error of whoever reads it: no panic, and the store works on.

use revoked::model::{Priority, Reason};
use revoked::store::{ListFilter, StoreError};
use sqlx::ConnectOptions as _;

use super::{Place, case_of, place, signal};

/// A text that is not UTF-8, which STRICT tables take.
const GARBAGE: &str = "CAST(x'4a6f73e9' AS TEXT)";

/// Makes one column unreadable, as another program could.
async fn damage(place: &Place, table: &str, column: &str) {
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&place.path)
        .connect()
        .await
        .unwrap();
    let changed = sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE {table} SET {column} = {GARBAGE}")))
        .execute(&mut conn)
        .await
        .unwrap();
    assert!(changed.rows_affected() > 0, "{table} has no row");
}

fn is_unreadable<T>(read: Result<T, StoreError>) -> bool {
    read.is_err_and(|error| format!("{:#}", anyhow::Error::from(error)).contains("reading a column"))
}

/// A store with a case, a job, an alert and a paused lane.
async fn furnished() -> (Place, i64) {
    let place = place().await;
    let receipt = place.accept(vec![signal("a", "alice@example.org", Reason::Departed)]).await;
    place
        .store
        .raise_alert("target_down", "target:chat".to_owned(), "down".to_owned())
        .await
        .unwrap();
    place.store.pause_lane("chat", "an operator said so").await.unwrap();
    let case = case_of(&receipt.signals[0]).0;
    (place, case)
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_of_its_view() {
    let (place, case) = furnished().await;
    let store = &place.store;
    let all = ListFilter {
        limit: 10,
        ..ListFilter::default()
    };
    assert!(store.alerts(false).await.is_ok() && store.case_detail(case).await.is_ok() && store.jobs(&all).await.is_ok());
    damage(&place, "alert", "summary").await;
    assert!(is_unreadable(store.alerts(false).await));
    damage(&place, "lane", "paused_why").await;
    assert!(is_unreadable(store.lane_paused("chat").await));
    assert!(is_unreadable(store.counts().await));
    damage(&place, "signal", "note").await;
    assert!(is_unreadable(store.case_detail(case).await));
    damage(&place, "job", "error").await;
    assert!(is_unreadable(store.jobs(&all).await));
    damage(&place, "cases", "requested_by").await;
    assert!(is_unreadable(store.cases(&all).await));
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_an_error_of_its_claim_and_the_writer_goes_on() {
    let (place, case) = furnished().await;
    damage(&place, "job", "containment").await;
    assert!(is_unreadable(place.store.claim("chat", Priority(9), 10).await));
    let receipt = place.accept(vec![signal("b", "bob@example.org", Reason::Departed)]).await;
    assert_ne!(case_of(&receipt.signals[0]).0, case);
}
