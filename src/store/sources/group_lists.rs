//! The members of groups of people as their files were last believed, so that a start with a broken file still protects them.

use std::collections::BTreeSet;

use revoked_trail::{Entry, EntryKind, detail};

use crate::digest::hex;
use crate::model::Actor;
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError};

/// A group's list as it was last believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupList {
    /// The canonical forms of its members in lower case.
    pub members: BTreeSet<String>,
    /// The SHA-256 of a list that an operator has accepted although it is much shorter.
    pub accepted: Option<[u8; 32]>,
}

impl Store {
    /// The list of a group as it was last believed. One that cannot be read is none.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn group_list(&self, group: &str) -> Result<Option<GroupList>> {
        let row = sqlx::query("SELECT members, accepted FROM group_list WHERE name = $1")
            .bind(group)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading the list of a group"))?;
        let Some(row) = row else { return Ok(None) };
        let members = row.read::<&str>(0).ok().and_then(|text| serde_json::from_str(text).ok());
        let Some(members) = members else {
            tracing::warn!(
                group,
                "the list of a group cannot be read back; it is read from its file alone"
            );
            return Ok(None);
        };
        let accepted = row.read::<Option<Vec<u8>>>(1).ok().flatten();
        Ok(Some(GroupList {
            members,
            accepted: accepted.and_then(|bytes| bytes.try_into().ok()),
        }))
    }

    /// Keeps the list of a group as it is believed from now on, read from a file of these bytes.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn keep_group_list(&self, group: String, members: BTreeSet<String>, digest: [u8; 32]) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let text = written("the list of a group", &members)?;
                let changed = sqlx::query(
                    "INSERT INTO group_list (name, members, read_at) VALUES ($1, $2, $3) \
                     ON CONFLICT (name) DO UPDATE SET members = excluded.members, read_at = excluded.read_at, accepted = NULL, accepted_by = NULL \
                     WHERE members <> excluded.members",
                )
                .bind(&group)
                .bind(text)
                .bind(tx.now.ms())
                .execute(&mut *tx.conn)
                .await
                .map_err(StoreError::sql("keeping the list of a group"))?;
                if changed.rows_affected() > 0 {
                    let detail = detail! { "group": group, "members": members.len(), "sha256": hex(&digest) };
                    tx.record(&Entry::new(EntryKind::GroupListRead, Actor::Daemon).detail(detail));
                }
                Ok(())
            })
        })
        .await
    }

    /// Accepts a list of a group, by its bytes, although it is much shorter than the one before. The daemon takes it at its next look.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn accept_group_list(&self, group: String, digest: [u8; 32], (before, now): (usize, usize), by: Actor) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE group_list SET accepted = $2, accepted_by = $3 WHERE name = $1")
                    .bind(&group)
                    .bind(digest.as_slice())
                    .bind(by.to_string())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("accepting the list of a group"))?;
                let detail = detail! { "group": group, "members": now, "before": before, "sha256": hex(&digest) };
                tx.record(&Entry::new(EntryKind::GroupListAccepted, by).detail(detail));
                Ok(())
            })
        })
        .await
    }

    /// Forgets the lists of groups that the config does not name any more: they are names of people.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn forget_group_lists_but(&self, groups: Vec<String>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM group_list WHERE name NOT IN (SELECT value FROM json_each($1))")
                    .bind(written("the names of groups", &groups)?)
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("forgetting the lists of groups"))?;
                Ok(())
            })
        })
        .await
    }
}
