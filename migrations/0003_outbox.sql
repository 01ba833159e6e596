-- What is to be told to others of what was proved. A row is written in the transaction that closes the case, and names the token (`jti`) for
-- ever. `claims` holds a person's name, so it goes once the receiver has it; what a receiver refused is kept, to be sent again once it is
-- mended. Without a case it is a stream's handshake.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    receiver TEXT NOT NULL,
    jti TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL CHECK (event IN ('session-revoked', 'credential-change', 'verification')),
    case_id INTEGER REFERENCES cases (id) CHECK ((event = 'verification') = (case_id IS NULL)),
    subject_ref TEXT CHECK ((event = 'verification') = (subject_ref IS NULL)),
    claims TEXT CHECK ((state = 'delivered') = (claims IS NULL)),
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'refused', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER CHECK ((state = 'pending') = (due IS NOT NULL)),
    error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER CHECK ((state = 'pending') = (finished_at IS NULL))
) STRICT;
-- A sender reads this index alone: what is done leaves it.
CREATE INDEX outbox_pending ON outbox (receiver, due, id) WHERE state = 'pending';
CREATE INDEX outbox_stuck ON outbox (receiver) WHERE state IN ('refused', 'dead');
CREATE INDEX outbox_by_case ON outbox (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX outbox_by_subject ON outbox (subject_ref) WHERE subject_ref IS NOT NULL;
CREATE INDEX outbox_handshakes ON outbox (receiver, created_at) WHERE case_id IS NULL;
