//! Identity links on an operator's word: names are made one person's, two people are merged, a name is taken from its person.

use std::collections::BTreeSet;

use revoked_trail::{Entry, EntryKind};

use super::link_rows::ScopedName;
use crate::digest::hex;
use crate::model::{Actor, Subject};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// What came of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct LinkOutcome {
    /// How many names were new.
    pub added: usize,
    /// How many came from another person.
    pub moved: usize,
    /// Cases about somebody whom no target knew, which are looked at again under the new names.
    pub cases: Vec<i64>,
}

/// What a name is once it is taken from its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unlinked {
    /// It stands alone, and no source can link it again.
    Alone,
    /// It is forgotten: sources may link it again.
    Forgotten,
}

impl Store {
    /// Links names on an operator's word. Where they belong to several people who have other names too, only `merge` makes those one.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where two people would become one without `merge`.
    pub async fn link(&self, names: Vec<ScopedName>, merge: bool, by: Actor) -> Result<LinkOutcome> {
        let (linked, targets) = self
            .write(move |tx| Box::pin(async move { tx.link_one(&names, merge, &by).await }))
            .await?;
        self.wake_lanes(&targets);
        Ok(linked)
    }

    /// Links many people at once, each with the line that it comes from: all of them or none.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with one sentence a line where a person cannot be linked.
    pub async fn link_many(&self, people: Vec<(usize, Vec<ScopedName>)>, digest: [u8; 32], by: Actor) -> Result<LinkOutcome> {
        let (linked, targets) = self
            .write(move |tx| Box::pin(async move { tx.link_many(&people, &digest, &by).await }))
            .await?;
        self.wake_lanes(&targets);
        Ok(linked)
    }

    /// Takes a name from its person: it stands alone from now on, and no source can link it again. A name that stands alone already is
    /// forgotten instead. Answers whether it stands alone now.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it is linked to nothing.
    pub async fn unlink(&self, name: Subject, by: Actor) -> Result<bool> {
        let unlinked = self.write(move |tx| Box::pin(async move { tx.unlink(&name, None, &by).await }));
        Ok(unlinked.await? == Unlinked::Alone)
    }

    /// The same where it is said what the name is to be: what it is already stays so, however often that is asked for.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it has others beside it and is to be forgotten, or is linked to nothing and is to stand alone.
    pub async fn unlink_to(&self, name: Subject, becomes: Unlinked, by: Actor) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.unlink(&name, Some(becomes), &by).await }))
            .await
            .map(|_| ())
    }
}

