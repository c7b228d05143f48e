#!/usr/bin/env python3
"""kill -9 at every fail-point in every scenario, and once more while the next daemon recovers.

    points.py SOURCE_ROOT [--all] [--part I/N] [--jobs N]

Each scenario is run once to see which fail-points (daemon/base/fault.h) it reaches; then once for each of them: it is
armed to kill, the daemon is started again as often as need be, the client asks again until it has an answer, and the
checker looks at what is left. The daemon that comes after is killed too, at another of its fail-points (in turn; with
--all at each one that a recovery reaches). --all also kills at the second and fifth time that a point is reached,
delays each by 300 ms, and has those that can fail return errors; of it --part 3/20 makes the third part of twenty.
Every fail-point of the sources must be reached by some scenario.

Rows: A1, A2, A3, A4, A5, B1, B2, C12, C14.
"""
import argparse
import concurrent.futures
import contextlib
import errno
import itertools
import os
import pathlib
import re
import shutil
import sqlite3
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import BUILD, Daemon, FaultyWorld, Refused, Unknown, part, wait_for  # noqa: E402

from hpsd import search  # noqa: E402

# Fail-points that hand an error on, and errors that may come there.
ERRORS = {
    "commit.begin": [errno.EBUSY, errno.ENOSPC, errno.EIO],
    "commit.commit": [errno.EBUSY, errno.ENOSPC, errno.EIO],
    "sync.begin": [errno.EIO],
    "launch.mkdir": [errno.ENOSPC, errno.EMFILE, errno.EACCES],
    "launch.spawn": [errno.EAGAIN, errno.ENOMEM],
}

# Fail-points that a removal passes again and again, in the midst of them, and the next daemons' after that.
MIDST = {"remove.rows": ("remove.rows=kill@3", ["remove.rows", "remove.files", "remove.search"])}


# --- scenarios: each begins without a daemon, and @fault is armed when it says so ----------------------------------

def mixed(w, fault):
    """Trials that succeed, fail, run again, leave processes behind."""
    w.arm(fault)
    w.end(w.submit_all(w.spec(modes=["0", "3", "leave"], trials=5, retries=1, steps=(1, 3))))


def folds(w, fault):
    """The same in two folds each."""
    w.arm(fault)
    w.end(w.submit_all(w.spec(modes=["0", "3"], trials=3, retries=1, steps=(1, 3), folds=2)))


def budget(w, fault):
    """Trials that wait between runs of a budget, and go on when they are among the best."""
    w.arm(fault)
    w.end(w.submit_all(w.spec(modes=["0"], trials=5, steps=(1, 2), resumes=True,
                              budget={"name": "epochs", "min": 1, "max": 4, "eta": 2})))


def rungs(w, fault):
    """Trials that wait within a run, and go on with their curves."""
    w.arm(fault)
    w.end(w.submit_all(w.spec(modes=["0"], trials=5, steps=(6,), pause_ms=20, timeout="2s", grace="400ms",
                              resumes=True,
                              early_stopping={"type": "asha", "min_steps": 1, "eta": 2, "max_steps": 6})))


def again(w, fault):
    """The user runs a trial again, which had run with more and more of a budget."""
    name = w.submit_all(w.spec(modes=["0"], trials=3, steps=(1, 2), resumes=True,
                               budget={"name": "epochs", "min": 1, "max": 4, "eta": 2}))
    w.end(name)
    w.arm(fault)
    w.insist(lambda: w.ask("retry", search=name, trial=0))
    w.end(name)


def inherit(w, fault):
    """Members of a population: their checkpoints are copied, and hold who has trained them."""
    w.arm(fault)
    name = w.submit_all(w.population(trials=6))
    w.end(name)
    for t in w.rows("SELECT number FROM trial WHERE state = 'lost'"):
        w.insist(lambda t=t: w.ask("retry", search=name, trial=t["number"]))
        w.end(name)
    w.check_checkpoints()


def stop(w, fault):
    """One that is deaf to SIGTERM is stopped by the user."""
    name = w.submit_all(w.spec(modes=["deaf"], trials=1, steps=(1,), timeout="1h", grace="400ms"))
    w.wait_running(name, 1)
    w.wait_witnesses(1)
    w.arm(fault)
    w.insist(lambda: w.ask("kill", search=name, trial=0))
    w.end(name)


def timeout(w, fault):
    w.arm(fault)
    w.end(w.submit_all(w.spec(modes=["stay", "deaf"], trials=3, steps=(1,), timeout="100ms", grace="400ms")))


