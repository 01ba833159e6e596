//! When a decision needs two persons. The config says so; it stands in the store, so that it holds for whoever decides and by whatever way.

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;

use crate::model::Actor;

use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// When one person's word is not enough to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ApprovalRule {
    /// Two persons where the holds cover more people than this, those counted who are taken out of the decision; `None` for never.
    pub two_above: Option<u32>,
    /// Two persons for protected subjects.
    pub two_for_protected: bool,
}

impl ApprovalRule {
    /// From which size on, as the config says it.
    fn above(&self) -> String {
        self.two_above
            .map_or_else(|| "unlimited".to_owned(), |above| above.to_string())
    }
}

/// The rule, and the account that is nobody.
pub(super) struct RuleInForce {
    pub(super) rule: ApprovalRule,
    pub(super) shared_uid: Option<u32>,
}

impl Store {
    /// Sets the rule from the config, with the daemon's account where several people become it. The trail says so where it is another than before.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn set_approval_rule(&self, rule: ApprovalRule, shared_uid: Option<u32>) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.set_approval_rule(RuleInForce { rule, shared_uid }).await }))
            .await
    }

    /// Records that another config is in force from now on, and sets its rule with that.
    ///
    /// # Errors
    /// Where the store cannot be written; nothing is set then.
    pub async fn take_config(&self, rule: ApprovalRule, by: Actor, detail: serde_json::Value) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.record(&Entry::new(EntryKind::ConfigReloaded, by).detail(detail));
                let shared_uid = in_force(tx.conn).await?.shared_uid;
                tx.set_approval_rule(RuleInForce { rule, shared_uid }).await
            })
        })
        .await
    }
}

impl Tx<'_> {
    /// Sets the rule, and the account that is nobody.
    async fn set_approval_rule(&mut self, RuleInForce { rule, shared_uid }: RuleInForce) -> Result<()> {
        let before = in_force(self.conn).await?;
        sqlx::query(
            "INSERT INTO approval_rule (one, two_above, two_for_protected, shared_uid) VALUES (1, $1, $2, $3) \
             ON CONFLICT (one) DO UPDATE SET two_above = $1, two_for_protected = $2, shared_uid = $3",
        )
        .bind(rule.two_above)
        .bind(rule.two_for_protected)
        .bind(shared_uid)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("setting the rule of approvals"))?;
        if before.rule != rule {
            self.record(
                &Entry::new(EntryKind::ApprovalRuleSet, Actor::Daemon)
                    .detail(serde_json::json!({
                        "two_persons_above": rule.above(), "two_persons_for_protected": if rule.two_for_protected { "yes" } else { "no" },
                        "before": before.rule,
                    })),
            );
        }
        Ok(())
    }
}

/// The rule that holds now: none before a daemon has started with one. Where the row cannot be read, two persons decide about everything until the
/// daemon writes it anew at its next start: whoever damages it must not lift it.
pub(super) async fn in_force(conn: &mut sqlx::SqliteConnection) -> Result<RuleInForce> {
    let row = sqlx::query("SELECT two_above, two_for_protected, shared_uid FROM approval_rule")
        .fetch_optional(conn)
        .await
        .map_err(StoreError::sql("reading the rule of approvals"))?;
    let Some(row) = row else {
        return Ok(RuleInForce {
            rule: ApprovalRule::default(),
            shared_uid: None,
        });
    };
    let read = || -> Result<RuleInForce> {
        Ok(RuleInForce {
            rule: ApprovalRule {
                two_above: row.read(0)?,
                two_for_protected: row.read(1)?,
            },
            shared_uid: row.read(2)?,
        })
    };
    match read() {
        Ok(rule) => Ok(rule),
        Err(error) if error.of_a_row().is_some() => {
            let ours = rustix::process::geteuid();
            Ok(RuleInForce {
                rule: ApprovalRule {
                    two_above: Some(0),
                    two_for_protected: true,
                },
                shared_uid: (!ours.is_root()).then(|| ours.as_raw()),
            })
        }
        Err(error) => Err(error),
    }
}
