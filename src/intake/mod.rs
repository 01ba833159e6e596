//! From sources to the store: reads deliveries, has them stored with what policy makes of them, and only then acknowledges.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

use crate::model::{Delivery, Receipt, SignalReceipt};
use crate::policy::Policy;
use crate::sources::{Push, Received, Rejection, RejectionKind, Source};
use crate::store::{Store, StoreError};
use crate::telemetry::table;
use crate::worker::Lanes;

mod house;
mod inbox;
mod known;
mod noticed;
mod poll;

pub use house::Around;
pub use inbox::{CREDENTIAL, OWNER, run as run_inbox};
pub use noticed::Notes;
pub use poll::run as run_poll;

/// How long a sender waits before it tries again when the trouble is ours.
const OUR_TROUBLE: std::time::Duration = std::time::Duration::from_secs(5);

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
    notes: Notes,
}

impl Intake {
    /// An intake for `sources`, by name, that hands urgent work straight to `lanes`.
    #[must_use]
    pub fn new(store: Store, policy: Arc<Policy>, lanes: Lanes, targets: Vec<String>, sources: BTreeMap<String, Source>) -> Self {
        let in_turn = sources
            .iter()
            .filter(|(_, source)| source.push().is_some_and(|push| push.in_turn()));
        let turns = in_turn.map(|(name, _)| (name.clone(), Mutex::default())).collect();
        Self {
            store,
            policy,
            lanes,
            targets: targets.into(),
            turns: Arc::new(turns),
            sources: Arc::new(sources),
            notes: Notes::default(),
        }
    }

    /// What was noticed about the sources and is not yet stored.
    #[must_use]
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// The door of `source`; `None` where no source of that name has one.
    #[must_use]
    pub fn push_source(&self, source: &str) -> Option<&Arc<dyn Push>> {
        self.sources.get(source)?.push()
    }

    /// Takes one pushed delivery and answers it as its protocol says. `None` where no such source is configured.
    ///
    /// The answer is a yes only after the commit. A commit whose outcome is unknown is answered as our trouble: the sender comes again,
    /// and the key of its signal makes that harmless.
    pub async fn deliver(&self, source: &str, request: &http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        let push = Arc::clone(self.push_source(source)?);
        let _turn = match self.turns.get(source) {
            Some(turn) if !push.only_asks(request) => Some(turn.lock().await),
            _ => None,
        };
        let house = Around::new(&self.store, source);
        let taken = match push.receive(request, &house).await {
            Ok(Received::Reply(reply)) => {
                if push.knows_who_asks() {
                    self.notes.spoke(source, self.store.clock().now());
                }
                return Some(reply);
            }
            Ok(Received::Delivery(delivery)) => match (self.store_pushed(source, delivery).await, push.asks()) {
                (Ok(receipt), None) => Ok(push.accepted(&receipt)),
                (Ok(receipt), Some(patience)) => {
                    let known = self.known(source, &receipt, patience).await;
                    Ok(push.answered(&receipt, known))
                }
                (Err(rejection), _) => Err(rejection),
            },
            Ok(Received::Answered(delivery, answer)) => self.store_pushed(source, delivery).await.map(|_| answer),
            Err(rejection) => Err(rejection),
        };
        let rejection = match taken {
            Ok(answer) => {
                table::DELIVERIES.add([source, "accepted"], 1);
                return Some(answer);
            }
            Err(rejection) => rejection,
        };
        table::DELIVERIES.add([source, rejection.code], 1);
        self.record_rejection(source, &rejection).await;
        Some(push.rejected(&rejection))
    }

    /// Counts and records a request that was refused before its source saw it.
    pub async fn turn_away(&self, source: &str, code: &'static str, why: &str) {
        table::DELIVERIES.add([source, code], 1);
        let rejection = Rejection {
            kind: RejectionKind::Malformed,
            code,
            description: why.to_owned(),
            digest: None,
        };
        self.record_rejection(source, &rejection).await;
    }

    async fn store_pushed(&self, source: &str, delivery: Delivery) -> Result<Receipt, Rejection> {
        // What its own sender pushes is said by the source even where nothing follows from it; the store notes all else by itself.
        let silent = !delivery.speaks();
        let receipt = self.store(delivery).await.map_err(|error| {
            tracing::error!(source, error = %crate::model::chain(&error), "could not store a delivery");
            not_now()
        })?;
        if silent {
            self.notes.spoke(source, self.store.clock().now());
        }
        Ok(receipt)
    }

    /// Stores a delivery with everything that follows from it, and hands urgent jobs to the lanes that kept a slot for them.
    ///
    /// # Errors
    /// Where the store cannot be written; nothing of the delivery is stored then.
    pub async fn store(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        let (source, unreadable) = (delivery.source.clone(), delivery.refused.len());
        let urgent = delivery.signals.iter().any(|signal| signal.priority.is_urgent());
        let mut slots: BTreeMap<String, _> = BTreeMap::new();
        if urgent {
            for target in self.targets.iter() {
                if let Some(slot) = self.lanes.reserve_urgent(target) {
                    slots.insert(target.clone(), slot);
                }
            }
        }
        let accepted = self
            .store
            .accept(Arc::clone(&self.policy), delivery, slots.keys().cloned().collect())
            .await?;
        for claim in accepted.claims {
            if let Some(slot) = slots.remove(&claim.job.target) {
                self.lanes.take(claim, slot);
            }
        }
        count(&source, unreadable, &accepted.receipt);
        Ok(accepted.receipt)
    }

    /// A refusal leaves a record, but never stands in the way of its own answer: a store that cannot be written is logged.
    async fn record_rejection(&self, source: &str, rejection: &Rejection) {
        // Our own trouble is no fault of the delivery; and while the store is full nothing could be written anyway.
        if matches!(rejection.kind, RejectionKind::NotNow(_) | RejectionKind::TooFast(_)) {
            return;
        }
        tracing::warn!(source, code = rejection.code, "refused a delivery: {}", rejection.description);
        if let Err(error) = self
            .store
            .refuse(source, rejection.code, rejection.description.clone(), rejection.digest)
            .await
        {
            tracing::error!(source, error = %crate::model::chain(&error), "could not record a refused delivery");
        }
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

fn not_now() -> Rejection {
    Rejection {
        kind: RejectionKind::NotNow(OUR_TROUBLE),
        code: "not_stored",
        description: "the delivery could not be stored; send it again".to_owned(),
        digest: None,
    }
}
