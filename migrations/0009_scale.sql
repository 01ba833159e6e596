-- What `status`, the metrics and the lists read, so that none of it grows with the rows: counters that are kept in the transaction of each change,
-- and indexes.

-- How many rows there are of each kind and state. Only the triggers below write here; `revoked check --deep` counts again and compares.
CREATE TABLE tally (
    what TEXT NOT NULL CHECK (what IN ('job', 'case', 'verdict', 'ledger', 'departure', 'outbox')),
    -- The state or verdict.
    word TEXT NOT NULL,
    -- For `outbox` the receiver.
    about TEXT NOT NULL DEFAULT '',
    n INTEGER NOT NULL,
    PRIMARY KEY (what, word, about)
) STRICT, WITHOUT ROWID;
INSERT INTO tally (what, word, n) VALUES
    ('job', 'scheduled', 0), ('job', 'queued', 0), ('job', 'running', 0), ('job', 'held', 0), ('job', 'done', 0), ('job', 'failed', 0),
    ('job', 'cancelled', 0),
    ('case', 'open', 0), ('case', 'held', 0), ('case', 'closed', 0), ('case', 'cancelled', 0),
    ('verdict', 'contained', 0), ('verdict', 'unverified', 0), ('verdict', 'residual', 0), ('verdict', 'no_principal', 0),
    ('verdict', 'failed', 0),
    ('ledger', '', 0),
    ('departure', 'planned', 0), ('departure', 'held', 0), ('departure', 'blocked', 0), ('departure', 'executed', 0),
    ('departure', 'rescinded', 0), ('departure', 'cancelled', 0);
UPDATE tally SET n = counted.n FROM (
    SELECT 'job' AS what, state AS word, count(*) AS n FROM job GROUP BY state
    UNION ALL SELECT 'case', state, count(*) FROM cases GROUP BY state
    UNION ALL SELECT 'verdict', verdict, count(*) FROM cases WHERE verdict IS NOT NULL GROUP BY verdict
    UNION ALL SELECT 'ledger', '', count(*) FROM job j JOIN cases c ON c.id = j.case_id WHERE j.state = 'failed' AND c.called_off_at IS NULL
    UNION ALL SELECT 'departure', state, count(*) FROM departure GROUP BY state
) AS counted WHERE tally.what = counted.what AND tally.word = counted.word;
INSERT INTO tally (what, word, about, n) SELECT 'outbox', state, receiver, count(*) FROM outbox GROUP BY state, receiver;

CREATE TRIGGER job_is_counted AFTER INSERT ON job
BEGIN
    UPDATE tally SET n = n + 1 WHERE what = 'job' AND word = NEW.state AND about = '';
END;
CREATE TRIGGER job_is_counted_anew AFTER UPDATE OF state ON job WHEN OLD.state <> NEW.state
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'job' AND word = OLD.state AND about = '';
    UPDATE tally SET n = n + 1 WHERE what = 'job' AND word = NEW.state AND about = '';
END;
CREATE TRIGGER job_is_counted_no_more AFTER DELETE ON job
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'job' AND word = OLD.state AND about = '';
END;

-- The could-not-revoke ledger: jobs that failed and whose case was not called off.
CREATE TRIGGER ledger_gets_a_job AFTER INSERT ON job
WHEN NEW.state = 'failed' AND (SELECT called_off_at IS NULL FROM cases WHERE id = NEW.case_id)
BEGIN
    UPDATE tally SET n = n + 1 WHERE what = 'ledger' AND word = '' AND about = '';
END;
CREATE TRIGGER ledger_follows_a_job AFTER UPDATE OF state ON job
WHEN (OLD.state = 'failed') <> (NEW.state = 'failed') AND (SELECT called_off_at IS NULL FROM cases WHERE id = NEW.case_id)
BEGIN
    UPDATE tally SET n = n + CASE NEW.state WHEN 'failed' THEN 1 ELSE -1 END WHERE what = 'ledger' AND word = '' AND about = '';
