-- The views: the promise to everyone who reads hps.db. schema/README.md tells
-- what each column means and how they may change. The daemon makes them anew
-- at its start when this text has changed.
--
-- `search` is a search's name, `trial` and `number` a trial's number in its
-- search, times are ISO 8601 UTC text with ms, durations are seconds.
--
-- A search that is being removed has no name of its own any more, but one that
-- begins with "/", and is in none of them.

DROP VIEW IF EXISTS searches;
CREATE VIEW searches AS
SELECT s.id, s.name, s.state, s.reason, s.metric, s.goal,
       s.trials_max AS trials,
       (SELECT count(*) FROM trial
        WHERE search = s.id AND state = 'done') AS done,
       (SELECT count(*) FROM trial
        WHERE search = s.id AND state = 'running') AS running,
       (SELECT count(*) FROM trial
        WHERE search = s.id AND state = 'pruned') AS pruned,
       (SELECT count(*) FROM trial
        WHERE search = s.id AND state = 'failed') AS failed,
       (SELECT count(*) FROM trial
        WHERE search = s.id AND state = 'cancelled') AS cancelled,
       (SELECT count(*) FROM trial
        WHERE search = s.id AND state = 'lost') AS lost,
       (SELECT count(*) FROM trial
        WHERE search = s.id AND state = 'queued') AS queued,
       b.value AS best_value, b.number AS best_trial,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.created_ms / 1000.0, 'unixepoch')
           AS created,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(s.ended_ms, 0) / 1000.0,
                'unixepoch') AS ended,
       max(0, coalesce(nullif(s.ended_ms, 0),
                       (julianday('now') - 2440587.5) * 86400000)
              - s.created_ms) / 1000.0 AS seconds
FROM search s LEFT JOIN trial b
     ON b.id = (SELECT id FROM trial
                WHERE search = s.id AND score IS NOT NULL
                ORDER BY score, number LIMIT 1)
WHERE s.name NOT LIKE '/%';

DROP VIEW IF EXISTS trials;
CREATE VIEW trials AS
SELECT s.name AS search, t.number, t.state, t.reason,
       iif(t.kind = 'finite', t.value, NULL) AS value,
       coalesce(t.kind, 'none') AS kind,
       t.params, t.origin, t.attempts, t.steps,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.created_ms / 1000.0, 'unixepoch')
           AS created,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(t.started_ms, 0) / 1000.0,
                'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(t.ended_ms, 0) / 1000.0,
                'unixepoch') AS ended,
       max(0, coalesce(nullif(t.ended_ms, 0),
                       (julianday('now') - 2440587.5) * 86400000)
              - nullif(t.started_ms, 0)) / 1000.0 AS seconds,
       t.error AS value_error, t.runs,
       (SELECT y.symptom FROM symptom y WHERE y.trial = t.id AND y.rank = 1)
           AS symptom,
       t.member, nullif(t.generation, 0) AS generation, t.parent
FROM trial t JOIN search s ON s.id = t.search
WHERE s.name NOT LIKE '/%';

DROP VIEW IF EXISTS params;
CREATE VIEW params AS
SELECT s.name AS search, t.number AS trial, p.key AS name, p.value
FROM trial t JOIN search s ON s.id = t.search
     JOIN json_each(t.params) p
WHERE s.name NOT LIKE '/%';

DROP VIEW IF EXISTS metrics;
CREATE VIEW metrics AS
SELECT s.name AS search, t.number AS trial, m.name, m.step,
       iif(m.kind = 'finite', m.value, NULL) AS value, m.kind,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.time_ms / 1000.0, 'unixepoch')
           AS time,
       a.run
FROM search s JOIN trial t ON t.search = s.id
     CROSS JOIN attempt a ON a.trial = t.id AND a.run <= t.runs
          AND (a.number = t.attempts OR a.run < t.runs AND a.number =
               (SELECT max(number) FROM attempt
                WHERE trial = t.id AND run = a.run))
     CROSS JOIN metric m ON m.trial = t.id AND m.attempt = a.curve
WHERE s.name NOT LIKE '/%';

-- Of each run the attempt that tells of it: of one that is over the latest, of
-- the others the very latest of the trial. Those before a retry are left out.
DROP VIEW IF EXISTS runs;
CREATE VIEW runs AS
SELECT s.name AS search, t.number AS trial, a.run, a.result AS value,
       a.number AS attempt,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(a.started_ms, 0) / 1000.0,
                'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(a.ended_ms, 0) / 1000.0,
                'unixepoch') AS ended,
       (nullif(a.ended_ms, 0) - nullif(a.started_ms, 0)) / 1000.0 AS seconds
