//! Whether the targets know the person whom a delivery names, for a sender that waits for the answer.
//!
//! The delivery is stored first, so that the work begins at once; the work asks the targets, and this looks on. An own lookup would delay the
//! first revoke by its calls, and could answer otherwise than the work does.

use std::time::Duration;

use revoked_trail::EntryKind;
use tokio::time::{Instant, timeout_at};

use super::Intake;
use crate::model::{Receipt, SignalReceipt};
use crate::sources::SubjectLookup;
use crate::store::{AccountLookup, StoreError};

/// How long to wait at least between two looks.
const REST: Duration = Duration::from_millis(5);

impl Intake {
    /// What the targets say about whom a stored delivery names, in this time at most. Anything but [`SubjectLookup::Somebody`] is recorded.
    pub(super) async fn look_up_subject(&self, source: &str, receipt: &Receipt, patience: Duration) -> SubjectLookup {
        let cases: Vec<i64> = receipt.signals.iter().filter_map(case).collect();
        let ignored = receipt
            .signals
            .iter()
            .any(|signal| matches!(signal, SignalReceipt::Ignored { .. }));
        if cases.is_empty() {
            return if ignored {
                SubjectLookup::Unclear
            } else {
                SubjectLookup::Somebody
            };
        }
        let until = Instant::now() + patience;
        let found = self.look_on(&cases, until).await.unwrap_or_else(|error| {
            tracing::warn!(source, error = %crate::model::error_chain(&error), "could not look on while a subject is looked up");
            SubjectLookup::Unreachable
        });
        let answer = match found {
            SubjectLookup::Somebody => return found,
            SubjectLookup::Nobody => "nobody",
            SubjectLookup::Unclear => "unclear",
            SubjectLookup::Unreachable => "no_target_answered_in_time",
        };
        for case in cases {
            let detail = serde_json::json!({ "source": source, "answer": answer });
            if let Err(error) = self.store.record_about(EntryKind::SubjectAsked, case, detail).await {
                tracing::warn!(source, error = %crate::model::error_chain(&error), "could not record what a sender was told");
            }
        }
        found
    }

    async fn look_on(&self, cases: &[i64], until: Instant) -> Result<SubjectLookup, StoreError> {
        let mut committed = self.store.committed();
        loop {
            committed.mark_unchanged();
            let mut all = Vec::with_capacity(cases.len());
            for case in cases {
                all.push(self.store.account_lookup(*case).await?);
            }
            if let Some(known) = decided(&all) {
                return Ok(known);
            }
            let next = async {
                // The sender of the last commit lives as long as the store.
                drop(committed.changed().await);
                tokio::time::sleep(REST).await;
            };
            if timeout_at(until, next).await.is_err() {
                return Ok(SubjectLookup::Unreachable);
            }
        }
    }
}

/// The case that is worked on for a signal; not where a human decides first.
fn case(signal: &SignalReceipt) -> Option<i64> {
    match signal {
        SignalReceipt::Accepted { case, held: false } | SignalReceipt::Repeated { case: Some(case) } => Some(case.0),
        _ => None,
    }
}

/// What is known once every case has said enough.
fn decided(all: &[AccountLookup]) -> Option<SubjectLookup> {
    let any = |wanted: AccountLookup| all.contains(&wanted);
    if any(AccountLookup::Found) {
        Some(SubjectLookup::Somebody)
    } else if any(AccountLookup::Pending) {
        None
    } else if any(AccountLookup::Ambiguous) {
        Some(SubjectLookup::Unclear)
    } else if any(AccountLookup::Failed) {
        Some(SubjectLookup::Unreachable)
    } else {
        Some(SubjectLookup::Nobody)
    }
}
