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

/// Which program runs.
pub const BUILD_INFO: Gauge<2> = Gauge::new(
    "revoked_build_info",
    "1, with the version of the program and the newest schema that it knows.",
    &["version", "schema"],
);

/// Deliveries, by source and what became of them.
pub const DELIVERIES: Counter<2> = Counter::new(
    "revoked_deliveries_total",
    "Deliveries that reached a source: accepted, or the protocol's code of their refusal.",
    &["source", "outcome"],
);

/// Signals, by source and what became of them.
pub const SIGNALS: Counter<2> = Counter::new(
    "revoked_signals_total",
    "Signals in stored deliveries: accepted, held, ignored, repeated or conflict; and unreadable parts: unreadable.",
    &["source", "outcome"],
);

/// Requests answered with 429 because too many before them were refused.
pub const DELIVERIES_HELD_OFF: Counter<0> = Counter::new(
    "revoked_deliveries_held_off_total",
    "Refused requests of strangers that were answered with 429, since too many before them were refused at the same door.",
    &[],
);

/// Refusals without an entry of their own.
pub const REFUSALS_COUNTED: Counter<1> = Counter::new(
    "revoked_refusals_counted_total",
    "Refused deliveries that were only counted: there was no room for an entry in the trail about each.",
    &["source"],
);

/// Seconds since a source spoke.
pub const SOURCE_SILENT_SECONDS: Gauge<1> = Gauge::new(
    "revoked_source_silent_seconds",
    "Since the source last said anything; since it was made known where it never has.",
    &["source"],
);

/// Seconds since the last signal of a source.
pub const SOURCE_SIGNAL_SECONDS: Gauge<1> = Gauge::new(
    "revoked_source_signal_age_seconds",
    "Since the source's last signal; absent where it has sent none.",
    &["source"],
);

/// Seconds since a source last proved that it is alive.
pub const SOURCE_VERIFIED_SECONDS: Gauge<1> = Gauge::new(
    "revoked_source_verified_age_seconds",
    "Since the source last proved, asked by us, that it is alive; absent where it never has.",
    &["source"],
);

/// Seconds since we last looked at a source.
pub const SOURCE_LOOKED_SECONDS: Gauge<1> = Gauge::new(
    "revoked_source_looked_age_seconds",
    "Since we last looked at the source and could; absent where we do not go and look.",
    &["source"],
);

/// How late a source's signals come.
pub const SOURCE_LAG_SECONDS: Gauge<2> = Gauge::new(
    "revoked_source_lag_seconds",
    "From what happened to our receipt: the last delivery, and the median and the longest of the newest 32.",
    &["source", "of"],
);

/// Refused deliveries in the store.
pub const SOURCE_REFUSED: Gauge<2> = Gauge::new(
    "revoked_source_refused",
    "Refused deliveries by cause, since the store was made.",
    &["source", "code"],
);

/// Jobs, by state.
pub const JOBS: Gauge<1> = Gauge::new("revoked_jobs", "Jobs in the store, by state.", &["state"]);

/// Verdicts, by target and word.
pub const VERDICTS: Counter<2> = Counter::new(
    "revoked_verdicts_total",
    "Verdicts reached, by word; failed ones go to the ledger.",
    &["target", "verdict"],
);

/// Seconds from a signal to the first change at a target.
pub const FIRST_REVOKE_SECONDS: Histogram<1> = Histogram::new(
    "revoked_first_revoke_seconds",
    "From the receipt of a signal, departures aside, to the first change that the target confirmed.",
    &["target"],
    REACTION,
);

/// Seconds from a signal to its verdict.
pub const CONTAINED_SECONDS: Histogram<1> = Histogram::new(
    "revoked_contained_seconds",
    "From the receipt of a signal, departures aside, to the verdict at the target.",
    &["target"],
    REACTION,
);

/// Calls to targets.
pub const TARGET_CALLS: Counter<1> = Counter::new(
    "revoked_target_calls_total",
    "Permits handed out to call the target.",
    &["target"],
);

