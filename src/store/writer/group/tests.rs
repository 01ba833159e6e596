//! A group leaves what its mutations leave one by one: the same rows and the same lines in the trail.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sqlx::ConnectOptions as _;
use tokio::sync::oneshot;

use super::*;
use crate::model::{
    Action, ActionOutcome, Delivery, Door, DoorKind, Evidence, Finished, GrantKind, GrantRef, Priority, Reason, Settlement, Signal,
    Started, Subject, Verdict,
};
use crate::policy::Policy;
use crate::store::queue::accepted::Outcome;
use crate::store::queue::claim::read_waiting;
use crate::store::queue::lease::new_lease;
use crate::store::queue::observation_summary::ObservationSummary;
use crate::store::queue::reservation::Reserved;
use crate::store::queue::sets::hot_mutation::{AcceptRequest, AttemptEnd, Call, ClaimRequest, Finish, Start};
use crate::store::transaction::mutation::ClosureMutation;
use crate::store::{Claim, Role, Store};

const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

/// One step of a run. The numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    Accept {
        people: Vec<u8>,
        reason: u8,
        occurred: bool,
        slot: bool,
        again: bool,
    },
    Claim {
        limit: usize,
    },
    /// Takes jobs by a read; their leases are committed by what follows.
    Reserve {
        limit: usize,
    },
    CommitClaim {
        job: usize,
    },
    Start {
        job: usize,
        actions: Vec<u8>,
    },
    Finish {
        job: usize,
        outcome: u8,
    },
    Settle {
        job: usize,
        end: u8,
    },
    CallOff {
        case: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let slot = any::<bool>();
    prop_oneof![
        4 => (proptest::collection::vec(0..12_u8, 1..4), 0..4_u8, any::<bool>(), slot, proptest::bool::weighted(0.2))
            .prop_map(|(people, reason, occurred, slot, again)| Step::Accept { people, reason, occurred, slot, again }),
        2 => (1..5_usize).prop_map(|limit| Step::Claim { limit }),
        3 => (1..5_usize).prop_map(|limit| Step::Reserve { limit }),
        1 => any::<usize>().prop_map(|job| Step::CommitClaim { job }),
        3 => (any::<usize>(), proptest::collection::vec(0..5_u8, 0..4)).prop_map(|(job, actions)| Step::Start { job, actions }),
        2 => (any::<usize>(), 0..4_u8).prop_map(|(job, outcome)| Step::Finish { job, outcome }),
        4 => (any::<usize>(), 0..7_u8).prop_map(|(job, end)| Step::Settle { job, end }),
        1 => (1..6_i64).prop_map(|case| Step::CallOff { case }),
    ]
}

/// An answer that is awaited.
enum Answer {
    Accept(oneshot::Receiver<Result<Outcome>>),
    Claim(oneshot::Receiver<Result<Vec<Claim>>>),
    Start(usize, oneshot::Receiver<Result<Vec<Started>>>),
    Finish(oneshot::Receiver<Result<()>>),
    Settle(oneshot::Receiver<Result<bool>>),
    CallOff(oneshot::Receiver<Result<()>>),
}

/// An attempt under way.
struct Attempt {
    claim: Claim,
    started: Vec<Started>,
}

/// A store that is written in one of the two ways.
struct Side {
    _folder: tempfile::TempDir,
    conn: SqliteConnection,
    clock: Clock,
    policy: Arc<Policy>,
    attempts: Vec<Attempt>,
    keys: u64,
    reserved: Reserved,
    answers: Vec<String>,
    known: KnownWordings,
}

impl Side {
    async fn new(clock: &Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.db");
        let store = Store::open(&path, Role::Daemon, clock.clone()).await.unwrap();
        store.close().await;
        let mut conn = connect(&path).await;
        // Ann is known by two names, bob is in dispute, and cy has a name that means something at one target only.
        for (person, name, target, source) in [
            (1, "username:p1", "", Some("hr")),
            (1, "email:p1@example.org", "", Some("hr")),
            (2, "username:p2", "", Some("hr")),
            (3, "username:p3", "", None),
            (3, "opaque:p3-at-chat", "chat", Some("hr")),
        ] {
            sqlx::query("INSERT INTO identity (person, name, target, source, since, seen_at) VALUES ($1, $2, $3, $4, 1, 1)")
                .bind(person)
                .bind(name)
                .bind(target)
                .bind(source)
                .execute(&mut conn)
                .await
                .unwrap();
        }
        sqlx::query("UPDATE identity SET disputed_at = 5 WHERE person = 2")
            .execute(&mut conn)
            .await
            .unwrap();
        Self {
            _folder: folder,
            conn,
            clock: clock.clone(),
            policy: Arc::new(Policy::standard(&["chat", "wiki"])),
            attempts: Vec::new(),
            keys: 0,
            reserved: Reserved::default(),
            answers: Vec::new(),
            known: KnownWordings::default(),
        }
    }

