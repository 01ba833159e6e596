//! Every metric there is. `docs/operating.md` lists the same rows.

use super::metric::{Counter, Gauge, Histogram, Row};

/// Seconds of reaction: from a fsync to a day.
const REACTION: &[f64] = &[
    0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 86_400.0,
];

/// Seconds of one step inside the daemon, or of one call.
const STEP: &[f64] = &[
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// How many were taken together.
const SIZE: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 8192.0];

/// Deliveries that reached a source, by source.
pub const DELIVERIES: Counter<1> = Counter::new("revoked_deliveries_total", "Deliveries that reached a source.", &["source"]);

/// Signals received, by source.
pub const SIGNALS_RECEIVED: Counter<1> = Counter::new(
    "revoked_signals_received_total",
    "Signals in authenticated deliveries.",
    &["source"],
);

/// Signals accepted, by source.
pub const SIGNALS_ACCEPTED: Counter<1> = Counter::new(
    "revoked_signals_accepted_total",
    "Signals stored for the first time, before their sender was answered.",
    &["source"],
);

/// Refusals, by source and code.
pub const SIGNALS_REJECTED: Counter<2> = Counter::new(
    "revoked_signals_rejected_total",
    "Deliveries, or parts of them, that were refused, by the protocol's code.",
    &["source", "code"],
);

/// Deliveries answered with 429 because their address failed too often.
pub const DELIVERIES_HELD_OFF: Counter<0> = Counter::new(
    "revoked_deliveries_held_off_total",
    "Deliveries not looked at because too many from the same address were refused.",
    &[],
);

/// Jobs, by state.
pub const JOBS: Gauge<1> = Gauge::new("revoked_jobs", "Jobs in the store, by state.", &["state"]);

/// Verdicts, by target and word.
pub const VERDICTS: Counter<2> = Counter::new("revoked_verdicts_total", "Verdicts reached, by word.", &["target", "verdict"]);

/// Seconds from a signal to the first change at a target.
pub const SIGNAL_TO_FIRST_REVOKE: Histogram<1> = Histogram::new(
    "revoked_signal_to_first_revoke_seconds",
    "From the receipt of a signal to the first change that a target confirmed.",
    &["reason"],
    REACTION,
);

/// Seconds from a signal to the verdict `contained`.
pub const SIGNAL_TO_CONTAINED: Histogram<1> = Histogram::new(
    "revoked_signal_to_contained_seconds",
    "From the receipt of a signal to the verdict contained.",
    &["reason"],
    REACTION,
);

/// Calls to targets, by target and class of status.
pub const TARGET_CALLS: Counter<2> = Counter::new(
    "revoked_target_calls_total",
    "Calls to targets, by the class of the answer: 2xx, 3xx, 4xx, 429, 5xx, or none.",
    &["target", "status"],
);

/// Seconds of one call to a target.
pub const TARGET_CALL_SECONDS: Histogram<1> = Histogram::new(
    "revoked_target_call_seconds",
    "From sending a call to the end of its answer.",
    &["target"],
    STEP,
);

/// Seconds a call waited for its permit.
pub const PERMIT_WAIT: Histogram<2> = Histogram::new(
    "revoked_permit_wait_seconds",
    "How long a call waited for the permit to be sent.",
    &["target", "priority"],
    STEP,
);

/// Whether a lane is paused.
pub const LANE_PAUSED: Gauge<1> = Gauge::new(
    "revoked_lane_paused",
    "1 while no job of the target is claimed because it refuses our credential, is down, or an operator said so.",
    &["target"],
);

/// The could-not-revoke ledger.
pub const LEDGER: Gauge<0> = Gauge::new("revoked_ledger_entries", "Jobs in the could-not-revoke ledger.", &[]);

/// Alerts that nobody has cleared.
pub const ALERTS_OPEN: Gauge<0> = Gauge::new("revoked_alerts_open", "Alerts that are neither cleared nor over.", &[]);

