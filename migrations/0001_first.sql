-- The store of revoked. Times are integer milliseconds since the epoch, UTC. One CHECK per rule: two joined by AND let half a rule through.

-- People. Everything else names a person by `ref`, a keyed hash; deleting the row erases the person and leaves every hash of the trail valid.
CREATE TABLE person (
    ref TEXT NOT NULL PRIMARY KEY,
    key BLOB NOT NULL CHECK (length(key) = 32),
    subject TEXT NOT NULL UNIQUE,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A delivery with a name of its own: a file, a poll round.
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    digest BLOB CHECK (digest IS NULL OR length(digest) = 32),
    signals INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX batch_by_digest ON batch (source, digest);

-- What waits for a human's decision. `set_hash` binds an approval to exactly the cases that were shown.
CREATE TABLE hold (
    id INTEGER PRIMARY KEY,
    why TEXT NOT NULL,
    detail TEXT NOT NULL,
    source TEXT NOT NULL,
    batch INTEGER REFERENCES batch (id),
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'rejected')),
    placed_at INTEGER NOT NULL,
    decided_at INTEGER CHECK ((state = 'open') = (decided_at IS NULL)),
    decided_by TEXT CHECK ((state = 'open') = (decided_by IS NULL)),
    note TEXT
) STRICT;
CREATE INDEX hold_open ON hold (id) WHERE state = 'open';

CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    subject_ref TEXT NOT NULL,
    reason TEXT NOT NULL,
    playbook TEXT NOT NULL,
    scope TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
    state TEXT NOT NULL CHECK (state IN ('open', 'held', 'closed', 'cancelled')),
    verdict TEXT CHECK (verdict IN ('contained', 'unverified', 'residual', 'no_principal', 'failed')),
    source TEXT NOT NULL,
    requested_by TEXT,
    note TEXT,
    batch INTEGER REFERENCES batch (id),
    hold INTEGER REFERENCES hold (id) CHECK (state <> 'held' OR hold IS NOT NULL),
    received_at INTEGER NOT NULL,
    first_revoke_at INTEGER,
    contained_at INTEGER,
    closed_at INTEGER CHECK ((state IN ('closed', 'cancelled')) = (closed_at IS NOT NULL)),
    reopened INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Coalescing looks for the live case of a subject under a playbook.
CREATE INDEX cases_live ON cases (subject_ref, playbook) WHERE state IN ('open', 'held');
CREATE INDEX cases_by_hold ON cases (hold) WHERE hold IS NOT NULL;
CREATE INDEX cases_by_batch ON cases (batch) WHERE batch IS NOT NULL;
CREATE INDEX cases_closed ON cases (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE signal (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 600),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    subject_ref TEXT NOT NULL,
    reason TEXT NOT NULL,
    decision TEXT NOT NULL CHECK (decision IN ('act', 'hold', 'ignore', 'withdraw')),
    why TEXT,
    case_id INTEGER REFERENCES cases (id),
    batch INTEGER REFERENCES batch (id),
    requested_by TEXT,
    note TEXT,
    occurred_at INTEGER,
    received_at INTEGER NOT NULL,
    UNIQUE (source, key)
) STRICT;
-- The windows of the guards count by source and reason.
CREATE INDEX signal_window ON signal (source, reason, received_at) WHERE decision = 'act';
CREATE INDEX signal_by_case ON signal (case_id) WHERE case_id IS NOT NULL;

CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    target TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('contain', 'watch')),
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
    verdict TEXT CHECK (verdict IN ('contained', 'unverified', 'residual', 'no_principal', 'failed'))
        CHECK ((state IN ('done', 'failed')) = (verdict IS NOT NULL)),
    outcome TEXT,
    error TEXT,
    evidence TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER CHECK ((state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) STRICT;
-- The claim reads this index alone: future-dated rows live in another state, so it stays flat from a thousand rows to a million.
CREATE INDEX job_claim ON job (target, priority, id) WHERE state = 'queued';
CREATE INDEX job_due ON job (due) WHERE state = 'scheduled';
CREATE INDEX job_running ON job (lease_until) WHERE state = 'running';
CREATE INDEX job_by_case ON job (case_id);
CREATE INDEX job_ledger ON job (finished_at) WHERE state = 'failed';

-- One row for each request that changes something at a target: written before it leaves, completed after.
CREATE TABLE action (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES job (id),
    attempt INTEGER NOT NULL,
    action TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER CHECK ((outcome IS NULL) = (finished_at IS NULL)),
    outcome TEXT CHECK (outcome IN ('done', 'already', 'failed', 'not_sent', 'unknown')),
    requests TEXT
) STRICT;
CREATE INDEX action_by_job ON action (job_id);
CREATE INDEX action_open ON action (job_id) WHERE outcome IS NULL;

-- HR plans: the wall date and zone as written, so that a change of a zone's rules moves the instant.
CREATE TABLE departure (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    employee TEXT NOT NULL,
    employment TEXT NOT NULL,
    subject_ref TEXT NOT NULL,
    leaves TEXT NOT NULL,
    fire_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'held', 'executed', 'rescinded')),
    case_id INTEGER REFERENCES cases (id),
    changed_at INTEGER NOT NULL,
    UNIQUE (source, employee, employment)
) STRICT;
CREATE INDEX departure_planned ON departure (fire_at) WHERE state = 'planned';
CREATE INDEX departure_by_case ON departure (case_id) WHERE case_id IS NOT NULL;

