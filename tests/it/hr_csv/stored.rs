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
