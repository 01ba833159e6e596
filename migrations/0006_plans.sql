-- Departures, with what else there is to know about a plan: the other employments of the person, what HR has said last, and what became of it.

ALTER TABLE departure RENAME TO departure_before;
CREATE TABLE departure (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    employee TEXT NOT NULL,
    employment TEXT NOT NULL,
    subject_ref TEXT NOT NULL,
    leaves TEXT NOT NULL,
    -- What `leaves` means under the rules that its zone has today, and the instant at which access ends: the last of all employments' ends.
    fire_at INTEGER NOT NULL,
    acts_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'held', 'blocked', 'executed', 'rescinded', 'cancelled')),
    -- Why it is held, blocked, rescinded or cancelled.
    why TEXT,
    -- The HR record is gone, which is no termination: seeing it again is enough to call this off.
    vanished INTEGER NOT NULL DEFAULT 0 CHECK (vanished IN (0, 1)),
    -- An operator has approved it although another employment stands.
    despite INTEGER NOT NULL DEFAULT 0 CHECK (despite IN (0, 1)),
    stated_at INTEGER,
    executed_at INTEGER CHECK (executed_at IS NULL OR state = 'executed'),
    case_id INTEGER REFERENCES cases (id),
    changed_at INTEGER NOT NULL,
    UNIQUE (source, employee, employment)
) STRICT;
INSERT INTO departure (id, source, employee, employment, subject_ref, leaves, fire_at, acts_at, state, executed_at, case_id, changed_at)
    SELECT id, source, employee, employment, subject_ref, leaves, fire_at, fire_at, state,
           CASE WHEN state = 'executed' THEN changed_at END, case_id, changed_at
    FROM departure_before;
DROP TABLE departure_before;
CREATE INDEX departure_planned ON departure (fire_at) WHERE state = 'planned';
CREATE INDEX departure_by_case ON departure (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX departure_by_ref ON departure (subject_ref);

-- What became of a departure, step by step, for people. The trail has the same without dates and numbers of HR.
CREATE TABLE departure_step (
    id INTEGER PRIMARY KEY,
    departure INTEGER NOT NULL REFERENCES departure (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE INDEX departure_step_of ON departure_step (departure);

-- The last word of HR about each employment. `subject` is the canonical form of the person's names: erasing the person takes the row along.
CREATE TABLE employment (
    source TEXT NOT NULL,
    employee TEXT NOT NULL,
    employment TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('stands', 'ends', 'ended')),
    -- SHA-256 of the statement that stands: the same again, from another file, says nothing new.
    statement BLOB CHECK (statement IS NULL OR length(statement) = 32),
    stated_at INTEGER,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (source, employee, employment)
) STRICT, WITHOUT ROWID;
CREATE INDEX employment_by_subject ON employment (subject);
