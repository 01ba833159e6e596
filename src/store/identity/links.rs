//! Identity links that sources report: which names are one person's, and what becomes of a name that two of them claim (dispute).

use std::collections::BTreeSet;
use std::time::Duration;

use revoked_trail::{Entry, EntryKind};

use super::link_rows::{LinkRow, ScopedName};
use super::references::json_of;
use crate::model::{Actor, Delivery, Identity, Subject};
use crate::store::columns::written;
use crate::store::{Result, StoreError, Tx};

/// How long a name that was replaced still means the person: what was sent under it may be under way.
pub(in crate::store) const REPLACED: Duration = Duration::from_hours(24 * 30);
/// How often it is noted that a source still says the same: a file with everybody in it must not write everybody.
const SEEN_EVERY: Duration = Duration::from_hours(24);

/// Names without those that mean nobody.
fn simple_names<'n>(names: impl IntoIterator<Item = &'n Subject>) -> Vec<ScopedName> {
    let together = Subject::together(names.into_iter().cloned());
    let names = together.iter().flat_map(|all| all.names().to_vec());
    names
        .filter(|name| !matches!(name, Subject::Unknown { .. }))
        .map(ScopedName::from)
        .collect()
}

/// Whether a name is never given to somebody else: what an issuer pins, an account's own id, an HR number.
const fn is_permanent(name: &Subject) -> bool {
    matches!(
        name,
        Subject::IssSub { .. } | Subject::Opaque(_) | Subject::Uri(_) | Subject::Did(_) | Subject::EmployeeId(_)
    )
}

/// What a delivery's identities have changed.
#[derive(Debug, Default)]
struct Changes {
    people: usize,
    added: usize,
    moved: usize,
    replaced: u64,
    disputed: usize,
}

impl Tx<'_> {
    /// Takes in what a source says about whose names are whose.
    pub(in crate::store) async fn keep_identities(&mut self, delivery: &Delivery) -> Result<()> {
        self.link_people(&delivery.source, &delivery.identities).await.map(|_| ())
    }

    /// Takes in people as a source names them, and says what came of it. Answers whether anybody is known by a name more.
    pub(in crate::store) async fn link_people(&mut self, source: &str, people: &[Identity]) -> Result<bool> {
        let mut changes = Changes::default();
        for identity in people {
            self.link_for(source, identity, &mut changes).await?;
        }
        if changes.added + changes.moved + changes.disputed > 0 || changes.replaced > 0 {
            let detail = serde_json::json!({
                "source": source, "people": changes.people, "names": changes.added, "moved": changes.moved,
                "replaced": changes.replaced, "disputed": changes.disputed,
            });
            self.record(&Entry::new(EntryKind::SubjectLinked, Actor::source(source)).detail(detail));
        }
        if changes.disputed > 0 {
            let summary = format!(
                "source {source} claims {} names that belong to other people; what is known by such a name alone is held \
                 (revoked subject unresolved)",
                changes.disputed
            );
            self.raise_alert("identity_conflict", &format!("source:{source}"), &summary, None)
                .await?;
        }
        Ok(changes.added + changes.moved > 0)
    }

    /// One person of a source. It never takes a name that another source or an operator has given to somebody else.
    async fn link_for(&mut self, source: &str, identity: &Identity, changes: &mut Changes) -> Result<()> {
        let names = simple_names(&identity.names);
        let all = simple_names(identity.names.iter().chain(&identity.before));
        let mut rows = self.link_rows(&all).await?;
        // Nobody is whom it has parted from.
        let apart = simple_names(&identity.apart);
        let others = if apart.is_empty() {
            Vec::new()
        } else {
            self.link_rows(&apart).await?
        };
        let owner_of = |rows: &[LinkRow], names: &[Subject]| {
            let ours = |row: &&LinkRow| others.iter().all(|other| other.person != row.person);
            let find = |replaced: bool| {
                names.iter().map(ToString::to_string).find_map(|name| {
                    rows.iter()
                        .filter(ours)
                        .find(|row| row.name == name && row.replaced == replaced)
                })
            };
            // What somebody was called once says it last.
            find(false).or_else(|| find(true)).map(|row| row.person)
        };
        // Whom the source knew by other names is that person; else what never changes hands says who it is.
        let lasting: Vec<Subject> = identity.names.iter().filter(|name| is_permanent(name)).cloned().collect();
        let known = owner_of(&rows, &identity.before).or_else(|| owner_of(&rows, &lasting));
        if self.reassign_given(source, identity, &rows, known).await? {
            rows = self.link_rows(&all).await?;
        }
        self.withdraw_links(source, &identity.shared).await?;
        // What was known by one name alone stands for itself, until there is another.
        if all.len() < 2 {
            return Ok(());
        }
        // Its first name is the surest: whose that is, the person is.
        let person = match known.or_else(|| owner_of(&rows, &identity.names)) {
            Some(person) => person,
            None => self.next_person().await?,
        };
        // What the person was called until now still means it for a while, where nobody has linked it.
        let stays = |name: &&ScopedName| !names.contains(name) && !apart.contains(name) && !rows.iter().any(|row| row.is(name));
        for name in all.iter().filter(stays) {
            self.insert_link(person, name, Some(source)).await?;
        }
        let before = (changes.added, changes.moved);
        for name in &names {
            let Some(row) = rows.iter().find(|row| row.is(name)) else {
                self.insert_link(person, name, Some(source)).await?;
                changes.added += 1;
                continue;
            };
            let ours = row.source.as_deref() == Some(source);
            if row.person == person {
                if ours && (row.replaced || self.now.since(row.seen_at) > SEEN_EVERY) {
                    self.update_link(row.id, "UPDATE identity SET seen_at = ?2, until = NULL WHERE id = ?1")
                        .await?;
                }
            } else if ours {
                sqlx::query("UPDATE identity SET person = ?, seen_at = ?, until = NULL, disputed_at = NULL WHERE id = ?")
                    .bind(person)
                    .bind(self.now.ms())
                    .bind(row.id)
                    .execute(&mut *self.conn)
                    .await
                    .map_err(StoreError::sql("giving a name to another person"))?;
                changes.moved += 1;
            } else {
                self.update_link(
                    row.id,
                    "UPDATE identity SET disputed_at = coalesce(disputed_at, ?2) WHERE id = ?1",
                )
                .await?;
                changes.disputed += 1;
            }
        }
        let is_new = before != (changes.added, changes.moved);
        // A name may also have gone without another in its place.
        if is_new || !identity.before.is_empty() {
            let replaced = self.replace_identifiers(source, person, &names).await?;
            changes.replaced += replaced;
            changes.people += usize::from(is_new || replaced > 0);
        }
        Ok(())
    }

    /// A source that names another address (login name, number) of a person has replaced the one before.
    async fn replace_identifiers(&mut self, source: &str, person: i64, names: &[ScopedName]) -> Result<u64> {
        let formats: BTreeSet<&str> = names.iter().map(|name| name.subject.format()).collect();
        let done = sqlx::query(
            "UPDATE identity SET until = ? WHERE person = ? AND source = ? AND until IS NULL \
             AND name NOT IN (SELECT value FROM json_each(?)) \
             AND substr(name, 1, instr(name, ':') - 1) IN (SELECT value FROM json_each(?))",
        )
        .bind(self.now.plus(REPLACED).ms())
        .bind(person)
        .bind(source)
        .bind(json_of(names.iter().map(|name| &name.subject)))
        .bind(written("formats of names", &formats)?)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("replacing a name"))?;
        Ok(done.rows_affected())
    }
}
