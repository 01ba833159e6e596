//! The outbox: what receivers are to be told, written with the closing of a case and kept until they have it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use revoked_trail::{Entry, EntryKind};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tokio::sync::Notify;

use crate::model::{Actor, CaseId, Evidence, Reason, Scope, Subject, Timestamp, is_named};
use crate::policy::INBOX;
use crate::statement::{EventType, NotSent, Proof, Receiver, Statement, TargetProof, statements, verification};
use crate::store::{Result, Store, StoreError, Tx};

/// An event in the outbox: a token on its way to a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Its name, for ever.
    pub jti: String,
    /// The event's word.
    pub event_type: String,
    /// The claims, to be signed as they stand.
    pub claims: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What became of an attempt to tell a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver acknowledged it.
    Delivered,
    /// The receiver refused it for good, with the protocol's code.
    Refused(String),
    /// It is to be tried again.
    Retry {
        /// When.
        due: Timestamp,
        /// What went wrong.
        why: String,
    },
    /// It is not tried any more.
    GivenUp {
        /// What went wrong the last time.
        why: String,
    },
}

/// What waits for a receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Pending {
    /// Tokens that wait to be told.
    pub pending: i64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
    /// How many of them are handshakes.
    pub handshakes: i64,
}

/// How a receiver's part of the outbox stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Backlog {
    /// What waits.
    #[serde(flatten)]
    pub waiting: Pending,
    /// Tokens that the receiver acknowledged and that retention has kept.
    pub delivered: i64,
    /// Tokens that it refused.
    pub refused: i64,
    /// Tokens that were given up.
    pub dead: i64,
    /// When it last acknowledged one.
    pub last_delivered: Option<Timestamp>,
    /// What went wrong last with a token that it does not have.
    pub last_error: Option<String>,
}

