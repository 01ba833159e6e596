//! A row that another program or a damaged file has made unreadable is an error of whoever reads it: no panic, and the store works on.

use revoked::model::{Priority, Reason};
use revoked::store::{ListFilter, StoreError};
use sqlx::ConnectOptions as _;

use super::{Place, case_of, place, signal};

/// A text that is not UTF-8, which STRICT tables take.
const GARBAGE: &str = "CAST(x'4a6f73e9' AS TEXT)";

/// Makes one column unreadable, as another program could.
async fn damage(place: &Place, table: &str, column: &str) {
    damage_with(place, table, column, GARBAGE).await;
}

/// Puts an expression into one column, past every rule but that of the column's type.
async fn damage_with(place: &Place, table: &str, column: &str, value: &str) {
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&place.path)
        .foreign_keys(false)
        .pragma("ignore_check_constraints", "ON")
        .connect()
        .await
        .unwrap();
    let changed = sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE {table} SET {column} = {value}")))
        .execute(&mut conn)
        .await
        .unwrap();
    assert!(changed.rows_affected() > 0, "{table} has no row");
}

fn is_unreadable<T>(read: Result<T, StoreError>) -> bool {
    read.is_err_and(|error| format!("{:#}", anyhow::Error::from(error)).contains("cannot be read"))
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
async fn a_job_that_cannot_be_read_goes_to_the_ledger_with_an_alert_and_its_lane_goes_on() {
    for (table, column, value) in [
        ("job", "containment", GARBAGE),
        ("job", "evidence", "'{'"),
        ("job", "kind", "'blame'"),
        ("job", "priority", "-300"),
        ("cases", "subject_ref", GARBAGE),
        ("cases", "reason", "'boredom'"),
        ("person", "subject", GARBAGE),
    ] {
        let (place, case) = furnished().await;
        damage_with(&place, table, column, value).await;
        let receipt = place.accept(vec![signal("b", "bob@example.org", Reason::Departed)]).await;
        let healthy = case_of(&receipt.signals[0]).0;
        assert_ne!(healthy, case);
        assert!(place.store.waiting("chat").await.unwrap().is_some(), "{table}.{column}");
        let claims = place.store.claim("chat", Priority(9), 10).await.unwrap();
        let claimed: Vec<_> = claims.iter().map(|claim| claim.job.case.0).collect();
        assert_eq!(claimed, [healthy], "{table}.{column}");
        let alert = place.store.alerts(false).await.unwrap();
        let alert = alert.iter().find(|alert| alert.kind == "could_not_revoke").unwrap();
        assert_eq!(alert.case, Some(case), "{table}.{column}");
        assert!(alert.summary.contains("cannot be read"), "{}", alert.summary);
        assert_eq!(place.store.counts().await.unwrap().ledger, 1, "{table}.{column}");
        assert!(place.store.claim("chat", Priority(9), 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_job_whose_case_is_gone_or_whose_priority_is_beyond_all_others_is_given_up_and_not_left_to_its_lease() {
    for (column, value) in [("case_id", "4711"), ("priority", "300")] {
        let (place, _) = furnished().await;
        damage_with(&place, "job", column, value).await;
        assert!(place.store.waiting("chat").await.unwrap().is_some(), "{column}");
        assert!(place.store.claim("chat", Priority(u8::MAX), 10).await.unwrap().is_empty());
        let alerts = place.store.alerts(false).await.unwrap();
        assert!(alerts.iter().any(|alert| alert.kind == "could_not_revoke"), "{column}");
        assert!(place.store.waiting("chat").await.unwrap().is_none(), "{column}");
    }
}
