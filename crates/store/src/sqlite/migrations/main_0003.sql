-- Attempts in a row that the machine could not begin: counted apart from those that failed.

ALTER TABLE run ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
