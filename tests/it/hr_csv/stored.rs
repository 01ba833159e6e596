//! From the file to the store: what the rows come to, once and again.

use revoked::model::SignalReceipt;
use revoked::store::SlotOffers;

use super::*;
use crate::store::{Place, place, policy};

const HEADER: &str = "employee_id,employment_id,email,last_working_day,action,updated_at\n";
const STAYS: &str = "1,E1,alice@example.org,2025-11-25,terminate,2025-11-20\n";

/// Stores a delivery of the folder and lets the folder know.
pub(super) async fn store(drop: &DropFolder, place: &Place, delivery: &Delivery) -> Vec<SignalReceipt> {
    let accepted = place.store.accept(policy(), delivery.clone(), SlotOffers::default()).await;
    let receipt = accepted.unwrap().receipt;
    drop.source.stored(delivery, &receipt).await.unwrap();
    receipt.signals
}

/// Takes the one file that waits, stores it, and puts it away.
async fn take(drop: &DropFolder, place: &Place) -> Vec<SignalReceipt> {
    let signals = store(drop, place, &drop.one().await).await;
    assert_eq!(drop.names(""), [] as [&str; 0]);
    signals
}

fn now() -> Clock {
    Clock::fixed(crate::store::NOW)
}

async fn setting() -> (DropFolder, Place) {
    (DropFolder::at(now(), |rules| rules.settle = Duration::ZERO), place().await)
}

#[tokio::test]
async fn a_leaver_is_planned_and_the_same_file_again_changes_nothing() {
    let (drop, place) = setting().await;
    drop.put("a.csv", format!("{HEADER}{STAYS}"));
    assert!(matches!(
        take(&drop, &place).await[..],
        [SignalReceipt::Accepted { held: false, .. }]
    ));
    let plan = place.store.planned_departures().await.unwrap();
    assert_eq!(plan[0].fire_at.to_string(), "2025-11-25T23:00:00.000Z");
    assert_eq!(
        plan[0].leaves.fire_at().unwrap(),
        plan[0].fire_at,
        "the store keeps what computes it again"
    );

    drop.put("b.csv", format!("{HEADER}{STAYS}"));
    assert!(matches!(take(&drop, &place).await[..], [SignalReceipt::Repeated { .. }]));
    assert_eq!(place.store.planned_departures().await.unwrap(), plan);
}

#[tokio::test]
async fn a_change_of_date_moves_the_plan_and_a_rescission_ends_it() {
    let (drop, place) = setting().await;
    drop.put("a.csv", format!("{HEADER}{STAYS}"));
    take(&drop, &place).await;
    drop.put(
        "b.csv",
        format!("{HEADER}1,E1,alice@example.org,2025-12-31,terminate,2025-11-21\n"),
    );
    take(&drop, &place).await;
    let plan = place.store.planned_departures().await.unwrap();
    assert_eq!(
        (plan.len(), plan[0].fire_at.to_string().as_str()),
        (1, "2025-12-31T23:00:00.000Z")
    );
    drop.put("c.csv", format!("{HEADER}1,E1,alice@example.org,,rescind,2025-11-22\n"));
    take(&drop, &place).await;
    assert_eq!(place.store.planned_departures().await.unwrap(), []);
}

