//! What is said of a planned departure while a human decides about that word: the plan stands, whatever becomes of it.

use std::time::Duration;

use revoked::model::{
    Actor, Delivery, Departure, DepartureStep, Disposition, Employment, Leaves, Reason, Signal, SignalReceipt, Timestamp, When,
};
use revoked::store::{DepartureFilter, DepartureView, SlotOffers};

use super::{NOW, Place, case_of, place, policy, signal};

/// So many departures at once are held whole, even where one of them only moves.
const TOO_MANY: usize = 22;

pub(super) fn at(hours: u32) -> Timestamp {
    NOW.plus(Duration::from_hours(1) * hours)
}

pub(super) fn by() -> Actor {
    Actor::operator("op", None)
}

/// A row of HR's about the one employment of somebody with this number.
pub(super) fn row(key: &str, employee: &str, person: &str, fire_at: Timestamp) -> Signal {
    let mut signal = signal(key, person, Reason::Departed);
    signal.when = When::Departure(Departure {
        employee: employee.to_owned(),
        employment: String::new(),
        step: DepartureStep::Leave {
            leaves: Leaves::Instant { at: fire_at },
            fire_at,
        },
    });
    signal
}

/// A wrong file: everybody of it leaves at `fire_at`, Alice of number 9001 among them.
fn wrong(name: &str, fire_at: Timestamp) -> Vec<Signal> {
    let others = (1..TOO_MANY).map(|n| {
        let (employee, person) = (format!("{name}{n}"), format!("{name}{n}@example.org"));
        row(&format!("{name}-{n}"), &employee, &person, fire_at)
    });
    others.chain([row(name, "9001", "alice@example.org", fire_at)]).collect()
}

impl Place {
    /// Takes a file in, and answers the case of its last row.
    pub(super) async fn file(&self, name: &str, rows: Vec<Signal>) -> (i64, bool) {
        case_of(self.hand_in(name, rows).await.last().unwrap())
    }

    /// The same, whatever becomes of it.
    async fn hand_in(&self, name: &str, rows: Vec<Signal>) -> Vec<SignalReceipt> {
        let mut digest = [0; 32];
        digest[..name.len()].copy_from_slice(name.as_bytes());
        let delivery = Delivery {
            name: Some(name.to_owned()),
            digest: Some(digest),
            ..Delivery::of("hr", rows, self.clock.now())
        };
        let accepted = self.store.accept(policy(), delivery, SlotOffers::default()).await;
        accepted.unwrap().receipt.signals
    }

    pub(super) async fn departure_of_number(&self, employee: &str) -> DepartureView {
        let filter = DepartureFilter {
            limit: 1000,
            ..DepartureFilter::default()
        };
        let all = self.store.departures(&filter).await.unwrap();
        all.iter().find(|one| one.employee == employee).cloned().unwrap()
    }

    async fn steps_of(&self, employee: &str) -> Vec<String> {
        let id = self.departure_of_number(employee).await.id;
        let steps = self.store.departure(id).await.unwrap().steps;
        steps.into_iter().map(|step| step.what).collect()
    }

    pub(super) async fn approve(&self, hold: i64) {
        let set = self.store.hold(hold).await.unwrap().set;
        self.store.approve_hold(hold, set, by(), None).await.unwrap();
    }

    pub(super) async fn reject(&self, hold: i64) {
        self.store.reject_hold(hold, by(), Some("wrong".to_owned())).await.unwrap();
    }

    pub(super) async fn waiting_holds(&self) -> Vec<i64> {
        self.store.holds(false).await.unwrap().iter().map(|hold| hold.id).collect()
    }

    async fn due_at(&self, at: Timestamp) -> bool {
        self.clock.set(at);
        self.store.promote().await.unwrap();
        self.store.waiting("chat").await.unwrap().is_some()
    }
}

