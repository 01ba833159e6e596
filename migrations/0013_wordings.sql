-- What targets say of themselves, once: the evidence of a job names each such sentence by its code, the first digits of its SHA-256. Only
-- sentences that stand in the program as they are get here, so there are few, no person is named in any, and they stay. Of two that shared a
-- code neither would be shown for the other: both would stand here.
CREATE TABLE wording (
    code TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (code, text)
) STRICT, WITHOUT ROWID;
