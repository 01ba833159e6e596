//! What is to be told stands in the store with what was proved, or not at all.

use std::time::Duration;

use revoked::model::{Action, ActionOutcome, Actor, Evidence, Finished, PasswordReset, Reason, Settlement, Verdict};
use revoked::statement::{EventType, Receiver, SubjectForm};
use revoked::store::{Backlog, Claim, DeliveryOutcome, ObservationSummary, OutboxEvent, SlotOffers, StoreError};
use serde_json::Value;

use super::{Place, case_of, place, signal};

pub(super) fn receiver() -> Receiver {
    Receiver {
        name: "idp".to_owned(),
        issuer: "https://revoked.example.org".to_owned(),
        audience: "https://idp.example.org".to_owned(),
        events: [EventType::SessionRevoked, EventType::CredentialChange].into(),
        subject: SubjectForm::AsReceived,
        sources: Vec::new(),
        reasons: Vec::new(),
        single_sessions: false,
    }
}

/// A place that tells one receiver, with one job for Alice under way.
async fn told(reason: Reason) -> (Place, i64, Claim) {
    let place = place().await;
    place.store.set_receivers(vec![receiver()]).await.unwrap();
    let case = case_of(&place.accept(vec![signal("k", "alice@example.org", reason)]).await.signals[0]).0;
    let claim = place.claim().await;
    (place, case, claim)
}

impl Place {
    /// Settles with a verdict that an observation of now proves.
    async fn settle(&self, claim: Claim, finished: Vec<Finished>, verdict: Verdict) -> Result<(), StoreError> {
        let evidence = Evidence {
            after_at: Some(self.clock.now()),
            ..Evidence::default()
        };
        self.store.settle(claim, finished, evidence, Settlement::Done(verdict)).await
    }

    async fn events(&self) -> Vec<OutboxEvent> {
        self.store.due_events("idp", 100).await.unwrap()
    }

    async fn backlog(&self) -> Backlog {
        self.store.backlog("idp").await.unwrap()
    }

    /// The next sweep, claimed, with the case opened again by what it is about to do.
    async fn came_back(&self, after: Duration) -> (Claim, Vec<Finished>) {
        self.clock.advance(after);
        self.store.promote().await.unwrap();
        let claim = self.claim().await;
        let started = self
            .store
            .start(&claim, vec![Action::EndAllSessions], ObservationSummary::default())
            .await
            .unwrap();
        (claim, vec![self.done(started[0].id)])
    }

    fn done(&self, id: i64) -> Finished {
        Finished {
            id,
            outcome: ActionOutcome::Done,
            requests: Vec::new(),
            at: self.clock.now(),
        }
    }
}

fn jti(event: &OutboxEvent) -> String {
    let claims: Value = serde_json::from_str(&event.claims).unwrap();
    assert_eq!(claims["jti"], event.jti);
    event.jti.clone()
}

#[tokio::test]
async fn a_case_that_closes_contained_leaves_a_token_in_the_same_commit() {
    let (place, case, claim) = told(Reason::Compromised).await;
    let before = place.store.committed().borrow().commits;
    place.settle(claim, vec![], Verdict::Contained).await.unwrap();
    assert_eq!(place.store.committed().borrow().commits, before + 1);
    let events = place.events().await;
    assert_eq!(events.len(), 1);
    assert!(
        events[0].claims.contains(&format!("\"txn\":\"revoked:{case}\"")),
        "{events:?}"
    );
    let trail = place.trail().await;
    let place_of = |kind: &str| trail.iter().position(|entry| entry == kind).unwrap();
    assert!(place_of("case.contained") < place_of("statement.queued"));
}

#[tokio::test]
async fn every_other_end_leaves_none() {
    let ends = [
        Verdict::Unverified {
            kinds: std::collections::BTreeMap::new(),
            open: None,
        },
        Verdict::Residual {
            until: super::NOW.plus(Duration::from_mins(1)),
            what: "a cache".to_owned(),
        },
        Verdict::NoPrincipal {
            what: "nobody".to_owned(),
        },
    ];
    for verdict in ends {
        let (place, ..) = told_and(verdict.clone()).await;
        assert_eq!(place.backlog().await, Backlog::default(), "{verdict}");
    }
    let (place, _, claim) = told(Reason::Compromised).await;
    let gave_up = Settlement::GiveUp {
        error: "still there".to_owned(),
    };
    place.store.settle(claim, vec![], Evidence::default(), gave_up).await.unwrap();
    assert_eq!(place.backlog().await, Backlog::default());
    // Contained, and yet by an observation that nobody can date.
    let (place, _, claim) = told(Reason::Compromised).await;
    let undated = Settlement::Done(Verdict::Contained);
    place.store.settle(claim, vec![], Evidence::default(), undated).await.unwrap();
    assert_eq!(place.backlog().await, Backlog::default());
}

