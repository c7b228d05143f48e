#!/usr/bin/env python3
"""An error, and kill -9, at every system call of the daemon and of a shim.

Rows: A1, A2, B8, C1, C3, C5, F1, F2.

    syscalls.py [--all] [--part I/N] [--seed S] [--runs N] [--seconds S] [--jobs N] [--only WORD]

strace(1) is let loose on one daemon, or on one shim, in three scripts: in `work` searches are submitted, steered,
stopped and the daemon is shut down; in `adopt` the daemon finds the trials of one that was killed; in `again` trials
wait, go on, are run again and go on from the checkpoints of others. Each script is run once without a fault, to see
how often each system call is made. Then, for each call and each error that it may bring, it fails at one time, or
from one time on; or the process is killed there. The client asks again until it has an answer, a daemon without
faults comes after, and the checker looks at what is left. A daemon may refuse, wait, or end with words; it must never
die of a signal, wait for ever, or lose, double or invent anything.

Without --all, N of them are picked at random, as many of each kind. The trials themselves are not traced. All of them
take hours: --part 3/20 makes the third part of twenty, and a fault is always in the same part.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import errno
import os
import pathlib
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import BUILD, FINAL, PATIENCE_S, FaultyWorld, Refused, RpcError, Unknown, part, wait_for  # noqa: E402

SKIPPED = 77
STRACE = shutil.which("strace")
CLONE = "clone,clone3,?fork,?vfork"

# What may fail in the daemon's loop, and how; "+": also for ever from then on.
LOOP = {
    "openat": "EIO EMFILE ENOMEM+ ENOSPC",
    "read": "EIO EINTR",
    "pread64": "EIO",
    "write": "EIO ENOSPC EAGAIN",
    "pwrite64": "EIO+ ENOSPC+",
    "ftruncate": "EIO ENOSPC",
    "fcntl": "EAGAIN ENOLCK+",
    "fstat,newfstatat": "EIO",
    "unlink": "EIO",
    "?mkdir,mkdirat": "ENOSPC EIO",
    "socketpair": "EMFILE+ ENOMEM",
    "pidfd_open": "EMFILE+ ENOMEM",
    "accept4": "EMFILE ENOMEM EAGAIN EINTR",
    "epoll_ctl": "ENOMEM ENOSPC",
    "sendto": "EIO EAGAIN",
    CLONE: "EAGAIN+ ENOMEM",
}
# In its worker thread, which is followed alone.
WORKER = {"fdatasync,fsync": "EIO+ ENOSPC+"}
# In a shim.
SHIM = {
    "open,openat": "EIO EMFILE ENOSPC",
    "read": "EIO",
    "pwrite64": "EIO ENOSPC",
    "fcntl": "ENOLCK",
    "chdir": "EIO",
    "mmap": "ENOMEM",
    "recvfrom": "EINTR EIO",
    "poll": "EINTR ENOMEM",
    "rt_sigtimedwait": "EINTR EAGAIN",
    "fsync": "EIO",
    CLONE: "EAGAIN ENOMEM",
}
# In what a shim has forked, before it is the trial.
CHILD = {"execve": "EIO ENOMEM EAGAIN", "setsid": "EPERM"}

# Where libuv and OpenBLAS end the process by a signal of their own.
LIBRARIES = re.compile(
    r'^\d* *(epoll_ctl\(|clone3?\(.*CLONE_THREAD|write\(\d+, "\*"|read\(\d+, 0x\w+, 1(024)?\)).*\(INJECTED\)', re.M)
# Nothing is wrong with what comes of a call that cannot fail so.
IMPOSSIBLE = re.compile(r"SETLK, {l_type=F_UNLCK.*\(INJECTED\)")

Fault = collections.namedtuple("Fault", "script of calls what when")


class SweptWorld(FaultyWorld):
    """One daemon, or one shim, runs under strace."""

    def __init__(self, fault):
        super().__init__(slots=2)
        self.fault = fault
        del self.env["HPSD_FAULT"]
        self.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # which cannot be traced
        self.env["UV_THREADPOOL_SIZE"] = "1"  # a thread counts its own calls
        self.shim = BUILD / "daemon/shim/hpsd-shim"
        self.trial_env = [f"HPSD_FAULT={self.folder}", f"HPSD_SHIM={self.shim}",
                          "GCOV_ERROR_FILE=/dev/null"]  # not into the trial's output
        self.clean = [BUILD / "daemon/hpsd", "--shim", str(self.shim)]
        self.trace = self.dir / "trace"
        self.is_armed = False
        self.is_ended = False
        self.begin = 0  # of the log of this daemon

    def strace(self):
        """Leaves the traced process where it would be without it."""
        f = self.fault
        follow = ["-f"] if f.of in ("worker", "child") else []
        inject = [] if f.what == "none" else ["-e", f"inject={f.calls}:{f.what}:when={f.when}"]
        return [STRACE, "-D", "-qq", *follow, "-o", str(self.trace), "-e", f"trace={f.calls}", *inject]

    def begin_start(self):
        self.command = self.clean
        if self.is_armed and not self.told():
            if self.fault.of in ("loop", "worker"):
                self.tell("daemon", "-")
                self.command = [*self.strace(), *self.clean]
            else:
                self.arm_shim()
                self.command = [BUILD / "daemon/hpsd", "--shim", str(BUILD / "tests/fault/traced")]
        self.begin = self.log.stat().st_size if self.log.exists() else 0
        return super().begin_start()

    def tell(self, name, token):
        with open(self.folder / "told", "a") as f:
            f.write(f"{name} {token}\n")

    def arm_shim(self):
        words = [*self.strace(), str(self.shim)]
        (self.folder / "arm").write_text("\n".join(words))

    def start(self):
        read = self.begin_start()
        try:
            # strace holds the other end too.
            is_told = select.select([read], [], [], 3)[0]
            if not is_told:
                wait_for(lambda: self.is_dead() or self.listens(), "a daemon that listens, or its end")
            ready = os.read(read, 1) if is_told else not self.is_dead()
        finally:
            os.close(read)
        if ready:
            self.note("up")
            return self
        if self.command == self.clean:
            raise RuntimeError("a daemon without faults did not start:\n" + self.log.read_text())
        self.process.wait(PATIENCE_S)
        raise AssertionError("the daemon did not start")

    def told(self):
        return [("child.strace" if self.fault.of == "child" else name, token) for name, token in super().told()]

    def connect(self):
        c = super().connect()
        if self.lasts() and self.command != self.clean:
            c.sock.settimeout(3)  # what waits for the fault's end waits for the next daemon
        return c

    def words(self):
        """Of this daemon."""
        return self.log.read_bytes()[self.begin:].decode(errors="replace")

    def lasts(self):
        """Whether this daemon cannot do all that it should, as long as it lives."""
        # Who copies a checkpoint is followed with the worker, counts anew each time, and is tried for ever.
        copies = self.fault.script == "again" and self.fault.of == "worker"
        return "+" in str(self.fault.when) or copies or "cannot be loaded and waits" in self.words()

    def kill(self):
        self.process.kill()
        super().note_death()

    def note_death(self):
        status = self.process.wait(PATIENCE_S)
        words = self.words()
        expected = {-signal.SIGKILL} if "SIGKILL" in self.fault.what else set()
        if self.trace.exists() and LIBRARIES.search(self.trace.read_text()):
            expected |= {-signal.SIGABRT, -signal.SIGINT}
        if self.is_ended:
            expected.add(-signal.SIGTERM)  # after its handlers, before its end
        if status < 0 and status not in expected:
            raise RuntimeError(f"the daemon ended by signal {-status}:\n{words[-1500:]}")
        if status > 0 and not words.strip():
            raise RuntimeError(f"the daemon ended with status {status} and without words:\n{words[-1500:]}")
        super().note_death()

    def insist(self, step):
        """What cannot be had from this daemon is asked of the next."""
        try:
            return super().insist(step)
        except (AssertionError, TimeoutError):
            if not self.lasts() or self.command == self.clean or self.is_dead():
                raise
        self.end_daemon()
        return self.insist(step)

    def end_daemon(self):
        """It may wait for a commit that cannot be made; asked a second time it waits for nothing."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        if not self.is_dead():
            self.process.terminate()
            self.is_ended = True
        self.process.wait(PATIENCE_S)

    def wait_end(self, name):
        with self.words_of_refusal():
            super().wait_end(name)

    def wait_running(self, name, n):
        def step():
            with self.words_of_refusal(), self.connection() as c:
                c.wait_until(name, lambda p: p["counts"]["running"] >= n or p["state"] in FINAL)
        self.insist(step)

    @contextlib.contextmanager
    def words_of_refusal(self):
        try:
            yield
        except RpcError as e:
            raise Refused(str(e)) from None

    def happened(self):
        if "SIGKILL" in self.fault.what:
            return self.trace.exists() and "+++ killed by SIGKILL" in self.trace.read_text()
        return self.trace.exists() and "(INJECTED)" in self.trace.read_text()

    def final_check(self):
        if not self.is_dead() and self.command != self.clean:
            self.end_daemon()
        if self.process is not None and self.is_dead():
            self.note_death()
        self.is_armed = False
        if self.fault.what.startswith("error="):
            self.note("error", errno=getattr(errno, self.fault.what.removeprefix("error=")))
        return super().final_check()

    def cleanup(self):
        if self.process is not None:
            self.process.kill()
        super().cleanup()


