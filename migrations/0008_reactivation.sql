-- Sources that have said of somebody who waits for a human's decision that the person is active again. What nobody else has asked for is called
-- off by that word; this is for what others have asked for too.
CREATE TABLE reactivation (
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (case_id, source)
) STRICT, WITHOUT ROWID;

-- A case about one record of somebody, while the person has another that stands: it asks for the names that its signals came with and for no
-- other name of the person.
ALTER TABLE cases ADD COLUMN named_only INTEGER NOT NULL DEFAULT 0 CHECK (named_only IN (0, 1));
