//! A later word of a source reaches what still waits on its word, and nothing else.

use std::time::Duration;

use revoked::model::{
    Action, Actor, Delivery, Departure, DepartureStep, Disposition, Evidence, Leaves, Reason, Settlement, Signal, Verdict, When,
};
use revoked::store::{ListFilter, ObservationSummary, SlotOffers, StoreError};

use super::{Place, case_of, place, policy, signal};

const ALICE: &str = "alice@example.org";

impl Place {
    /// Twenty-one leavers at once, so that all of them are held; Alice is the first.
    async fn hold_alice(&self, source: &str) -> i64 {
        let mut leavers = vec![signal(&format!("{source}-alice"), ALICE, Reason::Departed)];
        leavers.extend((1..21).map(|n| signal(&format!("{source}-{n}"), &format!("p{n}@example.org"), Reason::Departed)));
        case_of(&self.accept_from(source, leavers).await.signals[0]).0
    }

    async fn back(&self, source: &str, who: &str) {
        self.clock.advance(Duration::from_secs(1));
        let key = format!("{source}-back-{}", self.clock.now());
        self.accept_from(source, vec![signal(&key, who, Reason::Reactivated)]).await;
    }

    async fn state(&self, case: i64) -> String {
        self.store.case(case).await.unwrap().state
    }
}

fn operator() -> Actor {
    Actor::operator("ada", Some(7))
}

#[tokio::test]
async fn who_is_active_again_is_taken_out_of_the_hold_and_the_last_one_ends_it() {
    let place = place().await;
    let case = place.hold_alice("idp").await;
    let shown = place.store.hold(1).await.unwrap().set;
    place.back("idp", ALICE).await;
    assert_eq!(place.state(case).await, "cancelled");
    let held = place.store.hold(1).await.unwrap();
    assert_eq!((held.hold.state.as_str(), held.cases.len()), ("open", 20));
    // Who was shown the set with Alice in it has not decided about this one.
    let stale = place.store.approve_hold(1, shown, operator(), None).await;
    assert!(matches!(stale, Err(StoreError::Refused(_))), "{stale:?}");
    for n in 1..21 {
        assert_eq!(place.alert_kinds().await, ["hold"]);
        place.back("idp", &format!("p{n}@example.org")).await;
    }
    let ended = place.store.hold(1).await.unwrap().hold;
    assert_eq!(
        (ended.state.as_str(), ended.decided_by.as_deref()),
        ("rejected", Some("source:idp"))
    );
    assert!(ended.note.unwrap().contains("active again"));
    assert!(place.alert_kinds().await.is_empty(), "nothing waits any more");
    assert_eq!(place.store.waiting("chat").await.unwrap(), None);
    let trail = place.trail().await;
    assert_eq!(trail.iter().filter(|kind| *kind == "case.cancelled").count(), 21);
    // Said again, it finds nothing to do; and who leaves after all is held anew.
    place.back("idp", ALICE).await;
    assert_ne!(place.hold_alice("idp2").await, case);
}

#[tokio::test]
async fn another_sources_word_calls_nothing_off_and_whoever_decides_is_told() {
    let place = place().await;
    let case = place.hold_alice("idp").await;
    assert_eq!(place.hold_alice("hr").await, case, "one person, one held case");
    place.back("siem", ALICE).await;
    assert_eq!(
        place.store.hold(1).await.unwrap().cases[0].reactivated,
        [],
        "it had asked for nothing"
    );
    let before = place.store.hold(1).await.unwrap().set;
    place.back("idp", ALICE).await;
    assert_eq!(place.state(case).await, "held");
    let held = place.store.hold(1).await.unwrap();
    let said = &held.cases[0].reactivated;
    assert_eq!(
        (said.len(), said[0].source.as_str(), said[0].at),
        (1, "idp", place.clock.now())
    );
    let stale = place.store.approve_hold(1, before, operator(), None).await;
    assert!(
        matches!(stale, Err(StoreError::Refused(_))),
        "an approval of before the news was taken"
    );
    // Reported once more, it is no news any longer.
    place.clock.advance(Duration::from_secs(1));
    let again: Vec<Signal> = (0..21)
        .map(|n| {
            signal(
                &format!("again{n}"),
                if n == 0 { ALICE } else { "x@example.org" },
                Reason::Departed,
            )
        })
        .collect();
    place.accept_from("idp", again).await;
    assert_eq!(place.store.hold(1).await.unwrap().cases[0].reactivated, []);
    // And when both have taken it back, nothing is left to decide about her.
    place.back("hr", ALICE).await;
    assert_eq!(place.state(case).await, "held");
    place.back("idp", ALICE).await;
    assert_eq!(place.state(case).await, "cancelled");
}

