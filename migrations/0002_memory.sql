-- What a source keeps for itself between two deliveries: people it has provisioned, a stream it has made. Written in the transaction of the
-- delivery that asked for it. `about` is the canonical form of the subject that the memo is about: erasing the person takes the memo along.
CREATE TABLE memory (
    source     TEXT NOT NULL,
    drawer      TEXT NOT NULL CHECK (drawer <> ''),
    key        TEXT NOT NULL CHECK (key <> ''),
    look_up    TEXT,
    about      TEXT,
    body       TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (source, drawer, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX memory_by_look_up ON memory (source, drawer, look_up) WHERE look_up IS NOT NULL;
CREATE INDEX memory_about ON memory (about) WHERE about IS NOT NULL;
