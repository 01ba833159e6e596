//! Writes statements into the outbox, in the transaction that closes the case which they are about (a transactional outbox).

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, CaseId, Timestamp};
use crate::statement::{EventType, NotSent, Proof, Receiver, Statement, statements, verification};
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// Puts a stream's handshake into the outbox and answers its `jti`.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn queue_verification(&self, receiver: Receiver, state: Option<String>, by: Actor) -> Result<String> {
        let jti = self
            .write(move |tx| {
                Box::pin(async move {
                    let statement = verification(&receiver, state.as_deref());
                    tx.insert_event(&receiver, &statement, None, by).await
                })
            })
            .await?;
        self.0.outbox.notify_waiters();
        Ok(jti)
    }
}

impl Tx<'_> {
    /// Writes what the closing of a case lets us say. Answers whether there is anything.
    pub(in crate::store) async fn queue_statements(&mut self, case: CaseId, receivers: &[Receiver]) -> Result<bool> {
        self.queue_for_receivers(case, receivers, false).await
    }

    /// Writes what a case that is closed lets us say to whom it was not said yet: a further source has reported what it has ended.
    pub(in crate::store) async fn queue_late_statements(&mut self, case: CaseId, receivers: &[Receiver]) -> Result<bool> {
        self.queue_for_receivers(case, receivers, true).await
    }

    async fn queue_for_receivers(&mut self, case: CaseId, receivers: &[Receiver], late: bool) -> Result<bool> {
        if receivers.is_empty() {
            return Ok(false);
        }
        let (proof, reference) = match self.read_proof(case).await {
            Ok(Some(proof)) => proof,
            Ok(None) => return Ok(false),
            Err(error) => {
                let Some(why) = error.of_a_row() else { return Err(error) };
                return self.withhold_unreadable(case, receivers, &why).await.map(|()| false);
            }
        };
        let about = Some((case, reference.as_str()));
        let mut queued = false;
        for receiver in receivers {
            match statements(&proof, receiver) {
                Ok(said) => {
                    for statement in said {
                        if self.was_queued_before(&proof, receiver, &statement, late).await? {
                            continue;
                        }
                        self.insert_event(receiver, &statement, about, Actor::Daemon).await?;
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

    /// What a case has proved cannot be read back: nothing is said of it, and somebody must know that nothing is.
    async fn withhold_unreadable(&mut self, case: CaseId, receivers: &[Receiver], why: &str) -> Result<()> {
        for receiver in receivers {
            self.record(
                &Entry::new(EntryKind::StatementWithheld, Actor::Daemon)
                    .case(case.0)
                    .detail(serde_json::json!({ "receiver": receiver.name, "why": why })),
            );
        }
        let summary = format!(
            "nobody is told what case {case} has proved, since it cannot be read back ({why}); tell the receivers by hand (revoked case show {case})"
        );
        self.raise_alert("proof_unreadable", &format!("case:{case}"), &summary, Some(case.0))
            .await
    }

    /// Whether this was told before. A password is reset once for each job, while a case may close several times; and who was told at the
    /// closing is not told again when somebody else is told late.
    async fn was_queued_before(&mut self, proof: &Proof, receiver: &Receiver, statement: &Statement, late: bool) -> Result<bool> {
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

    async fn insert_event(
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
}
