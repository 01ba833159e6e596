-- What policy decides by, and what it would have decided.

-- Whether a source is acted on, as its config said at the last start, and since when.
ALTER TABLE source_health ADD COLUMN mode TEXT NOT NULL DEFAULT 'act' CHECK (mode IN ('act', 'rehearse'));
ALTER TABLE source_health ADD COLUMN mode_since INTEGER;

-- Of a signal of a source that rehearsed: what would have been done, for which class of hold, and what its playbook is. Its key begins with
-- `rehearsed:`, so that what was only rehearsed is news once the source is acted on.
ALTER TABLE signal ADD COLUMN rehearsed TEXT CHECK (rehearsed IN ('act', 'hold', 'ignore', 'withdraw'));
ALTER TABLE signal ADD COLUMN rehearsed_class TEXT CHECK (rehearsed_class IS NULL OR rehearsed = 'hold');
ALTER TABLE signal ADD COLUMN rehearsed_playbook TEXT;
CREATE INDEX signal_rehearsed ON signal (source, received_at) WHERE rehearsed IS NOT NULL;
-- What a signal asked for beyond its reason, as JSON, so that it can be run through another policy. NULL in rows of an earlier version.
ALTER TABLE signal ADD COLUMN asked TEXT;
-- A file that was only rehearsed does not count as taken.
ALTER TABLE batch ADD COLUMN rehearsed INTEGER NOT NULL DEFAULT 0 CHECK (rehearsed IN (0, 1));

-- The group of people that asks for a decision, and how many people must approve.
ALTER TABLE hold ADD COLUMN people_group TEXT;
ALTER TABLE hold ADD COLUMN approvals INTEGER NOT NULL DEFAULT 1 CHECK (approvals IN (1, 2));
-- What has lowered the work of a case, where it was to go further.
ALTER TABLE cases ADD COLUMN lowered TEXT;

-- The members of a group's file as it was last believed, each by its canonical form and in lower case, so that a start with a broken file still
-- protects them; and the SHA-256 of a shorter list that an operator has accepted.
CREATE TABLE group_list (
    name TEXT NOT NULL PRIMARY KEY,
    members TEXT NOT NULL CHECK (json_valid(members)),
    read_at INTEGER NOT NULL,
    accepted BLOB CHECK (accepted IS NULL OR length(accepted) = 32),
    accepted_by TEXT
) STRICT, WITHOUT ROWID;

-- How many people are known, so that a share of them costs no count: `linked` are those whose names somebody has linked; `employed`, by source,
-- the employments that have not ended. Only the triggers below write here.
CREATE TABLE population (
    what TEXT NOT NULL CHECK (what IN ('linked', 'employed')),
    -- For `employed` the source.
    about TEXT NOT NULL DEFAULT '',
    n INTEGER NOT NULL,
    PRIMARY KEY (what, about)
) STRICT, WITHOUT ROWID;
INSERT INTO population (what, n) SELECT 'linked', count(DISTINCT person) FROM identity;
INSERT INTO population (what, about, n) SELECT 'employed', source, count(*) FROM employment WHERE state <> 'ended' GROUP BY source;

CREATE TRIGGER person_is_counted AFTER INSERT ON identity
WHEN NOT EXISTS (SELECT 1 FROM identity WHERE person = NEW.person AND id <> NEW.id)
BEGIN
    UPDATE population SET n = max(min(coalesce(n, 0), 1000000000), 0) + 1 WHERE what = 'linked' AND about = '';
END;
CREATE TRIGGER person_is_counted_anew AFTER UPDATE OF person ON identity WHEN OLD.person <> NEW.person
BEGIN
    UPDATE population SET n = max(min(coalesce(n, 0), 1000000000), 0) + (NOT EXISTS (SELECT 1 FROM identity WHERE person = NEW.person AND id <> NEW.id))
        - (NOT EXISTS (SELECT 1 FROM identity WHERE person = OLD.person))
    WHERE what = 'linked' AND about = '';
END;
CREATE TRIGGER person_is_counted_no_more AFTER DELETE ON identity
WHEN NOT EXISTS (SELECT 1 FROM identity WHERE person = OLD.person)
BEGIN
    UPDATE population SET n = max(min(coalesce(n, 0), 1000000000), 0) - 1 WHERE what = 'linked' AND about = '';
END;
CREATE TRIGGER employment_is_counted AFTER INSERT ON employment WHEN NEW.state <> 'ended'
BEGIN
    INSERT INTO population (what, about, n) VALUES ('employed', NEW.source, 1) ON CONFLICT (what, about) DO UPDATE SET n = max(min(coalesce(n, 0), 1000000000), 0) + 1;
END;
CREATE TRIGGER employment_is_counted_anew AFTER UPDATE OF state ON employment WHEN (OLD.state = 'ended') <> (NEW.state = 'ended')
BEGIN
    INSERT INTO population (what, about, n) VALUES ('employed', NEW.source, 0) ON CONFLICT (what, about) DO NOTHING;
    UPDATE population SET n = max(min(coalesce(n, 0), 1000000000), 0) + CASE NEW.state WHEN 'ended' THEN -1 ELSE 1 END WHERE what = 'employed' AND about = NEW.source;
END;
CREATE TRIGGER employment_is_counted_no_more AFTER DELETE ON employment WHEN OLD.state <> 'ended'
BEGIN
    UPDATE population SET n = max(min(coalesce(n, 0), 1000000000), 0) - 1 WHERE what = 'employed' AND about = OLD.source;
END;
