//! Somebody who has another employment stays: departures over all employments of a person.

use std::time::Duration;

use revoked::model::{Actor, Delivery, Departure, DepartureStep, Employment, Leaves, Reason, Signal, Timestamp, When};
use revoked::store::{DepartureDetail, DepartureFilter, SlotOffers};

use super::{NOW, Place, case_of, place, policy, signal};

const HOUR: Duration = Duration::from_hours(1);

fn at(hours: u32) -> Timestamp {
    NOW.plus(HOUR * hours)
}

/// What HR says about one employment of the person 4711.
fn says(key: &str, employment: &str, step: DepartureStep) -> Signal {
    let mut signal = signal(key, "alice@example.org", Reason::Departed);
    signal.when = When::Departure(Departure {
        employee: "4711".to_owned(),
        employment: employment.to_owned(),
        step,
    });
    signal
}

fn leaves(fire_at: Timestamp) -> DepartureStep {
    DepartureStep::Leave {
        leaves: Leaves::Instant { at: fire_at },
        fire_at,
    }
}

fn employment(employee: &str, employment: &str) -> Employment {
    Employment {
        employee: employee.to_owned(),
        employment: employment.to_owned(),
        subject: "alice@example.org".parse().unwrap(),
        stated_at: None,
    }
}

impl Place {
    async fn stands(&self, employments: Vec<Employment>) {
        let delivery = Delivery {
            employments,
            ..Delivery::of("hr", Vec::new(), self.clock.now())
        };
        self.store.accept(policy(), delivery, SlotOffers::default()).await.unwrap();
    }

    async fn departure_of(&self, employment: &str) -> DepartureDetail {
        let filter = DepartureFilter {
            limit: 100,
            ..DepartureFilter::default()
        };
        let all = self.store.departures(&filter).await.unwrap();
        let one = all.iter().find(|one| one.employment == employment).unwrap();
        self.store.departure(one.id).await.unwrap()
    }

    async fn state_of(&self, employment: &str) -> String {
        self.departure_of(employment).await.departure.state
    }

    async fn open_holds(&self) -> Vec<i64> {
        self.store.holds(false).await.unwrap().iter().map(|hold| hold.id).collect()
    }

    /// Moves the clock and lets what is due go on; answers whether a job waits for its lane.
    async fn works_at(&self, at: Timestamp) -> bool {
        self.clock.set(at);
        self.store.promote().await.unwrap();
        self.store.waiting("chat").await.unwrap().is_some()
    }
}

#[tokio::test]
async fn an_employment_that_stands_blocks_the_end_of_another_and_its_own_end_releases_it() {
    let place = place().await;
    place.stands(vec![employment("4711", "E2")]).await;
    let (_, held) = case_of(&place.accept(vec![says("a", "E1", leaves(at(1)))]).await.signals[0]);
    assert!(held, "a human is told before the day");
    let blocked = place.departure_of("E1").await;
    assert_eq!(blocked.departure.state, "blocked");
    assert_eq!(blocked.departure.why.as_deref(), Some("employment E2 has not ended"));
    assert_eq!(blocked.employments.len(), 2);
    assert_eq!(place.store.alerts(false).await.unwrap()[0].kind, "hold");
    assert!(!place.works_at(at(2)).await);

    place.accept(vec![says("b", "E2", leaves(at(5)))]).await;
    assert_eq!(place.state_of("E1").await, "planned");
    assert_eq!(place.departure_of("E1").await.departure.acts_at, at(5), "the last end counts");
    assert_eq!(place.open_holds().await, [] as [i64; 0]);
    assert_eq!(place.store.alerts(false).await.unwrap(), []);
    assert!(!place.works_at(at(4)).await);
    assert!(place.works_at(at(5)).await);
    assert_eq!(
        (place.state_of("E1").await, place.state_of("E2").await),
        ("executed".into(), "executed".into())
    );
    let steps: Vec<String> = place
        .departure_of("E1")
        .await
        .steps
        .into_iter()
        .map(|step| step.what)
        .collect();
    assert_eq!(steps, ["blocked", "released", "executed"]);
    place.trail().await;
}

#[tokio::test]
async fn two_ends_in_any_order_end_access_with_the_later_one() {
    for (first, second) in [(1, 5), (5, 1)] {
        let place = place().await;
        place.accept(vec![says("a", "E1", leaves(at(first)))]).await;
        place.accept(vec![says("b", "E2", leaves(at(second)))]).await;
        for employment in ["E1", "E2"] {
            assert_eq!(place.departure_of(employment).await.departure.acts_at, at(5));
        }
        assert!(!place.works_at(at(4)).await);
        assert!(place.works_at(at(5)).await);
    }
}

