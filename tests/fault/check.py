#!/usr/bin/env python3
"""The independent checker: was anything lost, doubled or invented?

    check.py STATE WITNESS LEDGER [--running] [--set-clock]

STATE is a state directory whose searches were made by world.py: all their
trials are witnesses (witness.c). WITNESS is what these wrote, LEDGER what the
client was told and what was killed when. It shares no code with the daemon:
the rules below are told a second time, from the documents. --running: trials
may still run. --set-clock: the daemon's time of day was not the witnesses'.

Each fault found is one line, with the invariant that it breaks; the exit
status is 1 then. Not here: I4, I16, I17, which need every step of the core
(the oracle of tests/sim has them), I20 (tests/unit/check_store_open.c), I24
(Slurm), I26 (the soak).
"""
import collections
import contextlib
import fcntl
import itertools
import json
import math
import os
import pathlib
import sqlite3
import stat
import struct
import sys
import time

APPLICATION_ID = 0x68707364  # "hpsd"
TRIAL_FINAL = {"done", "pruned", "failed", "cancelled", "lost"}
ATTEMPT_FINAL = {"ended", "lost"}
SLACK_MS = 5000  # from a deadline to the last process's end, on a busy machine
CLOCK_MS = 50  # between two clocks read one after the other
WAL_BYTES = 64 << 20
FOLD = 1000000  # what a witness adds to its loss for each fold

Start = collections.namedtuple("Start", "boot wall pid mode steps x params")


class Witness:
    """What the trials told, by token."""

    def __init__(self, path):
        self.starts = collections.defaultdict(list)
        self.terms = collections.defaultdict(list)
        self.exits = collections.defaultdict(list)
        for line in pathlib.Path(path).read_text().splitlines() if os.path.exists(path) else []:
            token, what, rest = line.split(" ", 2)
            if what == "start":
                boot, wall, pid, mode, steps, x, params = rest.split(" ", 6)
                self.starts[token].append(
                    Start(int(boot), int(wall), int(pid), mode, int(steps), int(x), json.loads(params)))
            elif what == "term":
                self.terms[token].append(int(rest.split()[0]))
            else:
                self.exits[token].append(tuple(map(int, rest.split())))


class Ledger:
    """What a client was told. An operation without an answer is "info": it may or may not have happened."""

    def __init__(self, path):
        self.ops = {}
        self.kills = collections.defaultdict(set)  # what of us was killed ("shim", "trial"), by token
        self.errors = set()  # errnos that system calls of ours were made to return
        self.removed = {}  # tokens of searches that were about to be removed, by name
        self.ups, self.downs = [], []
        self.is_able = True
        for line in pathlib.Path(path).read_text().splitlines():
            entry = json.loads(line)
            what = entry.pop("what")
            if what == "invoke":
                self.ops[entry["id"]] = entry | {"outcome": "info"}
            elif what in ("ok", "fail"):
                self.ops[entry["id"]] |= {"outcome": what, "answered": entry["boot"], "answer": entry["answer"]}
                self.note_ability(what == "ok" or "cannot be written now" not in entry["answer"], entry["boot"])
            elif what == "killed":
                self.kills[entry["token"]].add(entry["of"])
            elif what == "error":
                self.errors.add(entry["errno"])
            elif what == "removed":
                self.removed[entry["search"]] = entry["tokens"]
            elif what == "up":
                self.ups.append(entry["boot"])
                self.is_able = True
            elif what == "down":
                self.downs.append(entry["boot"])

    def note_ability(self, is_able, moment):
        """Without a database to write to it decides nothing: it is as good as down."""
        if is_able != self.is_able:
            (self.ups if is_able else self.downs).append(moment)
        self.is_able = is_able

    def of(self, method, outcome="ok"):
        return [op for op in self.ops.values() if op["method"] == method and op["outcome"] == outcome]

    def up_ms(self, begin, end):
        """For how long a daemon was there between two moments."""
        total = 0
        for up in self.ups:
            down = min((d for d in self.downs if d >= up), default=end)
            total += max(0, min(end, down) - max(begin, up))
        return total