#[tokio::test]
async fn a_rejected_file_leaves_the_plans_that_stood_before_it() {
    let place = place().await;
    let (planned, _) = place
        .file("right", vec![row("a", "9001", "alice@example.org", at(240))])
        .await;
    let (changed, held) = place.file("wrong", wrong("wrong", at(1))).await;
    assert!(held && changed != planned);

    // Until somebody has decided, the plan stands, and both sides say what waits.
    let departure = place.departure_of_number("9001").await;
    assert_eq!(
        (departure.state.as_str(), departure.acts_at, departure.case),
        ("planned", at(240), Some(planned))
    );
    let change = departure.change.unwrap();
    assert_eq!((change.case, change.hold, change.acts_at), (changed, Some(1), at(1)));
    let shown = place.store.hold(1).await.unwrap();
    let before: Vec<_> = shown.cases.iter().flat_map(|case| &case.plans_before).collect();
    assert_eq!(before.len(), 1, "one of them had a plan");
    assert_eq!(
        (before[0].departure, before[0].state.as_str(), before[0].acts_at),
        (departure.id, "planned", at(240))
    );

    place.reject(1).await;
    let departure = place.departure_of_number("9001").await;
    assert_eq!(
        (departure.state.as_str(), departure.acts_at, departure.change),
        ("planned", at(240), None)
    );
    assert_eq!(place.store.case(planned).await.unwrap().state, "open");
    assert_eq!(place.store.case(changed).await.unwrap().state, "cancelled");
    assert_eq!(place.steps_of("9001").await, ["planned", "change_held", "change_called_off"]);
    assert!(!place.due_at(at(239)).await);
    assert!(place.due_at(at(240)).await);
    assert_eq!(place.departure_of_number("9001").await.state, "executed");
    place.trail().await;
}

#[tokio::test]
async fn an_approved_change_takes_the_place_of_the_plan_and_of_its_case() {
    let place = place().await;
    let (planned, _) = place
        .file("right", vec![row("a", "9001", "alice@example.org", at(240))])
        .await;
    let (changed, _) = place.file("cut", wrong("cut", at(5))).await;
    place.approve(1).await;
    let departure = place.departure_of_number("9001").await;
    assert_eq!(
        (departure.state.as_str(), departure.acts_at, departure.case, departure.change),
        ("planned", at(5), Some(changed), None)
    );
    assert_eq!(place.store.case(planned).await.unwrap().state, "cancelled");
    assert!(!place.due_at(at(4)).await);
    assert!(place.due_at(at(5)).await);
    assert_eq!(
        place.steps_of("9001").await,
        ["planned", "change_held", "changed", "released", "executed"]
    );
    place.trail().await;
}

#[tokio::test]
async fn a_plan_falls_due_while_a_change_of_it_waits_and_a_rejection_leaves_it_carried_out() {
    let place = place().await;
    place.file("right", vec![row("a", "9001", "alice@example.org", at(2))]).await;
    place.file("wrong", wrong("wrong", at(50))).await;
    assert!(place.due_at(at(3)).await);
    assert_eq!(place.departure_of_number("9001").await.state, "executed");
    place.reject(1).await;
    assert_eq!(place.departure_of_number("9001").await.state, "executed");
    assert_eq!(place.departure_of_number("wrong1").await.state, "cancelled");
}

#[tokio::test]
async fn of_two_files_that_wait_each_is_rejected_alone() {
    for first in [true, false] {
        let place = place().await;
        place.file("right", wrong("right", at(240))).await;
        place.file("wrong", wrong("wrong", at(1))).await;
        assert_eq!(place.waiting_holds().await, [1, 2]);
        assert_eq!(place.departure_of_number("9001").await.acts_at, at(240));
        if first {
            // What waits of the other file is what there is now.
            place.reject(1).await;
            let departure = place.departure_of_number("9001").await;
            assert_eq!((departure.state.as_str(), departure.acts_at), ("held", at(1)));
            place.approve(2).await;
            assert!(place.due_at(at(1)).await);
        } else {
            place.reject(2).await;
            place.approve(1).await;
            let departure = place.departure_of_number("9001").await;
            assert_eq!((departure.state.as_str(), departure.acts_at), ("planned", at(240)));
            assert!(!place.due_at(at(239)).await);
        }
        place.trail().await;
    }
}

#[tokio::test]
async fn what_hr_says_later_ends_what_waits_for_a_decision() {
    let place = place().await;
    let person = "alice@example.org";
    place.file("right", vec![row("a", "9001", person, at(240))]).await;
    let hold_it = |mut signal: Signal| {
        signal.disposition = Disposition::Hold("look at it".to_owned());
        signal
    };
    place.file("asked", vec![hold_it(row("b", "9001", person, at(3)))]).await;
    assert_eq!(place.waiting_holds().await, [1]);
    place.file("later", vec![row("c", "9001", person, at(300))]).await;
    assert_eq!(place.waiting_holds().await, [] as [i64; 0]);
    let departure = place.departure_of_number("9001").await;
    assert_eq!(
        (departure.state.as_str(), departure.acts_at, departure.change),
        ("planned", at(300), None)
    );

    place
        .file("asked again", vec![hold_it(row("d", "9001", person, at(4)))])
        .await;
    let mut rescind = row("e", "9001", person, at(0));
    if let When::Departure(departure) = &mut rescind.when {
        departure.step = DepartureStep::Rescind;
    }
    place.file("rescinded", vec![rescind]).await;
    assert_eq!(place.waiting_holds().await, [] as [i64; 0]);
    assert_eq!(place.departure_of_number("9001").await.state, "rescinded");
    assert!(!place.due_at(at(400)).await);
}

