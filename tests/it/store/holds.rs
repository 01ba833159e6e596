//! What waits for a human, and the decision.

use revoked::model::{Actor, Delivery, Disposition, Reason};
use revoked::store::{HoldChoice, ListFilter, ScopedName, SlotOffers, StoreError, TrailFilter};

use super::{Place, case_of, place, policy, signal};

fn leavers(count: usize) -> Vec<revoked::model::Signal> {
    (0..count)
        .map(|n| signal(&format!("row{n}"), &format!("p{n}@example.org"), Reason::Departed))
        .collect()
}

#[tokio::test]
async fn a_delivery_over_its_limit_is_held_whole_and_its_cases_are_not_claimed() {
    let place = place().await;
    let receipt = place.accept(leavers(21)).await;
    assert!(receipt.signals.iter().all(|signal| case_of(signal).1));
    assert_eq!(place.store.waiting("chat").await.unwrap(), None);
    let holds = place.store.holds(false).await.unwrap();
    assert_eq!((holds.len(), holds[0].cases), (1, 21));
    assert_eq!(place.store.alerts(false).await.unwrap()[0].kind, "hold");
}

#[tokio::test]
async fn an_approval_is_bound_to_the_set_that_was_shown() {
    let place = place().await;
    place.accept(leavers(21)).await;
    let held = place.store.hold(1).await.unwrap();
    let by = || Actor::operator("alice", Some(1000));
    let wrong = place.store.approve_hold(1, "0000000000000000".to_owned(), by(), None).await;
    assert!(matches!(wrong, Err(StoreError::Refused(_))));
    assert_eq!(
        place
            .store
            .approve_hold(1, held.set, by(), Some("checked".to_owned()))
            .await
            .unwrap(),
        21
    );
    let queued = ListFilter {
        state: Some("queued".to_owned()),
        limit: 100,
        ..ListFilter::default()
    };
    assert_eq!(place.store.jobs(&queued).await.unwrap().len(), 21);
    assert!(
        place.store.alerts(false).await.unwrap().is_empty(),
        "the hold's alert is over"
    );
    let again = place.store.approve_hold(1, String::new(), by(), None).await;
    assert!(
        again
            .unwrap_err()
            .to_string()
            .contains("was approved by operator:alice(1000)")
    );
}

#[tokio::test]
async fn a_rejection_cancels_and_nothing_runs() {
    let place = place().await;
    place.accept(leavers(21)).await;
    assert_eq!(
        place
            .store
            .reject_hold(1, Actor::operator("alice", None), None)
            .await
            .unwrap(),
        21
    );
    let cancelled = ListFilter {
        state: Some("cancelled".to_owned()),
        limit: 100,
        ..ListFilter::default()
    };
    assert_eq!(place.store.cases(&cancelled).await.unwrap().len(), 21);
    assert_eq!(place.store.waiting("chat").await.unwrap(), None);
}

#[tokio::test]
async fn the_window_of_an_hour_holds_what_goes_over_it_and_leaves_compromises_alone() {
    let place = place().await;
    for n in 0..25 {
        place
            .accept(vec![signal(&format!("d{n}"), &format!("d{n}@example.org"), Reason::Departed)])
            .await;
    }
    assert_eq!(
        place
            .store
            .holds(false)
            .await
            .unwrap()
            .iter()
            .map(|hold| hold.cases)
            .sum::<i64>(),
        5
    );
    let receipt = place.accept(vec![signal("c", "c@example.org", Reason::Compromised)]).await;
    assert!(!case_of(&receipt.signals[0]).1);
    place.clock.advance(std::time::Duration::from_hours(2));
    let later = place.accept(vec![signal("late", "late@example.org", Reason::Departed)]).await;
    assert!(!case_of(&later.signals[0]).1);
}

impl Place {
    /// What is open: the class, the source and how many wait, by hold.
    async fn under_holds(&self) -> Vec<(String, String, i64)> {
        let holds = self.store.holds(false).await.unwrap();
        holds.into_iter().map(|hold| (hold.why, hold.source, hold.cases)).collect()
    }
}

fn row(class: &str, source: &str, cases: i64) -> (String, String, i64) {
    (class.to_owned(), source.to_owned(), cases)
}

#[tokio::test]
async fn what_waits_for_one_cause_is_one_decision_and_one_alert_however_it_came() {
    let place = place().await;
    for n in 0..30 {
        let one = signal(&format!("c{n}"), &format!("c{n}@example.org"), Reason::Compromised);
        place.accept_from("inbox", vec![one]).await;
    }
    assert_eq!(place.under_holds().await, [row("compromises_limit", "inbox", 25)]);
    let alerts = place.store.alerts(false).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].kind.as_str(), alerts[0].times), (1, "hold", 25));
    // Another source's flood is another decision.
    for n in 0..6 {
        let one = signal(&format!("s{n}"), &format!("s{n}@example.org"), Reason::Compromised);
        place.accept_from("siem", vec![one]).await;
    }
    assert_eq!(
        place.under_holds().await,
        [row("compromises_limit", "inbox", 25), row("compromises_limit", "siem", 1)]
    );
    // Once it is decided, what comes after is a new one.
    let by = Actor::operator("alice", None);
    place.store.reject_hold(1, by, None).await.unwrap();
    place
        .accept_from("inbox", vec![signal("later", "later@example.org", Reason::Compromised)])
        .await;
    assert_eq!(
        place.under_holds().await,
        [row("compromises_limit", "siem", 1), row("compromises_limit", "inbox", 1)]
    );
}

