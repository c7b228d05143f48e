#!/usr/bin/env python3
"""What hpsd costs on this machine. Prints; asserts nothing about time.

    HPSD_BUILD=build tests/bench/bench.py [noop|ingest|memory|latency|think|stop|why]...
"""

import json
import os
import pathlib
import platform
import resource
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import Daemon, search  # noqa: E402

CPUS = os.cpu_count()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def noop(n=3000):
    """Trials of `true` through the whole path, beside xargs -P of the same."""
    ratios, old = [], []
    # ext4 looks for free inodes slowly for minutes after many were deleted, so
    # the rounds are cleaned up together, at the end.
    for _ in range(3):
        begin = time.monotonic()
        subprocess.run(["xargs", f"-P{CPUS}", "-n1", "true"], input="\n".join(map(str, range(n))).encode(), check=True)
        xargs = n / (time.monotonic() - begin)
        d = Daemon(slots=CPUS).start()
        pid = d.process.pid
        begin = time.monotonic()
        end = d.run(search("noop", ["true"], {"x": {"type": "int", "min": 1, "max": n}}, stop_on_failures=0))
        seconds = time.monotonic() - begin
        ended = sum(end["counts"][k] for k in ("failed", "done"))
        assert ended == n, end
        print(f"noop: hpsd {n / seconds:.0f}/s (daemon {cpu_seconds(pid) / n * 1e6:.0f} us CPU a trial), "
              f"xargs -P{CPUS} {xargs:.0f}/s, ratio {n / seconds / xargs:.2f}")
        ratios.append(n / seconds / xargs)
        d.stop()
        old.append(d)
    print(f"noop: median ratio {statistics.median(ratios):.2f}")
    for d in old:
        d.cleanup()


def ingest(lines=200000, trials=8):
    """Metric lines from 8 writing trials, and how RPC feels meanwhile."""
    d = Daemon(slots=trials).start()
    program = (f"BEGIN {{{{ for (i = 1; i <= {lines}; i++) "
               "printf \"epoch %d | train_loss=%g | loss: %g\\n\", i, 1 / i, 2 / i }")
    begin = time.monotonic()
    name = d.submit(search("ingest", ["awk", program], {"x": {"type": "int", "min": 1, "max": trials}},
                           early_stopping={"type": "none"}))["name"]
    latencies, over = [], threading.Event()

    def ask():
        with d.connection() as c:
            while not over.is_set():
                t = time.monotonic()
                c.call("status")
                latencies.append((time.monotonic() - t) * 1e3)
                over.wait(0.005)

    asker = threading.Thread(target=ask)
    asker.start()
    end = d.wait_final(name)
    seconds = time.monotonic() - begin
    cpu = cpu_seconds(d.process.pid)
    over.set()
    asker.join()
    assert end["counts"]["done"] == trials, end
    rows = d.rows("select count(*) as n from metrics")[0]["n"]
    assert rows == 2 * lines * trials, rows
    latencies.sort()
    print(f"ingest: {lines * trials / seconds:.0f} lines/s ({rows / seconds:.0f} metrics/s) from {trials} trials, "
          f"daemon {cpu / seconds * 100:.0f} % of one CPU; RPC meanwhile p50 {statistics.median(latencies):.2f} ms, "
          f"p99 {latencies[int(len(latencies) * 0.99)]:.2f} ms ({len(latencies)} calls)")
    d.cleanup()


def memory(n=100000):
    """Resident memory when idle, empty and with 100,000 ended trials; start-up."""
    d = Daemon().start()
    print(f"memory: idle, empty database {rss_mib(d.process.pid):.1f} MiB")
    d.run(search("m", ["echo", "loss=1"], {"x": {"type": "int", "min": 1, "max": n}}, trials=1))
    print(f"memory: after one trial {rss_mib(d.process.pid):.1f} MiB")
    d.stop()
    db = sqlite3.connect(d.state / "hps.db")
    for table in ("trial", "attempt"):
        columns = [r[1] for r in db.execute(f"pragma table_info({table})")]
        id_column = "id" if table == "trial" else "trial"
        values = ", ".join(
            "k.n + 1" if c == id_column else "k.n" if c == "number" and table == "trial" else
            "lower(hex(randomblob(16)))" if c == "token" else c for c in columns)
        db.execute(f"with recursive k(n) as (select 1 union all select n + 1 from k where n < {n - 1}) "
                   f"insert into {table} ({', '.join(columns)}) select {values} from {table}, k")
    db.commit()
    db.close()
    begin = time.monotonic()
    d.start()
    print(f"memory: {n} ended trials: start-up {(time.monotonic() - begin) * 1e3:.0f} ms, "
          f"idle {rss_mib(d.process.pid):.1f} MiB")
    for method, params in (("list", {}), ("best", {"search": "m", "limit": 10}),
                           ("trials", {"search": "m", "from": n - 500})):
        begin = time.monotonic()
        d.call(method, **params)
        print(f"memory: {method} of {n} trials {(time.monotonic() - begin) * 1e3:.1f} ms")
    print(f"memory: after them {rss_mib(d.process.pid):.1f} MiB")
    d.cleanup()