#[tokio::test]
async fn an_operators_cancel_ends_the_plan_and_what_waits_beside_it() {
    let place = place().await;
    place
        .file("right", vec![row("a", "9001", "alice@example.org", at(240))])
        .await;
    let mut asked = row("b", "9001", "alice@example.org", at(3));
    asked.disposition = Disposition::Hold("look at it".to_owned());
    place.file("asked", vec![asked]).await;
    let id = place.departure_of_number("9001").await.id;
    place.store.cancel_departure(id, by(), "stays".to_owned()).await.unwrap();
    assert_eq!(place.departure_of_number("9001").await.state, "cancelled");
    assert_eq!(place.waiting_holds().await, [] as [i64; 0]);
    assert!(!place.due_at(at(400)).await);
}

#[tokio::test]
async fn employments_that_only_rejected_rows_have_named_block_nobody() {
    let place = place().await;
    let person = |n: usize| format!("p{n}@example.org");
    // The whole company under numbers of another system.
    let all = (0..TOO_MANY).map(|n| row(&format!("x{n}"), &format!("500{n}"), &person(n), at(1)));
    place.file("wrong", all.collect()).await;
    place.reject(1).await;
    let (_, held) = place.file("right", vec![row("a", "1001", &person(0), at(240))]).await;
    assert!(!held);
    assert_eq!(place.departure_of_number("1001").await.state, "planned");
    let employments = place.store.employments("hr", "5000").await.unwrap();
    assert_eq!(employments[0].state, "rejected");

    // Where HR names it itself, it is one.
    let delivery = Delivery {
        employments: vec![Employment {
            employee: "5000".to_owned(),
            employment: String::new(),
            subject: person(0).parse().unwrap(),
            stated_at: None,
        }],
        ..Delivery::of("hr", Vec::new(), NOW)
    };
    place.store.accept(policy(), delivery, SlotOffers::default()).await.unwrap();
    assert_eq!(place.departure_of_number("1001").await.state, "blocked");
}

#[tokio::test]
async fn an_employment_that_stood_before_a_rejected_row_stands_on_and_is_still_whose_it_was() {
    let place = place().await;
    let stands = Employment {
        employee: "2".to_owned(),
        employment: String::new(),
        subject: "alice@example.org".parse().unwrap(),
        stated_at: None,
    };
    let delivery = Delivery {
        employments: vec![stands],
        ..Delivery::of("hr", Vec::new(), NOW)
    };
    place.store.accept(policy(), delivery, SlotOffers::default()).await.unwrap();
    // The wrong file has somebody else under her number.
    let mut rows = wrong("wrong", at(1));
    rows.push(row("mixed up", "2", "bob@example.org", at(1)));
    place.file("wrong", rows).await;
    place.reject(1).await;
    place.file("bob", vec![row("bob", "7", "bob@example.org", at(9))]).await;
    assert_eq!(
        place.departure_of_number("7").await.state,
        "planned",
        "Bob has no other employment"
    );
    place.file("alice", vec![row("alice", "1", "alice@example.org", at(9))]).await;
    assert_eq!(place.departure_of_number("1").await.state, "blocked", "Alice has");
}

#[tokio::test]
async fn a_hold_and_the_list_of_departures_agree_on_when_it_is_due_and_so_it_is_done() {
    let place = place().await;
    // Under another number the same person leaves later.
    place.file("later", vec![row("a", "1004", "alice@example.org", at(30))]).await;
    let mut past = row("b", "5005", "alice@example.org", NOW);
    past.disposition = Disposition::Hold("look at it".to_owned());
    place.file("past", vec![past]).await;
    let departure = place.departure_of_number("5005").await;
    assert_eq!((departure.state.as_str(), departure.acts_at), ("held", at(30)));
    assert_eq!(place.store.hold(1).await.unwrap().cases[0].due, Some(at(30)));
    let beside = &place.store.hold(1).await.unwrap().cases[0].plans_beside;
    assert_eq!(beside.len(), 1, "{beside:?}");
    assert_eq!(
        (
            beside[0].employee.as_str(),
            beside[0].state.as_str(),
            beside[0].fire_at,
            beside[0].later
        ),
        ("1004", "planned", at(30), true)
    );
    // What that waits for moves, and both know.
    place.file("moved", vec![row("c", "1004", "alice@example.org", at(40))]).await;
    assert_eq!(place.departure_of_number("5005").await.acts_at, at(40));
    assert_eq!(place.store.hold(1).await.unwrap().cases[0].due, Some(at(40)));
    place.approve(1).await;
    assert!(!place.due_at(at(39)).await);
    assert!(place.due_at(at(40)).await);
}

