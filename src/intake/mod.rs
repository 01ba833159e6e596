//! From sources to the store: reads deliveries, has them stored with what policy makes of them, and only then acknowledges.
//!
//! Reading order: [`Intake::store`] here, which every way in ends with; then the three ways in: `push` (senders come by HTTP), `poll` (we fetch),
//! `inbox` (rows of our own database). Beside them: `current_sources` (which sources there are), `subject_lookup` (an answer that depends on what targets say), `source_state` (what a
//! source has kept for itself), `source_activity` (when each was last seen), `refusal_quota` (how many refusals are recorded), `log_line` (what the log says
//! of what was stored), `people_list` (a list of people as one writes it by hand or takes it from a spreadsheet), `explained` (what would become of a
//! signal that nobody has sent).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Delivery, Receipt, SignalReceipt};
use crate::policy::CurrentPolicy;
use crate::sources::Source;
use crate::store::{Store, StoreError};
use crate::telemetry::table;
use crate::worker::Lanes;

mod current_sources;
mod explained;
mod inbox;
mod log_line;
mod people_list;
mod poll;
mod push;
mod refusal_quota;
mod source_activity;
mod source_state;
mod subject_lookup;

use log_line::LogLine;
use refusal_quota::RefusalQuota;

pub use current_sources::CurrentSources;
pub use explained::{AtTarget, Counted, Explanation, Looked, Supposed};
pub use inbox::{CREDENTIAL, OWNER, run as run_inbox};
pub use people_list::{BadLine, PeopleList};
pub use poll::run as run_poll;
pub use source_activity::SourceActivity;
pub use source_state::StoredState;

/// What every way in shares.
#[derive(Clone)]
pub struct Intake {
    store: Store,
    policy: CurrentPolicy,
    lanes: Lanes,
    targets: Arc<[String]>,
    sources: CurrentSources,
    activity: SourceActivity,
    quota: Arc<RefusalQuota>,
}

impl Intake {
    /// An intake for `sources`, by name, that hands urgent work straight to `lanes`.
    #[must_use]
    pub fn new(
        store: Store,
        policy: impl Into<CurrentPolicy>,
        lanes: Lanes,
        targets: Vec<String>,
        sources: BTreeMap<String, Source>,
    ) -> Self {
        Self {
            store,
            policy: policy.into(),
            lanes,
            targets: targets.into(),
            sources: CurrentSources::new(sources),
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

    /// The sources, to be replaced where the config is read anew.
    #[must_use]
    pub fn sources(&self) -> &CurrentSources {
        &self.sources
    }

    /// Stores a delivery with everything that follows from it, and hands urgent jobs to the lanes that kept a slot for them.
    ///
    /// # Errors
    /// Where the store cannot be written; nothing of the delivery is stored then, or of a large file a part.
    pub async fn store(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        let (source, unreadable) = (delivery.source.clone(), delivery.refused.len());
        let line = tracing::enabled!(tracing::Level::INFO).then(|| LogLine::of(&delivery));
        let receipt = self.lanes.accept(&self.store, self.policy.now(), delivery).await?;
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