impl Store {
    /// From now on the closing of a case tells `receivers` what it proved. What waits for a receiver that is not among them is given up. To be
    /// called once, before the first attempt.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn set_receivers(&self, receivers: Vec<Receiver>) -> Result<()> {
        let names: Vec<&str> = receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        let known = serde_json::to_string(&names).unwrap_or_default();
        self.write(move |tx| Box::pin(async move { tx.forget_receivers(&known).await }))
            .await?;
        // A second call has no effect: what is to be told is settled before anything closes.
        drop(self.0.receivers.set(receivers.into()));
        Ok(())
    }

    /// Whom the closing of a case tells.
    pub(in crate::store) fn receivers(&self) -> Arc<[Receiver]> {
        self.0.receivers.get().cloned().unwrap_or_default()
    }

    /// Wakes whoever tells receivers: a case has closed with something to say.
    #[must_use]
    pub fn wake_outbox(&self) -> Arc<Notify> {
        Arc::clone(&self.0.outbox)
    }

    /// Up to `limit` tokens for a receiver that may be sent now, the one that is due for longest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn due_events(&self, receiver: &str, limit: u32) -> Result<Vec<OutboxEvent>> {
        let rows = sqlx::query(
            "SELECT jti, event, claims, attempts, created_at FROM outbox INDEXED BY outbox_pending \
             WHERE receiver = ? AND state = 'pending' AND due <= ? ORDER BY due, id LIMIT ?",
        )
        .bind(receiver)
        .bind(self.clock().now().ms())
        .bind(limit)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading the outbox"))?;
        Ok(rows.iter().map(outbox_event).collect())
    }

    /// When the next token for a receiver is due.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn next_due_event(&self, receiver: &str) -> Result<Option<Timestamp>> {
        let due: Option<i64> =
            sqlx::query_scalar("SELECT min(due) FROM outbox INDEXED BY outbox_pending WHERE receiver = ? AND state = 'pending'")
                .bind(receiver)
                .fetch_one(self.readers())
                .await
                .map_err(StoreError::sql("reading the outbox"))?;
        Ok(due.map(Timestamp::from_ms))
    }

    /// Records what became of tokens, by `jti`. What is not waiting for that receiver is passed over: an acknowledgement may come twice.
    /// Answers how many were.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn record_outcomes(&self, receiver: &str, outcomes: Vec<(String, DeliveryOutcome)>) -> Result<usize> {
        let receiver = receiver.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let mut touched = 0;
                for (jti, outcome) in &outcomes {
                    touched += usize::from(tx.record_outcome(&receiver, jti, outcome).await?);
                }
                Ok(touched)
            })
        })
        .await
    }

    /// Puts a stream's handshake into the outbox and answers its `jti`.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn queue_verification(&self, receiver: Receiver, state: Option<String>, by: Actor) -> Result<String> {
        let jti = self
            .write(move |tx| {
                Box::pin(async move {
                    let statement = verification(&receiver, state.as_deref());
                    tx.queue(&receiver, &statement, None, by).await
                })
            })
            .await?;
        self.0.outbox.notify_waiters();
        Ok(jti)
    }

    /// Sends again, on an operator's word, what a receiver refused or what was given up. Answers how many.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn retry_events(&self, receiver: &str, by: Actor) -> Result<u64> {
        let receiver = receiver.to_owned();
        let count = self
            .write(move |tx| Box::pin(async move { tx.retry_events(&receiver, &by).await }))
            .await?;
        self.0.outbox.notify_waiters();
        Ok(count)
    }

    /// Where one token stands, and what went wrong with it last.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn event_state(&self, jti: &str) -> Result<Option<(String, Option<String>)>> {
        let row = sqlx::query("SELECT state, error FROM outbox WHERE jti = ?")
            .bind(jti)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading the outbox"))?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// What waits for a receiver: cheap, however much it has been told before.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn pending(&self, receiver: &str) -> Result<Pending> {
        let row = sqlx::query(
            "SELECT count(*), min(created_at), count(*) FILTER (WHERE case_id IS NULL) FROM outbox INDEXED BY outbox_pending \
             WHERE receiver = ? AND state = 'pending'",
        )
        .bind(receiver)
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("reading the outbox"))?;
        Ok(Pending {
            pending: row.get(0),
            oldest: row.get::<Option<i64>, _>(1).map(Timestamp::from_ms),
            handshakes: row.get(2),
        })
    }

    /// When the newest handshake for a receiver was written.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn last_handshake(&self, receiver: &str) -> Result<Option<Timestamp>> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT max(created_at) FROM outbox INDEXED BY outbox_handshakes WHERE receiver = ? AND case_id IS NULL",
        )
        .bind(receiver)
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("reading the outbox"))?;
        Ok(at.map(Timestamp::from_ms))
    }

    /// How a receiver's part of the outbox stands: counts everything that retention has kept.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn backlog(&self, receiver: &str) -> Result<Backlog> {
        let waiting = self.pending(receiver).await?;
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state = 'refused'), \
                    count(*) FILTER (WHERE state = 'dead'), max(finished_at) FILTER (WHERE state = 'delivered'), \
                    (SELECT error FROM outbox o WHERE o.receiver = ?1 AND error IS NOT NULL AND state <> 'delivered' ORDER BY id DESC LIMIT 1) \
             FROM outbox WHERE receiver = ?1",
        )
        .bind(receiver)
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("reading the outbox"))?;
        Ok(Backlog {
            waiting,
            delivered: row.get(0),
            refused: row.get(1),
            dead: row.get(2),
            last_delivered: row.get::<Option<i64>, _>(3).map(Timestamp::from_ms),
            last_error: row.get(4),
        })
    }
}

