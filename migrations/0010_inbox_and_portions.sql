-- The inbox by urgency, and files that are stored in portions.

-- What goes first, by the reason alone, so that it stands in every row whoever wrote it. What ends the access of a leaver or gives it back
-- keeps its order: of two such words about one person the last one counts.
ALTER TABLE inbox ADD COLUMN urgency INTEGER GENERATED ALWAYS AS (
    CASE reason WHEN 'compromised' THEN 0 WHEN 'credential_changed' THEN 1 WHEN 'logout' THEN 2 ELSE 3 END
) VIRTUAL;
CREATE INDEX inbox_waiting ON inbox (urgency, id) WHERE state = 'new';
DROP INDEX inbox_new;

-- A large file is stored in portions. Until the last one it does not count as taken: it is read again after a crash, and goes on with the
-- same batch. `departures` is how many of its rows counted against the limits when it was read first: the limit is about the whole file.
ALTER TABLE batch ADD COLUMN unfinished INTEGER NOT NULL DEFAULT 0 CHECK (unfinished IN (0, 1));
ALTER TABLE batch ADD COLUMN departures INTEGER;
-- What each portion comes under.
CREATE INDEX hold_by_batch ON hold (batch) WHERE batch IS NOT NULL;
