-- What is said of a departure that has a plan already, or was carried out, while a human decides about that word. What stood before stands on:
-- an approval puts this in its place, a rejection takes it away.
CREATE TABLE departure_change (
    departure INTEGER NOT NULL REFERENCES departure (id) ON DELETE CASCADE,
    -- The case that waits under the hold.
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    subject_ref TEXT NOT NULL,
    leaves TEXT NOT NULL,
    fire_at INTEGER NOT NULL,
    acts_at INTEGER NOT NULL,
    why TEXT,
    vanished INTEGER NOT NULL DEFAULT 0 CHECK (vanished IN (0, 1)),
    stated_at INTEGER,
    PRIMARY KEY (departure, case_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX departure_change_by_case ON departure_change (case_id);

-- The case that carried a departure out before its source moved the day: what it has suspended stays so until somebody releases it.
ALTER TABLE departure ADD COLUMN carried_out_by INTEGER REFERENCES cases (id);
CREATE INDEX departure_carried_out_by ON departure (carried_out_by) WHERE carried_out_by IS NOT NULL;

-- A signal that was acted on and only moves a departure that was planned already, to the same time or a later one: nobody new leaves, and the
-- window does not count it.
ALTER TABLE signal ADD COLUMN moves INTEGER NOT NULL DEFAULT 0 CHECK (moves IN (0, 1));
DROP INDEX signal_window;
CREATE INDEX signal_window ON signal (source, reason, received_at) WHERE decision = 'act' AND moves = 0;