#[tokio::test]
async fn a_person_terminated_twice_in_one_file_is_one_case() {
    let (drop, place) = setting().await;
    drop.put(
        "a.csv",
        format!("{HEADER}{STAYS}{STAYS}1,E1,alice@example.org,2025-11-25,terminate,2025-11-21\n"),
    );
    let receipts = take(&drop, &place).await;
    // The last word counts; what it takes back is kept, and followed by nothing.
    assert!(
        matches!(
            receipts[..],
            [
                SignalReceipt::Ignored { .. },
                SignalReceipt::Repeated { .. },
                SignalReceipt::Accepted { held: false, .. }
            ]
        ),
        "{receipts:?}"
    );
    assert_eq!(place.store.planned_departures().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_stamp_with_another_address_is_a_conflict() {
    let (drop, place) = setting().await;
    drop.put("a.csv", format!("{HEADER}{STAYS}{}", STAYS.replace("alice", "bob")));
    assert!(matches!(
        take(&drop, &place).await[..],
        [SignalReceipt::Accepted { .. }, SignalReceipt::Conflict]
    ));
}

#[tokio::test]
async fn a_leaver_of_last_year_is_held() {
    let (drop, place) = setting().await;
    drop.put("a.csv", format!("{HEADER}{}", STAYS.replace("2025-11-25", "2024-11-25")));
    assert!(matches!(
        take(&drop, &place).await[..],
        [SignalReceipt::Accepted { held: true, .. }]
    ));
}

#[tokio::test]
async fn a_rejected_file_and_a_refused_row_leave_a_record() {
    let (drop, place) = setting().await;
    drop.put("a.csv", "salary\n1\n");
    assert_eq!(take(&drop, &place).await, []);
    drop.put("b.csv", format!("{HEADER}{STAYS}broken\n"));
    assert_eq!(take(&drop, &place).await.len(), 1);
    let trail = place.trail().await;
    assert_eq!(
        trail.iter().filter(|kind| *kind == "file.quarantined").count(),
        2,
        "{trail:?}"
    );
}

/// The open alerts' kinds, and what they say.
async fn alerts(place: &Place) -> Vec<String> {
    let alerts = place.store.alerts(false).await.unwrap().rows;
    alerts
        .into_iter()
        .map(|alert| format!("{}: {} | {}", alert.kind, alert.summary, alert.next))
        .collect()
}

/// Looks, with what the source remembers here, and stores what it finds.
async fn look(drop: &DropFolder, place: &Place) -> Vec<Delivery> {
    let state = revoked::intake::StoredState::new(&place.store, "hr");
    let deliveries = drop.source.poll(None, &state).await.unwrap();
    for delivery in &deliveries {
        store(drop, place, delivery).await;
    }
    deliveries
}

const WRONG: &str = "2001,,user11@example.test,31.12.2025,terminate,\n2002,,user12@example.test,31.12.2025,terminate,\n";

#[tokio::test]
async fn the_alert_about_rows_that_were_put_aside_names_lines_and_file_and_is_over_once_they_were_taken() {
    let (drop, place) = setting().await;
    drop.put("wrong.csv", format!("{HEADER}{STAYS}{WRONG}"));
    look(&drop, &place).await;
    let said = alerts(&place).await;
    assert_eq!(said.len(), 1, "{said:?}");
    let reason = drop
        .names("quarantine")
        .into_iter()
        .find(|name| name.ends_with(".reason.txt"))
        .unwrap();
    let hash = reason.strip_prefix("wrong.").unwrap().strip_suffix(".reason.txt").unwrap();
    for part in [
        "quarantine: source hr: 2 rows (line 3, line 4) of the file \"wrong.csv\" could not be read",
        &format!(
            "; read {}, mend, drop again; this is over once",
            drop.path("quarantine").join(&reason).display()
        ),
        &format!(" | revoked source hr aside {hash}"),
    ] {
        assert!(said[0].contains(part), "{part}: {said:?}");
    }
    assert!(
        !said[0].contains("user11") && !said[0].contains("2001") && !said[0].contains("31.12"),
        "{said:?}"
    );

    // Another word about the same person is not the one that was lost.
    drop.put(
        "suspend.csv",
        format!("{HEADER}2001,,user11@example.test,2025-12-01,suspend,\n"),
    );
    look(&drop, &place).await;
    drop.put(
        "half.csv",
        format!("{HEADER}2001,,user11@example.test,2025-12-31,terminate,\n"),
    );
    look(&drop, &place).await;
    assert_eq!(alerts(&place).await.len(), 1, "the other row is still missing");
    drop.put(
        "rest.csv",
        format!("{HEADER}2002,,user12@example.test,2026-01-31,terminate,\n"),
    );
    look(&drop, &place).await;
    assert_eq!(alerts(&place).await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_mended_file_that_is_read_in_the_same_look_ends_the_alert_as_well() {
    let (drop, place) = setting().await;
    drop.put("a.csv", format!("{HEADER}{WRONG}"));
    drop.age("a.csv", 1);
    drop.put("b.csv", format!("{HEADER}{}", WRONG.replace("31.12.2025", "2025-12-31")));
    drop.age("b.csv", 2);
    assert_eq!(look(&drop, &place).await.len(), 2);
    assert_eq!(alerts(&place).await, [] as [&str; 0]);
    // Of rows that do not say whose they are nothing can be told.
    drop.put(
        "c.csv",
        format!("{HEADER}{STAYS},,user13@example.test,2025-12-31,terminate,\n"),
    );
    look(&drop, &place).await;
    let said = alerts(&place).await;
    assert!(
        said.len() == 1 && said[0].contains("mend, drop again; then clear this"),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_file_that_was_rejected_for_its_rows_is_over_once_all_of_them_were_taken() {
    let (drop, place) = setting().await;
    let rows = (1..=6).map(|n| {
        format!(
            "{n},,user0{n}@example.test,{},terminate,\n",
            if n > 2 { "soon" } else { "2025-12-31" }
        )
    });
    let rows: String = rows.collect();
    drop.put("wrong.csv", format!("{HEADER}{rows}"));
    look(&drop, &place).await;
    let said = alerts(&place).await;
    assert!(
        said[0].contains("was rejected whole") && said[0].contains("this is over once"),
        "{said:?}"
    );
    let mended: Vec<String> = rows.replace("soon", "2026-01-31").lines().map(str::to_owned).collect();
    drop.put("part.csv", format!("{HEADER}{}\n", mended[1..].join("\n")));
    look(&drop, &place).await;
    assert_eq!(alerts(&place).await.len(), 1, "a row that could be read was not taken either");
    drop.put("first.csv", format!("{HEADER}{}\n", mended[0]));
    look(&drop, &place).await;
    assert_eq!(alerts(&place).await, [] as [&str; 0]);
}

#[tokio::test]
async fn of_two_exports_that_are_read_in_one_look_the_later_calls_off_what_the_earlier_has_planned() {
    let (drop, place) = setting().await;
    let header = "employee_id,email,status,last_working_day\n";
    drop.put("monday.csv", format!("{header}1,alice@example.org,active,2025-12-31\n"));
    drop.age("monday.csv", 1);
    drop.put("tuesday.csv", format!("{header}1,alice@example.org,active,\n"));
    drop.age("tuesday.csv", 2);
    assert_eq!(look(&drop, &place).await.len(), 2);
    assert_eq!(place.store.planned_departures().await.unwrap(), []);
}