/// Changes committed together.
pub const WRITER_BATCH: Histogram<0> = Histogram::new(
    "revoked_writer_batch_size",
    "Changes that the writer committed as one transaction.",
    &[],
    SIZE,
);

/// Seconds of a commit.
pub const COMMIT_SECONDS: Histogram<0> =
    Histogram::new("revoked_commit_seconds", "From COMMIT to the end of its fsync.", &[], STEP);

/// Bytes of the write-ahead log.
pub const WAL_BYTES: Gauge<0> = Gauge::new("revoked_wal_bytes", "Size of the database's write-ahead log.", &[]);

/// Entries of the trail.
pub const TRAIL_ENTRIES: Gauge<0> = Gauge::new("revoked_trail_entries", "Entries of the trail.", &[]);

/// Entries of the trail that no checkpoint outside the database covers.
pub const TRAIL_UNANCHORED: Gauge<0> = Gauge::new(
    "revoked_trail_unanchored_entries",
    "Entries of the trail that no checkpoint outside the database covers yet.",
    &[],
);

/// Age of the oldest such entry.
pub const TRAIL_UNANCHORED_SECONDS: Gauge<0> = Gauge::new(
    "revoked_trail_unanchored_seconds",
    "Age of the oldest entry that no checkpoint outside the database covers yet.",
    &[],
);

/// Connections closed because their address had all it may have.
pub const CONNECTIONS_REFUSED: Counter<0> = Counter::new(
    "revoked_connections_refused_total",
    "Connections closed because their address had all that it may have.",
    &[],
);

/// Failed accepts.
pub const ACCEPT_ERRORS: Counter<0> = Counter::new("revoked_accept_errors_total", "Connections that could not be accepted.", &[]);

/// Log lines lost.
pub const LOG_LINES_DROPPED: Counter<0> = Counter::new(
    "revoked_log_lines_dropped_total",
    "Log lines dropped because whoever reads them was too slow.",
    &[],
);

/// Every metric, in the order of the docs.
pub const METRICS: &[Row] = &[
    DELIVERIES.row(),
    SIGNALS_RECEIVED.row(),
    SIGNALS_ACCEPTED.row(),
    SIGNALS_REJECTED.row(),
    DELIVERIES_HELD_OFF.row(),
    JOBS.row(),
    VERDICTS.row(),
    SIGNAL_TO_FIRST_REVOKE.row(),
    SIGNAL_TO_CONTAINED.row(),
    TARGET_CALLS.row(),
    TARGET_CALL_SECONDS.row(),
    PERMIT_WAIT.row(),
    LANE_PAUSED.row(),
    LEDGER.row(),
    ALERTS_OPEN.row(),
    WRITER_BATCH.row(),
    COMMIT_SECONDS.row(),
    WAL_BYTES.row(),
    TRAIL_ENTRIES.row(),
    TRAIL_UNANCHORED.row(),
    TRAIL_UNANCHORED_SECONDS.row(),
    CONNECTIONS_REFUSED.row(),
    ACCEPT_ERRORS.row(),
    LOG_LINES_DROPPED.row(),
];

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::METRICS;
    use std::collections::BTreeSet;

    #[test]
    fn no_metric_is_missing_from_the_table() {
        let declared = include_str!("table.rs")
            .lines()
            .filter(|line| {
                line.starts_with("pub const") && ["Counter<", "Gauge<", "Histogram<"].iter().any(|kind| line.contains(kind))
            })
            .count();
        assert_eq!(declared, METRICS.len());
    }

    #[test]
    fn names_are_unique_and_say_their_shape() {
        let names: BTreeSet<&str> = METRICS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for row in METRICS {
            assert!(row.name.starts_with("revoked_"), "{}", row.name);
            assert_eq!(row.name.ends_with("_total"), row.shape == Shape::Counter, "{}", row.name);
            if let Shape::Histogram(bounds) = row.shape {
                assert!(!bounds.is_empty() && bounds.is_sorted(), "{}", row.name);
            }
        }
    }
}
