//! What retention takes away, in bites.

use std::time::Duration;

use revoked::model::{Actor, Reason};

use super::{place, signal};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn more_than_one_bite_goes_and_what_must_stay_is_passed_over() {
    let place = place().await;
    for round in 0..10 {
        let signals = (0..20).map(|n| {
            signal(
                &format!("k{round}-{n}"),
                &format!("p{round}-{n}@example.test"),
                Reason::Logout,
            )
        });
        place.accept(signals.collect()).await;
    }
    for case in 1..=200 {
        place.store.call_off(case, Actor::Daemon, None).await.unwrap();
    }
    // The first hundred are of jobs that still wait: they stand in front of what may go, in more than one page.
    let mut conn = place.connection().await;
    sqlx::raw_sql("UPDATE job SET state = 'queued', finished_at = NULL WHERE case_id <= 100")
        .execute(&mut conn)
        .await
        .unwrap();
    place.clock.advance(2 * DAY);
    assert_eq!(place.store.prune(DAY, DAY).await.unwrap(), 100);
    let left: (i64, i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM person), (SELECT count(*) FROM job)")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(left, (100, 100, 100));
    let pruned: Vec<_> = place
        .trail()
        .await
        .into_iter()
        .filter(|kind| kind == "retention.pruned")
        .collect();
    assert_eq!(pruned.len(), 1, "one entry for all of it");
    // Said again, a signal is still a repetition.
    let again = place
        .accept(vec![signal("k9-19", "p9-19@example.test", Reason::Logout)])
        .await;
    assert!(format!("{:?}", again.signals[0]).contains("Repeated"), "{again:?}");
    assert_eq!(place.store.prune(DAY, DAY).await.unwrap(), 0);
}
