-- Where people are told of alerts. The daemon writes down at its start which channels its config names, so that whoever raises an alert, in
-- whatever program, writes the messages about it in the alert's own transaction.
CREATE TABLE notify_channel (
    name          TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    carrier       TEXT    NOT NULL,
    -- Kinds of alerts with a bar before, between and behind them; NULL for all.
    kinds         TEXT,
    urgent_only   INTEGER NOT NULL CHECK (urgent_only IN (0, 1)),
    -- A step of the escalation: told only where nobody has acknowledged for so long.
    after_ms      INTEGER NOT NULL CHECK (after_ms >= 0),
    -- The last step: told again every hour.
    repeats       INTEGER NOT NULL CHECK (repeats IN (0, 1)),
    -- For how long what is not urgent is gathered.
    wait_ms       INTEGER NOT NULL CHECK (wait_ms >= 0),
    -- Whether it is told that somebody looks after an alert, and that one is over.
    tells_care    INTEGER NOT NULL CHECK (tells_care IN (0, 1)),
    tells_over    INTEGER NOT NULL CHECK (tells_over IN (0, 1)),
    -- Told of each raised alert, however often it comes and however soon it is over.
    tells_each    INTEGER NOT NULL CHECK (tells_each IN (0, 1)),
    ok_at         INTEGER,
    failing_since INTEGER,
    error         TEXT,
    -- Switched off, since its receiver said that it is gone.
    off_at        INTEGER
) STRICT, WITHOUT ROWID;

-- One thing to be told about one alert on one channel. It waits until it is due, and is then bound to a bundle: one delivery for each recipient.
CREATE TABLE notify_message (
    id         INTEGER PRIMARY KEY,
    channel    TEXT    NOT NULL,
    -- Without one it is a trial of the channel.
    alert_id   INTEGER,
    -- Kind and object: the same whenever the same trouble comes again.
    thread     TEXT    NOT NULL,
    what       TEXT    NOT NULL CHECK (what IN ('raised', 'again', 'unstable', 'reminder', 'expired', 'acknowledged', 'over', 'trial')),
    urgent     INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    due        INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'bound', 'dropped')),
    bundle     INTEGER CHECK ((state = 'bound') = (bundle IS NOT NULL)),
    -- Why it was dropped.
    why        TEXT
) STRICT;
CREATE INDEX notify_message_waiting ON notify_message (channel, due, id) WHERE state = 'waiting';
CREATE INDEX notify_message_by_thread ON notify_message (thread, channel, id);
CREATE INDEX notify_message_by_alert ON notify_message (alert_id) WHERE alert_id IS NOT NULL;
CREATE INDEX notify_message_by_bundle ON notify_message (bundle) WHERE bundle IS NOT NULL;

-- A bundle of messages on its way to one recipient. `uid` is its name for ever: what is sent again is sent under the same.
CREATE TABLE notify_delivery (
    id          INTEGER PRIMARY KEY,
    uid         TEXT    NOT NULL UNIQUE,
    channel     TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    bundle      INTEGER NOT NULL,
    -- The thread of its only message; what comes later in that thread waits for it.
    thread      TEXT,
    urgent      INTEGER NOT NULL CHECK (urgent IN (0, 1)),
    state       TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'given_up', 'withheld')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    due         INTEGER NOT NULL,
    error       TEXT,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER CHECK ((state = 'pending') = (finished_at IS NULL))
) STRICT;
CREATE INDEX notify_delivery_pending ON notify_delivery (channel, due, id) WHERE state = 'pending';
CREATE INDEX notify_delivery_recent ON notify_delivery (channel, created_at);
CREATE INDEX notify_delivery_by_bundle ON notify_delivery (bundle);

-- The same trouble again is found by its key, and open alerts that somebody looks after by when that was said.
CREATE INDEX alert_by_key ON alert (kind, key, raised_at);
CREATE INDEX alert_looked_after ON alert (acknowledged_at) WHERE cleared_at IS NULL AND acknowledged_at IS NOT NULL;

-- What the program of `[alerts] exec` was still to be handed waits for the channel of that name.
INSERT INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at)
SELECT 'alerts.exec', id, kind || '/' || key, CASE times WHEN 1 THEN 'raised' ELSE 'again' END, 0, coalesce(tell_due, last_at), last_at
FROM alert WHERE told < times AND kind <> 'alert_untold';
DROP INDEX alert_untold;
ALTER TABLE alert DROP COLUMN told;
ALTER TABLE alert DROP COLUMN tell_attempts;
ALTER TABLE alert DROP COLUMN tell_due;
ALTER TABLE alert DROP COLUMN tell_error;