-- Shown by `status` until cleared or over; the same trouble again counts up instead of adding a row.
CREATE TABLE alert (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    summary TEXT NOT NULL,
    case_id INTEGER REFERENCES cases (id),
    raised_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL DEFAULT 1,
    cleared_at INTEGER CHECK ((cleared_at IS NULL) = (cleared_by IS NULL)),
    cleared_by TEXT
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert (kind, key) WHERE cleared_at IS NULL;

CREATE TABLE cursor (
    source TEXT NOT NULL PRIMARY KEY,
    cursor TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What must survive a restart about a lane: whether it is paused, and when its limiter next allows a call.
CREATE TABLE lane (
    target TEXT NOT NULL PRIMARY KEY,
    paused_at INTEGER CHECK ((paused_at IS NULL) = (paused_why IS NULL)),
    paused_why TEXT,
    next_permit_at INTEGER
) STRICT, WITHOUT ROWID;

-- The door for other programs: a documented contract (docs/sources/inbox.md). Insert rows; read state, case_id and why.
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 600),
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 60),
    requested_by TEXT NOT NULL CHECK (length(requested_by) BETWEEN 1 AND 200),
    note TEXT CHECK (note IS NULL OR length(note) <= 2000),
    request_key TEXT CHECK (request_key IS NULL OR length(request_key) BETWEEN 1 AND 200),
    playbook TEXT,
    target TEXT,
    session TEXT,
    access_token TEXT,
    all_sessions INTEGER NOT NULL DEFAULT 0 CHECK (all_sessions IN (0, 1)),
    act_at INTEGER,
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'accepted', 'rejected')),
    case_id INTEGER,
    why TEXT,
    taken_at INTEGER CHECK ((state = 'new') = (taken_at IS NULL))
) STRICT;
CREATE INDEX inbox_new ON inbox (id) WHERE state = 'new';
CREATE TRIGGER inbox_is_not_rewritten BEFORE UPDATE ON inbox WHEN OLD.state <> 'new'
BEGIN
    SELECT RAISE(ABORT, 'an inbox row cannot change once it is taken; insert another');
END;
CREATE TRIGGER inbox_starts_new BEFORE INSERT ON inbox WHEN NEW.state <> 'new'
BEGIN
    SELECT RAISE(ABORT, 'an inbox row starts with state new; leave state, case_id, why and taken_at to revoked');
END;

-- The trail. Triggers guard against our own mistakes; signed checkpoints outside guard against whoever owns the file.
CREATE TABLE trail (
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) = 32)
) STRICT;
CREATE TRIGGER trail_is_not_changed BEFORE UPDATE ON trail
BEGIN
    SELECT RAISE(ABORT, 'the trail is append-only');
END;
CREATE TRIGGER trail_is_not_cut BEFORE DELETE ON trail
BEGIN
    SELECT RAISE(ABORT, 'the trail is append-only');
END;
-- INSERT OR REPLACE passes by the two triggers above; this one refuses every seq but the next.
CREATE TRIGGER trail_has_no_gaps BEFORE INSERT ON trail WHEN NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM trail)
BEGIN
    SELECT RAISE(ABORT, 'the trail takes only the next seq');
END;

CREATE TABLE trail_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    frontier BLOB NOT NULL
) STRICT;
INSERT INTO trail_head (id, size, frontier) VALUES (1, 0, x'');

-- The root of each complete block of 256 leaves, so that a proof reads few rows.
CREATE TABLE trail_block (
    block INTEGER PRIMARY KEY,
    root BLOB NOT NULL CHECK (length(root) = 32)
) STRICT;

CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
