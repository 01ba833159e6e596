//! What the log says of each delivery that was stored: enough to know, where the store itself is lost, what came after its newest backup. Names are
//! masked, as everywhere in the log.

use crate::digest::hex;
use crate::model::{Delivery, Receipt, SignalReceipt};

/// So many signals of one delivery have a line each; more are counted.
const EACH: usize = 8;

/// A delivery before it was stored.
pub(super) struct LogLine {
    source: String,
    /// SHA-256 of a file, as the trail has it. Its name may be a person's.
    file: Option<String>,
    signals: usize,
    unreadable: usize,
    /// Whom each signal is about, masked, and why; nothing where they are counted.
    each: Vec<(String, &'static str)>,
}

impl LogLine {
    pub(super) fn of(delivery: &Delivery) -> Self {
        let signals = delivery.signals.len();
        let told = delivery.signals.iter().filter(|_| signals <= EACH);
        Self {
            source: delivery.source.clone(),
            file: delivery.digest.map(|digest| hex(&digest)),
            signals,
            unreadable: delivery.refused.len(),
            each: told.map(|signal| (signal.subject.masked(), signal.reason.word())).collect(),
        }
    }

    /// Writes it once the delivery is stored.
    pub(super) fn write(self, receipt: &Receipt) {
        let source = self.source.as_str();
        for ((subject, reason), signal) in self.each.iter().zip(&receipt.signals) {
            match signal {
                SignalReceipt::Accepted { case, held } => {
                    tracing::info!(source, case.id = case.0, subject, reason, held, "accepted a signal");
                }
                SignalReceipt::Ignored { .. } => {
                    tracing::info!(source, subject, reason, "kept a signal from which nothing follows");
                }
                SignalReceipt::Repeated { .. } => tracing::debug!(source, subject, reason, "a signal came again"),
                // It alerts.
                SignalReceipt::Conflict => {}
            }
        }
        if self.file.is_none() && self.signals <= EACH {
            return;
        }
        let count = |wanted: fn(&SignalReceipt) -> bool| receipt.signals.iter().filter(|signal| wanted(signal)).count();
        tracing::info!(
            source,
            file = self.file,
            signals = self.signals,
            accepted = count(|signal| matches!(signal, SignalReceipt::Accepted { held: false, .. })),
            held = count(|signal| matches!(signal, SignalReceipt::Accepted { held: true, .. })),
            repeated = count(|signal| matches!(signal, SignalReceipt::Repeated { .. })),
            unreadable = self.unreadable,
            "{}",
            if self.file.is_some() {
                "took in a file"
            } else {
                "took in a delivery"
            }
        );
    }
}
