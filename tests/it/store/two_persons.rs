//! Decisions that need two persons.

use std::sync::Arc;
use std::time::Duration;

use revoked::model::{Actor, Delivery, Disposition, Reason, Signal};
use revoked::policy::{Group, Policy};
use revoked::store::{ApprovalRule, Approved, HoldChoice, SlotOffers, StoreError, TrailFilter};

use super::{Place, case_of, place, signal};

/// The daemon's account.
const SHARED: u32 = 990;

fn person(text: &str) -> Actor {
    text.parse().unwrap()
}

fn ann() -> Actor {
    person("operator:ann(1000)")
}

fn ben() -> Actor {
    person("operator:revoked(990) login:ben(1001)")
}

fn leavers(from: usize, count: usize) -> Vec<Signal> {
    (from..from + count)
        .map(|n| signal(&format!("row{n}"), &format!("p{n}@example.org"), Reason::Departed))
        .collect()
}

/// A store in which 21 leavers are held, and more than twenty people need two persons.
async fn held() -> Place {
    let place = place().await;
    let rule = ApprovalRule {
        two_above: Some(20),
        two_for_protected: true,
    };
    place.store.set_approval_rule(rule, Some(SHARED)).await.unwrap();
    place.accept(leavers(0, 21)).await;
    place
}

impl Place {
    async fn shown(&self, except: &[i64]) -> String {
        self.store.held_together(&[1], except).await.unwrap().set
    }

    async fn approves(&self, by: Actor, except: &[i64], set: &str) -> Result<Approved, StoreError> {
        let choice = HoldChoice {
            holds: vec![1],
            except: except.to_vec(),
        };
        self.store
            .approve_holds(choice, set.to_owned(), by, Some("checked".to_owned()))
            .await
    }

    /// Why an approval of what is shown is refused.
    async fn refuses(&self, by: Actor, except: &[i64]) -> String {
        let set = self.shown(except).await;
        match self.approves(by, except, &set).await {
            Err(StoreError::Refused(why)) => why,
            other => panic!("it was not refused: {other:?}"),
        }
    }

    async fn entries(&self, kind: &str) -> Vec<String> {
        let filter = TrailFilter {
            kind: Some(kind.to_owned()),
            limit: 100,
            ..TrailFilter::default()
        };
        let rows = self.store.trail_search(&filter).await.unwrap();
        rows.iter().map(|row| row.body.clone()).collect()
    }

    /// Whether lists show a first approval.
    async fn is_listed_with_a_first(&self) -> bool {
        self.store.holds_with_approvals(false).await.unwrap()[0]
            .first_approval
            .is_some()
    }

    async fn waits(&self) -> i64 {
        self.store.holds(false).await.unwrap().first().map_or(0, |hold| hold.cases)
    }
}

#[tokio::test]
async fn nothing_goes_on_before_a_second_person_approves_the_same_set() {
    let place = held().await;
    let set = place.shown(&[]).await;
    assert!(place.approves(ann(), &[], &set).await.unwrap().awaits_second);
    assert_eq!((place.waits().await, place.store.waiting("chat").await.unwrap()), (21, None));
    let shown = place.store.hold(1).await.unwrap().two_persons.unwrap();
    assert_eq!(shown.first.unwrap().by, "operator:ann(1000)");
    let why = place.refuses(ann(), &[]).await;
    assert!(why.contains("somebody else must be the second"), "{why}");
    assert!(!place.approves(ben(), &[], &set).await.unwrap().awaits_second);
    assert_eq!(place.waits().await, 0);
    let given = place.entries("hold.approval_given").await;
    assert!(
        given.len() == 1 && given[0].contains(&set) && given[0].contains("operator:ann(1000)"),
        "{given:?}"
    );
    assert!(
        place.entries("hold.approval_void").await.is_empty(),
        "the first was used, and nothing is void"
    );
    let approved = place.entries("hold.approved").await;
    assert!(
        approved[0].contains("\"first_approval\":\"operator:ann(1000)\""),
        "{approved:?}"
    );
}

