-- What ails a trial, as the curves of its latest attempt show it; rank 1
-- explains its result best. All rows of a trial are replaced together.
CREATE TABLE symptom (
	trial INTEGER NOT NULL REFERENCES trial ON DELETE CASCADE,
	rank INTEGER NOT NULL CHECK (rank >= 1),
	symptom TEXT NOT NULL CHECK (
		symptom = 'diverged' OR symptom = 'oscillating' OR
		symptom = 'too_slow' OR symptom = 'plateau' OR
		symptom = 'overfitting' OR symptom = 'underfitting' OR
		symptom = 'stuck_at_start' OR symptom = 'noisy' OR
		symptom = 'still_improving' OR symptom = 'no_output' OR
		symptom = 'late_crash' OR symptom = 'healthy'),
	strength REAL NOT NULL CHECK (strength > 0 AND strength <= 1),
	step INTEGER NOT NULL,
	text TEXT NOT NULL,
	try TEXT NOT NULL,
	data TEXT,
	PRIMARY KEY (trial, rank)
) STRICT, WITHOUT ROWID;