async fn told_and(verdict: Verdict) -> (Place, i64) {
    let (place, case, claim) = told(Reason::Compromised).await;
    place.settle(claim, vec![], verdict).await.unwrap();
    (place, case)
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_tells_nobody() {
    let (place, _, claim) = told(Reason::Compromised).await;
    place.store.expire_leases(true).await.unwrap();
    let lost = place.settle(claim, vec![], Verdict::Contained).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost(_))));
    assert_eq!(place.backlog().await, Backlog::default());
}

#[tokio::test]
async fn what_was_residual_is_told_when_a_sweep_finds_nothing_left() {
    let until = super::NOW.plus(Duration::from_secs(30));
    let (place, _) = told_and(Verdict::Residual {
        until,
        what: "a cache".to_owned(),
    })
    .await;
    assert!(place.events().await.is_empty());
    place.clock.advance(Duration::from_mins(1));
    place.store.promote().await.unwrap();
    let sweep = place.claim().await;
    place.settle(sweep, vec![], Verdict::Contained).await.unwrap();
    assert_eq!(place.events().await.len(), 1);
}

#[tokio::test]
async fn a_sweep_that_finds_nothing_says_nothing_and_one_that_ends_something_says_it_anew() {
    let (place, _) = told_and(Verdict::Contained).await;
    let first = jti(&place.events().await[0]);
    place.clock.advance(Duration::from_mins(1));
    place.store.promote().await.unwrap();
    let quiet = place.claim().await;
    place.settle(quiet, vec![], Verdict::Contained).await.unwrap();
    assert_eq!(place.events().await.len(), 1);

    let (claim, finished) = place.came_back(Duration::from_mins(10)).await;
    place.settle(claim, finished, Verdict::Contained).await.unwrap();
    let events = place.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(jti(&events[0]), first);
    assert_ne!(jti(&events[1]), first);
}

#[tokio::test]
async fn a_changed_password_is_told_once_however_often_the_case_closes() {
    let place = place().await;
    place.store.set_receivers(vec![receiver()]).await.unwrap();
    let mut policy = (*super::policy()).clone();
    let playbook = policy.playbooks.get_mut("compromised").unwrap();
    playbook.get_mut("chat").unwrap().reset_password = PasswordReset::Always;
    let alice = signal("k", "alice@example.org", Reason::Compromised);
    let delivery = revoked::model::Delivery::of("hr", vec![alice], place.clock.now());
    place
        .store
        .accept(policy.into(), delivery, SlotOffers::default())
        .await
        .unwrap();
    let claim = place.claim().await;
    let started = place
        .store
        .start(&claim, vec![Action::ResetPassword], ObservationSummary::default())
        .await
        .unwrap();
    let finished = vec![place.done(started[0].id)];
    place.settle(claim, finished, Verdict::Contained).await.unwrap();
    let (claim, finished) = place.came_back(Duration::from_mins(1)).await;
    place.settle(claim, finished, Verdict::Contained).await.unwrap();
    let events: Vec<String> = place.events().await.into_iter().map(|event| event.event_type).collect();
    assert_eq!(events, ["session-revoked", "credential-change", "session-revoked"]);
}

#[tokio::test]
async fn a_delivered_token_loses_its_claims_and_an_acknowledgement_may_come_twice() {
    let (place, _) = told_and(Verdict::Contained).await;
    let jti = jti(&place.events().await[0]);
    let record = |outcome: DeliveryOutcome| place.store.record_outcomes("idp", vec![(jti.clone(), outcome)]);
    let due = place.clock.now().plus(Duration::from_secs(5));
    let later = DeliveryOutcome::Retry {
        due,
        why: "it answered 503".to_owned(),
    };
    assert_eq!(record(later).await.unwrap(), 1);
    assert!(place.events().await.is_empty(), "it is not due yet");
    assert_eq!(place.store.next_due_event("idp").await.unwrap(), Some(due));
    place.clock.advance(Duration::from_secs(5));
    assert_eq!(place.events().await[0].attempts, 1);
    assert_eq!(
        place
            .store
            .record_outcomes("other", vec![(jti.clone(), DeliveryOutcome::Delivered)])
            .await
            .unwrap(),
        0
    );
    assert_eq!(record(DeliveryOutcome::Delivered).await.unwrap(), 1);
    assert_eq!(record(DeliveryOutcome::Delivered).await.unwrap(), 0);
    assert_eq!(
        record(DeliveryOutcome::Refused("invalid_key".to_owned())).await.unwrap(),
        0,
        "it has it already"
    );
    let backlog = place.backlog().await;
    assert_eq!((backlog.waiting.pending, backlog.delivered, backlog.refused), (0, 1, 0));
    place.store.close().await;
    let bytes = std::fs::read(&place.path).unwrap();
    assert!(
        !String::from_utf8_lossy(&bytes).contains("sub_id"),
        "the claims are still in the file"
    );
}