    /// The mutation of a step; `None` where there is nothing for it to do.
    fn mutation(&mut self, step: &Step) -> Option<(Queued, Answer)> {
        match step {
            Step::Accept {
                people,
                reason,
                occurred,
                slot,
                again,
            } => {
                let (call, answer) = Call::new(self.delivery(people, *reason, *occurred, *slot, *again));
                Some((Queued::Hot(Box::new(HotMutation::Accept(call))), Answer::Accept(answer)))
            }
            Step::Claim { limit } => {
                let (limit, reserved) = (*limit, self.reserved.as_json());
                let (call, answer) = ClosureMutation::new(move |tx: &mut Tx<'_>| {
                    Box::pin(async move { tx.claim("chat", Priority(9), limit, &reserved).await })
                });
                Some((Queued::Function(Box::new(call)), Answer::Claim(answer)))
            }
            Step::Reserve { .. } => None,
            Step::CommitClaim { job } => {
                let place = job.checked_rem(self.attempts.len())?;
                let (call, answer) = Call::new(ClaimRequest {
                    job: Arc::clone(&self.attempts[place].claim.job),
                    lease: self.attempts[place].claim.lease.clone(),
                });
                Some((Queued::Hot(Box::new(HotMutation::Claim(call))), Answer::Finish(answer)))
            }
            Step::Start { job, actions } => {
                let place = job.checked_rem(self.attempts.len())?;
                let attempt = &self.attempts[place];
                let (call, answer) = Call::new(Start {
                    job: Arc::clone(&attempt.claim.job),
                    lease: attempt.claim.lease.clone(),
                    reserved: attempt.claim.reservation.is_some(),
                    actions: actions.iter().map(|n| action(*n)).collect(),
                    seen: ObservationSummary {
                        principal: "u1".to_owned(),
                        evidence: evidence(0),
                        ..ObservationSummary::default()
                    },
                });
                Some((Queued::Hot(Box::new(HotMutation::Start(call))), Answer::Start(place, answer)))
            }
            Step::Finish { job, outcome } => {
                let place = job.checked_rem(self.attempts.len())?;
                let finished = self.answers_to(place, *outcome);
                let (call, answer) = Call::new(Finish {
                    job: Arc::clone(&self.attempts[place].claim.job),
                    finished,
                });
                Some((Queued::Hot(Box::new(HotMutation::Finish(call))), Answer::Finish(answer)))
            }
            Step::Settle { job, end } => {
                let place = job.checked_rem(self.attempts.len())?;
                let finished = self.answers_to(place, 0);
                let attempt = self.attempts.remove(place);
                let (call, answer) = Call::new(Arc::new(AttemptEnd {
                    job: attempt.claim.job,
                    lease: attempt.claim.lease,
                    reservation: attempt.claim.reservation,
                    finished,
                    evidence: evidence(*end),
                    settlement: settlement(*end),
                    receivers: Arc::new([]),
                    identity_providers: Arc::default(),
                }));
                Some((Queued::Hot(Box::new(HotMutation::Settle(call))), Answer::Settle(answer)))
            }
            Step::CallOff { case } => {
                let case = *case;
                let (call, answer) = ClosureMutation::new(move |tx: &mut Tx<'_>| {
                    Box::pin(async move {
                        sqlx::query("UPDATE cases SET called_off_at = 7, called_off_by = 'daemon' WHERE id = $1 AND state = 'open'")
                            .bind(case)
                            .execute(&mut *tx.conn)
                            .await
                            .map(|_| ())
                            .map_err(StoreError::sql("calling off"))
                    })
                });
                Some((Queued::Function(Box::new(call)), Answer::CallOff(answer)))
            }
        }
    }

    fn delivery(&mut self, people: &[u8], reason: u8, occurred: bool, slot: bool, again: bool) -> AcceptRequest {
        let signals = people
            .iter()
            .map(|person| {
                if !again {
                    self.keys += 1;
                }
                let subject: Subject = match person % 6 {
                    4 => Subject::together([
                        format!("username:p{person}").parse().unwrap(),
                        format!("email:p{person}@example.org").parse().unwrap(),
                    ])
                    .unwrap(),
                    _ => format!("username:p{person}").parse().unwrap(),
                };
                let reason = [
                    Reason::Compromised,
                    Reason::Departed,
                    Reason::Logout,
                    Reason::CredentialChanged,
                ][usize::from(reason)];
                let mut signal = Signal::new(format!("k{}", self.keys), [reason as u8; 32], subject, reason);
                signal.occurred_at = occurred.then(|| self.clock.now().minus(Duration::from_secs(3)));
                signal.requested_by = occurred.then(|| "somebody".to_owned());
                signal
            })
            .collect();
        AcceptRequest {
            policy: Arc::clone(&self.policy),
            receivers: Arc::new([]),
            delivery: Delivery::of("idp", signals, self.clock.now()),
            sealed: BTreeMap::new(),
            slots: slot.then(birth_tests::slot_offer).into_iter().collect(),
            births: None,
        }
    }

    fn answers_to(&mut self, place: usize, outcome: u8) -> Vec<Finished> {
        let at = self.clock.now();
        std::mem::take(&mut self.attempts[place].started)
            .into_iter()
            .map(|started| Finished {
                id: started.id,
                outcome: match outcome {
                    0 => ActionOutcome::Done,
                    1 => ActionOutcome::Already,
                    2 => ActionOutcome::NotSent,
                    _ => ActionOutcome::Failed("it said \"no\"\u{7f}".to_owned()),
                },
                requests: vec!["r1".to_owned()],
                at,
            })
            .collect()
    }

    async fn take(&mut self, answer: Answer) {
        let said = match answer {
            Answer::Accept(answer) => {
                let outcome = answer.await.unwrap();
                let said = match &outcome {
                    Ok(outcome) => format!("{:?} {:?}", outcome.accepted.receipt, outcome.targets),
                    Err(error) => error.to_string(),
                };
                self.begin(outcome.map(|outcome| outcome.accepted.claims).unwrap_or_default());
                said
            }
            Answer::Claim(answer) => {
                let claims = answer.await.unwrap().unwrap();
                let said = format!("{:?}", claims.iter().map(|claim| claim.job.id).collect::<Vec<_>>());
                self.begin(claims);
                said
            }
            Answer::Start(place, answer) => {
                let started = answer.await.unwrap();
                let said = started
                    .as_ref()
                    .map_or_else(ToString::to_string, |started| format!("{started:?}"));
                if let (Ok(started), Some(attempt)) = (started, self.attempts.get_mut(place)) {
                    attempt.started.extend(started);
                }
                said
            }
            Answer::Finish(answer) | Answer::CallOff(answer) => {
                format!("{:?}", answer.await.unwrap().map_err(|error| error.to_string()))
            }
            Answer::Settle(answer) => format!("{:?}", answer.await.unwrap().map_err(|error| error.to_string())),
        };
        self.answers.push(said);
    }

    fn begin(&mut self, claims: Vec<Claim>) {
        self.answers.extend(claims.iter().map(|claim| {
            let mut job = (*claim.job).clone();
            job.subject_ref.clear();
            format!("{job:?}")
        }));
        self.attempts.extend(claims.into_iter().map(|claim| Attempt {
            started: claim.intended.clone().into_iter().collect(),
            claim,
        }));
    }

    /// Takes jobs by a read.
    async fn reserve(&mut self, limit: usize) {
        let (reserved, now) = (self.reserved.as_json(), self.clock.now());
        let jobs = read_waiting(&mut self.conn, ("chat", Priority(9), limit, &reserved), now)
            .await
            .unwrap();
        let claims = jobs.into_iter().map(|job| Claim {
            reservation: Some(self.reserved.reserve(job.id.0)),
            ..Claim::new(Arc::new(job), new_lease(now))
        });
        let claims = claims.collect();
        self.begin(claims);
    }

    /// Which of a group cannot be decided together.
    async fn left(&mut self, group: &mut [Queued]) -> Vec<usize> {
        let mut opening = open(&mut self.conn, group, self.clock.now(), false).await.unwrap();
        let (_, alone) = decide(group, &self.clock, &mut opening.tail, &mut opening.numbers, opening.reading);
        sqlx::query("ROLLBACK").execute(&mut self.conn).await.unwrap();
        alone
    }

    /// In which order a group is done: what is decided together first.
    async fn order(&mut self, group: &mut [Queued]) -> Vec<usize> {
        let left = self.left(group).await;
        let together = (0..group.len()).filter(|n| !left.contains(n));
        together.chain(left.iter().copied()).collect()
    }

    /// Does one step, which must be decided as a set.
    async fn all_together(&mut self, step: &Step) {
        let (queued, answer) = self.mutation(step).unwrap();
        let mut group = [queued];
        assert!(self.left(&mut group).await.is_empty(), "{step:?}");
        self.commit(group.into(), true).await;
        self.take(answer).await;
    }

    async fn commit(&mut self, mut group: Vec<Queued>, together: bool) {
        let opening = open(&mut self.conn, &group, self.clock.now(), false).await.unwrap();
        let opening = if together { opening } else { opening.one_by_one() };
        let written = commit(&mut self.conn, &mut group, &self.clock, opening, &mut self.known).await;
        assert!(written.is_ok(), "the group was not written");
        for queued in group {
            queued.answer(Ok(()));
        }
    }

    /// Every row of every table, with what is drawn at random replaced by what it stands for.
    async fn rows(&mut self) -> Vec<String> {
        let mut drawn: Vec<(String, String)> = Vec::new();
        for row in sqlx::query("SELECT ref, subject FROM person")
            .fetch_all(&mut self.conn)
            .await
            .unwrap()
        {
            drawn.push((row.read(0).unwrap(), format!("ref({})", row.read::<String>(1).unwrap())));
        }
        let leases = "SELECT DISTINCT body ->> '$.detail.lease' FROM trail WHERE body ->> '$.detail.lease' IS NOT NULL";
        for row in sqlx::query(leases).fetch_all(&mut self.conn).await.unwrap() {
            drawn.push((row.read(0).unwrap(), "a lease".to_owned()));
        }
        let mut rows = Vec::new();
        for table in [
            "signal",
            "cases",
            "job",
            "action",
            "alias",
            "alert",
            "hold",
            "inbox",
            "source_health",
            "unresolved",
            "wording",
            "trail",
        ] {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                .bind(table)
                .fetch_all(&mut self.conn)
                .await
                .unwrap();
            let quoted: Vec<String> = columns
                .iter()
                .filter(|column| *column != "leaf")
                .map(|column| format!("quote({column})"))
                .collect();
            let sql = format!(
                "SELECT concat_ws(' ', {}) AS line FROM {table} ORDER BY line",
                quoted.join(", ")
            );
            let lines: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_all(&mut self.conn)
                .await
                .unwrap();
            rows.extend(lines.into_iter().map(|line| format!("{table}: {line}")));
        }
        for (what, stands_for) in &drawn {
            for row in &mut rows {
                *row = row.replace(what, stands_for);
            }
        }
        rows.sort();
        rows
    }

    async fn trail_stands(&mut self) {
        let mut frontier = revoked_trail::Frontier::default();
        for row in sqlx::query("SELECT body, leaf FROM trail ORDER BY seq")
            .fetch_all(&mut self.conn)
            .await
            .unwrap()
        {
            let leaf = revoked_trail::leaf_hash(row.read::<String>(0).unwrap().as_bytes());
            assert_eq!(leaf.0.as_slice(), row.read::<Vec<u8>>(1).unwrap());
            frontier.append(leaf);
        }
        let head: Vec<u8> = sqlx::query_scalar("SELECT frontier FROM trail_head")
            .fetch_one(&mut self.conn)
            .await
            .unwrap();
        assert_eq!(frontier.to_bytes(), head);
    }
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(true);
    options.connect().await.unwrap()
}