/// Seconds a call waited for its permit.
pub const PERMIT_WAIT_SECONDS: Histogram<2> = Histogram::new(
    "revoked_permit_wait_seconds",
    "How long a call waited for its permit.",
    &["target", "urgent"],
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

/// Age of the ledger's oldest entry.
pub const LEDGER_OLDEST_SECONDS: Gauge<0> = Gauge::new(
    "revoked_ledger_oldest_seconds",
    "Age of the oldest job in the could-not-revoke ledger.",
    &[],
);

/// Holds that wait for a decision.
pub const HOLDS_OPEN: Gauge<0> = Gauge::new("revoked_holds_open", "Holds that wait for somebody's decision.", &[]);

/// Alerts that nobody has cleared.
pub const ALERTS_OPEN: Gauge<1> = Gauge::new(
    "revoked_alerts_open",
    "Alerts that are neither cleared nor over, and that nobody has acknowledged, by kind; 0 for a kind that was open before.",
    &["kind"],
);

/// What channels were told of alerts, by what became of it.
pub const NOTIFICATIONS: Counter<2> = Counter::new(
    "revoked_notifications_total",
    "Attempts to tell a channel of alerts: delivered, retried, given_up or withheld.",
    &["channel", "outcome"],
);

/// What channels are still to be told.
pub const NOTIFICATIONS_WAITING: Gauge<1> = Gauge::new(
    "revoked_notifications_waiting",
    "Messages and deliveries that wait for a channel.",
    &["channel"],
);

/// Since when a channel takes nothing.
pub const NOTIFICATIONS_FAILING_SECONDS: Gauge<1> = Gauge::new(
    "revoked_notifications_failing_seconds",
    "Since the channel takes nothing; 0 while it works.",
    &["channel"],
);

/// What receivers were told, by what became of it.
pub const STATEMENTS: Counter<2> = Counter::new(
    "revoked_statements_total",
    "Tokens for a receiver: delivered, refused, retried or given_up.",
    &["receiver", "outcome"],
);

/// What receivers are still to be told.
pub const STATEMENTS_WAITING: Gauge<1> = Gauge::new(
    "revoked_statements_waiting",
    "Tokens that a receiver has not acknowledged yet.",
    &["receiver"],
);

/// Age of the oldest of these.
pub const STATEMENTS_OLDEST_SECONDS: Gauge<1> = Gauge::new(
    "revoked_statements_oldest_seconds",
    "Age of the oldest token that a receiver has not acknowledged yet.",
    &["receiver"],
);

/// Changes committed together.
pub const COMMIT_GROUP_SIZE: Histogram<0> = Histogram::new(
    "revoked_commit_group_size",
    "Changes that the writer committed as one transaction.",
    &[],
    SIZE,
);

/// Seconds of a commit.
pub const COMMIT_SECONDS: Histogram<0> = Histogram::new(
    "revoked_commit_seconds",
    "From the first change of a group to the end of its fsync.",
    &[],
    STEP,
);

/// Bytes of the write-ahead log.
pub const WAL_BYTES: Gauge<0> = Gauge::new("revoked_wal_bytes", "Size of the database's write-ahead log.", &[]);

/// Bytes of room on the disk under the store.
pub const STORE_ROOM_BYTES: Gauge<0> = Gauge::new(
    "revoked_store_room_bytes",
    "Room left on the disk under the store: below 1 MiB it counts as full, and what does not fit is refused.",
    &[],
);

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

/// Whether the trail is broken.
pub const TRAIL_BROKEN: Gauge<0> = Gauge::new(
    "revoked_trail_broken",
    "1 where the daemon has found the trail broken, and no look at all of it has found it sound since; else 0.",
    &[],
);

/// How long the console's certificate is good.
pub const CONSOLE_CERTIFICATE_LEFT_SECONDS: Gauge<0> = Gauge::new(
    "revoked_console_certificate_left_seconds",
    "Until the certificate that the console shows expires, below 0 once it has; absent where it shows none.",
    &[],
);

/// Spans of traces, by what became of them.
pub const SPANS: Counter<1> = Counter::new(
    "revoked_spans_total",
    "Spans of traces: sent, or dropped because the collector did not take them in time or too many waited for it.",
    &["outcome"],
);

/// Connections closed because their address had all it may have.
pub const CONNECTIONS_REFUSED: Counter<0> = Counter::new(
    "revoked_connections_refused_total",
    "Connections closed because their address had all that it may have.",
    &[],
);

/// Connections that were closed for others.
pub const CONNECTIONS_GIVEN_UP: Counter<0> = Counter::new(
    "revoked_connections_given_up_total",
    "Connections that waited for their client and were closed to make room for others.",
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
    BUILD_INFO.row(),
    DELIVERIES.row(),
    SIGNALS.row(),
    DELIVERIES_HELD_OFF.row(),
    REFUSALS_COUNTED.row(),
    SOURCE_SILENT_SECONDS.row(),
    SOURCE_SIGNAL_SECONDS.row(),
    SOURCE_VERIFIED_SECONDS.row(),
    SOURCE_LOOKED_SECONDS.row(),
    SOURCE_LAG_SECONDS.row(),
    SOURCE_REFUSED.row(),
    JOBS.row(),
    VERDICTS.row(),
    FIRST_REVOKE_SECONDS.row(),
    CONTAINED_SECONDS.row(),
    TARGET_CALLS.row(),
    PERMIT_WAIT_SECONDS.row(),
    LANE_PAUSED.row(),
    LEDGER.row(),
    LEDGER_OLDEST_SECONDS.row(),
    HOLDS_OPEN.row(),
    ALERTS_OPEN.row(),
    NOTIFICATIONS.row(),
    NOTIFICATIONS_WAITING.row(),
    NOTIFICATIONS_FAILING_SECONDS.row(),
    STATEMENTS.row(),
    STATEMENTS_WAITING.row(),
    STATEMENTS_OLDEST_SECONDS.row(),
    COMMIT_GROUP_SIZE.row(),
    COMMIT_SECONDS.row(),
    WAL_BYTES.row(),
    STORE_ROOM_BYTES.row(),
    TRAIL_ENTRIES.row(),
    TRAIL_UNANCHORED.row(),
    TRAIL_UNANCHORED_SECONDS.row(),
    TRAIL_BROKEN.row(),
    CONSOLE_CERTIFICATE_LEFT_SECONDS.row(),
    SPANS.row(),
    CONNECTIONS_REFUSED.row(),
    CONNECTIONS_GIVEN_UP.row(),
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
