//! Values that are not of their column's type are converted once they stand in the way, and somebody is told.

use super::furnished::furnished;
use super::making::{Damage, Made, connect, make};

#[tokio::test]
async fn a_value_that_keeps_rows_from_being_changed_is_converted_with_an_alert_and_the_next_try_goes_through() {
    for (table, column, value, made) in [
        ("job", "error", "x'00ff'", Made::PastTheRules),
        ("job", "kind", "x'00ff'", Made::PastTheRules),
        ("tally", "n", "9223372036854775807", Made::ByTheRules),
    ] {
        let place = furnished().await;
        let damage = Damage {
            table: table.to_owned(),
            column: column.to_owned(),
            value,
        };
        assert_eq!(make(&place.path, &damage).await, made);
        // The job under way comes back, at the second try at the latest.
        let first = place.store.expire_leases(true).await;
        assert!(!matches!(first, Ok(1..)), "{table}.{column} stood in the way of nothing");
        assert_eq!(place.store.expire_leases(true).await.unwrap(), 1, "{table}.{column}");
        let key = format!("table:{table}");
        assert!(place.store.alert_is_open("store_damaged", &key).await.unwrap());
        let alerts = place.store.alerts(false).await.unwrap();
        let alert = alerts.iter().find(|alert| alert.key == key).unwrap();
        assert!(alert.summary.contains(&format!("{column} (")), "{}", alert.summary);
        let mut conn = connect(&place.path, true).await;
        let wrong: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT count(*) FROM {table} WHERE typeof({column}) NOT IN ('text', 'integer')"
        )))
        .fetch_one(&mut conn)
        .await
        .unwrap();
        assert_eq!(wrong, 0);
        sqlx::Connection::close(conn).await.unwrap();
    }
}