def steer(w, fault):
    """Adding, extending and cancelling while others wait in the queue."""
    w.arm(fault)
    name = w.submit_all(w.spec(modes=["0", "stay"], trials=6, steps=(1,), timeout="1h"))
    w.insist(lambda: w.ask("add", search=name, params=w.params("stay", 1)))
    w.insist(lambda: w.ask("extend", search=name, trials=9))
    w.insist(lambda: w.ask("cancel", search=name))
    w.end(name)


def adopt(w, fault):
    """One trial lives on, one ends and one loses its shim while there is no daemon."""
    name = w.submit_all(w.spec(modes=["nest"], trials=2, steps=(3,), timeout="1h"))
    other = w.submit_all(w.spec(modes=["0"], trials=1, steps=(30,), pause_ms=5))
    w.wait_witnesses(3)
    w.kill()
    (quick,) = {line.split()[0] for line in w.witness.read_text().splitlines() if " start " in line and " 0 30 " in line}
    stays = {pid: token for pid, token in w.shims().items() if token != quick}
    w.shoot(*min(stays.items()))
    wait_for(lambda: quick not in w.shims().values(), "the end")
    w.arm(fault)
    w.revive()
    w.insist(lambda: w.ask("cancel", search=name))
    w.end(name)
    w.end(other)


def relaunch(w, fault):
    """The daemon before died while it started a trial."""
    w.next.insert(0, fault)
    w.arm("launch.spawn=kill@2")
    w.end(w.submit_all(w.spec(modes=["0"], trials=3, steps=(1,))))


def shutdown(w, fault):
    name = w.submit_all(w.spec(modes=["deaf", "stay"], trials=3, steps=(1,), timeout="1h", grace="400ms"))
    w.wait_witnesses(3)
    w.arm(fault)
    try:
        w.ask("shutdown", kill_trials=True)
    except (Unknown, Refused):
        pass
    wait_for(w.is_dead, "the daemon's end")
    w.revive()
    w.insist(lambda: w.ask("cancel", search=name))
    w.end(name)


def remove(w, fault):
    """Rows of several slices; a question is asked before."""
    name = w.submit_all(w.spec(modes=["0"], trials=2, steps=(12,)))
    w.end(name)
    w.note("removed", search=name, tokens=[r["token"] for r in w.rows("SELECT token FROM attempt")])
    w.arm(fault)
    w.insist(lambda: w.call("why", search=name))
    w.insist(lambda: w.ask("remove", search=name))
    w.end_removals()
    w.end(w.submit_all(w.spec(modes=["0"], trials=2, steps=(1,))))


def migrate(w, fault):
    """A database of the first version, with a search in it."""
    sql = (SOURCE / "schema/migrations/0001_init.sql").read_text()
    w.state.mkdir(mode=0o700)
    os.close(os.open(w.state / "hps.db", os.O_CREAT, 0o600))
    db = sqlite3.connect(w.state / "hps.db")
    db.executescript(f"PRAGMA application_id = {0x68707364}; BEGIN; {sql} PRAGMA user_version = 1; COMMIT;")
    db.close()
    w.arm(fault)
    w.end(w.submit_all(w.spec(modes=["0"], trials=2, steps=(1,))))


def backup(w, fault):
    """One that is asked for, and one of the day."""
    w.end(w.submit_all(w.spec(modes=["0"], trials=2, steps=(1,))))
    w.arm(fault)
    file = w.dir / "backup.db"
    w.insist(lambda: w.ask("backup", file=str(file), replace=True))
    check_backup(file)
    w.insist(lambda: w.call("version"))
    w.kill()
    w.revive()
    while not list(w.state.glob("backups/hps-*.db")):
        w.revive()
        wait_for(lambda: w.is_dead() or list(w.state.glob("backups/hps-*.db")), "the backup of the day")
    for daily in w.state.glob("backups/hps-*.db"):
        check_backup(daily)


def check_backup(file):
    with contextlib.closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT count(*) FROM trial").fetchone()[0] >= 2


def restore(w, fault):
    """One search is known to the backup and runs, another is not."""
    w.end(w.submit_all(w.spec(modes=["0"], trials=2, steps=(1,))))
    name = w.submit_all(w.spec(modes=["stay"], trials=1, steps=(1,), timeout="1h"))
    w.wait_running(name, 1)
    w.wait_witnesses(5)
    file = w.dir / "backup.db"
    w.ask("backup", file=str(file))
    Daemon.submit(w, search("later", ["sh", "-c", "echo loss=1"], trials=2))
    w.wait_end("later")
    w.kill()
    w.arm(fault)
    w.env["HPSD"] = str(w.command[0])
    while (r := w.hpctl("restore", file, status=None)).returncode != 0:
        assert w.told(), r.stderr
    w.revive()
    assert not list(w.state.glob("hps.db.restore-*"))
    assert [r["name"] for r in w.rows("SELECT name FROM search ORDER BY id")] == ["s1", "s2"]
    assert (next(w.state.glob("trials.replaced-*")) / "3/0/output.log").read_text() == "loss=1\n"
    w.insist(lambda: w.ask("cancel", search=name))
    w.end(name)