#[tokio::test]
async fn what_waits_for_its_day_is_called_off_and_what_has_begun_is_not() {
    let place = place().await;
    let mut later = signal("later", ALICE, Reason::Suspended);
    later.when = When::At(place.clock.now().plus(Duration::from_hours(48)));
    let later = case_of(&place.accept_from("idp", vec![later]).await.signals[0]).0;
    place.back("idp", ALICE).await;
    assert_eq!(place.state(later).await, "cancelled");

    // Queued, and never tried.
    let queued = case_of(
        &place
            .accept_from("idp", vec![signal("q", ALICE, Reason::Departed)])
            .await
            .signals[0],
    )
    .0;
    place.back("idp", ALICE).await;
    assert_eq!(place.state(queued).await, "cancelled");
    assert_eq!(place.store.waiting("chat").await.unwrap(), None);

    // Tried at a target that was away: nothing was changed there, and must not be when it is back.
    let tried = case_of(
        &place
            .accept_from("idp", vec![signal("t", ALICE, Reason::Departed)])
            .await
            .signals[0],
    )
    .0;
    let claim = place.claim().await;
    let retry = Settlement::Retry {
        due: place.clock.now().plus(Duration::from_mins(1)),
        error: "away".to_owned(),
    };
    place.store.settle(claim, vec![], Evidence::default(), retry).await.unwrap();
    place.back("idp", ALICE).await;
    assert_eq!(place.state(tried).await, "cancelled");

    // At work.
    let begun = case_of(
        &place
            .accept_from("idp", vec![signal("w", ALICE, Reason::Departed)])
            .await
            .signals[0],
    )
    .0;
    let _claim = place.claim().await;
    place.back("idp", ALICE).await;
    assert_eq!(place.state(begun).await, "open", "it stops before its next change");
    let jobs = ListFilter {
        case: Some(begun),
        limit: 9,
        ..ListFilter::default()
    };
    assert_eq!(place.store.jobs(&jobs).await.unwrap()[0].state, "running");
    assert!(place.trail().await.contains(&"case.called_off".to_owned()));
}

#[tokio::test]
async fn who_is_active_again_after_the_verdict_is_swept_no_more_and_nothing_is_undone() {
    let place = place().await;
    let case = case_of(
        &place
            .accept_from("idp", vec![signal("gone", ALICE, Reason::Departed)])
            .await
            .signals[0],
    )
    .0;
    let claim = place.claim().await;
    place
        .store
        .start(&claim, vec![Action::Suspend], ObservationSummary::default())
        .await
        .unwrap();
    let evidence = Evidence {
        principal: Some("p".to_owned()),
        after_at: Some(place.clock.now()),
        ..Evidence::default()
    };
    let done = Settlement::Done(Verdict::Contained);
    place.store.settle(claim, vec![], evidence, done).await.unwrap();
    let waiting = async || {
        let scheduled = ListFilter {
            state: Some("scheduled".to_owned()),
            limit: 9,
            ..ListFilter::default()
        };
        place.store.jobs(&scheduled).await.unwrap().len()
    };
    assert_eq!(waiting().await, 1, "the first sweep");
    place.back("idp", ALICE).await;
    assert_eq!(waiting().await, 0);
    let case = place.store.case(case).await.unwrap();
    assert_eq!((case.state.as_str(), case.verdict.as_deref()), ("closed", Some("contained")));
    assert_eq!(
        place.alert_kinds().await,
        ["rescinded_too_late"],
        "somebody who is active is suspended"
    );
}

