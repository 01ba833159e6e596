-- Operators who come over the network or by the page. What proves who they are is never here: of each token, link and session the SHA-256 of its
-- 256 random bits.
CREATE TABLE api_token (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    name         TEXT    NOT NULL CHECK (name <> ''),
    role         TEXT    NOT NULL CHECK (role IN ('viewer', 'requester', 'approver', 'admin')),
    -- The operator that it acts for: whoever made it. Two tokens of one person are one person.
    owner        TEXT    NOT NULL,
    made_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,
    ended_at     INTEGER,
    ended_by     TEXT
) STRICT;

CREATE TABLE sign_in_link (
    hash         BLOB    PRIMARY KEY CHECK (length(hash) = 32),
    operator     TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('viewer', 'requester', 'approver', 'admin')),
    made_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE page_session (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    operator     TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('viewer', 'requester', 'approver', 'admin')),
    began_at     INTEGER NOT NULL,
    -- Brought up to date once a minute at most.
    seen_at      INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT;