# --- the scripts ------------------------------------------------------------------------------------------------

def work(w):
    w.is_armed = True
    done = w.submit_all(w.spec(modes=["0", "3"], trials=2, steps=(1,), pause_ms=0))
    stays = w.submit_all(w.spec(modes=["stay"], trials=1, steps=(1,), pause_ms=0, timeout="1h", grace="10000ms"))
    w.insist(lambda: w.ask("add", search=done, params=w.params("3", 1)))
    w.insist(lambda: w.ask("extend", search=done, trials=4))
    w.wait_running(stays, 1)
    w.insist(lambda: w.ask("kill", search=stays, trial=0))
    deaf = w.submit_all(w.spec(modes=["deaf"], trials=2, steps=(1,), pause_ms=0, timeout="1h", grace="500ms"))
    w.insist(lambda: w.ask("cancel", search=deaf))
    for name in (done, stays, deaf):
        w.end(name)
    shut_down(w)


def adopt(w):
    """One trial lives, one has ended, one was being started; the next daemon finds them so."""
    stays = w.submit_all(w.spec(modes=["stay"], trials=1, steps=(1,), pause_ms=0, timeout="1h", grace="10000ms"))
    done = w.submit_all(w.spec(modes=["0"], trials=3, steps=(1,), pause_ms=0))
    w.wait_running(stays, 1)
    w.kill()
    wait_for(lambda: len(w.shims()) <= 1, "the ends")
    w.is_armed = True
    w.revive()
    w.insist(lambda: w.ask("add", search=done, params=w.params("0", 1)))
    w.insist(lambda: w.ask("cancel", search=stays))
    w.end(stays)
    w.end(done)
    shut_down(w)


