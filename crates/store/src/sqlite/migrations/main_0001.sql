-- The first shape of aftercall.db.
--
-- Times are integers: microseconds since the epoch, UTC. Identifiers are their 16 bytes (deployments: 32).
-- "sealed" is an AEAD blob under the conversation's key, bound to its table, column and row; "hash" is keyed.
-- What is written on every step of a run (run, attempt) lies apart from what is written once and is large
-- (revision, attempt_record, result).

CREATE TABLE deployment (
    deployment BLOB    NOT NULL PRIMARY KEY,
    project    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    record     TEXT    NOT NULL -- JSON
) STRICT;
CREATE INDEX deployment_project ON deployment (project, created_at);

CREATE TABLE activation (
    project      TEXT    NOT NULL,
    environment  TEXT    NOT NULL,
    deployment   BLOB    NOT NULL REFERENCES deployment,
    activated_at INTEGER NOT NULL,
    PRIMARY KEY (project, environment)
) STRICT, WITHOUT ROWID;
CREATE INDEX activation_deployment ON activation (deployment);

CREATE TABLE conversation (
    conversation_id  BLOB    NOT NULL PRIMARY KEY,
    project          TEXT    NOT NULL,
    environment      TEXT    NOT NULL,
    source           TEXT    NOT NULL,
    external_id_hash BLOB    NOT NULL,
    external_id      BLOB    NOT NULL, -- sealed
    accepted_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- A conversation's identity; the hash stands first, so that one index also finds an external id everywhere.
CREATE UNIQUE INDEX conversation_identity ON conversation (external_id_hash, project, environment, source);

CREATE TABLE conversation_number (
    number_hash     BLOB NOT NULL,
    conversation_id BLOB NOT NULL REFERENCES conversation,
    PRIMARY KEY (number_hash, conversation_id)
) STRICT, WITHOUT ROWID;

-- What told us of a conversation. The native API sends one each; platforms send several.
CREATE TABLE event (
    conversation_id   BLOB    NOT NULL REFERENCES conversation,
    event_id          BLOB    NOT NULL,
    project           TEXT    NOT NULL,
    environment       TEXT    NOT NULL,
    source            TEXT    NOT NULL,
    source_event_hash BLOB,             -- of the platform's own id of the event
    revision          INTEGER NOT NULL, -- what it brought
    received_at       INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, event_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX event_identity ON event (source_event_hash, project, environment, source)
    WHERE source_event_hash IS NOT NULL;

-- What a conversation looked like, from 1 on. The hash stands before the document, so that comparing reads no more than it.
CREATE TABLE revision (
    conversation_id BLOB    NOT NULL REFERENCES conversation,
    number          INTEGER NOT NULL,
    content_hash    BLOB    NOT NULL, -- keyed
    document        BLOB    NOT NULL, -- sealed
    PRIMARY KEY (conversation_id, number)
) STRICT;

CREATE TABLE run (
    run_id          BLOB    NOT NULL PRIMARY KEY,
    conversation_id BLOB    NOT NULL REFERENCES conversation,
    "trigger"       TEXT    NOT NULL, -- what it runs for: 'end' of the conversation
    project         TEXT    NOT NULL,
    environment     TEXT    NOT NULL,
    accepted_at     INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    status          TEXT    NOT NULL,
    "end"           TEXT,
    hold            TEXT,
    epoch           INTEGER NOT NULL,
    attempt         INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    interruptions   INTEGER NOT NULL,
    alone           INTEGER NOT NULL,
    claimed_by      BLOB,
    deployment      BLOB,
    since           INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    not_counted     INTEGER NOT NULL, -- microseconds
    idle_since      INTEGER,
    last_error      TEXT,
    word            TEXT    NOT NULL GENERATED ALWAYS AS (coalesce("end", status)) VIRTUAL,
    CHECK ((status = 'ended') = ("end" IS NOT NULL)),
    CHECK ((status = 'running') = (claimed_by IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX run_conversation ON run (conversation_id, "trigger");
CREATE INDEX run_project ON run (project, run_id);
CREATE INDEX run_word ON run (word, run_id);
CREATE INDEX run_deployment ON run (deployment, run_id) WHERE deployment IS NOT NULL;
CREATE INDEX run_due ON run (alone, due_at, run_id) WHERE status IN ('queued', 'backoff') AND hold IS NULL;
CREATE INDEX run_held ON run (project, environment, run_id) WHERE hold IS NOT NULL;
CREATE INDEX run_running ON run (claimed_by, run_id) WHERE status = 'running';

CREATE TABLE attempt (
    run_id              BLOB    NOT NULL REFERENCES run,
    number              INTEGER NOT NULL,
    epoch               INTEGER NOT NULL,
    deployment          BLOB    NOT NULL,
    incarnation         BLOB    NOT NULL,
    claimed_at          INTEGER NOT NULL,
    function_started_at INTEGER,
    ended_at            INTEGER,
    outcome             TEXT, -- returned, failed, interrupted, cancelled
    unsettled_failures  INTEGER,
    code                TEXT,
    signal              INTEGER,
    exit_status         INTEGER,
    user_us             INTEGER NOT NULL DEFAULT 0,
    system_us           INTEGER NOT NULL DEFAULT 0,
    max_rss_kib         INTEGER NOT NULL DEFAULT 0,
    minor_faults        INTEGER NOT NULL DEFAULT 0,
    confinement         TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt_record (
    run_id  BLOB    NOT NULL,
    number  INTEGER NOT NULL,
    logs    BLOB, -- sealed JSON
    failure BLOB, -- sealed JSON: message and exception
    PRIMARY KEY (run_id, number),
    FOREIGN KEY (run_id, number) REFERENCES attempt
) STRICT;

-- What the last attempt that returned left.
CREATE TABLE result (
    run_id         BLOB    NOT NULL PRIMARY KEY REFERENCES run,
    attempt_number INTEGER NOT NULL,
    state          BLOB -- sealed JSON
) STRICT;

CREATE TABLE metric (
    run_id BLOB    NOT NULL REFERENCES run,
    seq    INTEGER NOT NULL, -- in order of writing, from 0
    name   TEXT    NOT NULL,
    number ANY,              -- the value, where it is a number
    value  BLOB,             -- sealed JSON, where the number alone does not say it
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

-- Queued by the completing transaction alone, and never deleted by a later one.
CREATE TABLE action (
    run_id         BLOB    NOT NULL REFERENCES run,
    attempt_number INTEGER NOT NULL,
    seq            INTEGER NOT NULL, -- in order, from 0
    content        BLOB    NOT NULL, -- sealed JSON
    PRIMARY KEY (run_id, attempt_number, seq)
) STRICT, WITHOUT ROWID;

-- The journal: one sequence per run, to which records are only added.
CREATE TABLE effect (
    run_id      BLOB    NOT NULL REFERENCES run,
    seq         INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    record      BLOB    NOT NULL, -- sealed
    PRIMARY KEY (run_id, seq)
) STRICT;
CREATE TRIGGER effect_is_append_only BEFORE UPDATE ON effect
BEGIN
    SELECT raise(ABORT, 'records of effects are never changed');
END;

CREATE TABLE api_key (
    key_id       BLOB    NOT NULL PRIMARY KEY,
    label        TEXT    NOT NULL,
    secret_hash  BLOB    NOT NULL UNIQUE,
    project      TEXT,
    environments TEXT    NOT NULL, -- JSON
    scope        TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    revoked_at   INTEGER
) STRICT;
