-- What a target's canary showed last: how long a credential of ours still worked after its end was accepted. The times before stand in the trail.
CREATE TABLE canary (
    target TEXT NOT NULL,
    -- The kind of grant that the credential was.
    kind TEXT NOT NULL,
    -- When it was tried.
    at INTEGER NOT NULL,
    -- The server's version then, as it names itself.
    version TEXT,
    -- Until it was refused, in milliseconds; NULL where it still worked after `within_ms`.
    delay_ms INTEGER,
    within_ms INTEGER NOT NULL,
    PRIMARY KEY (target, kind)
) STRICT, WITHOUT ROWID;