END;
CREATE TRIGGER ledger_loses_a_job AFTER DELETE ON job
WHEN OLD.state = 'failed' AND (SELECT called_off_at IS NULL FROM cases WHERE id = OLD.case_id)
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'ledger' AND word = '' AND about = '';
END;
CREATE TRIGGER ledger_follows_a_case AFTER UPDATE OF called_off_at ON cases
WHEN (OLD.called_off_at IS NULL) <> (NEW.called_off_at IS NULL)
BEGIN
    UPDATE tally SET n = n + CASE WHEN NEW.called_off_at IS NULL THEN 1 ELSE -1 END
        * (SELECT count(*) FROM job WHERE case_id = NEW.id AND state = 'failed')
    WHERE what = 'ledger' AND word = '' AND about = '';
END;

CREATE TRIGGER case_is_counted AFTER INSERT ON cases
BEGIN
    UPDATE tally SET n = n + 1 WHERE what = 'case' AND word = NEW.state AND about = '';
    UPDATE tally SET n = n + 1 WHERE what = 'verdict' AND word = NEW.verdict AND about = '';
END;
CREATE TRIGGER case_is_counted_anew AFTER UPDATE OF state ON cases WHEN OLD.state <> NEW.state
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'case' AND word = OLD.state AND about = '';
    UPDATE tally SET n = n + 1 WHERE what = 'case' AND word = NEW.state AND about = '';
END;
CREATE TRIGGER verdict_is_counted_anew AFTER UPDATE OF verdict ON cases WHEN OLD.verdict IS NOT NEW.verdict
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'verdict' AND word = OLD.verdict AND about = '';
    UPDATE tally SET n = n + 1 WHERE what = 'verdict' AND word = NEW.verdict AND about = '';
END;
CREATE TRIGGER case_is_counted_no_more AFTER DELETE ON cases
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'case' AND word = OLD.state AND about = '';
    UPDATE tally SET n = n - 1 WHERE what = 'verdict' AND word = OLD.verdict AND about = '';
END;

CREATE TRIGGER departure_is_counted AFTER INSERT ON departure
BEGIN
    UPDATE tally SET n = n + 1 WHERE what = 'departure' AND word = NEW.state AND about = '';
END;
CREATE TRIGGER departure_is_counted_anew AFTER UPDATE OF state ON departure WHEN OLD.state <> NEW.state
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'departure' AND word = OLD.state AND about = '';
    UPDATE tally SET n = n + 1 WHERE what = 'departure' AND word = NEW.state AND about = '';
END;
CREATE TRIGGER departure_is_counted_no_more AFTER DELETE ON departure
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'departure' AND word = OLD.state AND about = '';
END;

CREATE TRIGGER statement_is_counted AFTER INSERT ON outbox
BEGIN
    INSERT INTO tally (what, word, about, n) VALUES ('outbox', NEW.state, NEW.receiver, 1)
        ON CONFLICT (what, word, about) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER statement_is_counted_anew AFTER UPDATE OF state ON outbox WHEN OLD.state <> NEW.state
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'outbox' AND word = OLD.state AND about = OLD.receiver;
    INSERT INTO tally (what, word, about, n) VALUES ('outbox', NEW.state, NEW.receiver, 1)
        ON CONFLICT (what, word, about) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER statement_is_counted_no_more AFTER DELETE ON outbox
BEGIN
    UPDATE tally SET n = n - 1 WHERE what = 'outbox' AND word = OLD.state AND about = OLD.receiver;
END;

-- In which blocks of 256 entries the trail speaks of a case. A row for each block instead of each entry: a case's entries lie close together.
CREATE TABLE trail_case (
    case_id INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (case_id, block)
) STRICT, WITHOUT ROWID;
INSERT INTO trail_case (case_id, block)
    SELECT DISTINCT body ->> '$.case', seq / 256 FROM trail
    WHERE json_valid(body) AND typeof(CASE WHEN json_valid(body) THEN body ->> '$.case' END) = 'integer';

-- The lists: what is in a state, newest first. Every row has such an id: the condition keeps these from statements that do not repeat it, for
-- which the planner, who cannot know how many rows a state has, would take them instead of the index of a case.
CREATE INDEX job_listed ON job (state, target, id) WHERE id > 0;
CREATE INDEX case_listed ON cases (state, id) WHERE id > 0;
CREATE INDEX outbox_oldest ON outbox (receiver, created_at) WHERE state = 'pending';

-- Retention looks for what goes with a case, and the database for what refers to one.
CREATE INDEX inbox_by_case ON inbox (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX alert_by_case ON alert (case_id) WHERE case_id IS NOT NULL;
