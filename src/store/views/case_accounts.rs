//! Cases by the account that they were about: somebody may be asked for by one name and found under another.

use std::collections::BTreeSet;

use crate::model::Subject;
use crate::store::columns::written;
use crate::store::identity::references::json_of;
use crate::store::{Result, Store, StoreError};

/// How many of the newest jobs are looked at.
const NEWEST: i64 = 20_000;

impl Store {
    /// What accounts are called besides, of which one name is among `names` (canonical, in lower case): all their names in lower case, as the
    /// newest 20 000 jobs have found them.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn names_beside(&self, names: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        if names.is_empty() {
            return Ok(BTreeSet::new());
        }
        let found: Vec<String> = sqlx::query_scalar(
            "WITH wanted (name) AS (SELECT value FROM json_each($1)), \
                  seen (evidence) AS (SELECT evidence FROM job WHERE id > (SELECT max(id) FROM job) - $2 AND json_valid(evidence) \
                      AND (lower('opaque:' || (evidence ->> 'principal')) IN (SELECT name FROM wanted) \
                           OR EXISTS (SELECT 1 FROM json_each(evidence, '$.names') n WHERE lower(n.value) IN (SELECT name FROM wanted)))) \
             SELECT DISTINCT lower(n.value) FROM seen, json_each(seen.evidence, '$.names') n \
             UNION SELECT lower('opaque:' || (evidence ->> 'principal')) FROM seen WHERE evidence ->> 'principal' IS NOT NULL",
        )
        .bind(written("names", names)?)
        .bind(NEWEST)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking for the names of accounts"))?;
        Ok(found.into_iter().collect())
    }

    /// Cases among those of the newest 20 000 jobs that were about an account which has one of the names of `subject`, or which an earlier
    /// case about `subject` has found.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn cases_by_account(&self, subject: &Subject) -> Result<Vec<i64>> {
        let names = self.with_known_names(subject).await?;
        let references = written("references", &self.references(subject).await?)?;
        let ids = names.names().iter().filter_map(|name| match name {
            Subject::Opaque(id) => Some(id.as_str()),
            _ => None,
        });
        let mut accounts: Vec<String> = ids.map(str::to_owned).collect();
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT j.evidence ->> 'principal' FROM cases c JOIN job j ON j.case_id = c.id \
             WHERE c.subject_ref IN (SELECT value FROM json_each($1)) AND json_valid(j.evidence) \
             AND j.evidence ->> 'principal' IS NOT NULL LIMIT 100",
        )
        .bind(references)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking for a person's accounts"))?;
        accounts.extend(found);
        sqlx::query_scalar(
            "SELECT DISTINCT j.case_id FROM job j WHERE j.id > (SELECT max(id) FROM job) - $3 AND json_valid(j.evidence) \
             AND (j.evidence ->> 'principal' IN (SELECT value FROM json_each($1)) \
                  OR EXISTS (SELECT 1 FROM json_each(j.evidence, '$.names') n JOIN json_each($2) a ON lower(a.value) = lower(n.value)))",
        )
        .bind(written("accounts", &accounts)?)
        .bind(json_of(names.names()))
        .bind(NEWEST)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking for cases by their accounts"))
    }

    /// What stands for a person in lists and in the trail: by every linked name, and by every other name by which a case has come to one of the
    /// person's accounts.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn references_with_accounts(&self, subject: &Subject) -> Result<Vec<String>> {
        let mut references: BTreeSet<String> = self.references(subject).await?.into_iter().collect();
        let cases = self.cases_by_account(subject).await?;
        let beside: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT subject_ref FROM cases WHERE id IN (SELECT value FROM json_each($1))")
                .bind(written("cases", &cases)?)
                .fetch_all(self.readers())
                .await
                .map_err(StoreError::sql("looking for a person's other names"))?;
        references.extend(beside);
        Ok(references.into_iter().collect())
    }
}
