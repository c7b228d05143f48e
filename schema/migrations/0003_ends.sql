-- What "until" and "stop" of a search file need: when the search ends (0: at
-- no such time), the slot-time in ms that its ended attempts have used, and
-- whether it had ended and was set going again, so that neither holds any more.
ALTER TABLE search ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE search ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0
	CHECK (used_ms >= 0);
ALTER TABLE search ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0
	CHECK (reopened IN (0, 1));
