-- Trials of several runs ("folds", "repeats"). Of a trial: the standard error
-- of its value, how many runs are over, and how many attempts there were at the
-- one that is not. Of an attempt: the trial's run that it is of, from 0, and
-- what came of the run if it ended well.
ALTER TABLE trial ADD COLUMN error REAL CHECK (abs(error) < 9e999);
ALTER TABLE trial ADD COLUMN runs INTEGER NOT NULL DEFAULT 0 CHECK (runs >= 0);
ALTER TABLE trial ADD COLUMN tries INTEGER NOT NULL DEFAULT 0
	CHECK (tries >= 0);
ALTER TABLE attempt ADD COLUMN run INTEGER NOT NULL DEFAULT 0
	CHECK (run >= 0);
ALTER TABLE attempt ADD COLUMN result REAL CHECK (abs(result) < 9e999);

UPDATE trial SET tries = attempts WHERE state <> 'done';
UPDATE trial SET runs = 1 WHERE state = 'done' AND attempts > 0;
UPDATE attempt SET result = (
	SELECT t.value FROM trial t WHERE t.id = attempt.trial)
WHERE (trial, number) IN (
	SELECT t.id, t.attempts FROM trial t
	WHERE t.state = 'done' AND t.attempts > 0);
