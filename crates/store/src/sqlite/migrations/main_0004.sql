-- Why a dead letter is one. NULL for those of before: then the last error says most of it.

ALTER TABLE run ADD COLUMN dead_letter TEXT;
