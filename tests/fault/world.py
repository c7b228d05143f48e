"""A daemon with witnesses for trials, a client that keeps a ledger, and the means to kill all of them.

What is told to the ledger and what is killed stands in files that check.py reads: so what is checked is what
happened, not what was meant.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import check  # noqa: E402
from hpsd import BUILD, FINAL, PATIENCE_S, Connection, Daemon, RpcError, wait_for  # noqa: E402, F401

# How trials of a mixed search end, and how often.
MODES = ["0"] * 6 + ["3", "raise", "leave", "stay", "deaf"]


def boot_ms():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000000


def part(text):
    """I/N as a test of whether a fault, in words, is in this part of a plan."""
    i, n = map(int, text.split("/"))
    if not 1 <= i <= n:
        raise ValueError
    return lambda fault: zlib.crc32(fault.encode()) % n == i - 1


class Refused(Exception):
    """The daemon has answered, with an error."""


class Unknown(Exception):
    """There was no answer: it may have happened or not."""


def shim_words(pid, state):
    """The arguments of the process if it is a shim of @state, or what a shim has just forked; else nothing."""
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
    is_shim = len(words) > 3 and words[0].endswith(b"/hpsd-shim") and words[1].startswith(os.fsencode(state))
    return words if is_shim else []


def shim_token(pid, state):
    """The token of a shim of @state. What a shim has forked and is not yet a trial is none."""
    words = shim_words(pid, state)
    try:
        parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None
    return words[3].decode() if words and not shim_words(parent, state) else None


class World(Daemon):
    def __init__(self, slots=4, seed=0, env=None):
        super().__init__(slots=slots, env=env)
        self.slots = slots
        self.random = random.Random(seed)
        self.witness = self.dir / "witness"
        self.ledger = self.dir / "ledger"
        self.ledger.touch()
        self.trial_env = []
        self.id = 0
        self.searches = 0

    # --- the ledger ---------------------------------------------------------------------------------------------

    def note(self, what, **more):
        with open(self.ledger, "a") as f:
            f.write(json.dumps({"what": what, "boot": boot_ms()} | more) + "\n")
            f.flush()
            os.fsync(f.fileno())

    def ask(self, method, **params):
        """One operation, told to the ledger before and after."""
        self.id += 1
        self.note("invoke", id=self.id, method=method, params=params, slots=self.slots)
        try:
            with self.connection() as c:
                answer = c.call(method, **params)
        except RpcError as e:
            self.note("fail", id=self.id, answer=str(e))
            raise Refused(str(e)) from None
        except (ConnectionError, FileNotFoundError) as e:
            raise Unknown(str(e)) from None
        self.note("ok", id=self.id, answer=answer)
        return answer

    # --- searches -----------------------------------------------------------------------------------------------

    def spec(self, modes=MODES, trials=8, steps=(0, 1, 3, 10), pause_ms=2, **more):
        self.searches += 1
        return {
            "name": f"s{self.searches}",
            "command": [str(BUILD / "tests/fault/witness"), str(self.witness), "{mode}", "{steps}", "{x}",
                        str(pause_ms)],
            "metric": {"name": "loss"},
            "parameters": {"mode": {"type": "choice", "values": sorted(set(modes))},
                           "steps": {"type": "choice", "values": list(steps)},
                           "x": {"type": "int", "min": 0, "max": 999999}},
            "sampler": {"type": "random", "seed": self.random.randrange(1 << 30)},
            "early_stopping": {"type": "none"}, "stop_on_failures": 0,
            "trials": trials, "retries": 2, "timeout": "400ms", "grace": "200ms",
        } | more

    def population(self, trials, **more):
        """A search whose trials go on from each other's checkpoints, in which they write down who has trained them."""
        spec = self.spec(**{"modes": ["0"], "steps": (1, 3)} | more)
        # Whatever of this is killed: it is done once, or the trial fails. The shell would tell of it in the log.
        note = ('exec 2>/dev/null; umask 077; cd "$0"; echo "$HPS_TRIAL" >"by-$HPS_TRIAL"; '
                '[ -e big ] || (head -c 1M /dev/urandom >new && mv new big) || exit 127; exec "$@"')
        return spec | {"command": ["sh", "-c", note, "{checkpoint}", *spec["command"]], "trials": trials,
                       "sampler": {"type": "pbt", "population": 2, "seed": self.random.randrange(1 << 30)},
                       "budget": {"name": "share", "min": 1, "max": 4}}

    def check_checkpoints(self):
        """Those of populations are whole: what the ancestors wrote, and a mebibyte beside it."""
        trials = self.rows("SELECT id, search, number, parent, state, generation FROM trial ORDER BY id")
        numbered = {(t["search"], t["number"]): t for t in trials}
        for t in trials:
            if t["state"] != "done" or t["generation"] == 0:
                continue
            folder = self.trial_dir(t["search"], t["number"]) / "checkpoint"
            chain = [t]
            while chain[0]["parent"] is not None:
                chain.insert(0, numbered[t["search"], chain[0]["parent"]])
            by = {p.name: p.read_text() for p in folder.glob("by-*")}
            assert by == {f"by-{a['number']}": f"{a['number']}\n" for a in chain}, (t, by)
            assert (folder / "big").stat().st_size == 1 << 20, t
            assert not list(folder.parent.glob("checkpoint.new-*")), t

    def submit(self, spec, key=None):
        """Until there is an answer, with the same key."""
        key = key or f"{self.random.getrandbits(128):032x}"
        return self.ask("submit", key=key, file=json.dumps(spec), workdir=str(self.dir),
                        environ=[f"PATH={os.environ['PATH']}", *self.trial_env])

    def params(self, mode="0", steps=3):
        return {"mode": mode, "steps": steps, "x": self.random.randrange(1000000)}

    # --- the daemon's comings and goings ---------------------------------------------------------------------------

    def start(self):
        super().start()
        self.note("up")
        return self

    def note_death(self):
        """The daemon is gone."""
        self.process.wait()
        self.process = None
        self.note("down")

    def kill(self):
        self.process.kill()
        self.note_death()

    def stop(self, kill_trials=True):
        was_there = self.process is not None
        super().stop(kill_trials)
        if was_there:
            self.note("down")

    def shims(self):
        """{pid: token} of the shims that live."""
        tokens = {pid: shim_token(pid, self.state) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
        return {pid: token for pid, token in tokens.items() if token}

    def kill_shim(self):
        """Kills one of them; what the ledger says is true even if it has ended by itself meanwhile."""
        shims = sorted(self.shims().items())
        if shims:
            self.shoot(*self.random.choice(shims))

    def kill_trial(self):
        trials = sorted((pid, token) for token, pids in check.processes(self.state).items()
                        for pid in pids if not shim_token(pid, self.state))
        if trials:
            self.shoot(*self.random.choice(trials))

    def shoot(self, pid, token):
        """Kills @pid and tells the ledger what it was. Whoever has the token by now is meant."""
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            env = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            if f"HPS_TOKEN={token}".encode() in env.split(b"\0"):
                # A shim's child becomes a trial, never the other way round: so "shim" is said of too many, if at all.
                of = "shim" if shim_token(pid, self.state) else "trial"
                self.note("killed", of=of, token=token)
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except OSError:
            pass
        finally:
            os.close(pidfd)

    # --- the end ----------------------------------------------------------------------------------------------------

    def wait_end(self, name):
        with self.connection() as c:
            c.wait_until(name, lambda p: p["state"] in FINAL and p["counts"]["running"] == 0)

    def resume(self, name):
        try:
            self.ask("resume", search=name)
        except Refused as e:
            if f"{name} is finished" not in str(e):  # its last trial has ended meanwhile
                raise

    def settle(self):
        """Until all searches have ended: without further faults they must."""
        if self.process is None:
            self.start()
        for s in self.rows("SELECT name, state FROM searches ORDER BY id"):
            if s["state"] == "paused":
                self.resume(s["name"])
            self.wait_end(s["name"])
        wait_for(lambda: not self.removals(), "the ends of removals")

    def removals(self):
        """The searches that were removed, and are not all gone."""
        return self.rows("SELECT id FROM search WHERE name LIKE '/%'")

    def faults(self, **more):
        return check.check(self.state, self.witness, self.ledger, **more)

    def cleanup(self):
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.stop()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.kill_leftovers()
        super().cleanup()


class FaultyWorld(World):
    """One of the programs with fail-points (fault.c)."""

    def __init__(self, seed=0, slots=3):
        super().__init__(slots=slots, seed=seed)
        self.command = [BUILD / "tests/fault/hpsd", "--shim", str(BUILD / "tests/fault/hpsd-shim")]
        self.folder = self.dir / "fault"
        self.folder.mkdir()
        self.env["HPSD_FAULT"] = str(self.folder)
        self.trial_env = [f"HPSD_FAULT={self.folder}"]
        self.next = []  # what is armed when the daemon has died

    def arm(self, fault):
        (self.folder / "arm.new").write_text(fault)
        os.rename(self.folder / "arm.new", self.folder / "arm")

    def disarm(self):
        """What has not happened by now does not any more, and what it has killed is dead."""
        with open(self.folder / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (self.folder / "arm").unlink(missing_ok=True)

    def told(self):
        """[(name, token)] of the faults that have happened."""
        path = self.folder / "told"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def reached(self):
        return [line.split()[0] for line in (self.folder / "trace").read_text().splitlines()]

    def is_dead(self):
        return self.process is None or self.process.poll() is not None

    def listens(self):
        with contextlib.suppress(ConnectionError, FileNotFoundError), self.connection():
            return True

    def revive(self):
        """A daemon that listens, however often it dies before."""
        while self.is_dead():
            if self.process is not None:
                self.note_death()
            if self.next and self.told():
                self.arm(self.next.pop(0))
            try:
                self.start()
            except AssertionError:
                if not self.told():
                    raise
                self.process.wait()  # its pipe closes a moment before

    def insist(self, step):
        """Does @step until it has an answer; None if it is refused, as what was done before it was asked again."""
        for _ in range(50):
            self.revive()
            try:
                return step()
            except Refused as e:
                if "cannot be written now" not in str(e):
                    return None
                time.sleep(0.1)  # the daemon tries again by itself; there is no event for that
            except (Unknown, ConnectionError, FileNotFoundError):
                wait_for(lambda: self.is_dead() or self.listens(), "the daemon or its end")
        raise AssertionError("no answer after 50 daemons")

    def submit_all(self, spec):
        key = os.urandom(16).hex()
        self.insist(lambda: self.submit(spec, key))
        return spec["name"]

    def end(self, name):
        self.insist(lambda: self.wait_end(name))

    def end_removals(self):
        """Until nothing is left of what was removed."""
        while self.removals():
            self.revive()
            wait_for(lambda: self.is_dead() or not self.removals(), "the ends of removals")

    def wait_running(self, name, n):
        def step():
            with self.connection() as c:
                c.wait_until(name, lambda p: p["counts"]["running"] >= n or p["state"] in FINAL)
        self.insist(step)

    def wait_witnesses(self, n):
        return wait_for(lambda: self.is_dead() or (
            self.witness.exists() and self.witness.read_text().count("\n") >= n), f"{n} lines of witnesses")

    def final_check(self):
        self.next = []
        self.disarm()
        self.insist(self.settle)
        self.stop()
        for name, token in self.told():
            if token != "-":
                self.note("killed", of="trial" if name.startswith("child.") else "shim", token=token)
        return self.faults()
