-- Runs that wait for a host go on in the order in which they were accepted; their ids are in that order.

DROP INDEX run_waiting;
CREATE INDEX run_waiting ON run (waiting_for, run_id) WHERE status = 'waiting';
