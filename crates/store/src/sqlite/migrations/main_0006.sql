-- What an operator has stopped. An empty text means: whichever.

CREATE TABLE pause (
    project     TEXT    NOT NULL,
    environment TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    paused_at   INTEGER NOT NULL,
    PRIMARY KEY (project, environment, host)
) STRICT, WITHOUT ROWID;
