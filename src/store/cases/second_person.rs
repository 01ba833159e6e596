//! The first of two approvals is kept, and the second takes effect: by two different humans, neither of whom asked for any of it.

use revoked_trail::{Entry, EntryKind};

use super::approval_rule::in_force;
use super::held_set::{CombinedSet, combined};
use super::two_persons::counts_from;
use crate::model::{Actor, Individual, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::{Result, StoreError, Tx};

impl Tx<'_> {
    /// Counts an approval of a set. Whether it takes effect; else it was the first of two.
    pub(super) async fn count_approval(&mut self, held: &CombinedSet, by: &Actor, note: Option<&str>) -> Result<bool> {
        let Some(two) = &held.two_persons else { return Ok(true) };
        let shared = in_force(self.conn).await?.shared_uid;
        let Some(person) = Individual::of(by, shared) else {
            return Err(StoreError::Refused(format!(
                "two persons decide about this ({}), and {by} may be several: decide under a login of your own, by the socket approver.sock or the page \
                 (revoked login), or from a session in which the kernel keeps who had logged in",
                two.why
            )));
        };
        self.ensure_did_not_ask(held, &person).await?;
        match &two.first {
            None => {
                self.void_approvals(&held.numbers()).await?;
                self.keep_first(held, by, note).await?;
                Ok(false)
            }
            Some(first) => {
                let before = first.by.parse().ok().and_then(|first: Actor| Individual::of(&first, shared));
                if before.as_ref().is_none_or(|before| before.is(&person)) {
                    return Err(StoreError::Refused(format!(
                        "two persons decide about this ({}), and {} was the first at {}: somebody else must be the second{}",
                        two.why,
                        first.by,
                        first.at,
                        before.map_or("", |before| may_be(&before, &person))
                    )));
                }
                self.end_approval(first.id, "used").await?;
                Ok(true)
            }
        }
    }

    /// Whoever asked for something is none of those who approve it.
    async fn ensure_did_not_ask(&mut self, held: &CombinedSet, person: &Individual) -> Result<()> {
        let rows = sqlx::query(
            "SELECT id, requested_by FROM cases WHERE id IN (SELECT value FROM json_each($1)) AND requested_by IS NOT NULL \
             UNION SELECT case_id, requested_by FROM signal WHERE case_id IN (SELECT value FROM json_each($1)) AND requested_by IS NOT NULL",
        )
        .bind(serde_json::json!(held.cases.iter().map(|case| case.case).collect::<Vec<_>>()).to_string())
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading who asked for what is held"))?;
        for row in &rows {
            let (case, asked): (i64, String) = (row.read(0)?, row.read(1)?);
            if person.asked(&asked) {
                return Err(StoreError::Refused(format!(
                    "case {case} was asked for by {asked}: where two persons decide, whoever asked is none of them; take it out, or let others decide{}",
                    asked
                        .parse()
                        .ok()
                        .and_then(|asker: Actor| Individual::of(&asker, None))
                        .map_or("", |asker| may_be(&asker, person))
                )));
            }
        }
        Ok(())
    }

    async fn keep_first(&mut self, held: &CombinedSet, by: &Actor, note: Option<&str>) -> Result<()> {
        let holds = held.numbers();
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO hold_approval (set_hash, holds, except_cases, by, note, at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        )
        .bind(&held.set)
        .bind(serde_json::json!(holds).to_string())
        .bind(serde_json::json!(held.except).to_string())
        .bind(by.to_string())
        .bind(note)
        .bind(self.now.ms())
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping the first approval"))?;
        self.record(
            &Entry::new(EntryKind::HoldApprovalGiven, by.clone()).detail(serde_json::json!({
                "approval": id, "holds": holds, "set": held.set, "cases": held.cases.len(), "except": held.except, "note": note,
            })),
        );
        Ok(())
    }

    /// Ends the approvals of these holds that are about what is there no more. One about another part of what is there goes on counting.
    pub(super) async fn void_approvals(&mut self, of: &[i64]) -> Result<()> {
        let rows = sqlx::query(
            "SELECT id, set_hash, holds, except_cases, at FROM hold_approval a WHERE a.state = 'open' AND EXISTS \
                 (SELECT 1 FROM json_each(a.holds) h WHERE h.value IN (SELECT value FROM json_each($1))) ORDER BY id",
        )
        .bind(serde_json::json!(of).to_string())
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for approvals"))?;
        for row in &rows {
            let (id, set, at): (i64, String, i64) = (row.read(0)?, row.read(1)?, row.read(4)?);
            let (in_holds, taken_out): (String, String) = (row.read(2)?, row.read(3)?);
            let is_aged = Timestamp::from_ms(at) <= counts_from(self.now);
            let (holds, except) = (numbers_in(&in_holds), numbers_in(&taken_out));
            let now = combined(self.conn, &holds, &except, self.now).await;
            let stands = matches!(&now, Ok(now) if now.set == set && now.holds.iter().all(|hold| hold.state == "open"));
            if stands && !is_aged {
                continue;
            }
            self.end_approval(id, "void").await?;
            let why = if stands {
                "nobody followed within a day"
            } else {
                "what it was about has changed"
            };
            self.record(
                &Entry::new(EntryKind::HoldApprovalVoid, Actor::Daemon)
                    .detail(serde_json::json!({ "approval": id, "holds": holds, "set": set, "why": why })),
            );
        }
        Ok(())
    }

    async fn end_approval(&mut self, id: i64, state: &str) -> Result<()> {
        sqlx::query("UPDATE hold_approval SET state = $1, ended_at = $2 WHERE id = $3 AND state = 'open'")
            .bind(state)
            .bind(self.now.ms())
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("ending an approval"))?;
        Ok(())
    }
}

/// What to say where two count as one only because nobody says that they are two.
fn may_be(one: &Individual, other: &Individual) -> &'static str {
    if one.may_only_be(other) {
        "; both may be one: [console.single_sign_on] people says which login somebody is who signs in with the organisation"
    } else {
        ""
    }
}

/// The numbers of a list that we wrote; none where it was written over.
fn numbers_in(list: &str) -> Vec<i64> {
    serde_json::from_str(list).unwrap_or_default()
}
