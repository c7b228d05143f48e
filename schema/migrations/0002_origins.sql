-- Trials come from "start" of a search file and from an import, too. A new
-- column takes the old one's place, for a CHECK cannot be changed; the views,
-- which name the column, are made anew after the migrations.
DROP VIEW IF EXISTS searches;
DROP VIEW IF EXISTS trials;
DROP VIEW IF EXISTS params;
DROP VIEW IF EXISTS metrics;
DROP VIEW IF EXISTS best;
DROP VIEW IF EXISTS leaderboard;
DROP VIEW IF EXISTS curves;
DROP VIEW IF EXISTS attempts;
DROP VIEW IF EXISTS events;

ALTER TABLE trial ADD COLUMN origin_2 TEXT NOT NULL DEFAULT 'sampler' CHECK (
	origin_2 = 'sampler' OR origin_2 = 'added' OR origin_2 = 'start' OR
	origin_2 = 'imported');
UPDATE trial SET origin_2 = origin;
ALTER TABLE trial DROP COLUMN origin;
ALTER TABLE trial RENAME COLUMN origin_2 TO origin;