impl Tx<'_> {
    /// Writes what the closing of a case lets us say. Answers whether there is anything.
    pub(in crate::store) async fn announce(&mut self, case: CaseId, receivers: &[Receiver]) -> Result<bool> {
        self.queue_statements(case, receivers, false).await
    }

    /// Writes what a case that is closed lets us say to whom it was not said yet: a further source has reported what it has ended.
    pub(in crate::store) async fn announce_late(&mut self, case: CaseId, receivers: &[Receiver]) -> Result<bool> {
        self.queue_statements(case, receivers, true).await
    }

    async fn queue_statements(&mut self, case: CaseId, receivers: &[Receiver], late: bool) -> Result<bool> {
        if receivers.is_empty() {
            return Ok(false);
        }
        let Some((proof, reference)) = self.proof(case).await? else {
            return Ok(false);
        };
        let about = Some((case, reference.as_str()));
        let mut queued = false;
        for receiver in receivers {
            match statements(&proof, receiver) {
                Ok(said) => {
                    for statement in said {
                        if self.said_before(&proof, receiver, &statement, late).await? {
                            continue;
                        }
                        self.queue(receiver, &statement, about, Actor::Daemon).await?;
                        queued = true;
                    }
                }
                Err(NotSent::NoSubjectIdentifier) if !late => self.record(
                    &Entry::new(EntryKind::StatementWithheld, Actor::Daemon)
                        .case(case.0)
                        .subject_ref(&reference)
                        .detail(serde_json::json!({ "receiver": receiver.name })),
                ),
                Err(NotSent::NoSubjectIdentifier | NotSent::NotSubscribed | NotSent::NotProved) => {}
            }
        }
        Ok(queued)
    }

    /// What a case has proved, and the reference of its person.
    async fn proof(&mut self, case: CaseId) -> Result<Option<(Proof, String)>> {
        let row = sqlx::query("SELECT source, scope, reason, subject_ref FROM cases WHERE id = ?")
            .bind(case.0)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading what a case proved"))?;
        let (source, scope, reason): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let reference: String = row.get(3);
        let signals = sqlx::query(
            "SELECT s.source, p.subject FROM signal s LEFT JOIN person p ON p.ref = s.subject_ref WHERE s.case_id = ? ORDER BY s.id",
        )
        .bind(case.0)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading who reported a case"))?;
        let rows = sqlx::query(
            "SELECT j.target, j.containment, j.outcome, j.evidence, \
                    (SELECT max(a.finished_at) FROM action a JOIN job k ON k.id = a.job_id \
                     WHERE k.case_id = ?1 AND k.target = j.target AND a.outcome = 'done' AND a.action ->> 'do' = 'reset_password') \
             FROM job j WHERE j.case_id = ?1 AND j.state IN ('done', 'failed') AND j.kind <> 'release' \
             AND j.id = (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.state IN ('done', 'failed') \
                         AND k.kind <> 'release') \
             ORDER BY j.target",
        )
        .bind(case.0)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading what a case proved"))?;
        let targets: Option<Vec<TargetProof>> = rows.iter().map(at_target).collect();
        // What cannot be read back proves nothing.
        let (Some(targets), Ok(scope), Some(reason)) = (targets, serde_json::from_str(&scope), Reason::from_word(&reason)) else {
            return Ok(None);
        };
        let scope = by_listed_id(scope, &rows);
        let mut sources: Vec<String> = Vec::new();
        let mut said: Vec<(String, Subject)> = Vec::new();
        for row in &signals {
            let by: String = row.get(0);
            let name: Option<String> = row.get(1);
            if let Some(subject) = name.and_then(|name| name.parse().ok()) {
                said.push((by.clone(), subject));
            }
            if !sources.contains(&by) {
                sources.push(by);
            }
        }
        let names: BTreeSet<Subject> = said.iter().flat_map(|(_, subject)| subject.names()).cloned().collect();
        let known = self.known_by(&names).await?;
        let proof = Proof {
            case,
            reason,
            scope,
            said,
            sources,
            known,
            by_operator: source == INBOX,
            targets,
        };
        Ok(Some((proof, reference)))
    }

    /// Whether this was told before. A password is reset once for each job, while a case may close several times; and who was told at the
    /// closing is not told again when somebody else is told late.
    async fn said_before(&mut self, proof: &Proof, receiver: &Receiver, statement: &Statement, late: bool) -> Result<bool> {
        let reset = proof.targets.iter().filter_map(|at| at.password_reset_at).max();
        let since = match statement.event {
            EventType::CredentialChange => reset,
            _ if late => None,
            _ => return Ok(false),
        };
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE case_id = ?1 AND receiver = ?2 AND event = ?3 \
             AND created_at >= coalesce(?4, (SELECT closed_at FROM cases WHERE id = ?1)))",
        )
        .bind(proof.case.0)
        .bind(&receiver.name)
        .bind(statement.event.word())
        .bind(since.map(Timestamp::ms))
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for what was said before"))
    }

    async fn queue(
        &mut self,
        receiver: &Receiver,
        statement: &Statement,
        about: Option<(CaseId, &str)>,
        by: Actor,
    ) -> Result<String> {
        let jti = uuid::Uuid::now_v7().to_string();
        sqlx::query("INSERT INTO outbox (receiver, jti, event, case_id, subject_ref, claims, due, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(&receiver.name)
            .bind(&jti)
            .bind(statement.event.word())
            .bind(about.map(|(case, _)| case.0))
            .bind(about.map(|(_, reference)| reference))
            .bind(statement.text(receiver, &jti, self.now))
            .bind(self.now.ms())
            .bind(self.now.ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("writing to the outbox"))?;
        let mut entry = Entry::new(EntryKind::StatementQueued, by).detail(serde_json::json!({
            "receiver": receiver.name, "jti": jti, "event": statement.event.word(),
        }));
        if let Some((case, reference)) = about {
            entry = entry.case(case.0).subject_ref(reference);
        }
        self.record(&entry);
        Ok(jti)
    }

    async fn record_outcome(&mut self, receiver: &str, jti: &str, outcome: &DeliveryOutcome) -> Result<bool> {
        let (state, due, error) = match outcome {
            DeliveryOutcome::Delivered => ("delivered", None, None),
            DeliveryOutcome::Refused(code) => ("refused", None, Some(code)),
            DeliveryOutcome::Retry { due, why } => ("pending", Some(due.ms()), Some(why)),
            DeliveryOutcome::GivenUp { why } => ("dead", None, Some(why)),
        };
        let row = sqlx::query(
            "UPDATE outbox SET state = ?1, due = ?2, error = coalesce(?3, error), attempts = attempts + 1, \
                    claims = CASE WHEN ?1 = 'delivered' THEN NULL ELSE claims END, finished_at = CASE WHEN ?1 = 'pending' THEN NULL ELSE ?4 END \
             WHERE receiver = ?5 AND jti = ?6 AND state = 'pending' RETURNING event, case_id, subject_ref, attempts",
        )
        .bind(state)
        .bind(due)
        .bind(error)
        .bind(self.now.ms())
        .bind(receiver)
        .bind(jti)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("recording what became of a token"))?;
        let Some(row) = row else { return Ok(false) };
        let (event, case, reference): (String, Option<i64>, Option<String>) = (row.get(0), row.get(1), row.get(2));
        let attempts: i64 = row.get(3);
        let kind = match outcome {
            DeliveryOutcome::Delivered => EntryKind::StatementDelivered,
            DeliveryOutcome::Refused(_) => EntryKind::StatementRefused,
            DeliveryOutcome::Retry { .. } => EntryKind::StatementRetried,
            DeliveryOutcome::GivenUp { .. } => EntryKind::StatementGivenUp,
        };
        let mut entry = Entry::new(kind, Actor::Daemon).detail(serde_json::json!({
            "receiver": receiver, "jti": jti, "event": event, "attempts": attempts, "due": due, "error": error,
        }));
        entry.case = case;
        entry.subject_ref = reference;
        self.record(&entry);
        let key = format!("receiver:{receiver}");
        match outcome {
            DeliveryOutcome::Delivered => {
                self.over("receiver_down", &key).await?;
                if !self.stuck(receiver).await? {
                    self.over("receiver_refuses", &key).await?;
                }
            }
            DeliveryOutcome::Refused(code) => {
                let summary = format!(
                    "receiver {receiver} refuses what it is told ({code}); mend that, then run revoked transmitter retry {receiver}"
                );
                self.raise("receiver_refuses", &key, &summary, case).await?;
            }
            DeliveryOutcome::GivenUp { why } => {
                let summary = format!(
                    "receiver {receiver} was not told in time ({why}); mend that, then run revoked transmitter retry {receiver}"
                );
                self.raise("receiver_down", &key, &summary, case).await?;
            }
            DeliveryOutcome::Retry { .. } => {}
        }
        Ok(true)
    }

    /// Whether something that a receiver refused, or that was given up, is still to be decided.
    async fn stuck(&mut self, receiver: &str) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM outbox INDEXED BY outbox_stuck WHERE receiver = ? AND state IN ('refused', 'dead'))",
        )
        .bind(receiver)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for what a receiver refused"))
    }

    async fn retry_events(&mut self, receiver: &str, by: &Actor) -> Result<u64> {
        let rows = sqlx::query(
            "UPDATE outbox INDEXED BY outbox_stuck SET state = 'pending', due = ?1, finished_at = NULL, attempts = 0 \
             WHERE receiver = ?2 AND state IN ('refused', 'dead') RETURNING jti, event, case_id, subject_ref",
        )
        .bind(self.now.ms())
        .bind(receiver)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("sending again what a receiver refused"))?;
        for row in &rows {
            let (jti, event): (String, String) = (row.get(0), row.get(1));
            let mut entry = Entry::new(EntryKind::StatementQueued, by.clone()).detail(serde_json::json!({
                "receiver": receiver, "jti": jti, "event": event, "again": true,
            }));
            entry.case = row.get(2);
            entry.subject_ref = row.get(3);
            self.record(&entry);
        }
        Ok(rows.len() as u64)
    }

    /// Gives up what waits for a receiver that is not among `known`, a JSON list of names.
    async fn forget_receivers(&mut self, known: &str) -> Result<()> {
        let rows = sqlx::query(
            "SELECT receiver, jti FROM outbox WHERE state = 'pending' AND receiver NOT IN (SELECT value FROM json_each(?))",
        )
        .bind(known)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for receivers that are gone"))?;
        for row in &rows {
            let (receiver, jti): (String, String) = (row.get(0), row.get(1));
            let why = "the receiver is not in the config any more".to_owned();
            self.record_outcome(&receiver, &jti, &DeliveryOutcome::GivenUp { why })
                .await?;
        }
        Ok(())
    }

    /// Takes away handshakes that were over before `before`.
    pub(in crate::store) async fn prune_handshakes(&mut self, age: Duration) -> Result<()> {
        sqlx::query("DELETE FROM outbox WHERE case_id IS NULL AND finished_at < ?")
            .bind(self.now.minus(age).ms())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking away old handshakes"))?;
        Ok(())
    }
}

