-- What commands ask of the running daemon, which alone has the credentials of the targets: a question about targets and its answer, both JSON
-- (src/daemon/asked). Whoever asks takes the row away with the answer; what nobody has fetched goes after an hour. No secret stands in it, but
-- what a person can reach does, and the mode of this file protects that as all else.
CREATE TABLE asked (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    question    TEXT    NOT NULL,
    asked_by    TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    answer      TEXT,
    answered_at INTEGER
) STRICT;

CREATE INDEX asked_open ON asked (id) WHERE answer IS NULL;
