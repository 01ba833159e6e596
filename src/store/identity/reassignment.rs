//! Changed and reassigned identifiers: an address that a person gave up, an address that somebody else has now.

use revoked_trail::{Entry, EntryKind};

use super::link_rows::{LinkRow, ScopedName};
use super::links::REPLACED;
use super::references::{REFERENCES, json_of};
use crate::model::{Actor, Delivery, Identity, Reason, Renamed, Subject};
use crate::store::columns::written;
use crate::store::{Result, StoreError, Tx};

impl Tx<'_> {
    /// Takes in what a source says about names that have changed hands.
    pub(in crate::store) async fn apply_identity_changes(&mut self, delivery: &Delivery) -> Result<()> {
        for renamed in &delivery.renamed {
            match renamed {
                Renamed::Changed { from, to } => self.identifier_changed(&delivery.source, from, to).await?,
                Renamed::Recycled(name) => self.identifier_reassigned(&delivery.source, name).await?,
            }
        }
        Ok(())
    }

    /// Both names mean the person for some time. It is the source's word, so it takes no name from anybody, and ends no operator's link.
    async fn identifier_changed(&mut self, source: &str, from: &Subject, to: &Subject) -> Result<()> {
        self.link_people(source, &[Identity::of(vec![from.clone(), to.clone()])])
            .await?;
        sqlx::query(
            "UPDATE identity SET until = ?1 WHERE name = ?2 AND source IS NOT NULL AND until IS NULL \
             AND person IN (SELECT person FROM identity WHERE name = ?3)",
        )
        .bind(self.now.plus(REPLACED).ms())
        .bind(from.to_string())
        .bind(to.to_string())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("replacing a name"))?;
        Ok(())
    }

    /// The name means nobody from now on, whoever said so: its new owner must never be taken for the one before. What is known of that one
    /// under this name keeps its reference and loses the name, so that nothing that waits asks for it.
    async fn identifier_reassigned(&mut self, source: &str, name: &Subject) -> Result<()> {
        let references = self.references(std::slice::from_ref(name)).await?;
        let live = self.live_cases(&references).await?;
        let text = name.to_string();
        let identity = self.resolve_identity(name).await?;
        let other = identity.own_names().names().iter().find(|other| *other != name).cloned();
        sqlx::query("DELETE FROM identity WHERE name = ?")
            .bind(&text)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking a name from its person"))?;
        if let Some(other) = other {
            // Whoever is known by other names too keeps the cases and plans.
            let anchor = self.resolve_identity(&other).await?.anchor;
            let reference = self.reference(&anchor).await?;
            for sql in [
                "UPDATE cases SET subject_ref = ?1 WHERE subject_ref IN (SELECT ref FROM person WHERE subject = ?2)",
                "UPDATE departure SET subject_ref = ?1 WHERE subject_ref IN (SELECT ref FROM person WHERE subject = ?2)",
            ] {
                sqlx::query(sql)
                    .bind(&reference)
                    .bind(&text)
                    .execute(&mut *self.conn)
                    .await
                    .map_err(StoreError::sql("keeping a person's cases"))?;
            }
            // What the source remembers of the person must still be found when the person is erased.
            sqlx::query("UPDATE memory SET about = ?1 WHERE source = ?2 AND about = ?3")
                .bind(other.to_string())
                .bind(source)
                .bind(&text)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("keeping what a source remembers"))?;
        }
        for sql in [
            "DELETE FROM alias WHERE name = ?",
            "UPDATE person SET subject = 'unknown:recycled#' || ref WHERE subject = ?",
        ] {
            sqlx::query(sql)
                .bind(&text)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("taking a name from its person"))?;
        }
        self.drop_alias(name, &references).await?;
        self.call_off_nameless(source, &live).await?;
        for reference in references {
            self.record(
                &Entry::new(EntryKind::SubjectUnlinked, Actor::source(source))
                    .subject_ref(reference)
                    .detail(serde_json::json!({ "format": name.format(), "recycled": true })),
            );
        }
        Ok(())
    }

    /// A source says no longer whose these names are. What others have said of them stays.
    pub(super) async fn withdraw_links(&mut self, source: &str, names: &[Subject]) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        sqlx::query("DELETE FROM identity WHERE source = ? AND name IN (SELECT value FROM json_each(?))")
            .bind(source)
            .bind(json_of(names))
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking a name from its person"))?;
        Ok(())
    }

    /// Takes the names that a person of the source has only now from whoever had them there and has left, or has another by now. An operator's
    /// word stays above that. Answers whether any was taken.
    pub(super) async fn reassign_given(
        &mut self,
        source: &str,
        identity: &Identity,
        rows: &[LinkRow],
        person: Option<i64>,
    ) -> Result<bool> {
        let mut given = false;
        for name in &identity.given {
            let row = rows.iter().find(|row| row.is(&ScopedName::from(name.clone())));
            let over = match row {
                Some(row) if row.source.is_none() || Some(row.person) == person => false,
                Some(row) if row.replaced => true,
                _ => self.has_left(source, name).await?,
            };
            if over {
                self.identifier_reassigned(source, name).await?;
                given = true;
            }
        }
        Ok(given)
    }

    /// Whether a source has said of the person with this name that it has left, and has not taken it back.
    async fn has_left(&mut self, source: &str, name: &Subject) -> Result<bool> {
        let names = self.resolve_identity(name).await?;
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM cases c INDEXED BY cases_by_subject JOIN signal s ON s.case_id = c.id \
             WHERE c.subject_ref IN ({REFERENCES}) AND c.state <> 'cancelled' AND s.source = ?2 AND s.reason IN (?3, ?4))"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(json_of(names.own_names().names()))
            .bind(source)
            .bind(Reason::Departed.word())
            .bind(Reason::Suspended.word())
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking whether a person has left"))
    }

    /// The open and held cases about these references, or with signals about them.
    async fn live_cases(&mut self, references: &[String]) -> Result<Vec<i64>> {
        sqlx::query_scalar(
            "SELECT c.id FROM json_each(?) n JOIN cases c INDEXED BY cases_by_subject ON c.subject_ref = n.value \
             WHERE EXISTS (SELECT 1 FROM job j WHERE j.case_id = c.id AND j.state IN ('scheduled', 'queued', 'held')) ORDER BY c.id",
        )
        .bind(written("references", references)?)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for a person's cases"))
    }

    /// Calls off what waits about somebody of whom no name is left: nothing could be found by it, and a human must not be offered it.
    async fn call_off_nameless(&mut self, source: &str, cases: &[i64]) -> Result<()> {
        let (by, why) = (Actor::source(source), "every name that it was about is in use again");
        let names = self.names_of_cases(cases).await?;
        for case in cases {
            let left = names.get(case).into_iter().flatten();
            let is_known = left.into_iter().any(|name| !matches!(name, Subject::Unknown { .. }));
            if is_known || self.has_anchor(*case).await? {
                continue;
            }
            self.cancel_departures(*case, &by, why).await?;
            self.call_off_case(*case, &by, why).await?;
        }
        Ok(())
    }

    /// Whether a case is about somebody who still has a name.
    async fn has_anchor(&mut self, case: i64) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM cases c JOIN person p ON p.ref = c.subject_ref WHERE c.id = ? AND p.subject NOT LIKE 'unknown:%')",
        )
        .bind(case)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking whom a case is about"))
    }

    /// Takes a name out of people who are known by several at once.
    async fn drop_alias(&mut self, name: &Subject, references: &[String]) -> Result<()> {
        for reference in references {
            let Some(Subject::Aliases(names)) = self.subject_of(reference).await? else {
                continue;
            };
            let rest = Subject::together(names.into_iter().filter(|one| one != name));
            // Where somebody is known by just the rest already, this reference loses every name: no two people have the same.
            sqlx::query(
                "UPDATE person SET subject = CASE WHEN ?1 IS NULL OR EXISTS (SELECT 1 FROM person WHERE subject = ?1) \
                    THEN 'unknown:recycled#' || ref ELSE ?1 END WHERE ref = ?2",
            )
            .bind(rest.map(|rest| rest.to_string()))
            .bind(reference)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking a name from its person"))?;
        }
        Ok(())
    }
}