fn outbox_event(row: &SqliteRow) -> OutboxEvent {
    OutboxEvent {
        jti: row.get(0),
        event_type: row.get(1),
        claims: row.get(2),
        attempts: u32::try_from(row.get::<i64, _>(3)).unwrap_or(u32::MAX),
        created_at: Timestamp::from_ms(row.get(4)),
    }
}

/// What one job proved; `None` where its row cannot be read back.
/// A case names one session by a digest of what was written; what was ended is named by the id that the target listed.
fn by_listed_id(scope: Scope, rows: &[SqliteRow]) -> Scope {
    let Scope::Session(named) = scope else { return scope };
    let ended = rows.iter().filter_map(|row| {
        let evidence: Evidence = serde_json::from_str(row.get::<Option<&str>, _>(3)?).ok()?;
        evidence.ended.into_iter().find(|grant| is_named(&named, &grant.id))
    });
    let listed = ended.map(|grant| grant.id).next();
    Scope::Session(listed.unwrap_or(named))
}

fn at_target(row: &SqliteRow) -> Option<TargetProof> {
    let evidence: crate::model::Evidence = serde_json::from_str(&row.get::<Option<String>, _>(3)?).ok()?;
    Some(TargetProof {
        target: row.get(0),
        containment: serde_json::from_str(&row.get::<String, _>(1)).ok()?,
        verdict: serde_json::from_str(&row.get::<Option<String>, _>(2)?).ok()?,
        seen_at: evidence.after_at,
        password_reset_at: row.get::<Option<i64>, _>(4).map(Timestamp::from_ms),
    })
}
