-- Which store this is, and runs that are run again on purpose.

-- One row: the number that keys.db carries as well, so that one of another store is told.
CREATE TABLE store (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    id   BLOB    NOT NULL
) STRICT;

ALTER TABLE run ADD COLUMN reruns INTEGER NOT NULL DEFAULT 0;