def again(w):
    """Trials wait and go on with a larger budget; one is run again; one goes on from another's checkpoint."""
    w.is_armed = True
    waits = w.submit_all(w.spec(modes=["0"], trials=3, steps=(1,), pause_ms=0, resumes=True,
                                budget={"name": "share", "min": 1, "max": 2, "eta": 2}))
    w.end(waits)
    w.insist(lambda: w.ask("retry", search=waits, trial=1))
    w.end(waits)
    w.end(w.submit_all(w.population(trials=3, pause_ms=0)))
    shut_down(w)


def shut_down(w):
    """Whether it hears of it by the socket or by a signal."""
    if w.is_dead():
        return
    try:
        w.ask("shutdown", kill_trials=True)
    except (Refused, Unknown, TimeoutError):
        w.is_ended = True
        if not w.is_dead():
            w.end_daemon()
    wait_for(w.is_dead, "the daemon's end")


SCRIPTS = {f.__name__: f for f in (work, adopt, again)}


# --- the sweep ----------------------------------------------------------------------------------------------------

def run(fault):
    """Returns (what is wrong, whether the fault happened, the trace)."""
    w = SweptWorld(fault)
    faults = []
    try:
        SCRIPTS[fault.script](w)
        faults = w.final_check()
        w.check_checkpoints()
    except Exception:
        faults.append(traceback.format_exc() + w.log.read_text()[-1500:])
    happened = w.happened()
    if w.trace.exists() and IMPOSSIBLE.search(w.trace.read_text()):
        faults, happened = [], False
    trace = w.trace.read_text() if w.trace.exists() else ""
    if faults:
        shutil.copytree(w.dir, f"{w.dir}.kept", ignore=shutil.ignore_patterns("sock"))
        faults.append(f"{w.dir}.kept")
    w.cleanup()
    return faults, happened, trace


