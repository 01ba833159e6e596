//! Pseudonyms: the reference that stands for a person in the trail and in every table but the one that holds names.

use revoked_trail::key::random_key;
use revoked_trail::subject_ref;
use sqlx::sqlite::SqliteConnection;

use crate::model::Subject;
use crate::store::{Result, Store, StoreError, Tx};

/// Every reference that has stood for somebody with one of the names in the JSON list `?1`. By itself, or within another statement where
/// one more would cost a hop between threads for each signal.
pub(in crate::store) const REFERENCES: &str = "SELECT p.ref FROM json_each(?1) n JOIN person p ON p.subject = n.value \
     UNION SELECT a.ref FROM json_each(?1) n JOIN alias a ON a.name = n.value";

impl Store {
    /// Every reference that has stood for the person whom `subject` names.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn references(&self, subject: &Subject) -> Result<Vec<String>> {
        let names = self.with_known_names(subject).await?;
        let mut conn = self
            .readers()
            .acquire()
            .await
            .map_err(StoreError::sql("looking a person up"))?;
        references(&mut conn, names.names()).await
    }
}

impl Tx<'_> {
    /// The reference that stands for `subject` from now on.
    pub(in crate::store) async fn reference(&mut self, subject: &Subject) -> Result<String> {
        let name = subject.to_string();
        let key = random_key().map_err(|error| StoreError::Refused(format!("the system gives no random numbers: {error}")))?;
        // One statement for the known and the new alike: the key and reference made here are thrown away where the person is known.
        let reference: String = sqlx::query_scalar(
            "INSERT INTO person (ref, key, subject, seen_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (subject) DO UPDATE SET seen_at = ?4 RETURNING ref",
        )
        .bind(subject_ref(&key, &name))
        .bind(key.as_slice())
        .bind(&name)
        .bind(self.now.ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping a person"))?;
        if let Subject::Aliases(names) = subject {
            sqlx::query("INSERT OR IGNORE INTO alias (name, ref) SELECT value, ? FROM json_each(?)")
                .bind(&reference)
                .bind(json_of(names))
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("keeping a person's names"))?;
        }
        Ok(reference)
    }

    /// Whom a reference stands for; `None` where the person was erased.
    pub(in crate::store) async fn subject_of(&mut self, subject_ref: &str) -> Result<Option<Subject>> {
        let text: Option<String> = sqlx::query_scalar("SELECT subject FROM person WHERE ref = ?")
            .bind(subject_ref)
            .fetch_optional(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking a person up"))?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    /// Every reference that has stood for somebody with one of these names.
    pub(in crate::store) async fn references(&mut self, names: &[Subject]) -> Result<Vec<String>> {
        references(self.conn, names).await
    }
}

async fn references(conn: &mut SqliteConnection, names: &[Subject]) -> Result<Vec<String>> {
    let names = json_of(names);
    sqlx::query_scalar(REFERENCES)
        .bind(names)
        .fetch_all(conn)
        .await
        .map_err(StoreError::sql("looking a person up"))
}

/// Names as a JSON list of their canonical forms.
pub(in crate::store) fn json_of<'n>(names: impl IntoIterator<Item = &'n Subject>) -> String {
    let names: Vec<String> = names.into_iter().map(ToString::to_string).collect();
    // A list of texts, which nothing can keep from being written.
    serde_json::Value::from(names).to_string()
}
