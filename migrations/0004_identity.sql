-- Which names are one person's. Only here do names of different formats meet; erasing a person takes the rows along.
CREATE TABLE identity (
    id INTEGER PRIMARY KEY,
    -- The same number for all names of one person.
    person INTEGER NOT NULL,
    -- The canonical form of a simple subject.
    name TEXT NOT NULL CHECK (name <> ''),
    -- Where the name means something at one target only, that target; else empty.
    target TEXT NOT NULL DEFAULT '',
    -- The source that says so; NULL for an operator, whose word outranks every source.
    source TEXT CHECK (source <> ''),
    since INTEGER NOT NULL,
    -- When its source last said so.
    seen_at INTEGER NOT NULL,
    -- Until when it still counts, where it was replaced by another.
    until INTEGER,
    -- When another source first said that it is somebody else's: what is known by this name alone waits for a human.
    disputed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX identity_by_name ON identity (name, target);
CREATE INDEX identity_by_person ON identity (person);

-- The members of people who are known by several names at once, so that each of the names finds the others.
CREATE TABLE alias (
    name TEXT NOT NULL,
    ref TEXT NOT NULL REFERENCES person (ref) ON DELETE CASCADE,
    PRIMARY KEY (name, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_by_ref ON alias (ref);

-- Signals about somebody whom no target knows, until an operator says who that is, or that it does not matter.
CREATE TABLE unresolved (
    id INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    why TEXT NOT NULL,
    since INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'linked', 'found', 'dismissed')),
    ended_at INTEGER CHECK ((state = 'open') = (ended_at IS NULL)),
    ended_by TEXT CHECK ((state = 'open') = (ended_by IS NULL)),
    note TEXT
) STRICT;
CREATE UNIQUE INDEX unresolved_open ON unresolved (case_id) WHERE state = 'open';
CREATE INDEX unresolved_by_case ON unresolved (case_id);

-- A report may be about what has just been proved; and all cases of one person are erased together.
CREATE INDEX cases_by_subject ON cases (subject_ref);
