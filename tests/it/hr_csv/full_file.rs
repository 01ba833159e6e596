//! Files that name everybody: who is missing is asked about, and never leaves by it.

use revoked::model::{DepartureStep, Reason, When};
use revoked::store::SlotOffers;

use super::*;
use crate::store::{NOW, Place, place, policy};

const HEADER: &str = "employee_id,employment_id,email,status\n";
const HOUR: Duration = Duration::from_hours(1);

struct Roster {
    drop: DropFolder,
    place: Place,
    files: std::cell::Cell<u64>,
}

impl Roster {
    async fn new() -> Self {
        let place = place().await;
        Self {
            drop: DropFolder::at(place.clock.clone(), |rules| {
                rules.full_file = true;
                rules.settle = Duration::ZERO;
            }),
            place,
            files: std::cell::Cell::new(0),
        }
    }

    /// Drops a file that names these people, and takes it.
    async fn file(&self, people: impl IntoIterator<Item = u32>) -> Delivery {
        let rows = people.into_iter().map(|n| format!("{n},E{n},user{n}@example.org,active\n"));
        self.text(&rows.collect::<Vec<_>>().concat()).await
    }

    async fn text(&self, rows: &str) -> Delivery {
        let n = self.files.replace(self.files.get() + 1);
        self.drop.put("roster.csv", format!("{HEADER}{rows}"));
        self.drop.age("roster.csv", n * 60);
        self.take().await
    }

    async fn take(&self) -> Delivery {
        let mut found = self
            .drop
            .source
            .poll(None, &revoked::intake::StoredState::new(&self.place.store, "hr"))
            .await
            .unwrap();
        assert_eq!(found.len(), 1);
        let delivery = found.remove(0);
        super::stored::store(&self.drop, &self.place, &delivery).await;
        delivery
    }

    fn pass(&self, time: Duration) {
        self.place.clock.set(self.place.clock.now().plus(time));
    }

    async fn holds(&self) -> usize {
        self.place.store.holds(false).await.unwrap().len()
    }
}

#[tokio::test]
async fn who_is_missing_from_two_files_an_hour_apart_is_held_and_nobody_leaves() {
    let roster = Roster::new().await;
    let first = roster.file(1..=20).await;
    assert_eq!((first.employments.len(), first.signals.len()), (20, 0));
    assert!(first.state_changes.len() > 20);
    let names: Vec<String> = first.identities[0].names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["employee_id:1", "email:user1@example.org"]);
    roster.pass(HOUR);
    assert_eq!(roster.file(2..=20).await.signals, [], "one file proves nothing");
    roster.pass(HOUR / 2);
    assert_eq!(roster.file(2..=20).await.signals, [], "nor do two within the hour");
    roster.pass(HOUR / 2);
    let third = roster.file(2..=20).await;
    assert_eq!(third.signals.len(), 1);
    let signal = &third.signals[0];
    assert_eq!(
        (signal.subject.to_string().as_str(), signal.reason),
        ("email:user1@example.org", Reason::Departed)
    );
    assert!(
        matches!(&signal.disposition, Disposition::Hold(why) if why.contains("not a termination")),
        "{signal:?}"
    );
    assert!(matches!(&signal.when, When::Departure(departure) if matches!(departure.step, DepartureStep::Vanished { .. })));
    assert_eq!(roster.holds().await, 1);
    assert_eq!(roster.place.store.waiting("chat").await.unwrap(), None);

    // Asked once; and there again, it is called off by itself.
    roster.pass(HOUR * 24);
    assert_eq!(roster.file(2..=20).await.signals, []);
    assert_eq!(roster.holds().await, 1);
    roster.file(1..=20).await;
    assert_eq!(roster.holds().await, 0);
}

#[tokio::test]
async fn who_comes_back_in_between_was_never_missing() {
    let roster = Roster::new().await;
    roster.file(1..=20).await;
    roster.file(2..=20).await;
    roster.pass(HOUR * 2);
    roster.file(1..=20).await;
    roster.pass(HOUR * 2);
    assert_eq!(roster.file(2..=20).await.signals, []);
}

