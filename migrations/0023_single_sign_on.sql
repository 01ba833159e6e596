-- Operators who sign in at an OpenID provider. A session of theirs ends sooner than others: what their groups allow was asked at its beginning.
ALTER TABLE page_session ADD COLUMN ends_at INTEGER;

-- A sign-in that was begun here and goes on at the provider. Of what comes back with it the SHA-256 alone.
CREATE TABLE sign_in_begun (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    state_hash   BLOB    NOT NULL UNIQUE CHECK (length(state_hash) = 32),
    -- Which of our pages it leads to.
    next         TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
