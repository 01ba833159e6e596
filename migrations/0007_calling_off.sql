-- Calling a case off, undoing a suspension, and credentials that have leaked.

-- A job may also undo a suspension (`release`), whose verdict is a word of its own. `chain_at` is when the verdict was reached that a sweep
-- looks after, where it is not the case's first. The table is made anew, since a CHECK cannot be changed.
CREATE TABLE job_next (
    id INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    target TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('contain', 'watch', 'release')),
    containment TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
    state TEXT NOT NULL CHECK (state IN ('scheduled', 'queued', 'running', 'held', 'done', 'failed', 'cancelled')),
    due INTEGER CHECK ((state = 'scheduled') = (due IS NOT NULL)),
    lease_id TEXT CHECK ((state = 'running') = (lease_id IS NOT NULL)),
    lease_until INTEGER CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    attempt INTEGER NOT NULL DEFAULT 0,
    acted INTEGER NOT NULL DEFAULT 0 CHECK (acted IN (0, 1)),
    password_reset INTEGER NOT NULL DEFAULT 0 CHECK (password_reset IN (0, 1)),
    approved INTEGER NOT NULL DEFAULT 0 CHECK (approved IN (0, 1)),
    sweep INTEGER NOT NULL DEFAULT 0,
    held_due INTEGER CHECK (held_due IS NULL OR state = 'held'),
    verdict TEXT CHECK (verdict IN ('contained', 'unverified', 'residual', 'no_principal', 'failed', 'released'))
        CHECK ((state IN ('done', 'failed')) = (verdict IS NOT NULL))
        CHECK (verdict IS NOT 'released' OR kind = 'release'),
    outcome TEXT,
    error TEXT,
    evidence TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER CHECK ((state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    chain_at INTEGER
) STRICT;
INSERT INTO job_next (id, case_id, target, kind, containment, priority, state, due, lease_id, lease_until, attempt, acted, password_reset,
                      approved, sweep, held_due, verdict, outcome, error, evidence, created_at, finished_at)
    SELECT id, case_id, target, kind, containment, priority, state, due, lease_id, lease_until, attempt, acted, password_reset,
           approved, sweep, held_due, verdict, outcome, error, evidence, created_at, finished_at FROM job;
DROP TABLE job;
ALTER TABLE job_next RENAME TO job;
-- The claim reads this index alone: future-dated rows live in another state, so it stays flat from a thousand rows to a million.
CREATE INDEX job_claim ON job (target, priority, id) WHERE state = 'queued';
CREATE INDEX job_due ON job (due) WHERE state = 'scheduled';
CREATE INDEX job_running ON job (lease_until) WHERE state = 'running';
CREATE INDEX job_by_case ON job (case_id);
CREATE INDEX job_ledger ON job (finished_at) WHERE state = 'failed';

-- From then on nothing more is done for the case. A job that is at work stops before its next change.
ALTER TABLE cases ADD COLUMN called_off_at INTEGER;
ALTER TABLE cases ADD COLUMN called_off_by TEXT CHECK ((called_off_at IS NULL) = (called_off_by IS NULL));
ALTER TABLE cases ADD COLUMN called_off_why TEXT;

-- What stood in the way of an action that failed.
ALTER TABLE action ADD COLUMN why TEXT;

-- Credentials that have leaked: encrypted under a key beside the store, and wiped as soon as no open job needs them. Everything else knows
-- them by the digest alone.
CREATE TABLE sealed (
    digest TEXT NOT NULL PRIMARY KEY CHECK (digest GLOB 'sha256:*'),
    box BLOB NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How long to go on looking, in seconds, and a leaked credential: its value, or its digest where it was sealed already. Once the row is taken,
-- digests stand for the values of `leaked`, `session` and `access_token`.
ALTER TABLE inbox ADD COLUMN keep_out INTEGER CHECK (keep_out IS NULL OR keep_out > 0);
ALTER TABLE inbox ADD COLUMN leaked TEXT CHECK (leaked IS NULL OR length(leaked) BETWEEN 1 AND 2000);