#[tokio::test]
async fn what_an_operator_called_off_and_hr_says_again_is_told_once_and_changes_nothing() {
    let place = place().await;
    let said = |key: &str| {
        let mut said = row(key, "9001", "alice@example.org", at(240));
        said.digest = [7; 32];
        said
    };
    place.file("one", vec![said("a")]).await;
    let id = place.departure_of_number("9001").await.id;
    place
        .store
        .cancel_departure(id, by(), "stays until June".to_owned())
        .await
        .unwrap();
    for name in ["two", "three"] {
        let delivery = Delivery {
            name: Some(name.to_owned()),
            ..Delivery::of("hr", vec![said(name)], NOW)
        };
        place.store.accept(policy(), delivery, SlotOffers::default()).await.unwrap();
        let alerts = place.store.alerts(false).await.unwrap();
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert_eq!((alerts[0].kind.as_str(), alerts[0].times), ("departure_called_off", 1));
        assert!(
            alerts[0].summary.contains("says again that departure 1 takes place"),
            "{}",
            alerts[0].summary
        );
        assert_eq!(alerts[0].next, "revoked departures list --state cancelled");
    }
    assert_eq!(place.departure_of_number("9001").await.state, "cancelled");
    assert_eq!(place.steps_of("9001").await, ["planned", "cancelled", "said_again"]);
}

#[tokio::test]
async fn what_an_operator_called_off_and_hr_plans_for_another_day_is_planned_and_told() {
    let place = place().await;
    place.file("one", vec![row("a", "9001", "alice@example.org", at(240))]).await;
    let id = place.departure_of_number("9001").await.id;
    place
        .store
        .cancel_departure(id, by(), "stays until June".to_owned())
        .await
        .unwrap();
    place.file("two", vec![row("b", "9001", "alice@example.org", at(300))]).await;
    assert_eq!(place.departure_of_number("9001").await.state, "planned");
    let alert = place.store.alerts(false).await.unwrap().rows.remove(0);
    assert_eq!(
        (alert.kind.as_str(), alert.next.as_str()),
        ("departure_called_off", "revoked departures show 1")
    );
    assert!(alert.summary.contains("it takes place after all"), "{}", alert.summary);
    assert_eq!(alert.subject.as_deref(), Some("email:alice@example.org"));

    // Where only what was said was rejected, another word is what was asked for.
    place.file("wrong", wrong("wrong", at(1))).await;
    place.reject(1).await;
    place
        .file("right", vec![row("c", "wrong1", "wrong1@example.org", at(90))])
        .await;
    assert_eq!(place.departure_of_number("wrong1").await.state, "planned");
    assert_eq!(place.store.alerts(false).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_very_file_that_was_rejected_alerts_nobody_and_the_same_words_in_another_do() {
    let place = place().await;
    place.file("wrong", wrong("wrong", at(1))).await;
    place.reject(1).await;
    place.hand_in("wrong", wrong("wrong", at(1))).await;
    assert_eq!(place.waiting_holds().await, [] as [i64; 0]);
    assert!(
        place.store.alerts(false).await.unwrap().is_empty(),
        "about that file somebody has decided"
    );
    place.hand_in("another", wrong("wrong", at(1))).await;
    let alert = place.store.alerts(false).await.unwrap().rows.remove(0);
    assert_eq!((alert.kind.as_str(), alert.times), ("departure_called_off", 1));
}

#[tokio::test]
async fn an_older_file_that_comes_again_says_nothing_of_a_departure_that_was_called_off_since() {
    let place = place().await;
    let said = |day: u32| {
        let mut said = row(&format!("day {day}"), "9001", "alice@example.org", at(day));
        said.digest = [u8::try_from(day).unwrap(); 32];
        said
    };
    place.file("one", vec![said(100)]).await;
    place.file("two", vec![said(200)]).await;
    let id = place.departure_of_number("9001").await.id;
    place
        .store
        .cancel_departure(id, by(), "stays until June".to_owned())
        .await
        .unwrap();
    place.hand_in("one", vec![said(100)]).await;
    assert!(
        place.store.alerts(false).await.unwrap().is_empty(),
        "those are not HR's last words"
    );
    place.hand_in("two", vec![said(200)]).await;
    assert_eq!(place.store.alerts(false).await.unwrap().len(), 1);
}