#[tokio::test]
async fn an_empty_or_a_short_file_is_rejected_whole() {
    let roster = Roster::new().await;
    roster.file(1..=20).await;
    for (people, why) in [(17, "fewer than 90 %"), (0, "names nobody")] {
        roster.pass(HOUR * 2);
        let delivery = roster.file(1..=people).await;
        assert!(refusal(&delivery).contains(why), "{delivery:?}");
        assert_eq!((delivery.employments.len(), delivery.state_changes.len()), (0, 0));
        let alerts = roster.place.store.alerts(false).await.unwrap();
        assert_eq!(alerts[0].kind, "quarantine");
        assert!(
            alerts[0].summary.contains("was rejected whole, nothing in it was acted on"),
            "{alerts:?}"
        );
        assert!(alerts[0].summary.contains(why), "{alerts:?}");
    }
    // One for each file: the name of the earlier is not lost.
    assert_eq!(roster.place.store.alerts(false).await.unwrap().len(), 2);
    roster.pass(HOUR * 2);
    assert_eq!(
        roster.file(1..=18).await.signals,
        [],
        "90 % are enough, and the two bad files do not count"
    );
    assert_eq!(roster.holds().await, 0);
}

#[tokio::test]
async fn the_same_file_read_again_and_one_with_unreadable_rows_prove_nothing() {
    let roster = Roster::new().await;
    roster.file(1..=20).await;
    roster.file(2..=20).await;
    roster.pass(HOUR * 2);
    // As after a crash between the commit and the archive: the same bytes, written at the same time.
    roster.files.set(1);
    assert_eq!(roster.file(2..=20).await.signals, []);
    roster.files.set(5);
    let rows = (2..=20).map(|n| format!("{n},E{n},user{n}@example.org,active\n"));
    let rows = rows.collect::<Vec<_>>().concat();
    let delivery = roster.text(&format!("{rows}1,E1,user1@example.org\n")).await;
    assert_eq!((delivery.refused.len(), delivery.signals.len()), (1, 0));
    // The same bytes from another day are another file.
    assert_eq!(roster.file(2..=20).await.signals.len(), 1);
}

#[tokio::test]
async fn a_file_in_which_nothing_changed_hands_nothing_on() {
    let roster = Roster::new().await;
    roster.file(1..=20).await;
    let again = roster.file(1..=20).await;
    assert_eq!(
        (again.employments.len(), again.signals.len(), again.state_changes.len()),
        (0, 0, 1)
    );
    assert_eq!(again.identities, []);
}

#[tokio::test]
async fn who_was_terminated_may_go_missing() {
    let roster = Roster::new().await;
    roster.file(1..=20).await;
    let rows = (2..=20).map(|n| format!("{n},E{n},user{n}@example.org,active,,\n"));
    let rows = rows.collect::<Vec<_>>().concat();
    let text = format!(
        "employee_id,employment_id,email,status,action,last_working_day\n{rows}1,E1,user1@example.org,,terminate,2025-12-31\n"
    );
    roster.drop.put("roster.csv", text);
    roster.take().await;
    for _ in 0..3 {
        roster.pass(HOUR * 2);
        roster.file(2..=20).await;
    }
    assert_eq!(roster.holds().await, 0);
    assert_eq!(roster.place.store.planned_departures().await.unwrap().len(), 1);
    assert!(roster.place.clock.now() > NOW);
}

#[tokio::test]
async fn a_deleted_record_is_held_in_any_file() {
    for row in ["1,E1,user1@example.org,deleted\n", "1,E1,user1@example.org,Deleted\n"] {
        let place = place().await;
        let drop = DropFolder::at(place.clock.clone(), |rules| rules.settle = Duration::ZERO);
        drop.put("a.csv", format!("{HEADER}{row}"));
        let delivery = drop.one().await;
        assert!(matches!(&delivery.signals[0].disposition, Disposition::Hold(why) if why.contains("deleted")));
        let accepted = place.store.accept(policy(), delivery, SlotOffers::default()).await.unwrap();
        assert!(crate::store::case_of(&accepted.receipt.signals[0]).1);
    }
}
