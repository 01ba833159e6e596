-- When one person's word is not enough, as the config said at the daemon's last start. Here, so that it holds for whoever decides by whatever way.
CREATE TABLE approval_rule (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    -- Two persons where a hold covers more people than this; without it, never for their number.
    two_above    INTEGER CHECK (two_above >= 0),
    two_for_protected INTEGER NOT NULL CHECK (two_for_protected IN (0, 1)),
    -- The daemon's account, where it is not root: several people become it, so it is nobody.
    shared_uid   INTEGER
) STRICT;

-- The first of two approvals. It is about exactly one set, and counts for a day.
CREATE TABLE hold_approval (
    id           INTEGER PRIMARY KEY,
    set_hash     TEXT    NOT NULL,
    -- Which holds, and which of their cases were taken out: JSON lists of numbers.
    holds        TEXT    NOT NULL CHECK (json_type(holds) = 'array'),
    except_cases TEXT    NOT NULL CHECK (json_type(except_cases) = 'array'),
    by           TEXT    NOT NULL,
    note         TEXT,
    at           INTEGER NOT NULL,
    state        TEXT    NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'used', 'void')),
    ended_at     INTEGER CHECK ((state = 'open') = (ended_at IS NULL))
) STRICT;
CREATE INDEX hold_approval_open ON hold_approval (id) WHERE state = 'open';