#[tokio::test]
async fn the_same_human_by_another_way_is_no_second_person() {
    let place = held().await;
    let set = place.shown(&[]).await;
    place.approves(ann(), &[], &set).await.unwrap();
    for same in ["operator:ann(1000)", "operator:revoked(990) login:ann(1000)", "operator:Ann"] {
        let why = place.refuses(person(same), &[]).await;
        assert!(why.contains("somebody else must be the second"), "{same}: {why}");
    }
    for nobody in [
        "operator:revoked(990)",
        "operator:revoked(990) sudo:ben",
        "daemon",
        "source:hr",
    ] {
        let why = place.refuses(person(nobody), &[]).await;
        assert!(why.contains("may be several"), "{nobody}: {why}");
    }
}

#[tokio::test]
async fn a_first_approval_is_void_once_the_set_has_changed() {
    let place = held().await;
    let set = place.shown(&[]).await;
    place.approves(ann(), &[], &set).await.unwrap();
    assert!(place.is_listed_with_a_first().await);
    // One of them is called off.
    let all = place.store.hold(1).await.unwrap().cases;
    place
        .store
        .call_off(all[0].case, ann(), Some("is still here".to_owned()))
        .await
        .unwrap();
    let changed = place.shown(&[]).await;
    assert_ne!(changed, set);
    assert!(!place.is_listed_with_a_first().await);
    assert!(
        matches!(place.approves(ben(), &[], &set).await, Err(StoreError::Refused(_))),
        "a replayed set"
    );
    assert!(
        place.approves(ben(), &[], &changed).await.unwrap().awaits_second,
        "he is the first of what is there now"
    );
    let void = place.entries("hold.approval_void").await;
    assert!(void.len() == 1 && void[0].contains("has changed"), "{void:?}");
    assert!(!place.approves(ann(), &[], &changed).await.unwrap().awaits_second);
}

#[tokio::test]
async fn a_first_approval_counts_for_a_day() {
    let place = held().await;
    let set = place.shown(&[]).await;
    place.approves(ann(), &[], &set).await.unwrap();
    assert!(place.is_listed_with_a_first().await);
    place.clock.advance(Duration::from_hours(24));
    assert!(!place.is_listed_with_a_first().await);
    assert!(place.approves(ben(), &[], &set).await.unwrap().awaits_second);
    let void = place.entries("hold.approval_void").await;
    assert!(void.len() == 1 && void[0].contains("within a day"), "{void:?}");
}

#[tokio::test]
async fn a_hold_is_no_smaller_for_what_is_taken_out_of_it() {
    let place = held().await;
    let cases: Vec<i64> = place
        .store
        .hold(1)
        .await
        .unwrap()
        .cases
        .iter()
        .map(|case| case.case)
        .collect();
    let (left, part) = cases.split_at(11);
    let of_part = place.shown(left).await;
    assert!(place.approves(ann(), left, &of_part).await.unwrap().awaits_second);
    let of_rest = place.shown(part).await;
    assert!(
        place.approves(ann(), part, &of_rest).await.unwrap().awaits_second,
        "another part is another decision"
    );
    assert!(!place.approves(ben(), left, &of_part).await.unwrap().awaits_second);
    assert_eq!(place.waits().await, 11);
    // What is left there was approved as it is by the first; that ten went on changes nothing about them.
    let now = place.shown(&[]).await;
    assert_eq!(
        place.store.hold(1).await.unwrap().two_persons.unwrap().why.split(' ').next(),
        Some("21")
    );
    assert!(place.approves(ben(), &[], &now).await.is_ok());
}

