//! A row that another program or a damaged file has made unreadable is an error of whoever reads it: no panic, and the store works on.

use revoked::model::{Goals, Priority, Reason};
use revoked::store::{ListFilter, Listed};
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

/// The tables and rows that a list names.
fn named<T>(listed: &Listed<T>) -> Vec<(&str, &str)> {
    let rows = listed.unreadable.iter();
    rows.map(|row| {
        assert!(row.why.contains("cannot be read"), "{row:?}");
        (row.table, row.row.as_str())
    })
    .collect()
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
async fn lists_show_the_rest_and_name_what_cannot_be_read() {
    let (place, case) = furnished().await;
    let store = &place.store;
    let all = ListFilter {
        limit: 10,
        ..ListFilter::default()
    };
    let row = case.to_string();
    damage(&place, "alert", "summary").await;
    damage(&place, "lane", "paused_why").await;
    damage(&place, "signal", "note").await;
    damage_with(&place, "job", "evidence", "'{'").await;
    damage(&place, "cases", "requested_by").await;
    let later = place.accept(vec![signal("b", "bob@example.org", Reason::Departed)]).await;
    let later = case_of(&later.signals[0]).0;
    // Not before: the next delivery writes it anew.
    damage(&place, "source_health", "lags").await;
    store
        .raise_alert("target_down", "target:mail".to_owned(), "down".to_owned())
        .await
        .unwrap();

    let alerts = store.alerts(false).await.unwrap();
    assert_eq!(named(&alerts), [("alert", "2"), ("alert", "1")]);
    assert_eq!(alerts.len(), 1);
    let cases = store.cases(&all).await.unwrap();
    assert_eq!(named(&cases), [("cases", row.as_str())]);
    assert_eq!(cases.iter().map(|case| case.id).collect::<Vec<_>>(), [later]);
    // A part of a job that cannot be read does not hide the job.
    let jobs = store.jobs(&all).await.unwrap();
    assert_eq!((named(&jobs), jobs.len()), (vec![("job", "1")], 2));
    assert_eq!(named(&store.source_health().await.unwrap()), [("source_health", "hr")]);
    assert!(store.counts().await.unwrap().paused.contains_key("chat"));
    assert!(
        store
            .lane_paused("chat")
            .await
            .unwrap()
            .is_some_and(|why| why.starts_with("Jos"))
    );
    damage_with(&place, "cases", "requested_by", "'ops'").await;
    let detail = store.case_detail(case).await.unwrap();
    let tables: Vec<_> = detail.unreadable.iter().map(|row| row.table).collect();
    assert_eq!(tables, ["signal", "job"]);
    assert_eq!((detail.signals.len(), detail.jobs.len()), (0, 1));
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_given_up_with_an_alert_and_the_next_one_is_sent() {
    let (place, _) = furnished().await;
    let store = &place.store;
    let receiver = super::outbox::receiver();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let by = revoked::model::Actor::Daemon;
        tokens.push(store.queue_verification(receiver.clone(), None, by).await.unwrap());
    }
    damage_with(
        &place,
        "outbox",
        "claims",
        &format!("CASE WHEN id = 1 THEN {GARBAGE} ELSE claims END"),
    )
    .await;
    let due = store.due_events("idp", 10).await.unwrap();
    assert_eq!(due.iter().map(|event| &event.jti).collect::<Vec<_>>(), [&tokens[1]]);
    assert_eq!(store.backlog("idp").await.unwrap().dead, 1);
    assert!(store.alert_is_open("receiver_down", "receiver:idp").await.unwrap());
}

#[tokio::test]
async fn a_proof_that_cannot_be_read_back_is_not_told_and_alerts() {
    let place = place().await;
    place.store.set_receivers(vec![super::outbox::receiver()]).await.unwrap();
    let receipt = place.accept(vec![signal("a", "alice@example.org", Reason::Departed)]).await;
    let case = case_of(&receipt.signals[0]).0;
    let claim = place.claim().await;
    damage(&place, "cases", "scope").await;
    let evidence = revoked::model::Evidence {
        after_at: Some(place.clock.now()),
        ..Default::default()
    };
    let done = revoked::model::Settlement::Done(revoked::model::Verdict::Contained);
    place.store.settle(claim, vec![], evidence, done).await.unwrap();
    assert_eq!(place.store.case(case).await.unwrap().state, "closed");
    assert!(place.store.due_events("idp", 10).await.unwrap().is_empty());
    assert!(
        place
            .store
            .alert_is_open("proof_unreadable", &format!("case:{case}"))
            .await
            .unwrap()
    );
    assert!(place.trail().await.contains(&"statement.withheld".to_owned()));
}

#[tokio::test]
async fn what_is_due_and_what_was_under_way_comes_back_whatever_stands_beside_it() {
    let (place, _) = furnished().await;
    let mut claims = place.store.claim("chat", Priority(9), 10).await.unwrap();
    let done = revoked::model::Settlement::Retry {
        due: place.clock.now(),
        error: "busy".to_owned(),
    };
    place
        .store
        .settle(claims.remove(0), vec![], revoked::model::Evidence::default(), done)
        .await
        .unwrap();
    damage(&place, "job", "target").await;
    place.store.promote().await.unwrap();
    damage_with(&place, "job", "target", "'chat'").await;
    assert_eq!(place.store.claim("chat", Priority(9), 10).await.unwrap().len(), 1);
    damage(&place, "job", "lease_id").await;
    assert_eq!(place.store.expire_leases(true).await.unwrap(), 1);
    assert_eq!(place.store.claim("chat", Priority(9), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_goes_to_the_ledger_with_an_alert_and_its_lane_goes_on() {
    for (table, column, value) in [
        ("job", "containment", GARBAGE),
        ("job", "evidence", "'{'"),
        ("job", "kind", "'blame'"),
        ("job", "priority", "-300"),
        ("job", "attempt", "9223372036854775807"),
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
async fn a_job_of_the_ledger_that_cannot_be_read_keeps_no_other_from_being_tried_again() {
    let (place, _) = furnished().await;
    place.accept(vec![signal("b", "bob@example.org", Reason::Departed)]).await;
    for claim in place.store.claim("chat", Priority(9), 10).await.unwrap() {
        let error = "refused".to_owned();
        let end = revoked::model::Settlement::GiveUp { error };
        let evidence = revoked::model::Evidence::default();
        place.store.settle(claim, vec![], evidence, end).await.unwrap();
    }
    damage_with(
        &place,
        "job",
        "containment",
        &format!("CASE WHEN id = 1 THEN {GARBAGE} ELSE containment END"),
    )
    .await;
    assert_eq!(place.store.retry_ledger(std::time::Duration::ZERO).await.unwrap(), 1);
    assert_eq!(place.store.claim("chat", Priority(9), 10).await.unwrap().len(), 1);
    let alerts = place.store.alerts(false).await.unwrap();
    assert!(
        alerts
            .iter()
            .any(|alert| alert.key == "job:1" && alert.summary.contains("cannot be read"))
    );
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

#[tokio::test]
async fn a_time_that_cannot_be_read_is_named_and_the_others_are_measured() {
    let place = place().await;
    let signals = ["a", "b", "c"].map(|key| signal(key, &format!("{key}@example.org"), Reason::Departed));
    place.accept(signals.into()).await;
    damage_with(
        &place,
        "job",
        "target",
        &format!("CASE id WHEN 2 THEN {GARBAGE} ELSE target END"),
    )
    .await;
    damage_with(
        &place,
        "person",
        "subject",
        &format!("CASE subject WHEN 'email:c@example.org' THEN {GARBAGE} ELSE subject END"),
    )
    .await;
    let now = place.clock.now();
    let hour = std::time::Duration::from_hours(1);
    let within = (now.minus(hour), now.plus(hour));
    let times = place.store.containment_times(within, &Goals::default()).await.unwrap();
    let named: Vec<_> = times.unreadable.iter().map(|row| (row.table, row.row.as_str())).collect();
    assert_eq!(named, [("cases", "2"), ("cases", "3")]);
    assert_eq!(
        (times.cases, times.groups.len(), times.groups[0].open),
        (1, 1, 1),
        "{times:#?}"
    );
}
