//! Paused batches: whatever puts a job of one into the queue, it waits.

use std::time::Duration;

use revoked::model::{Actor, Delivery, Evidence, Priority, Reason, Settlement, Signal, SignalReceipt, Verdict};
use revoked::store::{InboxRow, ListFilter, SlotOffer, SlotOffers};

use super::{Place, case_of, place, policy, signal};

fn by() -> Actor {
    Actor::operator("anna", Some(1000))
}

impl Place {
    /// Writes a list and stores it as the daemon does. Answers its key and the cases.
    async fn batch_of(&self, names: &[&str], reason: Reason) -> (String, Vec<i64>) {
        let (key, rows, signals) = self.batch_written(names, reason).await;
        (key, self.batch_taken(rows, signals, true).await)
    }

    async fn batch_written(&self, names: &[&str], reason: Reason) -> (String, Vec<i64>, Vec<Signal>) {
        let rows = names.iter().map(|name| InboxRow {
            subject: format!("username:{name}"),
            reason: reason.word().to_owned(),
            requested_by: "anna".to_owned(),
            ..InboxRow::default()
        });
        let digest = format!(
            "{:0>16}",
            names
                .join("")
                .bytes()
                .fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)))
                % 1_000_000
        );
        let set = self.store.submit_set(digest, rows.collect()).await.unwrap();
        let rows = self.store.inbox_set(&set.key).await.unwrap();
        let signals = rows.iter().map(|row| {
            let key = format!("key:{}", row.request_key.as_deref().unwrap());
            signal(&key, &row.subject, reason)
        });
        let signals = signals.collect();
        (set.key, rows.iter().map(|row| row.id).collect(), signals)
    }

    async fn batch_taken(&self, rows: Vec<i64>, signals: Vec<Signal>, as_one: bool) -> Vec<i64> {
        let mut delivery = Delivery::of("inbox", signals, self.clock.now());
        delivery.inbox = rows;
        delivery.name = as_one.then(|| "list".to_owned());
        // A lane that would take an urgent job at once.
        let offers = SlotOffers {
            slots: vec![SlotOffer {
                target: "chat".to_owned(),
                able: std::sync::Arc::default(),
            }],
            born: None,
        };
        let accepted = self.store.accept(policy(), delivery, offers).await.unwrap();
        assert!(accepted.claims.len() <= 1);
        let cases = accepted.receipt.signals.iter().map(|signal| case_of(signal).0);
        cases.collect()
    }

    async fn has_work(&self) -> bool {
        self.store.waiting("chat").await.unwrap().is_some()
    }

    async fn batch_paused(&self, key: &str) {
        self.store.pause_batch(key, by(), "wait".to_owned()).await.unwrap();
    }

    /// The only job that waits ends so.
    async fn only_job_ends(&self, settlement: Settlement) {
        let claim = self.claim().await;
        let evidence = Evidence {
            principal: Some("p".to_owned()),
            after_at: Some(self.clock.now()),
            ..Evidence::default()
        };
        self.store.settle(claim, vec![], evidence, settlement).await.unwrap();
    }
}

#[tokio::test]
async fn a_retry_of_a_paused_batch_waits_and_goes_on_with_it() {
    let place = place().await;
    let (key, _) = place.batch_of(&["alice"], Reason::Departed).await;
    let claim = place.claim().await;
    place.batch_paused(&key).await;
    let due = place.clock.now().plus(Duration::from_secs(1));
    let again = Settlement::Retry {
        due,
        error: "no answer".to_owned(),
    };
    place.store.settle(claim, vec![], Evidence::default(), again).await.unwrap();
    place.clock.advance(Duration::from_secs(2));
    place.store.promote().await.unwrap();
    assert!(!place.has_work().await, "it was to wait");
    assert_eq!(place.store.resume_batch(&key, by(), None).await.unwrap(), 1);
    place.only_job_ends(Settlement::Done(Verdict::Contained)).await;
    let progress = place.store.batch_progress(&key).await.unwrap();
    assert_eq!((progress.ended(), progress.verdict("contained")), (1, 1));
    place.trail().await;
}

#[tokio::test]
async fn an_approval_begins_nothing_of_a_paused_batch_and_its_resumption_approves_nothing() {
    let place = place().await;
    let names: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (key, _) = place.batch_of(&names, Reason::Compromised).await;
    let hold = place.store.holds(false).await.unwrap()[0].id;
    place.batch_paused(&key).await;
    place.store.resume_batch(&key, by(), None).await.unwrap();
    assert!(!place.has_work().await, "the hold still stands");
    place.batch_paused(&key).await;
    let set = place.store.hold(hold).await.unwrap().set;
    assert_eq!(place.store.approve_hold(hold, set, by(), None).await.unwrap(), 40);
    assert!(!place.has_work().await, "the batch is paused");
    let counts = place.store.batch_counts(&key).await.unwrap();
    assert_eq!((counts.held, counts.kept_back, counts.at_work()), (0, 40, 0));
    place.store.resume_batch(&key, by(), None).await.unwrap();
    assert!(place.has_work().await);
}