#[tokio::test]
async fn the_second_person_is_counted_however_many_other_parts_have_a_first() {
    let place = held().await;
    let cases = place.store.hold(1).await.unwrap().cases;
    for case in &cases {
        let set = place.shown(&[case.case]).await;
        assert!(place.approves(ann(), &[case.case], &set).await.unwrap().awaits_second);
    }
    let last = [cases.last().unwrap().case];
    let set = place.shown(&last).await;
    assert!(!place.approves(ben(), &last, &set).await.unwrap().awaits_second);
    assert_eq!(place.waits().await, 1);
    assert_eq!(
        place.entries("hold.approval_void").await.len(),
        20,
        "those are about what waits no more"
    );
}

#[tokio::test]
async fn a_group_that_asks_for_two_persons_from_now_on_has_them_where_somebody_waits_already() {
    let place = place().await;
    for (n, approvals) in [1, 2, 1].into_iter().enumerate() {
        let person = signal(&format!("key{n}"), &format!("p{n}@example.org"), Reason::Compromised);
        let mut policy = Policy::standard(&["chat"]);
        policy.groups = vec![Group {
            name: "board".to_owned(),
            members: [person.subject.clone()].into_iter().collect(),
            listed: None,
            file: None,
            hold: true,
            highest: None,
            approvals,
        }];
        let delivery = Delivery::of("idp", vec![person], place.clock.now());
        place
            .store
            .accept(Arc::new(policy), delivery, SlotOffers::default())
            .await
            .unwrap();
    }
    assert_eq!(place.waits().await, 3, "one cause, one hold");
    let set = place.shown(&[]).await;
    assert!(place.approves(ann(), &[], &set).await.unwrap().awaits_second);
    assert!(!place.approves(ben(), &[], &set).await.unwrap().awaits_second);
}

#[tokio::test]
async fn who_asked_for_somebody_is_none_of_the_two() {
    let place = place().await;
    let rule = ApprovalRule {
        two_above: None,
        two_for_protected: true,
    };
    place.store.set_approval_rule(rule, None).await.unwrap();
    let mut asked = signal("key", "break-glass@example.org", Reason::Compromised);
    asked.requested_by = Some("operator:revoked(990) sudo:ann".to_owned());
    let mut policy = Policy::standard(&["chat"]);
    policy.protected = [asked.subject.clone()].into_iter().collect();
    let delivery = Delivery::of("inbox", vec![asked], place.clock.now());
    place
        .store
        .accept(Arc::new(policy), delivery, SlotOffers::default())
        .await
        .unwrap();
    let why = place.refuses(ann(), &[]).await;
    assert!(why.contains("whoever asked is none of them"), "{why}");
    let set = place.shown(&[]).await;
    assert!(place.approves(ben(), &[], &set).await.unwrap().awaits_second);
    let why = place.refuses(ann(), &[]).await;
    assert!(why.contains("whoever asked is none of them"), "{why}");
    let cleo = person("operator:cleo(1002)");
    assert!(!place.approves(cleo, &[], &set).await.unwrap().awaits_second);
}

#[tokio::test]
async fn who_asked_for_somebody_who_waited_already_is_none_of_the_two() {
    let place = held().await;
    let mut asked = signal("asked", "p0@example.org", Reason::Departed);
    asked.requested_by = Some("operator:ann(1000)".to_owned());
    asked.disposition = Disposition::Hold("look at it".to_owned());
    let receipt = place.accept_from("siem", vec![asked]).await;
    assert_eq!(case_of(&receipt.signals[0]), (1, true));
    let why = place.refuses(ann(), &[]).await;
    assert!(why.contains("case 1 was asked for by operator:ann(1000)"), "{why}");
    let set = place.shown(&[]).await;
    assert!(place.approves(ben(), &[], &set).await.unwrap().awaits_second);
}

#[tokio::test]
async fn up_to_the_number_one_person_decides() {
    let place = held().await;
    let rule = ApprovalRule {
        two_above: Some(21),
        two_for_protected: true,
    };
    place.store.set_approval_rule(rule, Some(SHARED)).await.unwrap();
    let set = place.shown(&[]).await;
    assert!(!place.approves(ann(), &[], &set).await.unwrap().awaits_second);
}

