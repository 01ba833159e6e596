-- Whether a checkpoint is known to have reached the file outside: a file that holds less than this was cut short or taken away. Until now a
-- checkpoint was kept only after it had reached it.
ALTER TABLE checkpoint ADD COLUMN anchored INTEGER NOT NULL DEFAULT 1 CHECK (anchored IN (0, 1));
