-- The tables of hps.db: the rows that schema/record.h describes. They may
-- change with any version; the views of views.sql are what is promised.
--
-- Words in CHECK lists are those of names.def. Points in time (_ms) are ms
-- since the epoch, 0 while they have not come; _boot_ms are ms of
-- CLOCK_MONOTONIC of the boot `boot_id`. A value that is not finite is stored
-- as 0.0 with its kind, since SQLite would store NaN as NULL. JSON is not
-- checked: SQLite 3.40 takes json_valid() for unsafe in an untrusted schema.
--
-- CHECKs say a = x OR a = y, not a IN (x, y, ...): for three words and more
-- SQLite would make and fill a table in memory at every single write.

-- AUTOINCREMENT here and in trial: an id names a directory too, and is never
-- used again after its row was deleted.
CREATE TABLE search (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE CHECK (name <> ''),
	key TEXT NOT NULL UNIQUE,
	metric TEXT NOT NULL,
	goal TEXT NOT NULL CHECK (goal IN ('minimize', 'maximize')),
	state TEXT NOT NULL CHECK (
		state = 'running' OR state = 'paused' OR
		state = 'finished' OR state = 'cancelled' OR
		state = 'failed'),
	reason TEXT NOT NULL,
	trials_max INTEGER NOT NULL CHECK (trials_max >= 0),
	cursor INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	created_boot_ms INTEGER NOT NULL,
	boot_id TEXT NOT NULL,
	ended_ms INTEGER NOT NULL
) STRICT;

-- What was submitted. Apart from search, whose row is written with each trial:
-- an environment may be 256 KiB.
CREATE TABLE submission (
	search INTEGER PRIMARY KEY REFERENCES search ON DELETE CASCADE,
	spec TEXT NOT NULL,
	workdir TEXT NOT NULL,
	environ TEXT NOT NULL
) STRICT;

-- kind and value are NULL while the trial has no result. score is the value
-- for comparing, lower is better (-value if the goal is to maximize), of a
-- trial that counts: done, with a finite value.
CREATE TABLE trial (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	search INTEGER NOT NULL REFERENCES search ON DELETE CASCADE,
	number INTEGER NOT NULL CHECK (number >= 0),
	state TEXT NOT NULL CHECK (
		state = 'queued' OR state = 'running' OR state = 'done' OR
		state = 'pruned' OR state = 'failed' OR
		state = 'cancelled' OR state = 'lost'),
	reason TEXT NOT NULL,
	origin TEXT NOT NULL CHECK (origin IN ('sampler', 'added')),
	cursor INTEGER NOT NULL,
	params TEXT NOT NULL,
	kind TEXT CHECK (
		kind = 'finite' OR kind = 'nan' OR kind = '+inf' OR
		kind = '-inf'),
	value REAL CHECK (abs(value) < 9e999),
	score REAL,
	steps INTEGER NOT NULL CHECK (steps >= 0),
	attempts INTEGER NOT NULL CHECK (attempts >= 0),
	created_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	UNIQUE (search, number),
	CHECK ((kind IS NULL) = (value IS NULL)),
	CHECK ((score IS NOT NULL) = (state = 'done' AND kind IS 'finite'))
) STRICT;

CREATE INDEX trial_state ON trial (search, state, number);
CREATE INDEX trial_score ON trial (search, score, number)
	WHERE score IS NOT NULL;

CREATE TABLE attempt (
	trial INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,
	number INTEGER NOT NULL CHECK (number >= 1),
	state TEXT NOT NULL CHECK (
		state = 'launching' OR state = 'running' OR
		state = 'stopping' OR state = 'ended' OR state = 'lost'),
	token TEXT NOT NULL,
	boot_id TEXT NOT NULL,
	pid INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	started_boot_ms INTEGER NOT NULL,
	stop_reason TEXT NOT NULL,
	kill_boot_ms INTEGER NOT NULL,
	outcome TEXT NOT NULL CHECK (
		outcome = 'none' OR outcome = 'exited' OR
		outcome = 'signaled' OR outcome = 'not-executed' OR
		outcome = 'never-started' OR outcome = 'shim-died' OR
		outcome = 'rebooted'),
	code INTEGER NOT NULL,
	signal INTEGER NOT NULL,
	core INTEGER NOT NULL CHECK (core IN (0, 1)),
	error INTEGER NOT NULL,
	what TEXT NOT NULL,
	user_ms INTEGER NOT NULL,
	system_ms INTEGER NOT NULL,
	memory_bytes INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	start_offset INTEGER NOT NULL,
	read_offset INTEGER NOT NULL,
	reader TEXT,
	PRIMARY KEY (trial, number)
) STRICT, WITHOUT ROWID;

-- A start asks which searches have an attempt that is not over.
CREATE INDEX attempt_open ON attempt (trial)
	WHERE state <> 'ended' AND state <> 'lost';

-- repeats: how often the same step was reported before; the last value wins.
CREATE TABLE metric (
	trial INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	name TEXT NOT NULL,
	step INTEGER NOT NULL,
	time_ms INTEGER NOT NULL,
	kind TEXT NOT NULL CHECK (
		kind = 'finite' OR kind = 'nan' OR kind = '+inf' OR
		kind = '-inf'),
	value REAL NOT NULL CHECK (abs(value) < 9e999),
	repeats INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (trial, attempt, name, step),
	FOREIGN KEY (trial, attempt) REFERENCES attempt ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	search INTEGER NOT NULL REFERENCES search ON DELETE CASCADE,
	trial INTEGER REFERENCES trial ON DELETE CASCADE,
	time_ms INTEGER NOT NULL,
	kind TEXT NOT NULL,
	text TEXT NOT NULL,
	data TEXT
) STRICT;

CREATE INDEX event_search ON event (search, trial);
CREATE INDEX event_trial ON event (trial) WHERE trial IS NOT NULL;