def lock_holder(path):
    """The pid that holds the lock on a shim's file; 0: nobody."""
    try:
        with open(path, "rb") as f:
            lock = fcntl.fcntl(f, fcntl.F_GETLK, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0))
    except FileNotFoundError:
        return 0
    kind, _, _, _, pid = struct.unpack("hhqqi", lock[:28])
    return 0 if kind == fcntl.F_UNLCK else pid


def processes(state):
    """The tokens of all living processes of trials in @state, with their pids."""
    found = collections.defaultdict(set)
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            env = dict(v.split(b"=", 1) for v in text.split(b"\0") if b"=" in v)
            if env.get(b"HPS_DIR", b"").startswith(os.fsencode(state) + b"/"):
                found[env[b"HPS_TOKEN"].decode()].add(pid)
    return found


def runs_of(spec):
    """How many runs a trial has at most."""
    if "budget" not in spec or spec["sampler"]["type"] == "pbt":
        return spec.get("folds", 1)
    budget, n = spec["budget"], 1
    while budget["min"] * budget["eta"] ** (n - 1) < budget["max"]:
        n += 1
    return n


def budget_of(budget, t, a):
    """How much an attempt is given."""
    times = t["generation"] if t["generation"] > 0 else budget.get("eta", 1) ** a["run"]
    return min(budget["max"], budget["min"] * times)


def parse(text):
    """The metrics of a witness's output: [(step, loss)]; None if it is no witness's."""
    rows = []
    for line in text.splitlines():
        words = line.split()
        if len(words) != 2 or not words[0].startswith("step=") or not words[1].startswith("loss="):
            return None
        rows.append((int(words[0][5:]), float(words[1][5:])))
    return rows