#[tokio::test]
async fn an_end_in_the_past_waits_for_the_planned_end_of_the_other() {
    let place = place().await;
    place.accept(vec![says("a", "E2", leaves(at(5)))]).await;
    place.accept(vec![says("b", "E1", leaves(NOW))]).await;
    assert!(!place.works_at(at(4)).await);
    assert!(place.works_at(at(5)).await);
}

#[tokio::test]
async fn an_employment_that_begins_later_blocks_what_was_planned() {
    let place = place().await;
    let case = case_of(&place.accept(vec![says("a", "E1", leaves(at(1)))]).await.signals[0]).0;
    place.stands(vec![employment("4711", "E2")]).await;
    assert_eq!(place.state_of("E1").await, "blocked");
    let holds = place.open_holds().await;
    assert!(!place.works_at(at(2)).await);

    // An operator who knows better lets it go on.
    let set = place.store.hold(holds[0]).await.unwrap().set;
    place
        .store
        .approve_hold(holds[0], set, Actor::operator("op", None), None)
        .await
        .unwrap();
    assert!(place.store.waiting("chat").await.unwrap().is_some());
    assert_eq!(place.state_of("E1").await, "executed");
    assert_eq!(place.store.case(case).await.unwrap().state, "open");
}

#[tokio::test]
async fn a_rejected_block_cancels_the_departure_and_the_same_row_again_does_not_plan_it() {
    let place = place().await;
    place.stands(vec![employment("4711", "E2")]).await;
    place.accept(vec![says("a", "E1", leaves(at(1)))]).await;
    let hold = place.open_holds().await[0];
    place
        .store
        .reject_hold(hold, Actor::operator("op", None), Some("a transfer".to_owned()))
        .await
        .unwrap();
    assert_eq!(place.state_of("E1").await, "cancelled");
    let mut again = says("a2", "E1", leaves(at(1)));
    again.digest = says("a", "E1", leaves(at(1))).digest;
    place.accept(vec![again]).await;
    assert_eq!(place.state_of("E1").await, "cancelled");
    assert!(!place.works_at(at(2)).await);

    // It was a transfer: the first employment is over, and does not stand in the way when the second ends.
    place.accept(vec![says("b", "E2", leaves(at(5)))]).await;
    assert_eq!(place.state_of("E2").await, "planned");
    assert!(place.works_at(at(5)).await);
}

#[tokio::test]
async fn a_doubtful_end_keeps_the_person_and_its_rejection_too() {
    let place = place().await;
    let mut gone = says("a", "E1", DepartureStep::Vanished { at: NOW });
    gone.disposition = revoked::model::Disposition::Hold("deleted".to_owned());
    place.accept(vec![gone]).await;
    place.accept(vec![says("b", "E2", leaves(at(1)))]).await;
    let blocked = place.departure_of("E2").await.departure;
    assert_eq!(blocked.why.as_deref(), Some("the end of employment E1 waits for a decision"));
    place
        .store
        .reject_hold(place.open_holds().await[0], Actor::operator("op", None), None)
        .await
        .unwrap();
    let blocked = place.departure_of("E2").await.departure;
    assert_eq!(blocked.why.as_deref(), Some("employment E1 has not ended"));
    assert!(!place.works_at(at(2)).await);
}

#[tokio::test]
async fn the_same_person_under_another_number_blocks_too() {
    let place = place().await;
    place.accept(vec![says("a", "", leaves(at(1)))]).await;
    place.stands(vec![employment("C-17", "")]).await;
    let departure = place.departure_of("").await.departure;
    assert_eq!(departure.state, "blocked");
    assert_eq!(
        departure.why.as_deref(),
        Some("an employment of employee C-17 at source hr has not ended")
    );
    // Its end, under its own number, is this person's last.
    let mut other = says("b", "", leaves(at(5)));
    if let When::Departure(departure) = &mut other.when {
        departure.employee = "C-17".to_owned();
    }
    place.accept(vec![other]).await;
    let all = place
        .store
        .departures(&DepartureFilter {
            limit: 9,
            ..DepartureFilter::default()
        })
        .await
        .unwrap();
    assert!(
        all.iter().all(|one| one.state == "planned" && one.acts_at == at(5)),
        "{all:?}"
    );
    assert!(!place.works_at(at(4)).await);
    assert!(place.works_at(at(5)).await);
}

