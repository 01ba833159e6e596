//! What fails in a group takes nothing else down, and what others have written meanwhile is seen.

use revoked_trail::{Entry, EntryKind};
use sqlx::ConnectOptions as _;

use super::*;
use crate::model::{Action, Actor, Delivery, Evidence, Priority, Reason, Signal, SignalReceipt};
use crate::policy::Policy;
use crate::store::queue::accepted::Outcome;
use crate::store::queue::claim::read_waiting;
use crate::store::queue::lease::new_lease;
use crate::store::queue::observation_summary::ObservationSummary;
use crate::store::queue::sets::hot_mutation::{AcceptRequest, Call, Start};
use crate::store::queue::slot_offer::Births;
use crate::store::transaction::mutation::ClosureMutation;
use crate::store::{Role, SlotOffer, Store};

const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

pub(super) struct Place {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    pub(super) conn: SqliteConnection,
    clock: Clock,
    known: KnownWordings,
}

pub(super) type Answer = tokio::sync::oneshot::Receiver<Result<Outcome>>;

impl Place {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.db");
        let clock = Clock::fixed(NOW);
        Store::open(&path, Role::Daemon, clock.clone()).await.unwrap().close().await;
        let conn = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .connect()
            .await
            .unwrap();
        Self {
            _folder: folder,
            path,
            conn,
            clock,
            known: KnownWordings::default(),
        }
    }

    fn signal(&self, name: &str) -> (Queued, Answer) {
        self.offered(name, Reason::Logout, Vec::new(), None)
    }

    pub(super) fn offered(&self, name: &str, reason: Reason, slots: Vec<SlotOffer>, births: Option<Births>) -> (Queued, Answer) {
        let signal = Signal::new(name, [1; 32], format!("username:{name}").parse().unwrap(), reason);
        let (call, answer) = Call::new(AcceptRequest {
            policy: std::sync::Arc::new(Policy::standard(&["chat"])),
            receivers: std::sync::Arc::new([]),
            delivery: Delivery::of("idp", vec![signal], self.clock.now()),
            sealed: std::collections::BTreeMap::new(),
            slots,
            births,
        });
        (Queued::Hot(Box::new(HotMutation::Accept(call))), answer)
    }

    /// As the writer does: together, and one by one where that fails before the commit. Answers whether it was together.
    pub(super) async fn commit(&mut self, mut group: Vec<Queued>) -> bool {
        let opening = open(&mut self.conn, &group, NOW, false).await.unwrap();
        let mut outcome = commit(&mut self.conn, &mut group, &self.clock, opening, &mut self.known).await;
        let together = outcome.is_ok();
        if matches!(outcome, Err(Unwritten::OneByOne)) {
            sqlx::query("ROLLBACK").execute(&mut self.conn).await.unwrap();
            let opening = open(&mut self.conn, &group, NOW, false).await.unwrap().one_by_one();
            outcome = commit(&mut self.conn, &mut group, &self.clock, opening, &mut self.known).await;
        }
        let told = match outcome {
            Ok(_) => Ok(()),
            Err(Unwritten::Failed(failure)) => Err(failure),
            Err(Unwritten::OneByOne) => panic!("it was done one by one already"),
        };
        if told.is_err() {
            sqlx::query("ROLLBACK").execute(&mut self.conn).await.unwrap();
        }
        for queued in group {
            queued.answer(told);
        }
        together
    }

    async fn keys(&mut self) -> Vec<String> {
        sqlx::query_scalar("SELECT key FROM signal ORDER BY key")
            .fetch_all(&mut self.conn)
            .await
            .unwrap()
    }

    /// Every line stands at its place, and the head is that of the lines.
    async fn trail_stands(&mut self) {
        let rows = sqlx::query("SELECT seq, body, leaf FROM trail ORDER BY seq")
            .fetch_all(&mut self.conn)
            .await
            .unwrap();
        let mut frontier = revoked_trail::Frontier::default();
        for (n, row) in rows.iter().enumerate() {
            assert_eq!(row.read::<i64>(0).unwrap(), i64::try_from(n).unwrap());
            frontier.append(revoked_trail::leaf_hash(row.read::<String>(1).unwrap().as_bytes()));
        }
        let head: Vec<u8> = sqlx::query_scalar("SELECT frontier FROM trail_head")
            .fetch_one(&mut self.conn)
            .await
            .unwrap();
        assert_eq!(frontier.to_bytes(), head);
    }
}

#[tokio::test]
async fn a_set_statement_that_fails_takes_down_only_the_mutation_it_fails_for() {
    let mut place = Place::new().await;
    let refuses = "CREATE TRIGGER no_bob BEFORE INSERT ON signal WHEN NEW.key = 'bob' BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refuses).execute(&mut place.conn).await.unwrap();
    let (ann, ann_answer) = place.signal("ann");
    let (bob, bob_answer) = place.signal("bob");
    let (cy, cy_answer) = place.signal("cy");
    assert!(!place.commit(vec![ann, bob, cy]).await);
    for answer in [ann_answer, cy_answer] {
        let outcome = answer.await.unwrap().unwrap();
        assert!(matches!(
            outcome.accepted.receipt.signals[..],
            [SignalReceipt::Accepted { .. }]
        ));
    }
    let error = bob_answer.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Sql { .. }), "{error}");
    assert_eq!(place.keys().await, ["ann", "cy"]);
    place.trail_stands().await;
}