SCENARIOS = [mixed, folds, budget, rungs, again, inherit, stop, timeout, steer, adopt, relaunch, shutdown, remove,
             migrate, backup, restore]
SOURCE = None


def run(scenario, fault, then=()):
    """Returns (faults that the checker found, fail-points reached, faults that happened)."""
    w = FaultyWorld()
    faults = []
    try:
        w.next = list(then)
        scenario(w, fault)
        faults = w.final_check()
    except Exception:
        faults.append(traceback.format_exc() + w.log.read_text()[-1500:])
        with contextlib.suppress(Exception):
            faults += w.final_check()
    reached, told = w.reached(), w.told()
    if faults:
        shutil.copytree(w.dir, f"{w.dir}.kept", ignore=shutil.ignore_patterns("sock"))
        faults.append(f"{w.dir}.kept")
    w.cleanup()
    return faults, reached, told


def points_of(source):
    return {name for path in (source / "daemon").rglob("*.c")
            for name in re.findall(r'fault_at\("([a-z.]+)"\)', path.read_text())}


def names_in_product():
    """The fail-points that have left something in the programs that are installed: none."""
    code = b"".join((BUILD / p).read_bytes() for p in ("daemon/hpsd", "daemon/shim/hpsd-shim"))
    return {name for name in points_of(SOURCE) if "." in name and b"\0" + name.encode() + b"\0" in code} | (
        {"fault_at"} if b"fault_at" in code else set())


def plan(reached, is_all):
    """[(scenario, fault, faults of the daemons after that)]"""
    recovery = sorted({name for s in (adopt, relaunch) for name in reached[s]
                       if not name.startswith(("shim.", "child."))})
    in_turn = itertools.cycle(recovery)
    for scenario in SCENARIOS:
        for name in sorted(set(reached[scenario])):
            if not is_all:
                yield scenario, f"{name}=kill", [f"{next(in_turn)}=kill"]
                fault, then = MIDST.get(name, (None, []))
                for second in then:
                    yield scenario, fault, [f"{second}=kill"]
                continue
            for second in recovery:
                yield scenario, f"{name}=kill", [f"{second}=kill"]
            for n in (2, 5):
                if reached[scenario].count(name) >= n:
                    yield scenario, f"{name}=kill@{n}", []
            yield scenario, f"{name}=delay:300", []
            for error in ERRORS.get(name, []):
                yield scenario, f"{name}=error:{error}", []


def main():
    global SOURCE
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--part", type=part, default="1/1")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--only", help="NAME of a scenario")
    options = parser.parse_args()
    SOURCE = options.source
    begin, runs, happened, bad = time.monotonic(), 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        reached = {}
        for scenario, (faults, names, _) in zip(SCENARIOS, pool.map(lambda s: run(s, "none=kill"), SCENARIOS)):
            reached[scenario] = names
            if faults:
                sys.exit(f"{scenario.__name__} fails without a fault:\n" + "\n".join(faults))
        missed = points_of(SOURCE) - {name for names in reached.values() for name in names}
        todo = [t for t in plan(reached, options.all) if options.only in (None, t[0].__name__)]
        n_all = len(todo)
        todo = [t for t in todo if options.part(f"{t[0].__name__} {t[1:]}")]
        for (scenario, fault, then), (faults, _, told) in zip(todo, pool.map(lambda t: run(*t), todo)):
            runs += 1
            happened += len(told)
            if faults:
                bad += 1
                print(f"{scenario.__name__}, {fault}, then {then}; happened: {told}\n  " + "\n  ".join(faults),
                      flush=True)
    print(f"{len(points_of(SOURCE))} fail-points, {len(SCENARIOS)} scenarios, {runs} of {n_all} runs, "
          f"{happened} faults happened, {bad} runs failed, {time.monotonic() - begin:.0f} s")
    left = names_in_product()
    if missed:
        print("reached by no scenario: " + ", ".join(sorted(missed)))
    if left:
        print("in the product: " + ", ".join(sorted(left)))
    sys.exit(bool(bad or missed or left))


if __name__ == "__main__":
    main()