#[tokio::test]
async fn an_active_record_of_the_same_employment_neither_blocks_nor_calls_off() {
    let place = place().await;
    place.accept(vec![says("a", "E1", leaves(at(1)))]).await;
    place.stands(vec![employment("4711", "E1")]).await;
    assert_eq!(place.state_of("E1").await, "planned");
    assert!(place.works_at(at(1)).await);
}

#[tokio::test]
async fn a_rescinded_employment_stands_and_keeps_the_person() {
    let place = place().await;
    place.accept(vec![says("a", "E1", leaves(at(1)))]).await;
    place.accept(vec![says("b", "E2", leaves(at(2)))]).await;
    place.accept(vec![says("c", "E1", DepartureStep::Rescind)]).await;
    assert_eq!(
        (place.state_of("E1").await, place.state_of("E2").await),
        ("rescinded".into(), "blocked".into())
    );
    assert!(!place.works_at(at(3)).await);
    place.accept(vec![says("d", "E1", leaves(at(4)))]).await;
    assert!(place.works_at(at(4)).await);
}

#[tokio::test]
async fn a_rehire_calls_off_all_plans_and_an_older_one_does_not() {
    let place = place().await;
    let stamped = |mut signal: Signal, hours: u64| {
        signal.occurred_at = Some(Timestamp::from_ms(
            NOW.ms() - 1_000_000_000 + i64::try_from(hours).unwrap() * 3_600_000,
        ));
        signal
    };
    place.accept(vec![stamped(says("a", "E1", leaves(at(1))), 10)]).await;
    place.accept(vec![stamped(says("b", "E2", DepartureStep::Rehire), 5)]).await;
    assert_eq!(
        place.state_of("E1").await,
        "blocked",
        "what HR said before it does not take it back, and E2 stands"
    );
    place.accept(vec![stamped(says("c", "E2", DepartureStep::Rehire), 15)]).await;
    assert_eq!(place.state_of("E1").await, "rescinded");
    // And the word that comes too late in a file of yesterday is older than what stands.
    place.accept(vec![stamped(says("d", "E1", leaves(at(3))), 9)]).await;
    assert_eq!(place.state_of("E1").await, "rescinded");
    assert!(!place.works_at(at(9)).await);
}

#[tokio::test]
async fn a_rescission_leaves_alone_what_another_source_asks_for() {
    let place = place().await;
    let case = case_of(&place.accept(vec![says("a", "", leaves(at(1)))]).await.signals[0]).0;
    let other = signal("x", "alice@example.org", Reason::Departed);
    place.accept_from("idp", vec![other]).await;
    let receipt = place.accept(vec![says("b", "", DepartureStep::Rescind)]).await;
    assert_eq!(place.store.case(case).await.unwrap().state, "open", "{receipt:?}");
    assert!(place.store.waiting("chat").await.unwrap().is_some());
}

#[tokio::test]
async fn an_operator_cancels_what_has_not_happened_and_nothing_else() {
    let place = place().await;
    let by = || Actor::operator("op", Some(1000));
    let case = case_of(&place.accept(vec![says("a", "", leaves(at(1)))]).await.signals[0]).0;
    let id = place.departure_of("").await.departure.id;
    place.store.cancel_departure(id, by(), "stays".to_owned()).await.unwrap();
    let cancelled = place.departure_of("").await;
    assert_eq!(
        (cancelled.departure.state.as_str(), cancelled.departure.why.as_deref()),
        ("cancelled", Some("stays"))
    );
    assert_eq!(cancelled.steps.last().unwrap().by, "operator:op(1000)");
    assert_eq!(place.store.case(case).await.unwrap().state, "cancelled");
    assert!(place.trail().await.contains(&"departure.cancelled".to_owned()));
    let again = place.store.cancel_departure(id, by(), "twice".to_owned()).await.unwrap_err();
    assert!(again.to_string().contains("is cancelled already"), "{again}");

    place.accept(vec![says("b", "E9", leaves(NOW))]).await;
    let id = place.departure_of("E9").await.departure.id;
    let late = place
        .store
        .cancel_departure(id, by(), "too late".to_owned())
        .await
        .unwrap_err();
    assert!(late.to_string().contains("was carried out"), "{late}");
    assert!(place.store.cancel_departure(99, by(), String::new()).await.is_err());
}