#[tokio::test]
async fn two_who_approve_at_once_are_one_decision() {
    let place = held().await;
    let set = place.shown(&[]).await;
    let (one, other) = tokio::join!(place.approves(ann(), &[], &set), place.approves(ben(), &[], &set));
    assert_ne!(one.unwrap().awaits_second, other.unwrap().awaits_second);
    assert_eq!(place.entries("hold.approved").await.len(), 1);
    assert!(
        matches!(place.approves(ann(), &[], &set).await, Err(StoreError::Refused(_))),
        "it is decided"
    );
}

#[tokio::test]
async fn a_rejection_needs_one_person_and_ends_the_first_approval() {
    let place = held().await;
    let set = place.shown(&[]).await;
    place.approves(ann(), &[], &set).await.unwrap();
    place
        .store
        .reject_hold(1, ben(), Some("wrong file".to_owned()))
        .await
        .unwrap();
    assert_eq!(place.entries("hold.approval_void").await.len(), 1);
    assert!(matches!(place.approves(ann(), &[], &set).await, Err(StoreError::Refused(_))));
}

#[tokio::test]
async fn a_hold_that_ends_without_a_decision_ends_the_first_approval() {
    let place = held().await;
    let set = place.shown(&[]).await;
    place.approves(ann(), &[], &set).await.unwrap();
    for case in place.store.hold(1).await.unwrap().cases {
        place
            .store
            .call_off(case.case, ben(), Some("nobody leaves".to_owned()))
            .await
            .unwrap();
    }
    assert_eq!((place.waits().await, place.entries("hold.approval_void").await.len()), (0, 1));
}

#[tokio::test]
async fn a_rule_that_is_changed_stands_in_the_trail() {
    let place = held().await;
    place
        .store
        .set_approval_rule(ApprovalRule::default(), Some(SHARED))
        .await
        .unwrap();
    place
        .store
        .set_approval_rule(ApprovalRule::default(), Some(SHARED))
        .await
        .unwrap();
    let rules = place.entries("approvals.rule_set").await;
    assert_eq!(rules.len(), 2, "{rules:?}");
    for (rule, above, protected) in [(&rules[0], "20", "yes"), (&rules[1], "unlimited", "no")] {
        let said = format!("\"two_persons_above\":\"{above}\",\"two_persons_for_protected\":\"{protected}\"");
        assert!(rule.contains(&said), "{rule}");
    }
    assert!(
        !place
            .approves(ann(), &[], &place.shown(&[]).await)
            .await
            .unwrap()
            .awaits_second
    );
}

#[tokio::test]
async fn a_hold_that_nobody_decides_comes_to_mind_again_and_never_decides_itself() {
    let place = held().await;
    assert_eq!(place.store.remind_of_holds(Duration::from_hours(1)).await.unwrap(), 0);
    // Each of the 21 raised it.
    for times in 22..25 {
        place.clock.advance(Duration::from_hours(1));
        assert_eq!(place.store.remind_of_holds(Duration::from_hours(1)).await.unwrap(), 1);
        assert_eq!(place.store.remind_of_holds(Duration::from_hours(1)).await.unwrap(), 0);
        assert_eq!(place.store.alerts(false).await.unwrap()[0].times, times);
    }
    assert_eq!(place.waits().await, 21);
}

#[tokio::test]
async fn a_rule_that_cannot_be_read_asks_for_two_persons() {
    let place = held().await;
    place.store.set_approval_rule(ApprovalRule::default(), None).await.unwrap();
    assert_eq!(place.store.hold(1).await.unwrap().two_persons, None);
    place.sql("UPDATE approval_rule SET shared_uid = -1").await;
    let set = place.shown(&[]).await;
    assert!(place.approves(ann(), &[], &set).await.unwrap().awaits_second);
    place.store.set_approval_rule(ApprovalRule::default(), None).await.unwrap();
    assert!(!place.approves(ann(), &[], &set).await.unwrap().awaits_second);
}
