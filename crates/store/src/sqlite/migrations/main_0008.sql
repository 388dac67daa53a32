-- An action that a retry queues again is known by its keyed hash.

ALTER TABLE action ADD COLUMN fingerprint BLOB; -- of the run and of what is asked for; none of those that were queued before