FROM search s JOIN trial t ON t.search = s.id
     JOIN attempt a ON a.trial = t.id AND a.run <= t.runs
          AND (a.number = t.attempts OR a.run < t.runs AND a.number =
               (SELECT max(number) FROM attempt
                WHERE trial = t.id AND run = a.run))
WHERE s.name NOT LIKE '/%';

DROP VIEW IF EXISTS best;
CREATE VIEW best AS
SELECT s.name AS search, s.metric, s.goal, t.number AS trial, t.value,
       t.params, t.steps,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(t.ended_ms, 0) / 1000.0,
                'unixepoch') AS ended,
       (nullif(t.ended_ms, 0) - nullif(t.started_ms, 0)) / 1000.0 AS seconds,
       t.error AS value_error, t.runs
FROM search s JOIN trial t
     ON t.id = (SELECT id FROM trial
                WHERE search = s.id AND score IS NOT NULL
                ORDER BY score, number LIMIT 1)
WHERE s.name NOT LIKE '/%';

DROP VIEW IF EXISTS leaderboard;
CREATE VIEW leaderboard AS
SELECT s.name AS search,
       row_number() OVER (PARTITION BY s.name ORDER BY t.score, t.number)
           AS rank,
       t.number AS trial, t.value, t.params, t.steps,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(t.ended_ms, 0) / 1000.0,
                'unixepoch') AS ended,
       (nullif(t.ended_ms, 0) - nullif(t.started_ms, 0)) / 1000.0 AS seconds,
       t.error AS value_error, t.runs
FROM search s JOIN trial t ON t.search = s.id
WHERE t.score IS NOT NULL
      AND s.name NOT LIKE '/%';

DROP VIEW IF EXISTS curves;
CREATE VIEW curves AS
SELECT s.name AS search, t.number AS trial,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(t.ended_ms, 0) / 1000.0,
                'unixepoch') AS ended,
       t.value,
       min(t.score) OVER (PARTITION BY s.name ORDER BY t.number)
           * iif(s.goal = 'minimize', 1, -1) AS best
FROM search s JOIN trial t ON t.search = s.id
WHERE t.score IS NOT NULL
      AND s.name NOT LIKE '/%';

DROP VIEW IF EXISTS attempts;
CREATE VIEW attempts AS
SELECT s.name AS search, t.number AS trial, a.number, a.state, a.outcome,
       iif(a.outcome = 'exited', a.code, NULL) AS code,
       iif(a.outcome = 'signaled', a.signal, NULL) AS signal,
       iif(a.outcome = 'signaled', a.core, NULL) AS core,
       iif(a.outcome = 'not-executed', a.error, NULL) AS error,
       iif(a.outcome = 'not-executed', a.what, NULL) AS what,
       a.stop_reason, nullif(a.pid, 0) AS pid,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(a.started_ms, 0) / 1000.0,
                'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(a.ended_ms, 0) / 1000.0,
                'unixepoch') AS ended,
       (nullif(a.ended_ms, 0) - nullif(a.started_ms, 0)) / 1000.0 AS seconds,
       iif(a.outcome = 'exited' OR a.outcome = 'signaled', a.user_ms / 1000.0,
           NULL) AS user_seconds,
       iif(a.outcome = 'exited' OR a.outcome = 'signaled', a.system_ms / 1000.0,
           NULL) AS system_seconds,
       iif(a.outcome = 'exited' OR a.outcome = 'signaled', a.memory_bytes, NULL)
           AS memory_bytes,
       a.run, a.result
FROM attempt a JOIN trial t ON t.id = a.trial
     JOIN search s ON s.id = t.search
WHERE s.name NOT LIKE '/%';

DROP VIEW IF EXISTS events;
CREATE VIEW events AS
SELECT e.id, s.name AS search, t.number AS trial,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.time_ms / 1000.0, 'unixepoch')
           AS time,
       e.kind, e.text, e.data
FROM search s JOIN event e ON e.search = s.id
     LEFT JOIN trial t ON t.id = e.trial AND t.search = s.id
WHERE s.name NOT LIKE '/%';

DROP VIEW IF EXISTS symptoms;
CREATE VIEW symptoms AS
SELECT s.name AS search, t.number AS trial, y.rank, y.symptom, y.strength,
       y.step, y.text, y.try, y.data
FROM symptom y JOIN trial t ON t.id = y.trial
     JOIN search s ON s.id = t.search
WHERE s.name NOT LIKE '/%';
