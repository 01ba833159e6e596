-- Batches that an operator has paused.

-- An operator's word that nothing of a list in the inbox begins.
CREATE TABLE batch_pause (
    set_key TEXT NOT NULL PRIMARY KEY CHECK (length(set_key) BETWEEN 1 AND 80),
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The cases that it keeps back: those for which nobody has asked but paused batches.
CREATE TABLE paused_case (
    case_id INTEGER PRIMARY KEY REFERENCES cases (id) ON DELETE CASCADE,
    set_key TEXT NOT NULL REFERENCES batch_pause (set_key) ON DELETE CASCADE
) STRICT;
CREATE INDEX paused_case_by_set ON paused_case (set_key);

-- Whatever puts a job of theirs into the queue (a retry, a sweep whose time has come, an approval, a lease that ended), it waits there as held,
-- where no claim looks. What undoes a suspension goes on.
CREATE TRIGGER job_of_a_paused_case_waits AFTER UPDATE OF state ON job
WHEN NEW.state = 'queued' AND NEW.kind <> 'release' AND EXISTS (SELECT 1 FROM paused_case WHERE case_id = NEW.case_id)
BEGIN
    UPDATE job SET state = 'held' WHERE id = NEW.id;
END;
CREATE TRIGGER job_for_a_paused_case_waits AFTER INSERT ON job
WHEN NEW.state = 'queued' AND NEW.kind <> 'release' AND EXISTS (SELECT 1 FROM paused_case WHERE case_id = NEW.case_id)
BEGIN
    UPDATE job SET state = 'held' WHERE id = NEW.id;
END;
