-- Population based training: a trial is one generation (from 1) of a member of
-- the population (from 0), and goes on from the checkpoint of its parent, a
-- trial of the same search by number, unless it is the first. Other trials: 0
-- and NULL.
ALTER TABLE trial ADD COLUMN generation INTEGER NOT NULL DEFAULT 0
	CHECK (generation >= 0);
ALTER TABLE trial ADD COLUMN member INTEGER CHECK (member >= 0);
ALTER TABLE trial ADD COLUMN parent INTEGER
	CHECK (parent >= 0 AND parent < number);
