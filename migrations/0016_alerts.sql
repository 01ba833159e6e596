-- That somebody has seen an alert and looks after it: it stays open, and needs nobody else until it is raised anew.
ALTER TABLE alert ADD COLUMN acknowledged_by TEXT;
ALTER TABLE alert ADD COLUMN acknowledged_at INTEGER CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL));
ALTER TABLE alert ADD COLUMN acknowledged_note TEXT;

-- For how many of its times the program of `[alerts] exec` was handed the alert, how often it was tried since, when it is tried next, and what
-- stood in the way the last time. What was raised before there was such a program is not handed over.
ALTER TABLE alert ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN tell_attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN tell_due INTEGER;
ALTER TABLE alert ADD COLUMN tell_error TEXT;
UPDATE alert SET told = times;
CREATE INDEX alert_untold ON alert (id) WHERE told < times;

-- Targets that an operator has paused: nothing is sent to them, urgent work waits too.
CREATE TABLE target_pause (
    target TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT, WITHOUT ROWID;
