//! From sources to the store: reads deliveries, has them stored with what policy makes of them, and only then acknowledges.
//!
//! Reading order: [`Intake::store`] here, which every way in ends with; then the three ways in: `push` (senders come by HTTP), `poll` (we fetch),
//! `inbox` (rows of our own database). Beside them: `subject_lookup` (an answer that depends on what targets say), `source_state` (what a
//! source has kept for itself), `source_activity` (when each was last seen), `refusal_quota` (how many refusals are recorded), `log_line` (what the log says
//! of what was stored).

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::model::{Delivery, Receipt, SignalReceipt};
use crate::policy::Policy;
use crate::sources::Source;
use crate::store::{Store, StoreError};
use crate::telemetry::table;
use crate::worker::Lanes;

mod inbox;
mod log_line;
mod poll;
mod push;
mod refusal_quota;
mod source_activity;
mod source_state;
mod subject_lookup;

use log_line::LogLine;
use refusal_quota::RefusalQuota;

pub use inbox::{CREDENTIAL, OWNER, run as run_inbox};
pub use poll::run as run_poll;
pub use source_activity::SourceActivity;
pub use source_state::StoredState;

/// What every way in shares.
#[derive(Clone)]
pub struct Intake {
    store: Store,
    policy: Arc<Policy>,
    lanes: Lanes,
    targets: Arc<[String]>,
    sources: Arc<BTreeMap<String, Source>>,
    /// One for each source whose deliveries are taken one at a time.
    turns: Arc<BTreeMap<String, Mutex<()>>>,
    activity: SourceActivity,
    quota: Arc<RefusalQuota>,
}

impl Intake {
    /// An intake for `sources`, by name, that hands urgent work straight to `lanes`.
    #[must_use]
    pub fn new(store: Store, policy: Arc<Policy>, lanes: Lanes, targets: Vec<String>, sources: BTreeMap<String, Source>) -> Self {
        let in_turn = sources
            .iter()
            .filter(|(_, source)| source.push().is_some_and(|push| push.is_sequential()));
        let turns = in_turn.map(|(name, _)| (name.clone(), Mutex::default())).collect();
        Self {
            store,
            policy,
            lanes,
            targets: targets.into(),
            turns: Arc::new(turns),
            sources: Arc::new(sources),
            activity: SourceActivity::default(),
            quota: Arc::default(),
        }
    }

    /// The same, noting what it notices about the sources in `activity`.
    #[must_use]
    pub fn noting(mut self, activity: SourceActivity) -> Self {
        self.activity = activity;
        self
    }

    /// What was noticed about the sources and is not yet stored.
    #[must_use]
    pub fn activity(&self) -> &SourceActivity {
        &self.activity
    }

    /// Stores a delivery with everything that follows from it, and hands urgent jobs to the lanes that kept a slot for them.
    ///
    /// # Errors
    /// Where the store cannot be written; nothing of the delivery is stored then, or of a large file a part.
    pub async fn store(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        let (source, unreadable) = (delivery.source.clone(), delivery.refused.len());
        let line = tracing::enabled!(tracing::Level::INFO).then(|| LogLine::of(&delivery));
        let receipt = self.lanes.accept(&self.store, Arc::clone(&self.policy), delivery).await?;
        count(&source, unreadable, &receipt);
        if let Some(line) = line {
            line.write(&receipt);
        }
        Ok(receipt)
    }
}

fn count(source: &str, unreadable: usize, receipt: &Receipt) {
    for signal in &receipt.signals {
        let outcome = match signal {
            SignalReceipt::Accepted { held: false, .. } => "accepted",
            SignalReceipt::Accepted { held: true, .. } => "held",
            SignalReceipt::Ignored { .. } => "ignored",
            SignalReceipt::Repeated { .. } => "repeated",
            SignalReceipt::Conflict => "conflict",
        };
        table::SIGNALS.add([source, outcome], 1);
    }
    table::SIGNALS.add([source, "unreadable"], unreadable as u64);
}
