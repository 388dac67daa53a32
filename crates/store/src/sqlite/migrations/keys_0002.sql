-- Which store these keys are of.

CREATE TABLE store (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    id   BLOB    NOT NULL,
    made INTEGER NOT NULL -- aftercall.db carries the same number: from then on it must be there
) STRICT;