#[tokio::test]
async fn a_plan_that_was_held_is_executed_when_it_is_approved_after_its_time() {
    let place = place().await;
    let mut old = says("a", "", leaves(at(1)));
    old.disposition = revoked::model::Disposition::Hold("a test".to_owned());
    place.accept(vec![old]).await;
    place.clock.set(at(30));
    let hold = place.open_holds().await[0];
    let set = place.store.hold(hold).await.unwrap().set;
    place
        .store
        .approve_hold(hold, set, Actor::operator("op", None), None)
        .await
        .unwrap();
    let departure = place.departure_of("").await.departure;
    assert_eq!((departure.state.as_str(), departure.late), ("executed", true));
    assert_eq!(
        place.store.alerts(false).await.unwrap(),
        [],
        "who approved it knows that it is late"
    );
}

#[tokio::test]
async fn a_new_date_of_a_held_departure_takes_its_place() {
    let place = place().await;
    let mut old = says("a", "", leaves(at(1)));
    old.disposition = revoked::model::Disposition::Hold("a test".to_owned());
    let first = case_of(&place.accept(vec![old]).await.signals[0]).0;
    let second = case_of(&place.accept(vec![says("b", "", leaves(at(2)))]).await.signals[0]).0;
    assert_ne!(first, second);
    assert_eq!(place.store.case(first).await.unwrap().state, "cancelled");
    assert_eq!(place.open_holds().await, [] as [i64; 0], "nothing waits under it any more");
    assert!(place.works_at(at(2)).await);
}

#[tokio::test]
async fn what_was_missed_while_down_is_done_late_and_alerts() {
    let place = place().await;
    place.accept(vec![says("a", "", leaves(at(1)))]).await;
    assert!(place.works_at(at(3)).await);
    assert!(place.departure_of("").await.departure.late);
    assert_eq!(place.store.alerts(false).await.unwrap()[0].kind, "departed_late");
}

#[tokio::test]
async fn a_date_moved_after_the_fact_alerts() {
    let place = place().await;
    place.accept(vec![says("a", "", leaves(NOW))]).await;
    drop(place.claim().await);
    place.accept(vec![says("b", "", leaves(at(9)))]).await;
    assert_eq!(place.store.alerts(false).await.unwrap()[0].kind, "rescinded_too_late");
}

#[tokio::test]
async fn a_record_that_vanished_is_held_and_called_off_when_it_is_there_again() {
    let place = place().await;
    let mut gone = says("a", "E1", DepartureStep::Vanished { at: NOW });
    gone.disposition = revoked::model::Disposition::Hold("deleted".to_owned());
    let (case, held) = case_of(&place.accept(vec![gone.clone()]).await.signals[0]);
    assert!(held);
    place.stands(vec![employment("4711", "E1")]).await;
    assert_eq!(place.state_of("E1").await, "rescinded");
    assert_eq!(place.store.case(case).await.unwrap().state, "cancelled");
    assert_eq!(place.open_holds().await, [] as [i64; 0]);

    // Who leaves anyway may go missing.
    place.accept(vec![says("b", "E1", leaves(at(1)))]).await;
    gone.key = "again".to_owned();
    gone.digest = [9; 32];
    place.accept(vec![gone]).await;
    assert_eq!(place.state_of("E1").await, "planned");
}

/// Every order in which four things can come.
fn orders() -> Vec<[usize; 4]> {
    let all = 0..4_usize;
    all.clone()
        .flat_map(|a| all.clone().map(move |b| (a, b)))
        .flat_map(|(a, b)| (0..4).map(move |c| (a, b, c)))
        .filter(|(a, b, c)| a != b && b != c && a != c)
        .map(|(a, b, c)| [a, b, c, 6 - a - b - c])
        .collect()
}

#[tokio::test]
async fn what_hr_said_last_stands_in_whatever_order_its_words_arrive() {
    for order in orders() {
        for last_leaves in [true, false] {
            let place = place().await;
            let mut story = [
                leaves(at(10)),
                DepartureStep::Rescind,
                leaves(at(20)),
                if last_leaves { leaves(at(30)) } else { DepartureStep::Rehire },
            ];
            if !last_leaves {
                story.swap(1, 2);
            }
            for n in order {
                let mut signal = says(&format!("{n}"), "E1", story[n].clone());
                signal.occurred_at = Some(Timestamp::from_ms(NOW.ms() - 1_000_000 + i64::try_from(n).unwrap() * 1000));
                place.accept(vec![signal]).await;
            }
            let plans = place.store.planned_departures().await.unwrap();
            let ends: Vec<Timestamp> = plans.iter().map(|plan| plan.fire_at).collect();
            let expected = if last_leaves { vec![at(30)] } else { Vec::new() };
            assert_eq!(ends, expected, "{order:?}, and leaves in the end: {last_leaves}");
            assert_eq!(place.works_at(at(40)).await, last_leaves, "{order:?}");
            place.trail().await;
        }
    }
}
