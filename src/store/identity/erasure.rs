//! Erasure of a person (right to be forgotten): the names go, and every hash of the trail stays valid.

use revoked_trail::{Entry, EntryKind};

use super::references::json_of;
use crate::model::{Actor, Subject};
use crate::store::columns::written;
use crate::store::{Result, Store, StoreError, Tx};

impl Store {
    /// Erases a person: every name that is known of it, the keys behind its references, its links, the notes about it and who asked. Open cases are
    /// left alone and refuse it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where work about the person is open; [`StoreError::NotFound`] is not told apart from a name never seen.
    pub async fn erase(&self, subject: &Subject, by: Actor) -> Result<bool> {
        let subject = subject.clone();
        self.write(move |tx| Box::pin(async move { tx.erase(&subject, &by).await }))
            .await
    }

    /// The same where these are all the names of the person, as they were shown: others go with them, and whoever asks must have seen which.
    ///
    /// # Errors
    /// As [`Store::erase`], and where the person has other names.
    pub async fn erase_exactly(&self, subject: &Subject, names: Vec<Subject>, by: Actor) -> Result<bool> {
        let subject = subject.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let shown = Subject::together(names);
                if shown.as_ref() != Some(&tx.all_names(&subject).await?) {
                    return Err(StoreError::Refused(
                        "the person has other names than those: look at all of them again (GET /api/v1/people)".to_owned(),
                    ));
                }
                tx.erase(&subject, &by).await
            })
        })
        .await
    }
}

impl Tx<'_> {
    async fn erase(&mut self, subject: &Subject, by: &Actor) -> Result<bool> {
        let names = self.all_names(subject).await?;
        let references = self.references(names.names()).await?;
        let (list, names) = (written("references", &references)?, json_of(names.names()));
        let open: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM cases c JOIN job j ON j.case_id = c.id \
             WHERE c.subject_ref IN (SELECT value FROM json_each(?)) AND j.state IN ('scheduled', 'queued', 'running', 'held')",
        )
        .bind(&list)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for open work"))?;
        if open > 0 {
            return Err(StoreError::Refused(format!(
                "{open} jobs about this person are open (sweeps included); erase the person after they have ended"
            )));
        }
        let mut gone = 0;
        for sql in [
            "DELETE FROM identity WHERE name IN (SELECT value FROM json_each(?))",
            "DELETE FROM inbox WHERE subject IN (SELECT value FROM json_each(?)) AND state <> 'new'",
            "DELETE FROM employment WHERE subject IN (SELECT value FROM json_each(?))",
            "DELETE FROM memory WHERE about IN (SELECT value FROM json_each(?))",
        ] {
            gone += sqlx::query(sql)
                .bind(&names)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql(
                    "erasing a person's links and requests, and what sources keep about them",
                ))?
                .rows_affected();
        }
        for sql in [
            "UPDATE unresolved SET note = NULL WHERE case_id IN \
                (SELECT c.id FROM json_each(?) n JOIN cases c ON c.subject_ref = n.value)",
            "UPDATE job SET evidence = json_remove(evidence, '$.names') WHERE case_id IN \
                (SELECT c.id FROM json_each(?) n JOIN cases c ON c.subject_ref = n.value) AND json_valid(evidence)",
            "DELETE FROM case_note WHERE case_id IN \
                (SELECT c.id FROM json_each(?) n JOIN cases c ON c.subject_ref = n.value)",
            "UPDATE cases SET note = NULL, requested_by = NULL WHERE subject_ref IN (SELECT value FROM json_each(?))",
            "UPDATE signal SET note = NULL, requested_by = NULL WHERE subject_ref IN (SELECT value FROM json_each(?))",
            "DELETE FROM departure WHERE subject_ref IN (SELECT value FROM json_each(?))",
            "DELETE FROM outbox WHERE subject_ref IN (SELECT value FROM json_each(?))",
            "DELETE FROM person WHERE ref IN (SELECT value FROM json_each(?))",
        ] {
            gone += sqlx::query(sql)
                .bind(&list)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("erasing a person"))?
                .rows_affected();
        }
        // By which name somebody was asked about stands inside the questions; all of them are gone within the hour anyway.
        sqlx::query("DELETE FROM asked")
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking away what was asked"))?;
        for reference in &references {
            self.record(&Entry::new(EntryKind::PersonErased, by.clone()).subject_ref(reference));
        }
        Ok(gone > 0)
    }

    /// Every name of a person, those that were replaced included.
    async fn all_names(&mut self, subject: &Subject) -> Result<Subject> {
        let texts: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM identity WHERE person IN \
                (SELECT i.person FROM json_each(?1) n JOIN identity i ON i.name = n.value) \
             UNION SELECT value FROM json_each(?1)",
        )
        .bind(json_of(subject.names()))
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading the names of a person"))?;
        let names = texts.iter().filter_map(|text| text.parse().ok());
        Ok(Subject::together(names).unwrap_or_else(|| subject.clone()))
    }
}