class Checker:
    def __init__(self, state, witness, ledger, running, set_clock):
        self.state = pathlib.Path(state)
        self.w = Witness(witness)
        self.ledger = Ledger(ledger)
        self.running = running
        self.set_clock = set_clock
        self.faults = []
        self.wall_to_boot = time.clock_gettime(time.CLOCK_MONOTONIC) * 1000 - time.time() * 1000

    def fault(self, invariant, text):
        self.faults.append(f"{invariant}: {text}")

    def rows(self, sql, *values):
        return [dict(r) for r in self.db.execute(sql, values)]

    def check(self):
        path = self.state / "hps.db"
        wal = self.state / "hps.db-wal"
        if wal.exists() and wal.stat().st_size > WAL_BYTES:
            self.fault("I22", f"the WAL has {wal.stat().st_size} bytes")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as self.db:
            self.db.row_factory = sqlite3.Row
            self.db.execute("BEGIN")
            self.check_file()
            self.searches = {s["id"]: s | {"spec": json.loads(s["spec"])} for s in self.rows(
                "SELECT * FROM search JOIN submission ON search.id = submission.search")}
            self.trials = {t["id"]: t for t in self.rows("SELECT * FROM trial ORDER BY search, number")}
            self.attempts = collections.defaultdict(list)
            for a in self.rows("SELECT * FROM attempt ORDER BY trial, number"):
                self.attempts[a["trial"]].append(a)
            self.tokens = {a["token"]: a for list_ in self.attempts.values() for a in list_}
            self.gone = self.ledger.removed.keys() - {s["name"] for s in self.searches.values()}
            self.check_ledger()
            for s in self.searches.values():
                self.check_search(s)
            for t in self.trials.values():
                self.check_trial(t)
            self.check_witness()
            self.check_slots()
        self.check_processes()
        self.check_files()
        return self.faults

    # --- the file -----------------------------------------------------------------------------------------------

    def check_file(self):
        for row in self.db.execute("PRAGMA integrity_check"):
            if row[0] != "ok":
                self.fault("I1", row[0])
        for row in self.db.execute("PRAGMA foreign_key_check"):
            self.fault("I1", f"a row of {row[0]} belongs to nobody")
        if self.db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            self.fault("I1", "the application id is another's")
        tables = self.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for t in tables:
            if "STRICT" not in t["sql"].rsplit(")", 1)[1]:
                self.fault("I1", f"table {t['name']} is not strict")
        if [r["id"] for r in self.rows("SELECT id FROM event ORDER BY id")] != \
                sorted({r["id"] for r in self.rows("SELECT id FROM event")}):
            self.fault("I18", "events are not in an order")
        for m in self.rows("SELECT * FROM metric WHERE (kind <> 'finite' AND value <> 0) OR value IS NULL"):
            self.fault("I14", f"metric {m} has a value that is none")

    def check_files(self):
        """Nobody else may read what is ours, and no directory belongs to nobody."""
        for path in [self.state, *self.state.rglob("*")]:
            with contextlib.suppress(FileNotFoundError):
                if stat.S_IMODE(path.stat().st_mode) & 0o077:
                    self.fault("I23", f"others may use {path}")
        known = {(str(t["search"]), str(t["number"])) for t in self.trials.values()}
        for path in self.state.glob("trials/*/*"):
            if (path.parent.name, path.name) not in known:
                self.fault("I19", f"{path} belongs to no trial")

    # --- what the client was told --------------------------------------------------------------------------------

    def trial_named(self, search, number):
        for t in self.trials.values():
            if t["number"] == number and self.searches[t["search"]]["name"] == search:
                return t
        return None

    def later(self, op, *methods):
        """What may have been done to the same search after @op."""
        return [o for o in self.ledger.ops.values() if o["method"] in methods and o["outcome"] != "fail" and
                o["params"]["search"] == op["params"]["search"] and o["boot"] >= op["boot"] and o is not op]

    def asked(self, s, *methods):
        """How often these were answered well of search @s, and how often they may have happened."""
        ops = [o for o in self.ledger.ops.values() if o["method"] in methods and o["params"]["search"] == s["name"]]
        return [o for o in ops if o["outcome"] == "ok"], [o for o in ops if o["outcome"] != "fail"]

    def check_ledger(self):
        self.check_submits()
        for op in self.ledger.of("remove"):
            if op["params"]["search"] not in self.gone:
                self.fault("I2", f"what was removed is there: {op}")
        for op in self.ledger.of("add"):
            t = self.trial_named(op["params"]["search"], op["answer"]["trial"])
            if t is None or json.loads(t["params"]) != op["params"]["params"]:
                self.fault("I2", f"what was added is not there: {op}")
        for op in self.ledger.of("extend"):
            name = op["params"]["search"]
            members = {s["name"] for s in self.searches.values() if s["spec"]["sampler"]["type"] == "pbt"}
            if self.later(op, "cancel") or name in members and self.later(op, "add", "retry", "extend"):
                continue  # it may have ended before, and what is run after that ends it anew, or asks for less
            if not any(s["name"] == name and s["trials_max"] >= op["answer"]["trials"] for s in self.searches.values()):
                self.fault("I2", f"an extension is not there: {op}")
        for op in self.ledger.of("kill"):
            t = self.trial_named(op["params"]["search"], op["params"]["trial"])
            if t is None:
                self.fault("I2", f"a trial that was killed is not there: {op}")
            elif not any(o["params"]["trial"] == t["number"] for o in self.later(op, "retry")):
                self.check_stays_stopped([t], op)
        for op in self.ledger.of("pause"):
            self.check_pause(op)
        for op in self.ledger.of("cancel"):
            name = op["params"]["search"]
            if self.later(op, "add", "extend", "retry"):
                continue  # woken again, perhaps
            for s in (s for s in self.searches.values() if s["name"] == name):
                if s["state"] != "cancelled":
                    self.fault("I2", f"a cancelled search is {s['state']}: {op}")
                self.check_stays_stopped([t for t in self.trials.values() if t["search"] == s["id"]], op)

    def check_submits(self):
        by_key = {s["key"]: s for s in self.searches.values()}
        answers = collections.defaultdict(list)
        for op in self.ledger.ops.values():
            if op["method"] == "submit":
                answers[op["params"]["key"]].append(op)
        for key, ops in answers.items():
            ok = [op["answer"] for op in ops if op["outcome"] == "ok"]
            if ok and ok[0]["name"] not in self.gone and (key not in by_key or by_key[key]["id"] != ok[0]["search"]):
                self.fault("I2", f"an acknowledged submit is lost: {ok[0]}")
            if any((a["search"], a["name"]) != (ok[0]["search"], ok[0]["name"]) for a in ok):
                self.fault("I3", f"one key, two answers: {ok}")
            if key in by_key and all(op["outcome"] == "fail" for op in ops):
                self.fault("I2", f"a refused submit is there: {by_key[key]['name']}")
            for op in ops if key in by_key and not self.set_clock else []:
                if op["outcome"] == "fail" and "cannot be written now" not in op["answer"] and \
                        by_key[key]["created_ms"] + self.wall_to_boot < op["boot"]:
                    self.fault("I3", f"what was submitted with this key is there, and the answer is {op['answer']}")
        for key in by_key.keys() - answers.keys():
            self.fault("I2", f"nobody submitted search {by_key[key]['name']}")

    def check_pause(self, op):
        """No trial is begun until it is resumed, or goes on after its end."""
        begin = op["answered"] + CLOCK_MS
        end = min((o["boot"] for o in self.later(op, "resume", "add", "extend", "retry")), default=math.inf) - CLOCK_MS
        for t in self.trials.values():
            if self.searches[t["search"]]["name"] == op["params"]["search"] and not self.set_clock and \
                    begin < t["started_ms"] + self.wall_to_boot < end:
                self.fault("I2", f"{self.name(t)} was begun while its search was paused: {op}")

    def check_stays_stopped(self, trials, op):
        for t in trials:
            if not self.running and t["state"] not in TRIAL_FINAL:
                self.fault("I2", f"{self.name(t)} is {t['state']} after {op['method']}")
            for a in self.attempts[t["id"]]:
                for start in self.w.starts.get(a["token"], []):
                    if start.boot > op["answered"] + CLOCK_MS:
                        self.fault("I2", f"{self.name(t)} was started after {op['method']} was acknowledged")

    # --- rows ----------------------------------------------------------------------------------------------------

    def name(self, t, a=None):
        text = f"{self.searches[t['search']]['name']}/{t['number']}"
        return text if a is None else f"{text}, attempt {a['number']}"

    def check_search(self, s):
        trials = [t for t in self.trials.values() if t["search"] == s["id"]]
        if [t["number"] for t in trials] != list(range(len(trials))):
            self.fault("I5", f"search {s['name']} has trials {[t['number'] for t in trials]}")
        if s["trials_max"] and len(trials) > s["trials_max"]:
            self.fault("I5", f"search {s['name']} has {len(trials)} trials of {s['trials_max']}")
        if not self.running and s["state"] not in ("finished", "cancelled", "failed"):
            self.fault("I25", f"search {s['name']} is still {s['state']}")
        if s["reason"] == "exhausted" and s["spec"]["sampler"]["type"] == "pbt":
            self.check_lineages(s, trials)
        elif s["state"] == "finished" and len(trials) < s["trials_max"]:
            self.fault("I25", f"search {s['name']} ended after {len(trials)} of {s['trials_max']} trials")
        self.check_promotions(s, trials)
        done = [t for t in trials if t["state"] == "done"]
        best = min(done, key=lambda t: (t["value"], t["number"]), default=None)
        found = self.rows("SELECT trial, value FROM best WHERE search = ?", s["name"])
        if [(b["trial"], b["value"]) for b in found] != ([(best["number"], best["value"])] if best else []):
            self.fault("I15", f"search {s['name']}: best is {found}, not {best and self.name(best)}")

    def check_lineages(self, s, trials):
        """Each member has had its last generation."""
        latest = {t["member"]: t["generation"] for t in trials if t["generation"] > 0}
        budget, n = s["spec"]["budget"], s["spec"]["sampler"]["population"]
        if latest != dict.fromkeys(range(n), math.ceil(budget["max"] / budget["min"])):
            self.fault("I25", f"search {s['name']} is exhausted, its members are at the generations {latest}")

    def check_promotions(self, s, trials):
        """At the end no trial waits that is among the best with as much, unless the end was not the last."""
        spec = s["spec"]
        if s["state"] != "finished" or not spec.get("resumes") or "eta" not in spec.get("budget", {}) or \
                spec["budget"].get("type", "asha") != "asha" or self.asked(s, "add", "retry")[1]:
            return
        for run in range(runs_of(spec) - 1):
            results = {t["id"]: a["result"] for t in trials for a in self.attempts[t["id"]]
                       if a["run"] == run and a["result"] is not None}
            for t in (t for t in trials if t["state"] == "pruned" and t["runs"] == run + 1):
                better = sum(v < results[t["id"]] for v in results.values())
                if better < len(results) // spec["budget"]["eta"]:
                    self.fault("I25", f"{self.name(t)} waited to the end, and {better} of {len(results)} were better")

    def check_trial(self, t):
        """One that was run again by the user may have been at any time: one must be as it should."""
        s = self.searches[t["search"]]
        ok, perhaps = ([o for o in ops if o["params"]["trial"] == t["number"]] for ops in self.asked(s, "retry"))
        n = range(len(self.attempts[t["id"]]) + 1)
        before, found = self.faults, []
        for size in range(min(1, len(ok)), len(perhaps) + 1):
            for anew in itertools.combinations(n, size):
                self.faults = []
                self.check_trial_of(t, set(anew))
                found.append(self.faults)
        self.faults = before + min(found, key=len)

    def check_trial_of(self, t, anew):
        """@anew: before the attempts at these indices it was set to begin anew."""
        spec = self.searches[t["search"]]["spec"]
        attempts = self.attempts[t["id"]]
        name = self.name(t)
        if [a["number"] for a in attempts] != list(range(1, t["attempts"] + 1)):
            self.fault("I8", f"{name} has attempts {[a['number'] for a in attempts]}, not {t['attempts']}")
        self.check_runs(t, spec, attempts, anew)
        if any(a["state"] not in ATTEMPT_FINAL for a in attempts[:-1]):
            self.fault("I8", f"{name}: an attempt before the last is not over")
        is_open = bool(attempts) and attempts[-1]["state"] not in ATTEMPT_FINAL
        if is_open != (t["state"] == "running"):
            self.fault("I8", f"{name} is {t['state']}, its last attempt {attempts and attempts[-1]['state']}")
        if not self.running and t["state"] not in TRIAL_FINAL:
            self.fault("I25", f"{name} is still {t['state']}")
        if t["ended_ms"] and (t["ended_ms"] < t["started_ms"] or t["started_ms"] and
                              t["started_ms"] < t["created_ms"]):
            self.fault("I18", f"{name}: created {t['created_ms']}, started {t['started_ms']}, ended {t['ended_ms']}")
        self.check_params(t, spec)
        curves = {a["number"]: {} for a in attempts}
        first = 0
        for n, a in enumerate(attempts):
            self.check_attempt(t, a, spec)
            # Of one that resumes, the attempts of a run have one curve, which is the first one's.
            if not spec.get("resumes") or n == 0 or n in anew or attempts[n - 1]["run"] != a["run"]:
                first = a["number"]
            if a["curve"] != first:
                self.fault("I13", f"{self.name(t, a)} has the curve of attempt {a['curve']}, not {first}")
            told = self.check_output(t, a, spec, next((b for b in attempts[n + 1:] if b["started_ms"]), None))
            curves[first].update(told or {})
        for a in attempts:
            self.check_metrics(t, a, curves[a["number"]], spec)
        if len(attempts) in anew:
            if t["state"] != "cancelled" and not (self.running and t["state"] == "queued"):
                self.fault("I11", f"{name} is {t['state']} when it was to run again")
        elif t["state"] in TRIAL_FINAL and attempts:
            self.check_end(t, attempts[-1])

    def last_loss(self, t, a):
        rows = self.rows("SELECT value FROM metric WHERE trial = ? AND attempt = ? ORDER BY step DESC LIMIT 1", t["id"],
                         a["curve"])
        return rows[0]["value"] if rows else None

    def first_run(self, spec, attempts):
        """That of its bracket, which only the daemon draws; else 0."""
        has_brackets = spec.get("budget", {}).get("type") == "hyperband"
        return attempts[0]["run"] if has_brackets and attempts else 0

    def check_runs(self, t, spec, attempts, anew):
        """Each run (fold) is over once, after no more attempts than it may have; the value is their mean."""
        if t["origin"] == "imported" and not attempts:
            return  # what its value is the mean of was elsewhere
        results, tries, reboots, first = [], 0, 0, self.first_run(spec, attempts)

        def begin_anew():
            """But one that has had a part of its budget goes on with the rest."""
            if "budget" not in spec or first + len(results) == runs_of(spec):
                results.clear()

        for n, a in enumerate(attempts):
            name = self.name(t, a)
            if n in anew:
                begin_anew()
                tries = reboots = 0
            if a["run"] != first + len(results):
                self.fault("I8", f"{name} is of run {a['run']}, and {len(results)} are over")
            tries += 1
            if tries > 1 + spec["retries"] + reboots:
                self.fault("I8", f"{name} is try {tries} at its run: {spec['retries']} retries, {reboots} reboots")
            reboots += a["outcome"] == "rebooted"
            loss = self.last_loss(t, a)
            is_over = a["outcome"] == "exited" and a["code"] == 0 and not a["stop_reason"] and loss is not None
            if a["result"] != (loss if is_over else None):
                self.fault("I15", f"{name} has the result {a['result']}, its last loss is {loss}, its code {a['code']}")
            if is_over:
                results.append(loss)
            if is_over or a["stop_reason"].startswith("paused@"):
                tries = reboots = 0
        if len(attempts) in anew:
            begin_anew()
        if attempts and (t["runs"] != first + len(results) or t["runs"] > runs_of(spec)):
            self.fault("I8", f"{self.name(t)} has {t['runs']} runs, and {len(results)} are over")
        if not results:
            if len(attempts) in anew and t["value"] is not None:
                self.fault("I15", f"{self.name(t)} has {t['value']} when it was to run again")
            return
        if "budget" in spec:
            if t["value"] != results[-1] or t["error"] is not None:
                self.fault("I15", f"{self.name(t)} has {t['value']}, not {results[-1]}, that of its latest run")
            return
        n, mean = len(results), sum(results) / len(results)
        error = math.sqrt(sum((r - mean) ** 2 for r in results) / (n - 1) / n) if n > 1 else None
        if t["value"] is None or not math.isclose(t["value"], mean) or (t["error"] is None) != (error is None) or \
                error and not math.isclose(t["error"], error):
            self.fault("I15", f"{self.name(t)} has {t['value']} with the error {t['error']}, not {mean} with {error}")

    def check_params(self, t, spec):
        params = json.loads(t["params"])
        if params.keys() != spec["parameters"].keys():
            self.fault("I6", f"{self.name(t)} has the parameters {list(params)}")
        for key, p in spec["parameters"].items():
            v = params.get(key)
            inside = v in p["values"] if "values" in p else v == p["value"] if "value" in p else \
                isinstance(v, int) and p["min"] <= v <= p["max"]
            if not inside:
                self.fault("I6", f"{self.name(t)}: {key}={v} is out of its space")

    def check_attempt(self, t, a, spec):
        name = self.name(t, a)
        starts = self.w.starts.get(a["token"], [])
        if len(starts) > 1:
            self.fault("I9", f"{name} was started {len(starts)} times")
        for s in starts:
            if a["state"] == "launching" or a["started_ms"] == 0:
                self.fault("I9", f"{name} runs and is not committed as running")
            elif s.wall < a["started_ms"] - CLOCK_MS and not self.set_clock:
                self.fault("I9", f"{name} ran before that was committed")
            budget = spec.get("budget", {}).get("name")
            given = {k: v for k, v in s.params.items() if k != budget}
            if given != json.loads(t["params"]) or (s.mode, s.steps, s.x) != tuple(
                    s.params[k] for k in ("mode", "steps", "x")):
                self.fault("I6", f"{name} was started with {s}, its parameters are {t['params']}")
            if budget and s.params[budget] != budget_of(spec["budget"], t, a):
                self.fault("I6", f"{name} has {budget}={s.params[budget]} in run {a['run']} of generation "
                                 f"{t['generation']}")
            if a["outcome"] in ("never-started", "not-executed", "rebooted"):
                self.fault("I11", f"{name} ran, and ended as {a['outcome']}")
        if a["state"] in ATTEMPT_FINAL:
            self.check_outcome(name, a, starts)
        if a["stop_reason"] and a["state"] in ATTEMPT_FINAL:
            self.check_stop(name, a, spec)

    def check_outcome(self, name, a, starts):
        """An end is what the witness saw, or what was done to it; else nothing is claimed."""
        exits = self.w.exits.get(a["token"], [])
        kills = self.ledger.kills[a["token"]]
        outcome = a["outcome"]
        if (a["state"] == "lost") != (outcome in ("shim-died", "rebooted")):
            self.fault("I11", f"{name} is {a['state']} with the outcome {outcome}")
        if outcome == "none":
            self.fault("I11", f"{name} is over without an outcome")
        if outcome == "shim-died" and "shim" not in kills:
            self.fault("I11", f"{name} is lost, and nobody killed its shim")
        if outcome in ("shim-died", "rebooted", "never-started") and (a["code"], a["signal"]) != (0, 0):
            self.fault("I11", f"{name}: a status was invented: {a}")
        if outcome == "exited" and [e[1] for e in exits] != [a["code"]] and (starts or a["code"] != 127):
            self.fault("I11", f"{name} exited with {a['code']}, says the row; the witness says {exits}")
        if outcome == "signaled" and not (
                "trial" in kills or a["stop_reason"] or any(s.mode == "raise" for s in starts)):
            self.fault("I11", f"{name} died of signal {a['signal']}, and nobody sent it")
        if outcome in ("never-started", "not-executed") and not a["stop_reason"] and "shim" not in kills and \
                a["error"] not in self.ledger.errors:
            self.fault("I11", f"{name} ended as {outcome} ({a['error']}, {a['what']})")
        if starts and outcome == "exited" and (
                starts[0].mode == "deaf" or starts[0].mode == "raise" and not self.w.terms.get(a["token"])):
            self.fault("I11", f"{name} exited, and cannot have")

    def end_of(self, a):
        """When the daemon says that it ended, on the other clock; None: nobody knows."""
        return a["ended_ms"] + self.wall_to_boot if a["ended_ms"] and not self.set_clock else None

    def check_stop(self, name, a, spec):
        grace = int(spec["grace"].removesuffix("ms"))
        terms = self.w.terms.get(a["token"], [])
        starts = self.w.starts.get(a["token"], [])
        killed = a["outcome"] == "signaled" and a["signal"] == 9 and "trial" not in self.ledger.kills[a["token"]] and \
            not any(s.mode == "raise" for s in starts)
        died = self.end_of(a)
        if killed and starts and not terms:
            self.fault("I12", f"{name} was killed and never asked to end")
        if len(terms) > 1:
            self.fault("I12", f"{name} was asked to end {len(terms)} times")
        if terms and a["kill_boot_ms"] > terms[0] + 2 * grace:
            self.fault("I12", f"{name}: its deadline has moved {a['kill_boot_ms'] - terms[0] - grace} ms")
        # On a busy machine the witness tells of the signal when the machine comes to it, and between "running" and
        # the start, from which the shim counts, is a commit.
        waited = starts[0].boot - a["started_boot_ms"] if starts else 0
        if killed and terms and died is not None and died + waited - terms[0] < grace / 2:
            self.fault("I12", f"{name} had at most {died + waited - terms[0]:.0f} of {grace} ms to end")
        if terms and died is not None and self.ledger.up_ms(terms[0] + grace, died) > SLACK_MS:
            self.fault("I12", f"{name} lived {died - terms[0] - grace:.0f} ms past its deadline")

    def check_output(self, t, a, spec, following):
        """Each byte of the log is the trial's own, and counts once. Returns what was read of it: {step: loss}."""
        name = self.name(t, a)
        path = self.state / f"trials/{t['search']}/{t['number']}/output.log"
        log = path.read_bytes() if path.exists() else b""
        end = following["start_offset"] if following else len(log)
        is_final = a["state"] in ATTEMPT_FINAL
        if a["started_ms"] == 0:
            return None
        if a["read_offset"] > end or (is_final and a["read_offset"] != end):
            self.fault("I13", f"{name} was read up to {a['read_offset']}, and its output ends at {end}")
        text = log[a["start_offset"]:end].decode()
        for s in self.w.starts.get(a["token"], [])[:1]:
            first = s.x + FOLD * a["run"] * ("folds" in spec)
            full = "".join(f"step={k} loss={first + k}\n" for k in range(1, s.steps + 1))
            if not full.startswith(text):
                self.fault("I27", f"{name}: its output is not what it wrote")
            if self.w.exits.get(a["token"]) and not self.w.terms.get(a["token"]) and text != full:
                self.fault("I27", f"{name}: of {len(full)} bytes of output {len(text)} are there")
        expected = parse(log[a["start_offset"]:a["read_offset"]].decode())
        if expected is None:
            self.fault("I13", f"{name} was read up to the middle of a line ({a['read_offset']})")
        elif len(dict(expected)) != len(expected):
            self.fault("I13", f"{name} was read twice")
        return dict(expected or [])

    def check_metrics(self, t, a, expected, spec):
        rows = self.rows("SELECT step, value, kind, repeats, name FROM metric WHERE trial = ? AND attempt = ? "
                         "ORDER BY step", t["id"], a["number"])
        if [(r["step"], r["value"]) for r in rows] != sorted(expected.items()) or any(
                r["kind"] != "finite" or (r["repeats"] and not spec.get("resumes")) or r["name"] != "loss"
                for r in rows):
            self.fault("I13", f"{self.name(t, a)}: {len(rows)} metrics in the rows, {len(expected)} in what was read")

    def check_end(self, t, a):
        name = self.name(t, a)
        value = self.last_loss(t, a)
        spec = self.searches[t["search"]]["spec"]
        if t["runs"] == self.first_run(spec, self.attempts[t["id"]]) and t["value"] != value:
            self.fault("I15", f"{name}: its value is {t['value']}, its last loss {value}")
        right = {
            "done": t["runs"] == runs_of(spec),
            "lost": a["state"] == "lost" and not a["stop_reason"],
            "cancelled": bool(a["stop_reason"]) or a["number"] > 0,
            "pruned": "@" in t["reason"] and ("@" in a["stop_reason"] or t["runs"] > 0),
            "failed": a["stop_reason"] == "timeout" or not a["stop_reason"],
        }[t["state"]]
        if not right:
            self.fault("I11", f"{name} is {t['state']} ({t['reason']}), its attempt {a['outcome']} {a['code']} "
                              f"({a['stop_reason']})")
        if t["state"] == "failed" and t["reason"] == "" or t["state"] == "failed" and a["outcome"] == "exited" and \
                not a["stop_reason"] and t["reason"] not in (f"exit:{a['code']}", "no-metric"):
            self.fault("I11", f"{name} failed with the reason {t['reason']!r} and status {a['code']}")

    # --- the others' view ----------------------------------------------------------------------------------------

    def check_witness(self):
        known = self.tokens.keys() | {token for name in self.gone for token in self.ledger.removed[name]}
        for token in self.w.starts:
            if token not in known:
                self.fault("I9", f"something was started that has no row: token {token}")
        for token in self.w.exits.keys() | self.w.terms.keys():
            if token not in self.w.starts:
                self.fault("I9", f"token {token} ended and never started")

    def check_slots(self):
        """Never more at one time than there are slots."""
        slots = max((op["slots"] for op in self.ledger.ops.values()), default=None)
        moments = []
        for token, starts in self.w.starts.items():
            a = self.tokens.get(token)
            ends = [e[0] for e in self.w.exits.get(token, [])]
            if a and self.end_of(a) is not None:
                ends.append(self.end_of(a))
            elif a and a["state"] in ATTEMPT_FINAL and not ends:
                continue  # nobody knows when
            moments.append((starts[0].boot, 1))
            moments += [(min(ends) - CLOCK_MS, -1)] if ends else []
        running = 0
        for moment, change in sorted(moments):
            running += change
            if slots is not None and running > slots:
                self.fault("I7", f"{running} trials ran at {moment}, with {slots} slots")
                return

    def check_processes(self):
        alive = processes(self.state)
        for token, pids in alive.items():
            a = self.tokens.get(token)
            if a is None or a["state"] in ATTEMPT_FINAL:
                self.fault("I10", f"processes {pids} of token {token} live, and their attempt is "
                                  f"{'unknown' if a is None else 'over'}")
        if not self.running:
            return
        for t in self.trials.values():
            for a in self.attempts[t["id"]]:
                path = self.state / f"trials/{t['search']}/{t['number']}/attempt-{a['number']}.json"
                holder = lock_holder(path)
                if a["state"] in ("running", "stopping") and holder != a["pid"]:
                    self.fault("I10", f"{self.name(t, a)} is {a['state']}, its lock is held by {holder}")


def check(state, witness, ledger, running=False, set_clock=False):
    """The faults, as texts."""
    return Checker(state, witness, ledger, running, set_clock).check()


def main():
    paths = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(paths) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    faults = check(*paths, running="--running" in sys.argv, set_clock="--set-clock" in sys.argv)
    print("\n".join(faults) or "no fault")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