fn action(n: u8) -> Action {
    let grant = |kind, id: &str| GrantRef::new(kind, id);
    match n {
        0 => Action::Suspend,
        1 => Action::ResetPassword,
        2 => Action::EndAllSessions,
        3 => Action::End {
            grant: grant(GrantKind::AccessToken, "t1"),
        },
        _ => Action::ClearCaches,
    }
}

fn evidence(end: u8) -> Evidence {
    Evidence {
        principal: (end != 3).then(|| "u1".to_owned()),
        before_at: Some(NOW),
        after_at: (end != 4).then_some(NOW),
        came_back: end == 1,
        requests: vec!["r1".to_owned(), "\"quoted\"".to_owned()],
        doors: vec![Door::new(DoorKind::AccessToken, format!("the token t{end} makes another"))],
        not_covered: (end % 3..2)
            .map(|n| ["\"links\"", "plugins"][usize::from(n)].into())
            .collect(),
        ..Evidence::default()
    }
}

fn settlement(end: u8) -> Settlement {
    match end {
        0 | 1 | 4 => Settlement::Done(Verdict::Contained),
        2 => Settlement::Done(Verdict::Unverified {
            kinds: [(GrantKind::Session, "the list was cut".to_owned())].into(),
            open: None,
        }),
        3 => Settlement::Done(Verdict::NoPrincipal {
            what: "nobody".to_owned(),
        }),
        5 => Settlement::Interrupted,
        _ => Settlement::GiveUp {
            error: "it stays".to_owned(),
        },
    }
}

