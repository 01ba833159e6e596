-- How each source is: when it last said anything, and how late. One row a source, written with its deliveries, and every 15 s with what was noticed without one.
CREATE TABLE source_health (
    source       TEXT NOT NULL PRIMARY KEY,
    -- Since when it is known here: silence counts from then on for one that never spoke.
    since        INTEGER NOT NULL,
    -- The last time it said anything: a delivery, stored or answered.
    spoke_at     INTEGER,
    signal_at    INTEGER,
    verified_at  INTEGER,
    -- The last time that we looked at it and could, where we go and look.
    looked_at    INTEGER,
    -- The newest 32 lags (received - occurred, the longest of each delivery) in milliseconds, the newest last: 8 hexadecimal digits each, so
    -- that adding one and dropping the oldest is a matter of cutting text.
    lags         TEXT NOT NULL DEFAULT '' CHECK (length(lags) <= 256) CHECK (length(lags) % 8 = 0),
    -- When its silence last raised an alert that stands.
    alerted_at   INTEGER
) STRICT, WITHOUT ROWID;

-- Refused deliveries by cause. The causes are a closed set, so the table stays small.
CREATE TABLE source_refusal (
    source  TEXT NOT NULL,
    code    TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 60),
    times   INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (source, code)
) STRICT, WITHOUT ROWID;

-- A store of an earlier version knows when its sources last spoke.
INSERT INTO source_health (source, since, spoke_at, signal_at)
SELECT source, min(received_at), max(received_at), max(received_at) FROM signal GROUP BY source;