def latency(n=50):
    """From `hpctl submit` to the first instruction of the trial."""
    d = Daemon().start()
    times = []
    file = d.dir / "search.json"
    for k in range(n):
        file.write_text(json.dumps(search(f"l{k}", ["date", "+loss=%s.%N"], {"x": {"value": 1}})))
        begin = time.time()
        d.hpctl("submit", file)
        d.wait_final(f"l{k}")
        log = (d.trial_dir(k + 1, 0) / "output.log").read_text()
        times.append((float(log.split("=")[1]) - begin) * 1e3)
    print(f"latency: submit to the trial's first instruction: median {statistics.median(times):.1f} ms, "
          f"worst of {n} {max(times):.1f} ms (hpctl's own start included)")
    d.cleanup()


def thread_seconds(pid):
    """Processor time of all its threads, in more than ticks."""
    return sum(int(f.read_text().split()[0]) for f in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def think(samplers=("sobol", "tpe", "cmaes", "gp")):
    """What a sampler that learns adds to a trial: while it thinks the trial's slot waits."""
    shell = "awk 'BEGIN {{ x = ARGV[1]; y = ARGV[2]; print \"loss=\" x * x + (y - x) ^ 2 }' {a} {b}"
    space = {name: {"type": "float", "min": -5, "max": 5} for name in "abcd"}
    base = {}
    for sampler in samplers:
        d = Daemon(slots=1).start()
        pid = d.process.pid
        d.run(search("c", ["sh", "-c", shell], space, sampler={"type": sampler}, trials=2))
        for known, n in ((20, 10), (200, 20)):
            for last in (known, known + n):
                begin = thread_seconds(pid)
                d.call("extend", search="c", trials=last)
                d.wait_final("c")
            ms = (thread_seconds(pid) - begin) / n * 1e3
            base.setdefault(known, ms)
            print(f"think: {sampler}, {known} trials known: {ms:.2f} ms of processor a trial, "
                  f"{ms - base[known]:.2f} more than {samplers[0]}")
        d.cleanup()


CHATTY = """
import signal, sys, time
def end(*_):
    with open(sys.argv[1], "a") as f:
        f.write(f"{time.monotonic() - bad}\\n")
    sys.exit(0)
bad = time.monotonic()
signal.signal(signal.SIGTERM, end)
for k in range(1, 1000000):
    if k == 1000:
        bad = time.monotonic()
    print(f"epoch {k} | loss={2 if k == 1000 else 0.5}", flush=True)
    time.sleep(0.0005)
"""


def stop(n=80, slots=8):
    """From a trial's line that a rule stops it for to its SIGTERM, while 8 trials print."""
    d = Daemon(slots=slots).start()
    program, times = d.dir / "chatty.py", d.dir / "times"
    program.write_text(CHATTY)
    d.run(search("s", [sys.executable, str(program), str(times)], {"x": {"type": "int", "min": 1, "max": n}},
                 early_stopping={"type": "threshold", "max": 1}))
    ms = [float(line) * 1e3 for line in times.read_text().split()]
    assert len(ms) == n, ms
    print(f"stop: from the line to SIGTERM with {slots} chatty trials: median {statistics.median(ms):.2f} ms, "
          f"worst of {n} {max(ms):.2f} ms")
    d.cleanup()


LEARNS = """BEGIN {{
    lr = ENVIRON["HPS_PARAM_LR"]; noise = ENVIRON["HPS_PARAM_NOISE"]; srand(ENVIRON["HPS_PARAM_K"])
    for (i = 1; i <= STEPS; i++) {{
        y = lr > 0.3 ? exp(i * lr) : 2.3 * exp(-i * lr) + 0.05
        printf "epoch %d | train_loss=%.6g | val_loss=%.6g\\n", i, y + noise * rand(), 1.1 * y + noise * rand()
    }
}"""


def why(n=1000, steps=200, times=20):
    """What ails a search of many trials: hpctl why, the start of hpctl included."""
    d = Daemon(slots=CPUS).start()
    end = d.run(search("w", ["awk", LEARNS.replace("STEPS", str(steps))], {
        "lr": {"type": "float", "min": 1e-5, "max": 1, "scale": "log"},
        "noise": {"type": "float", "min": 0, "max": 1}, "k": {"type": "int", "min": 1, "max": 10**6},
        "kind": {"type": "choice", "values": ["a", "b", "c"]}},
        metric={"name": "val_loss"}, sampler={"type": "random", "seed": 1}, trials=n, early_stopping={"type": "none"}))
    assert sum(end["counts"].values()) == n, end
    ms, cpu, client = [], cpu_seconds(d.process.pid), resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        begin = time.monotonic()
        d.hpctl("why", "w")
        ms.append((time.monotonic() - begin) * 1e3)
    cpu = (cpu_seconds(d.process.pid) - cpu) / times * 1e3
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    client = (after.ru_utime + after.ru_stime - client.ru_utime - client.ru_stime) / times * 1e3
    print(f"why: {n} trials of {steps} steps: median {statistics.median(ms):.0f} ms, {min(ms):.0f} to {max(ms):.0f}; "
          f"processor time of the daemon {cpu:.0f} ms, of hpctl {client:.0f} ms")
    d.cleanup()


if __name__ == "__main__":
    print(f"{CPUS} processors, Linux {platform.release()}, {time.strftime('%Y-%m-%d')}")
    for part in sys.argv[1:] or ["noop", "ingest", "memory", "latency", "think", "stop", "why"]:
        globals()[part]()
