-- The first shape of keys.db: who deletes a row erases a conversation.

CREATE TABLE conversation_key (
    conversation_id BLOB NOT NULL PRIMARY KEY,
    wrapped         BLOB NOT NULL -- under the master key
) STRICT, WITHOUT ROWID;

-- One row: which master key wraps, to tell a wrong key from a damaged folder.
CREATE TABLE master_key (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    id   BLOB    NOT NULL
) STRICT;
