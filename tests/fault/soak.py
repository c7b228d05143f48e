#!/usr/bin/env python3
"""Very many short trials, and a daemon that is ended or killed every few seconds.

    soak.py [--trials N] [--seconds S] [--seed S]

Ends after N trials or S seconds, whichever comes first. In the first half daemons come and go (half of them by
SIGTERM, half by kill -9); in the second one daemon does all, so that what it does not give back can be seen. Each
second its memory, descriptors, children, threads and the WAL are looked at: the first and the last values of each
half are printed, and the slope by least squares. Another client measures how long answers take.

It fails if a trial was not done exactly once, by the rows, the witnesses and the checker; figures are no failure.
"""
import argparse
import collections
import contextlib
import os
import pathlib
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check  # noqa: E402
from kills import pause  # noqa: E402
from world import FINAL, Refused, RpcError, Unknown, World  # noqa: E402

OPEN = 3  # searches at a time
TRIALS = 2000  # of each
PAUSE_S = 4  # from one daemon to the next, on average
COLUMNS = ("RSS KiB", "descriptors", "children", "threads", "WAL KiB")


class SoakWorld(World):
    def __init__(self, seed):
        super().__init__(slots=8, seed=seed)
        self.config.write_text('{"slots": 8}')
        self.names = collections.deque()
        self.ended = 0  # trials of searches that are over

    def look(self):
        """What the daemon uses; None while there is none."""
        if self.process is None:
            return None
        proc = pathlib.Path(f"/proc/{self.process.pid}")
        try:
            status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
            return (int(status["VmRSS"].split()[0]), len(os.listdir(proc / "fd")),
                    len((proc / f"task/{self.process.pid}/children").read_text().split()), int(status["Threads"]),
                    (self.state / "hps.db-wal").stat().st_size // 1024)
        except (OSError, KeyError):
            return None

    def insist(self, step):
        """Until there is an answer: a daemon comes back within moments."""
        while True:
            try:
                return step()
            except (Unknown, ConnectionError, FileNotFoundError):
                if self.process is None:
                    self.start()

    def fill(self, limit):
        """As many searches as are wanted, and no more trials than @limit."""
        while len(self.names) < OPEN and self.searches * TRIALS < limit:
            spec = self.spec(modes=["0"], trials=min(TRIALS, limit - self.searches * TRIALS), steps=(1,), pause_ms=0,
                             timeout="1h")
            key = f"{self.random.getrandbits(128):032x}"
            self.insist(lambda: self.submit(spec, key))
            self.names.append(spec["name"])

    def progress(self):
        """Trials that are over, by all searches."""
        open_ = 0
        for name in list(self.names):
            with self.connection() as c:
                c.call("subscribe", search=name)
                p = c.progress()
            over = sum(n for state, n in p["counts"].items() if state not in ("queued", "running"))
            if p["state"] in FINAL:
                self.names.remove(name)
                self.ended += over
            else:
                open_ += over
        return self.ended + open_

    def next_daemon(self):
        if self.random.random() < 0.5:
            self.kill()
        else:
            self.process.send_signal(signal.SIGTERM)
            self.note_death()
        self.start()


class Pinger(threading.Thread):
    """How long a question takes; while there is no daemon it asks nothing."""

    def __init__(self, w):
        super().__init__(daemon=True)
        self.w = w
        self.ms = []
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            begin = time.monotonic()
            with contextlib.suppress(OSError, ValueError, RpcError):
                self.w.call("status")
                self.ms.append((time.monotonic() - begin) * 1000)


def slope(samples):
    """Of [(seconds, value)], by least squares, an hour."""
    n = len(samples)
    x0, y0 = sum(x for x, _ in samples) / n, sum(y for _, y in samples) / n
    below = sum((x - x0) ** 2 for x, _ in samples)
    return sum((x - x0) * (y - y0) for x, y in samples) / below * 3600 if below > 0 else 0.0


def print_half(title, samples):
    print(f"{title}: {len(samples)} samples")
    for i, name in enumerate(COLUMNS):
        column = [(s[0], s[1][i]) for s in samples]
        if column:
            print(f"  {name:12} first {column[0][1]:8}  last {column[-1][1]:8}  greatest {max(v for _, v in column):8}  "
                  f"slope {slope(column):+12.1f} an hour")


def soak(w, limit, seconds):
    """Returns (samples of the halves, trials, seconds)."""
    begin = time.monotonic()
    halves = ([], [])
    over, next_at = 0, begin + PAUSE_S
    while over < limit and time.monotonic() - begin < seconds:
        w.fill(limit)
        pause(1)
        with contextlib.suppress(ConnectionError, FileNotFoundError):
            over = w.progress()
        elapsed = time.monotonic() - begin
        is_second = max(over / limit, elapsed / seconds) >= 0.5
        seen = w.look()
        if seen is not None:
            halves[is_second].append((elapsed, seen))
        if not is_second and time.monotonic() >= next_at:
            w.next_daemon()
            next_at = time.monotonic() + w.random.expovariate(1 / PAUSE_S)
    return halves, over, time.monotonic() - begin


def faults_of(w):
    """Every trial that there is was done once."""
    bad = []
    rows = w.rows("SELECT state, attempts, count(*) AS n FROM trial GROUP BY state, attempts")
    bad += [f"{r['n']} trials are {r['state']} after {r['attempts']} attempts" for r in rows
            if r["state"] not in ("done", "cancelled") or r["attempts"] > 1]
    witness = check.Witness(w.witness)
    done = {r["token"] for r in w.rows("SELECT token FROM attempt WHERE outcome = 'exited' AND code = 0")}
    for what, told in (("started", witness.starts), ("ended", witness.exits)):
        bad += [f"{token} {what} {len(told[token])} times" for token in done if len(told[token]) != 1]
    return bad + w.faults()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=100000)
    parser.add_argument("--seconds", type=float, default=10**9)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    w = SoakWorld(options.seed).start()
    pinger = Pinger(w)
    try:
        pinger.start()
        halves, over, seconds = soak(w, options.trials, options.seconds)
        pinger.done.set()
        for name in w.names:
            with contextlib.suppress(Refused):
                w.insist(lambda name=name: w.ask("cancel", search=name))
        w.settle()
        w.stop()
        faults = faults_of(w)
        daemons = sum('"up"' in line for line in w.ledger.read_text().splitlines())
        print(f"seed {options.seed}: {over} trials in {seconds:.0f} s ({over / seconds:.0f} a second), "
              f"{daemons} daemons, {len(faults)} faults")
        print_half("daemons come and go", halves[0])
        print_half("one daemon", halves[1])
        ms = sorted(pinger.ms)
        if ms:
            print(f"answers: {len(ms)}, median {ms[len(ms) // 2]:.1f} ms, p99 {ms[len(ms) * 99 // 100]:.1f} ms, "
                  f"longest {ms[-1]:.1f} ms")
        print("\n".join(faults[:50]))
    finally:
        pinger.done.set()
        w.cleanup()
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