#[tokio::test]
async fn a_set_that_has_grown_since_it_was_shown_is_not_approved_by_what_was_shown() {
    let place = place().await;
    let take = async |n: usize| {
        let one = signal(&format!("c{n}"), &format!("c{n}@example.org"), Reason::Compromised);
        place.accept_from("inbox", vec![one]).await;
    };
    for n in 0..7 {
        take(n).await;
    }
    let shown = place.store.hold(1).await.unwrap().set;
    take(7).await;
    let by = || Actor::operator("alice", None);
    let stale = place.store.approve_hold(1, shown, by(), None).await;
    assert!(matches!(stale, Err(StoreError::Refused(_))), "{stale:?}");
    let now = place.store.hold(1).await.unwrap().set;
    assert_eq!(place.store.approve_hold(1, now, by(), None).await.unwrap(), 3);
}

#[tokio::test]
async fn other_words_are_another_cause_and_a_whole_delivery_is_one_by_itself() {
    let place = place().await;
    for (key, why) in [
        ("a", "the issuer is not sure"),
        ("b", "the issuer is not sure"),
        ("c", "it names a session"),
    ] {
        let mut one = signal(key, &format!("{key}@example.org"), Reason::Compromised);
        one.disposition = Disposition::Hold(why.to_owned());
        place.accept_from("idp", vec![one]).await;
    }
    assert_eq!(place.under_holds().await, [row("source", "idp", 2), row("source", "idp", 1)]);
    for n in 0..2 {
        let leavers = (0..21).map(|m| signal(&format!("{n}.{m}"), &format!("l{n}.{m}@example.org"), Reason::Departed));
        place.accept_from("hook", leavers.collect()).await;
    }
    for n in 0..2 {
        let leavers = (0..2).map(|m| {
            let mut one = signal(&format!("f{n}.{m}"), &format!("f{n}.{m}@example.org"), Reason::Departed);
            one.disposition = Disposition::Hold("an old row".to_owned());
            one
        });
        let file = Delivery {
            name: Some(format!("file{n}.csv")),
            ..Delivery::of("hr", leavers.collect(), place.clock.now())
        };
        place.store.accept(policy(), file, SlotOffers::default()).await.unwrap();
    }
    let open = place.under_holds().await;
    assert_eq!(
        open[2..],
        [
            row("delivery_limit", "hook", 21),
            row("delivery_limit", "hook", 21),
            row("source", "hr", 2),
            row("source", "hr", 2)
        ],
        "a bad file must be rejectable alone"
    );
}

#[tokio::test]
async fn who_waits_already_leaves_no_empty_hold_behind() {
    let place = place().await;
    let names = ["p0@example.org", "employee_id:7"].map(|text| ScopedName::from(text.parse::<revoked::model::Subject>().unwrap()));
    place.store.link(names.into(), false, Actor::Daemon).await.unwrap();
    place.accept(leavers(21)).await;
    // The same person, by another name, from another source and for another cause.
    let mut again = signal("again", "employee_id:7", Reason::Departed);
    again.disposition = Disposition::Hold("look at it".to_owned());
    let receipt = place.accept_from("idp", vec![again]).await;
    assert_eq!(case_of(&receipt.signals[0]), (1, true));
    assert_eq!(place.under_holds().await, [row("delivery_limit", "hr", 21)]);
    assert_eq!(place.store.alerts(false).await.unwrap().len(), 1);
    // A cause of the same source that comes later has a hold of its own.
    let mut other = signal("other", "other@example.org", Reason::Departed);
    other.disposition = Disposition::Hold("look at it".to_owned());
    place.accept_from("idp", vec![other]).await;
    assert_eq!(place.under_holds().await.len(), 2);
}

impl Place {
    /// So many people of each source over its limit of compromises: a hold for each source.
    async fn floods(&self, sources: &[(&str, usize)]) {
        for (source, people) in sources {
            for n in 0..people + 5 {
                let one = signal(
                    &format!("{source}{n}"),
                    &format!("{source}{n}@example.org"),
                    Reason::Compromised,
                );
                self.accept_from(source, vec![one]).await;
            }
        }
    }

    /// The states of the cases under a hold, or that were.
    async fn states(&self, state: &str) -> Vec<i64> {
        let filter = ListFilter {
            state: Some(state.to_owned()),
            limit: 100,
            ..ListFilter::default()
        };
        let mut cases: Vec<i64> = self.store.cases(&filter).await.unwrap().iter().map(|case| case.id).collect();
        cases.sort_unstable();
        cases
    }
}