#[tokio::test]
async fn a_function_that_fails_leaves_the_set_beside_it() {
    let mut place = Place::new().await;
    let (ann, ann_answer) = place.signal("ann");
    let (call, refused) = ClosureMutation::new(|tx: &mut Tx<'_>| {
        Box::pin(async move {
            tx.record(&Entry::new(EntryKind::DaemonStarted, Actor::Daemon));
            Err::<(), _>(StoreError::Refused("no".to_owned()))
        })
    });
    assert!(place.commit(vec![Queued::Function(Box::new(call)), ann]).await);
    ann_answer.await.unwrap().unwrap();
    refused.await.unwrap().unwrap_err();
    assert_eq!(place.keys().await, ["ann"]);
    let lines: Vec<String> = sqlx::query_scalar("SELECT body FROM trail")
        .fetch_all(&mut place.conn)
        .await
        .unwrap();
    assert!(
        !lines.iter().any(|line| line.contains("daemon.started")),
        "what failed leaves no entry"
    );
    place.trail_stands().await;
}

#[tokio::test]
async fn what_another_process_has_appended_meanwhile_comes_first() {
    let mut place = Place::new().await;
    let (ann, _ann) = place.signal("ann");
    place.commit(vec![ann]).await;
    let other = Store::open(&place.path, Role::Command, place.clock.clone()).await.unwrap();
    other
        .record(EntryKind::DaemonStarted, serde_json::json!({ "by": "another process" }))
        .await
        .unwrap();
    other.close().await;
    let (bob, bob_answer) = place.signal("bob");
    assert!(place.commit(vec![bob]).await);
    bob_answer.await.unwrap().unwrap();
    assert_eq!(place.keys().await, ["ann", "bob"]);
    place.trail_stands().await;
}

/// A function can be run once only: where its entries cannot be written, it is not done, and nobody is told that it was.
#[tokio::test]
async fn a_function_whose_entries_cannot_be_written_is_not_told_that_it_was_done() {
    let mut place = Place::new().await;
    let refuses =
        "CREATE TRIGGER no_line BEFORE INSERT ON trail WHEN NEW.body LIKE '%daemon.started%' BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refuses).execute(&mut place.conn).await.unwrap();
    let (ann, ann_answer) = place.signal("ann");
    let (call, answer) = ClosureMutation::new(|tx: &mut Tx<'_>| {
        Box::pin(async move {
            tx.record(&Entry::new(EntryKind::DaemonStarted, Actor::Daemon));
            Ok(())
        })
    });
    assert!(!place.commit(vec![ann, Queued::Function(Box::new(call))]).await);
    let error = answer.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Unread), "{error}");
    ann_answer.await.unwrap().unwrap_err();
    assert_eq!(place.keys().await, [""; 0]);
    place.trail_stands().await;
}

/// What was rolled back is written again with the next evidence that needs it.
#[tokio::test]
async fn a_sentence_of_a_group_that_failed_is_not_believed_to_be_kept() {
    let mut place = Place::new().await;
    let (ann, _ann) = place.signal("ann");
    place.commit(vec![ann]).await;
    let waiting = ("chat", Priority(9), 1, "[]");
    let job = std::sync::Arc::new(read_waiting(&mut place.conn, waiting, NOW).await.unwrap().remove(0));
    let start = || {
        let evidence = Evidence {
            not_covered: vec!["links to files".into(), "what plugins hold".into()],
            ..Evidence::default()
        };
        let (call, _) = Call::new(Start {
            job: std::sync::Arc::clone(&job),
            lease: new_lease(NOW),
            reserved: true,
            actions: vec![Action::EndAllSessions],
            seen: ObservationSummary {
                evidence,
                ..ObservationSummary::default()
            },
        });
        Queued::Hot(Box::new(HotMutation::Start(call)))
    };
    let kept = "SELECT count(*) FROM wording";
    let refuses = "CREATE TRIGGER no_line BEFORE INSERT ON trail BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::query(refuses).execute(&mut place.conn).await.unwrap();
    let (call, _answer) = ClosureMutation::new(|_: &mut Tx<'_>| Box::pin(async { Ok(()) }));
    assert!(!place.commit(vec![start(), Queued::Function(Box::new(call))]).await);
    let count: i64 = sqlx::query_scalar(kept).fetch_one(&mut place.conn).await.unwrap();
    assert_eq!(count, 0, "the group was rolled back");
    sqlx::query("DROP TRIGGER no_line").execute(&mut place.conn).await.unwrap();
    assert!(place.commit(vec![start()]).await);
    let count: i64 = sqlx::query_scalar(kept).fetch_one(&mut place.conn).await.unwrap();
    assert_eq!(count, 2);
    // From now on no statement is spent on them.
    let known = [start()];
    let known = known.iter().filter_map(Queued::hot).filter_map(HotMutation::evidence);
    assert_eq!(place.known.unknown(known), []);
}
