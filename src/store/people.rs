//! People, behind references: the one table that holds names. Erasing a row leaves every hash of the trail valid.

use super::{Result, Store, StoreError, Tx};
use crate::audit::key::random_key;
use crate::audit::{Entry, EntryKind, subject_ref};
use crate::model::{Actor, Subject};

impl Store {
    /// The reference that stands for a subject, if it has been seen.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn reference(&self, subject: &Subject) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT ref FROM person WHERE subject = ?")
            .bind(subject.to_string())
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("looking a person up"))
    }

    /// Erases a person: the name and the key behind its reference, and the notes about it. Open cases are left alone and refuse it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where work about the person is open; [`StoreError::NotFound`] is not told apart from a name never seen.
    pub async fn erase(&self, subject: &Subject, by: Actor) -> Result<bool> {
        let name = subject.to_string();
        self.write(move |tx| Box::pin(async move { tx.erase(&name, &by).await }))
            .await
    }
}

impl Tx<'_> {
    /// The reference that stands for `subject` from now on.
    pub(super) async fn reference(&mut self, subject: &Subject) -> Result<String> {
        let name = subject.to_string();
        let key = random_key().map_err(|error| StoreError::Refused(format!("the system gives no random numbers: {error}")))?;
        // One statement for the known and the new alike: the key and reference made here are thrown away where the person is known.
        sqlx::query_scalar(
            "INSERT INTO person (ref, key, subject, seen_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (subject) DO UPDATE SET seen_at = ?4 RETURNING ref",
        )
        .bind(subject_ref(&key, &name))
        .bind(key.as_slice())
        .bind(&name)
        .bind(self.now.ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a person"))
    }

    async fn erase(&mut self, name: &str, by: &Actor) -> Result<bool> {
        let reference: Option<String> = sqlx::query_scalar("SELECT ref FROM person WHERE subject = ?")
            .bind(name)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking a person up"))?;
        let Some(reference) = reference else { return Ok(false) };
        let open: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM cases c JOIN job j ON j.case_id = c.id \
             WHERE c.subject_ref = ? AND j.state IN ('scheduled', 'queued', 'running', 'held')",
        )
        .bind(&reference)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for open work"))?;
        if open > 0 {
            return Err(StoreError::Refused(format!(
                "{open} jobs about this person are open (sweeps included); erase the person after they have ended"
            )));
        }
        for sql in [
            "UPDATE cases SET note = NULL WHERE subject_ref = ?",
            "UPDATE signal SET note = NULL WHERE subject_ref = ?",
            "DELETE FROM departure WHERE subject_ref = ?",
            "DELETE FROM outbox WHERE subject_ref = ?",
            "DELETE FROM person WHERE ref = ?",
        ] {
            sqlx::query(sql)
                .bind(&reference)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("erasing a person"))?;
        }
        for sql in [
            "DELETE FROM inbox WHERE subject = ? AND state <> 'new'",
            "DELETE FROM memory WHERE about = ?",
            "DELETE FROM employment WHERE subject = ?",
        ] {
            sqlx::query(sql)
                .bind(name)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql(
                    "erasing a person's requests and what sources keep about them",
                ))?;
        }
        self.record(&Entry::new(EntryKind::PersonErased, by.clone()).subject_ref(reference));
        Ok(true)
    }
}
