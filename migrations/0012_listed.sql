-- What the lists that still read everything need: departures, what is told to receivers, and the trail by job and by subject.

-- As in 0009: every row has such an id, and the condition keeps these from statements that do not repeat it.
CREATE INDEX departure_listed ON departure (state, acts_at, id) WHERE id > 0;
CREATE INDEX departure_of_source ON departure (source, state, acts_at, id) WHERE id > 0;
CREATE INDEX departure_by_employee ON departure (employee) WHERE id > 0;
-- A row whose state somebody else has made another is listed all the same. There is none.
CREATE INDEX departure_odd ON departure (id) WHERE state NOT IN ('planned', 'held', 'blocked', 'executed', 'rescinded', 'cancelled');
-- What is computed again when the rules of a zone change, the next first.
CREATE INDEX departure_pending ON departure (fire_at, id) WHERE state IN ('planned', 'blocked');

CREATE INDEX outbox_acknowledged ON outbox (receiver, finished_at) WHERE state = 'delivered';
CREATE INDEX outbox_trouble ON outbox (receiver, id) WHERE error IS NOT NULL AND state <> 'delivered';

-- Which jobs and subjects each whole block of 256 entries speaks of: four bytes of each, sorted. Written by the daemon some seconds after the
-- block is full, in the order of the blocks, so that it costs nothing on the way of a signal; what is not written yet is read entry by entry.
CREATE TABLE trail_mention (
    block INTEGER PRIMARY KEY,
    jobs BLOB NOT NULL,
    subjects BLOB NOT NULL
) STRICT;
