-- When a search that had ended was last set going again (0: never), in place of
-- whether it was: its max_time begins anew then, and failures of before count no
-- more. Of those that are going again already its last end is the nearest known.
ALTER TABLE search ADD COLUMN reopened_ms INTEGER NOT NULL DEFAULT 0;

UPDATE search SET reopened_ms = coalesce(
	(SELECT max(time_ms) FROM event
	WHERE event.search = search.id AND event.trial IS NULL AND kind = 'end'),
	created_ms)
WHERE reopened = 1;

ALTER TABLE search DROP COLUMN reopened;