#[tokio::test]
async fn what_is_refused_alerts_until_it_is_sent_again_and_taken() {
    let (place, _) = told_and(Verdict::Contained).await;
    let jti = jti(&place.events().await[0]);
    let record = |outcome: DeliveryOutcome| place.store.record_outcomes("idp", vec![(jti.clone(), outcome)]);
    record(DeliveryOutcome::Refused("invalid_audience".to_owned())).await.unwrap();
    assert!(place.store.alert_is_open("receiver_refuses", "receiver:idp").await.unwrap());
    assert!(place.events().await.is_empty());
    assert_eq!(
        place.store.retry_events("idp", Actor::operator("alice", None)).await.unwrap(),
        1
    );
    assert_eq!(place.events().await[0].jti, jti);
    record(DeliveryOutcome::Delivered).await.unwrap();
    assert!(!place.store.alert_is_open("receiver_refuses", "receiver:idp").await.unwrap());
    assert_eq!(place.store.retry_events("idp", Actor::Daemon).await.unwrap(), 0);
}

#[tokio::test]
async fn what_waits_for_a_receiver_that_is_gone_is_given_up() {
    let (place, _) = told_and(Verdict::Contained).await;
    place.store.set_receivers(Vec::new()).await.unwrap();
    let backlog = place.backlog().await;
    assert_eq!((backlog.waiting.pending, backlog.dead), (0, 1));
    assert!(place.trail().await.contains(&"statement.given_up".to_owned()));
    assert!(place.store.alert_is_open("receiver_down", "receiver:idp").await.unwrap());
}

#[tokio::test]
async fn an_erased_person_is_told_about_to_nobody() {
    let (place, _, claim) = told(Reason::Logout).await;
    place.settle(claim, vec![], Verdict::Contained).await.unwrap();
    assert_eq!(place.events().await.len(), 1);
    assert!(
        place
            .store
            .erase(&"alice@example.org".parse().unwrap(), Actor::Daemon)
            .await
            .unwrap()
    );
    assert_eq!(place.backlog().await, Backlog::default());
}

#[tokio::test]
async fn retention_takes_tokens_with_their_case_and_handshakes_by_age() {
    let (place, _, claim) = told(Reason::Logout).await;
    place.settle(claim, vec![], Verdict::Contained).await.unwrap();
    let handshake = place.store.queue_verification(receiver(), None, Actor::Daemon).await.unwrap();
    let waits = place.store.queue_verification(receiver(), None, Actor::Daemon).await.unwrap();
    place
        .store
        .record_outcomes("idp", vec![(handshake.clone(), DeliveryOutcome::Delivered)])
        .await
        .unwrap();
    let day = Duration::from_hours(24);
    place.clock.advance(day / 2);
    place.store.prune(day, day).await.unwrap();
    assert_eq!(place.backlog().await.waiting.handshakes, 1);
    assert!(place.store.event_state(&handshake).await.unwrap().is_some());
    place.clock.advance(day);
    assert_eq!(place.store.prune(day, day).await.unwrap(), 1);
    assert!(place.store.event_state(&handshake).await.unwrap().is_none());
    assert_eq!(place.events().await.len(), 1);
    assert_eq!(place.events().await[0].jti, waits);
}

#[tokio::test]
async fn whoever_reports_what_has_just_been_ended_is_told_so_and_nobody_twice() {
    let place = place().await;
    let to = |name: &str, source: &str| Receiver {
        name: name.to_owned(),
        sources: vec![source.to_owned()],
        ..receiver()
    };
    place
        .store
        .set_receivers(vec![to("idp", "okta"), to("siem", "splunk")])
        .await
        .unwrap();
    let reported = |key: &str| {
        let mut alice = signal(key, "alice@example.org", Reason::Compromised);
        alice.occurred_at = Some(super::NOW);
        alice
    };
    let case = case_of(&place.accept_from("okta", vec![reported("a")]).await.signals[0]).0;
    let claim = place.claim().await;
    // The second source has shown that its clock is right.
    let mut quick = signal("quick", "bob@example.org", Reason::Compromised);
    quick.occurred_at = Some(super::NOW);
    place.accept_from("splunk", vec![quick]).await;
    place.clock.advance(Duration::from_secs(5));
    place.settle(claim, vec![], Verdict::Contained).await.unwrap();
    let waiting = async |name: &str| place.store.pending(name).await.unwrap().pending;
    assert_eq!((waiting("idp").await, waiting("siem").await), (1, 0));
    // It happened before the proof, so it belongs to the case that is closed.
    place.clock.advance(Duration::from_secs(5));
    for key in ["b", "c"] {
        assert_eq!(
            case_of(&place.accept_from("splunk", vec![reported(key)]).await.signals[0]).0,
            case
        );
        assert_eq!((waiting("idp").await, waiting("siem").await), (1, 1));
    }
}
