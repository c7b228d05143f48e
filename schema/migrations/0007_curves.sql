-- The attempt of the trial that the metrics of an attempt are stored under: its
-- own number, or of one that goes on with the curves of those before it the
-- first one's. Until now such rows were moved, so that every latest attempt
-- has its own.
ALTER TABLE attempt ADD COLUMN curve INTEGER NOT NULL DEFAULT 1
	CHECK (curve >= 1 AND curve <= number);

UPDATE attempt SET curve = number;
