-- What people write beside a case and who looks after it; lists of people that are asked for as one.

-- Kept with the case, erased with the person. The trail names a note by its number alone: what stands in it may be about anybody.
CREATE TABLE case_note (
    id INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases (id),
    note TEXT NOT NULL CHECK (length(note) BETWEEN 1 AND 2000),
    written_by TEXT NOT NULL CHECK (length(written_by) BETWEEN 1 AND 200),
    written_at INTEGER NOT NULL
) STRICT;
CREATE INDEX case_note_by_case ON case_note (case_id, id);

-- The login of whoever looks after it.
ALTER TABLE cases ADD COLUMN owner TEXT CHECK (owner IS NULL OR length(owner) BETWEEN 1 AND 32);

-- Rows that were written as one list are decided about as one. The key: a digest of what is asked for whom, a colon, and when it was written,
-- in milliseconds.
ALTER TABLE inbox ADD COLUMN set_key TEXT CHECK (set_key IS NULL OR length(set_key) BETWEEN 1 AND 80);
CREATE INDEX inbox_by_set ON inbox (set_key, id) WHERE set_key IS NOT NULL;