fn chosen(holds: &[i64], except: &[i64]) -> HoldChoice {
    HoldChoice {
        holds: holds.to_vec(),
        except: except.to_vec(),
    }
}

fn ann() -> Actor {
    Actor::operator("ann", Some(1000))
}

#[tokio::test]
async fn several_holds_are_one_decision_about_one_set() {
    let place = place().await;
    place.floods(&[("inbox", 3), ("siem", 2)]).await;
    let shown = place.store.held_together(&[2, 1, 2], &[]).await.unwrap();
    assert_eq!((shown.holds.len(), shown.cases.len(), shown.people), (2, 5, 5));
    assert_ne!(shown.set, place.store.hold(1).await.unwrap().set);
    let decided = place
        .store
        .approve_holds(chosen(&[1, 2], &[]), shown.set.clone(), ann(), Some("one phish".to_owned()))
        .await
        .unwrap();
    assert!(!decided.awaits_second);
    assert_eq!(decided.set.cases.len(), 5);
    assert!(place.store.holds(false).await.unwrap().is_empty());
    assert!(place.store.alerts(false).await.unwrap().is_empty());
    let filter = TrailFilter {
        kind: Some("hold.approved".to_owned()),
        limit: 10,
        ..TrailFilter::default()
    };
    let entries = place.store.trail_search(&filter).await.unwrap();
    assert_eq!(entries.len(), 2);
    for entry in &entries {
        let said = entry.body.clone();
        for part in [
            shown.set.as_str(),
            "operator:ann(1000)",
            "one phish",
            "\"together\":[1,2]",
            "\"numbers\":[",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
}

#[tokio::test]
async fn a_part_that_is_taken_out_stays_held_under_the_same_hold() {
    let place = place().await;
    place.floods(&[("inbox", 4)]).await;
    let held = place.states("held").await;
    let (left, rest) = held.split_at(1);
    let shown = place.store.held_together(&[1], left).await.unwrap();
    assert_eq!(shown.cases.iter().map(|case| case.case).collect::<Vec<_>>(), rest);
    // The set of the whole is not that of the part.
    let whole = place.store.hold(1).await.unwrap().set;
    let refused = place
        .store
        .approve_holds(chosen(&[1], left), whole.clone(), ann(), None)
        .await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    let refused = place.store.approve_hold(1, shown.set.clone(), ann(), None).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    place
        .store
        .approve_holds(chosen(&[1], left), shown.set, ann(), None)
        .await
        .unwrap();
    assert_eq!(place.states("held").await, left);
    let open = place.store.holds(false).await.unwrap();
    assert_eq!((open.len(), open[0].cases, open[0].people), (1, 1, 1));
    // Who is left is another decision, and ends the hold.
    assert_eq!(place.store.reject_hold(1, ann(), None).await.unwrap(), 1);
    assert_eq!(place.states("cancelled").await, left);
    assert!(place.store.holds(false).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_taken_out_must_wait_there_and_leave_something() {
    let place = place().await;
    place.floods(&[("inbox", 2)]).await;
    let held = place.states("held").await;
    for except in [vec![999], held.clone()] {
        let refused = place.store.held_together(&[1], &except).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        let refused = place.store.reject_holds(chosen(&[1], &except), None, ann(), None).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    assert_eq!(place.states("held").await, held);
    let unknown = place.store.held_together(&[1, 7], &[]).await;
    assert!(
        matches!(unknown, Err(StoreError::NotFound { what: "hold", id: 7 })),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_part_whose_set_has_grown_is_refused_whoever_came() {
    let place = place().await;
    place.floods(&[("inbox", 3), ("siem", 1)]).await;
    let out = place.states("held").await[0];
    let shown = place.store.held_together(&[1, 2], &[out]).await.unwrap().set;
    let late = signal("late", "late@example.org", Reason::Compromised);
    place.accept_from("siem", vec![late]).await;
    let stale = place.store.approve_holds(chosen(&[1, 2], &[out]), shown, ann(), None).await;
    let why = stale.unwrap_err().to_string();
    assert!(why.contains("holds 1 and 2 now cover") && why.contains("--except"), "{why}");
    assert_eq!(place.states("held").await.len(), 5);
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_is_told_that_it_is_decided() {
    let place = place().await;
    place.floods(&[("inbox", 3)]).await;
    let set = place.store.hold(1).await.unwrap().set;
    let (first, second) = tokio::join!(
        place.store.approve_hold(1, set.clone(), ann(), None),
        place.store.approve_hold(1, set, Actor::operator("bob", Some(1001)), None)
    );
    let (done, refused) = if first.is_ok() { (first, second) } else { (second, first) };
    assert_eq!(done.unwrap(), 3);
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("hold 1 was approved by operator:"), "{why}");
    let approved = place.trail().await.iter().filter(|kind| *kind == "hold.approved").count();
    assert_eq!(approved, 1);
}