impl Tx<'_> {
    async fn link_one(&mut self, names: &[ScopedName], merge: bool, by: &Actor) -> Result<(LinkOutcome, Vec<String>)> {
        let mut linked = self.link_by_operator(names, merge).await?;
        let (cases, targets) = self.requeue_unresolved(names, by).await?;
        linked.cases = cases;
        let identity = match names.first() {
            Some(name) => self.resolve_identity(&name.subject).await?,
            None => return Ok((linked, targets)),
        };
        let reference = self.reference(&identity.anchor).await?;
        let formats: Vec<&str> = names.iter().map(|name| name.subject.format()).collect();
        self.record(
            &Entry::new(EntryKind::SubjectLinked, by.clone())
                .subject_ref(reference)
                .detail(serde_json::json!({
                    "formats": formats, "names": linked.added, "moved": linked.moved, "merged": merge, "cases": linked.cases,
                })),
        );
        Ok((linked, targets))
    }

    async fn link_many(
        &mut self,
        people: &[(usize, Vec<ScopedName>)],
        digest: &[u8; 32],
        by: &Actor,
    ) -> Result<(LinkOutcome, Vec<String>)> {
        let mut linked = LinkOutcome::default();
        let mut complaints = Vec::new();
        for (line, names) in people {
            match self.link_by_operator(names, false).await {
                Ok(one) => {
                    linked.added += one.added;
                    linked.moved += one.moved;
                }
                Err(StoreError::Refused(why)) => complaints.push(format!("line {line}: {why}")),
                Err(error) => return Err(error),
            }
        }
        if !complaints.is_empty() {
            return Err(StoreError::Refused(complaints.join("\n")));
        }
        let all: Vec<ScopedName> = people.iter().flat_map(|(_, names)| names.clone()).collect();
        let (cases, targets) = self.requeue_unresolved(&all, by).await?;
        linked.cases = cases;
        let detail = serde_json::json!({
            "sha256": hex(digest), "people": people.len(), "names": linked.added, "moved": linked.moved,
            "cases": linked.cases,
        });
        self.record(&Entry::new(EntryKind::SubjectLinked, by.clone()).detail(detail));
        Ok((linked, targets))
    }

    async fn link_by_operator(&mut self, names: &[ScopedName], merge: bool) -> Result<LinkOutcome> {
        let mut linked = LinkOutcome::default();
        let rows = self.link_rows(names).await?;
        let people: BTreeSet<i64> = rows.iter().map(|row| row.person).collect();
        let mut with_others = Vec::new();
        for person in &people {
            let whole: i64 = sqlx::query_scalar("SELECT count(*) FROM identity WHERE person = ?")
                .bind(person)
                .fetch_one(&mut *self.conn)
                .await
                .map_err(StoreError::sql("reading the names of a person"))?;
            let here = rows.iter().filter(|row| row.person == *person).count();
            if usize::try_from(whole).unwrap_or(usize::MAX) > here {
                with_others.push(*person);
            }
        }
        if with_others.len() > 1 && !merge {
            return Err(StoreError::Refused(format!(
                "these names belong to {} people who have other names too; revoked subject show tells whose they are: unlink what is \
                 wrong first, or make them one person with revoked subject link --merge",
                with_others.len()
            )));
        }
        let person = match with_others.first().or_else(|| people.first()) {
            Some(person) => *person,
            None => self.next_person().await?,
        };
        for other in people.iter().filter(|other| **other != person) {
            let moved = sqlx::query("UPDATE identity SET person = ? WHERE person = ?")
                .bind(person)
                .bind(other)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("making two people one"))?;
            linked.moved += usize::try_from(moved.rows_affected()).unwrap_or(usize::MAX);
        }
        for name in names {
            if let Some(row) = rows.iter().find(|row| row.is(name)) {
                let sql = "UPDATE identity SET source = NULL, seen_at = ?2, until = NULL, disputed_at = NULL WHERE id = ?1";
                self.update_link(row.id, sql).await?;
            } else {
                self.insert_link(person, name, None).await?;
                linked.added += 1;
            }
        }
        Ok(linked)
    }

    async fn unlink(&mut self, name: &Subject, becomes: Option<Unlinked>, by: &Actor) -> Result<Unlinked> {
        let rows = sqlx::query(
            "SELECT i.id, (SELECT count(*) FROM identity o WHERE o.person = i.person AND o.name <> i.name), i.source IS NULL \
             FROM identity i WHERE i.name = ?",
        )
        .bind(name.to_string())
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking a name up"))?;
        if rows.is_empty() {
            return match becomes {
                Some(Unlinked::Forgotten) => Ok(Unlinked::Forgotten),
                _ => Err(StoreError::Refused("this name is linked to nothing".to_owned())),
            };
        }
        let (mut alone, mut by_operators) = (true, true);
        for row in &rows {
            alone &= row.read::<i64>(1)? == 0;
            by_operators &= row.read::<bool>(2)?;
        }
        let becomes = match becomes {
            Some(Unlinked::Alone) if alone && by_operators => return Ok(Unlinked::Alone),
            Some(Unlinked::Forgotten) if !alone => {
                return Err(StoreError::Refused(
                    "this name is of a person with others: have it stand alone first, then it can be forgotten".to_owned(),
                ));
            }
            Some(becomes) => becomes,
            None if alone => Unlinked::Forgotten,
            None => Unlinked::Alone,
        };
        let reference = self.reference(name).await?;
        if becomes == Unlinked::Forgotten {
            sqlx::query("DELETE FROM identity WHERE name = ?")
                .bind(name.to_string())
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("forgetting a link"))?;
        } else {
            let person = self.next_person().await?;
            sqlx::query(
                "UPDATE identity SET person = ?, source = NULL, until = NULL, disputed_at = NULL, seen_at = ? WHERE name = ?",
            )
            .bind(person)
            .bind(self.now.ms())
            .bind(name.to_string())
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking a name from its person"))?;
        }
        self.record(
            &Entry::new(EntryKind::SubjectUnlinked, by.clone())
                .subject_ref(reference)
                .detail(serde_json::json!({ "format": name.format(), "stands_alone": becomes == Unlinked::Alone })),
        );
        Ok(becomes)
    }
}