#[tokio::test]
async fn rows_of_a_paused_batch_take_no_slot_even_one_by_one_and_others_go_on() {
    let place = place().await;
    let (key, rows, signals) = place.batch_written(&["alice", "bob"], Reason::Compromised).await;
    place.batch_paused(&key).await;
    for (row, signal) in rows.into_iter().zip(signals) {
        place.batch_taken(vec![row], vec![signal], false).await;
    }
    let begun = ["queued", "running"].map(|state| ListFilter {
        state: Some(state.to_owned()),
        limit: 9,
        ..ListFilter::default()
    });
    for begun in &begun {
        assert!(place.store.jobs(begun).await.unwrap().is_empty(), "{begun:?}");
    }
    assert_eq!(place.store.batch_counts(&key).await.unwrap().kept_back, 2);
    // A second list with one of them, which nobody has paused, lets that one go on.
    let (other, _) = place.batch_of(&["alice", "carol"], Reason::Compromised).await;
    let counts = place.store.batch_counts(&key).await.unwrap();
    assert_eq!((counts.kept_back, counts.unfinished), (1, 2));
    // Once both are paused nobody waits for alice any more but they.
    place
        .store
        .pause_batch(&other, by(), "this one too".to_owned())
        .await
        .unwrap();
    assert_eq!(place.store.batch_counts(&key).await.unwrap().kept_back, 2);
    place.store.resume_batch(&other, by(), None).await.unwrap();
    let counts = place.store.batch_counts(&key).await.unwrap();
    assert_eq!((counts.kept_back, counts.unfinished), (1, 2));
}

#[tokio::test]
async fn what_is_asked_for_later_gets_a_case_of_its_own_beside_a_paused_one() {
    let place = place().await;
    let (key, cases) = place.batch_of(&["alice"], Reason::Departed).await;
    place.batch_paused(&key).await;
    let mut later = signal("later", "username:alice", Reason::Departed);
    later.when = revoked::model::When::At(place.clock.now().plus(Duration::from_hours(2)));
    let receipt = place.accept_from("siem", vec![later]).await;
    assert_ne!(case_of(&receipt.signals[0]).0, cases[0]);
    assert!(!place.has_work().await);
    place.clock.advance(Duration::from_hours(3));
    place.store.promote().await.unwrap();
    assert!(place.has_work().await, "the other case goes on when it is due");
    let now = place
        .accept_from("siem", vec![signal("now", "username:alice", Reason::Departed)])
        .await;
    assert!(matches!(now.signals[0], SignalReceipt::Accepted { .. }));
}

#[tokio::test]
async fn a_paused_batch_comes_to_mind_each_hour() {
    let place = place().await;
    let (key, _) = place.batch_of(&["alice"], Reason::Departed).await;
    place.batch_paused(&key).await;
    assert_eq!(place.store.remind_of_holds(Duration::from_hours(1)).await.unwrap(), 0);
    place.clock.advance(Duration::from_hours(1));
    assert_eq!(place.store.remind_of_holds(Duration::from_hours(1)).await.unwrap(), 1);
    let alert = place.store.alerts(false).await.unwrap()[0].clone();
    assert_eq!((alert.kind.as_str(), alert.times), ("batch_paused", 2));
    assert!(alert.next.starts_with("revoked batch show "), "{}", alert.next);
}

#[tokio::test]
async fn batches_are_listed_the_newest_first_and_page_by_page() {
    let place = place().await;
    let mut keys = Vec::new();
    for name in ["alice", "bob", "carol"] {
        keys.push(place.batch_of(&[name], Reason::Departed).await.0);
        place.clock.advance(Duration::from_secs(1));
    }
    let first = place.store.batches(None, 2).await.unwrap();
    let ids = |batches: &[revoked::store::BatchView]| -> Vec<String> {
        batches.iter().map(|batch| batch.request.batch.clone()).collect()
    };
    let id = |n: usize| revoked::store::id_of_batch(&keys[n]);
    assert_eq!(ids(&first), [id(2), id(1)]);
    let rest = place.store.batches(Some(first[1].request.asked_at.ms()), 2).await.unwrap();
    assert_eq!(ids(&rest), [id(0)]);
    assert_eq!((rest[0].progress.people, rest[0].progress.unfinished), (1, 1));
    assert_eq!(place.store.claim("chat", Priority(9), 9).await.unwrap().len(), 3);
}
