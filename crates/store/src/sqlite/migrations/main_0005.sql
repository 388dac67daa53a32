-- Runs that wait for a host come due as those in backoff do, and know what a next attempt may drive again.

ALTER TABLE run ADD COLUMN retry_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN fresh_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN deployed_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN waiting_for TEXT; -- scheme, host and port

DROP INDEX run_due;
CREATE INDEX run_due ON run (alone, due_at, run_id)
    WHERE status IN ('queued', 'backoff', 'waiting') AND hold IS NULL;
CREATE INDEX run_waiting ON run (waiting_for, due_at, run_id) WHERE status = 'waiting';