def run_in_time(end):
    return lambda fault: run(fault) if time.monotonic() < end else (None, False, "")


def counts(script, of):
    """How often each call is made, by name; "all" for their sum."""
    calls = "all" if of in ("loop", "shim") else "fdatasync,fsync,execve,setsid"
    faults, _, trace = run(Fault(script, of, calls, "none", 0))
    if faults:
        sys.exit(f"{script} fails without a fault:\n" + "\n".join(faults))
    found = collections.Counter(m[1] for m in re.finditer(r"^(?:\d+ +)?(\w+)\(", trace, re.M))
    found["all"] = sum(found.values())
    return found


def sweep_of(script, of, table, found):
    for calls, errors in table.items():
        n = sum(found[call.strip("?")] for call in calls.split(","))
        for error in errors.split():
            for k in range(1, n + 1):
                yield Fault(script, of, calls, f"error={error.strip('+')}", k)
                if error.endswith("+") and k < n:
                    yield Fault(script, of, calls, f"error={error.strip('+')}", f"{k}+")
    calls = "all" if of in ("loop", "shim") else next(iter(table))
    for k in range(1, sum(found[c.strip("?")] for c in calls.split(",")) + 1):
        yield Fault(script, of, calls, "signal=SIGKILL", k)


def plan():
    for script in SCRIPTS:
        for of, table in (("loop", LOOP), ("worker", WORKER), ("shim", SHIM), ("child", CHILD)):
            yield from sweep_of(script, of, table, counts(script, of))


def pick(faults, n, seed):
    """@n of them, as evenly as it goes over what fails and how."""
    rng = random.Random(seed)
    kinds = collections.defaultdict(list)
    for f in faults:
        kinds[f[:4]].append(f)
    for list_ in kinds.values():
        rng.shuffle(list_)
    order = sorted(kinds)
    rng.shuffle(order)
    picked = []
    while len(picked) < min(n, len(faults)):
        picked += [kinds[k].pop() for k in order if kinds[k]]
    return picked[:n]


def can_trace():
    return STRACE is not None and subprocess.run(
        [STRACE, "-D", "-qq", "-o", "/dev/null", "-e", "inject=chdir:error=EIO:when=100", "true"],
        stderr=subprocess.DEVNULL).returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--part", type=part, default="1/1")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=10**9, help="begin no run after these")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--only", default="", help="faults in whose text this stands")
    options = parser.parse_args()
    if not can_trace():
        print("skipped: strace is not here, or may not trace")
        sys.exit(SKIPPED)
    begin, runs, happened, bad = time.monotonic(), 0, 0, 0
    todo = [f for f in plan() if options.only in str(f) and options.part(str(f))]
    n_all = len(todo)
    if not options.all:
        todo = pick(todo, options.runs, options.seed)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for fault, (faults, has_happened, _) in zip(todo, pool.map(run_in_time(begin + options.seconds), todo)):
            if faults is None:
                break
            runs += 1
            happened += has_happened
            if faults:
                bad += 1
                print(f"{fault}\n  " + "\n  ".join(faults), flush=True)
    print(f"seed {options.seed}: {runs} of {n_all} runs, {happened} faults happened, {bad} runs failed, "
          f"{time.monotonic() - begin:.0f} s")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