proptest! {
    // Each run is many groups on two files, so there are fewer than elsewhere; PROPTEST_CASES looks further.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 10, ..ProptestConfig::default() })]

    #[test]
    fn a_group_leaves_what_its_mutations_leave_one_by_one(rounds in proptest::collection::vec(proptest::collection::vec(step(), 1..12), 1..10)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(both_ways(rounds))?;
    }
}

async fn both_ways(rounds: Vec<Vec<Step>>) -> std::result::Result<(), TestCaseError> {
    let clock = Clock::fixed(NOW);
    let (mut together, mut alone) = (Side::new(&clock).await, Side::new(&clock).await);
    for round in rounds {
        clock.advance(Duration::from_millis(700));
        // A step that is about an attempt takes one that no other step of the round is about but in the order that a worker keeps.
        let (mut group, mut answers): (Vec<Queued>, Vec<Answer>) = (Vec::new(), Vec::new());
        let mut others: Vec<Option<(Queued, Answer)>> = Vec::new();
        for step in &round {
            if let Step::Reserve { limit } = step {
                together.reserve(*limit).await;
                alone.reserve(*limit).await;
            }
            if let (Some((queued, answer)), Some(other)) = (together.mutation(step), alone.mutation(step)) {
                group.push(queued);
                answers.push(answer);
                others.push(Some(other));
            }
        }
        let order = together.order(&mut group).await;
        together.commit(group, true).await;
        let mut told: Vec<Option<Answer>> = Vec::new();
        told.resize_with(others.len(), || None);
        for n in &order {
            let (queued, answer) = others[*n].take().unwrap();
            alone.commit(vec![queued], false).await;
            told[*n] = Some(answer);
        }
        for answer in answers {
            together.take(answer).await;
        }
        for answer in told.into_iter().flatten() {
            alone.take(answer).await;
        }
        prop_assert_eq!(&together.answers, &alone.answers, "after {:?}", round);
        let (rows, reference) = (together.rows().await, alone.rows().await);
        for (row, reference) in rows.iter().zip(&reference) {
            prop_assert_eq!(row, reference);
        }
        prop_assert_eq!(rows.len(), reference.len());
    }
    together.trail_stands().await;
    Ok(())
}

/// Were nothing decided together, the comparison above would compare a thing with itself.
#[tokio::test]
async fn what_opens_a_case_starts_answers_and_proves_is_decided_together() {
    let mut side = Side::new(&Clock::fixed(NOW)).await;
    let accept = Step::Accept {
        people: vec![7, 8],
        reason: 2,
        occurred: true,
        slot: false,
        again: false,
    };
    side.all_together(&accept).await;
    side.reserve(1).await;
    side.all_together(&Step::CommitClaim { job: 0 }).await;
    let start = Step::Start {
        job: 0,
        actions: vec![2],
    };
    side.all_together(&start).await;
    side.all_together(&Step::Finish { job: 0, outcome: 0 }).await;
    side.all_together(&Step::Settle { job: 0, end: 0 }).await;
    let done: i64 = sqlx::query_scalar("SELECT count(*) FROM job WHERE state = 'done'")
        .fetch_one(&mut side.conn)
        .await
        .unwrap();
    assert_eq!(done, 1);
}