#[tokio::test]
async fn a_compromise_stands_and_an_older_word_takes_nothing_back() {
    let place = place().await;
    let compromises: Vec<Signal> = (0..9)
        .map(|n| signal(&format!("c{n}"), &format!("c{n}@example.org"), Reason::Compromised))
        .collect();
    let held = place.accept_from("idp", compromises).await;
    let (case, is_held) = case_of(held.signals.last().unwrap());
    assert!(is_held);
    place.back("idp", "c8@example.org").await;
    assert_eq!(
        place.state(case).await,
        "held",
        "the account was enabled again, and the intruder is in it all the same"
    );

    let now = place.clock.now();
    let mut gone = signal("gone", ALICE, Reason::Departed);
    gone.occurred_at = Some(now);
    gone.when = When::At(now.plus(Duration::from_hours(1)));
    let case = case_of(&place.accept_from("idp", vec![gone]).await.signals[0]).0;
    let mut back = signal("late word", ALICE, Reason::Reactivated);
    back.occurred_at = Some(now.minus(Duration::from_secs(1)));
    place.accept_from("idp", vec![back]).await;
    assert_eq!(place.state(case).await, "open");
    let mut back = signal("newer word", ALICE, Reason::Reactivated);
    back.occurred_at = Some(now.plus(Duration::from_secs(1)));
    let delivery = Delivery::of("idp", vec![back], place.clock.now());
    let receipt = place
        .store
        .accept(policy(), delivery, SlotOffers::default())
        .await
        .unwrap()
        .receipt;
    assert_eq!(place.state(case).await, "cancelled");
    let said = format!("{receipt:?}");
    assert!(said.contains("called off what has not happened yet (cases: 1)"), "{said}");
}

/// A row of an HR file about Alice's only employment.
fn row(key: &str, reason: Reason, step: DepartureStep) -> Signal {
    let mut row = signal(key, ALICE, reason);
    row.when = When::Departure(Departure {
        employee: "4711".to_owned(),
        employment: String::new(),
        step,
    });
    row
}

#[tokio::test]
async fn what_hr_takes_back_and_another_source_does_not_is_told_to_whoever_decides() {
    let place = place().await;
    let at = place.clock.now().plus(Duration::from_hours(8));
    let mut leaves = row(
        "leaves",
        Reason::Departed,
        DepartureStep::Leave {
            leaves: Leaves::Instant { at },
            fire_at: at,
        },
    );
    leaves.disposition = Disposition::Hold("an old row".to_owned());
    let case = case_of(&place.accept_from("hr", vec![leaves]).await.signals[0]).0;
    assert_eq!(place.hold_alice("idp").await, case, "one person, one held case");
    place.clock.advance(Duration::from_secs(1));
    place
        .accept_from("hr", vec![row("stays", Reason::Reactivated, DepartureStep::Rescind)])
        .await;
    assert_eq!(place.state(case).await, "held");
    let hold = place.store.case(case).await.unwrap().hold.unwrap();
    let shown = place.store.hold(hold).await.unwrap();
    assert_eq!(shown.cases[0].reactivated[0].source, "hr");
    place.back("idp", ALICE).await;
    assert_eq!(place.state(case).await, "cancelled");
}

#[tokio::test]
async fn a_suspension_that_hr_takes_back_before_its_day_does_not_come() {
    let place = place().await;
    let mut leave = signal("leave", ALICE, Reason::Suspended);
    leave.when = When::At(place.clock.now().plus(Duration::from_hours(48)));
    let case = case_of(&place.accept_from("hr", vec![leave]).await.signals[0]).0;
    place.clock.advance(Duration::from_secs(1));
    let back = row("back", Reason::Reactivated, DepartureStep::Rescind);
    let receipt = place.accept_from("hr", vec![back]).await;
    assert_eq!(place.state(case).await, "cancelled", "{receipt:?}");
}
