#!/usr/bin/env python3
"""kill -9 at random under load: of the daemon, of shims, of trials, of several at once.

    kills.py [--rounds N] [--seed S] [--seconds S]

A round is one kill. Each 25 rounds begin with a new state directory and end with the checker. The seed fixes what
is done, not when the machine does it; the folder of an episode with faults is kept.

Rows: A1, A2, A3, A5, B1, B2.
"""
import argparse
import os
import pathlib
import select
import shutil
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import MODES, Refused, Unknown, World  # noqa: E402

EPISODE = 25
WHAT = ["daemon"] * 3 + ["shim", "trial", "daemon+shim", "shim+daemon", "daemon+trial", "restart"]


def pause(seconds):
    select.select([], [], [], seconds)


def budget(**more):
    return {"budget": {"name": "share", "min": 1, "max": 4, "eta": 2} | more}


def rungs(kind):
    return {"resumes": True, "steps": (0, 1, 3, 10), "pause_ms": 10,
            "early_stopping": {"type": kind, "min_steps": 1, "eta": 2, "max_steps": 8}}


# What searches are like beside the plain ones: {} of World.spec().
KINDS = [{}, {}, {"folds": 3}, budget(), budget() | {"resumes": True}, budget(type="hyperband") | {"resumes": True},
         rungs("asha"), rungs("hyperband"), {"resumes": True}]


def new_spec(w):
    n = w.random.randrange(len(KINDS) + 2)
    if n < len(KINDS):
        return w.spec(trials=w.random.randrange(2, 9), **KINDS[n])
    return w.population(trials=w.random.randrange(2, 9), modes=MODES, retries=w.random.randrange(3))


def load(w):
    """Something for the client to do; refused and unanswered operations are the ledger's business."""
    names = [f"s{n}" for n in range(1, w.searches + 1)]
    kind = w.random.choice(["submit", "submit", "again", "add", "kill", "retry", "extend", "pause", "cancel"])
    try:
        if kind == "submit" or not names:
            w.last = (new_spec(w), f"{w.random.getrandbits(128):032x}")
            w.submit(*w.last)
        elif kind == "again":
            w.submit(*w.last)
        elif kind == "add":
            w.ask("add", search=w.random.choice(names), params=w.params(w.random.choice(["0", "3", "leave"])))
        elif kind == "kill":
            w.ask("kill", search=w.random.choice(names), trial=w.random.randrange(6))
        elif kind == "retry":
            w.ask("retry", search=w.random.choice(names), trial=w.random.randrange(6))
        elif kind == "pause":
            w.ask(w.random.choice(["pause", "resume", "resume"]), search=w.random.choice(names))
        elif kind == "extend":
            w.ask("extend", search=w.random.choice(names), trials=w.random.randrange(8, 12))
        elif w.random.random() < 0.3:
            w.ask("cancel", search=w.random.choice(names))
    except (Refused, Unknown):
        pass


def kill_once(w):
    what = w.random.choice(WHAT)
    for part in what.split("+"):
        if part == "daemon" and w.process is not None:
            w.kill()
        elif part == "shim":
            w.kill_shim()
        elif part == "trial":
            w.kill_trial()
        elif part == "restart" and w.process is not None:
            # In the middle of its recovery, wherever that is by then.
            w.kill()
            os.close(w.begin_start())
            pause(w.random.random() * 0.03)
            w.kill()
    return what


def episode(seed, rounds, counts):
    w = World(slots=6, seed=seed).start()
    faults = []
    try:
        for _ in range(rounds):
            for _ in range(w.random.randrange(1, 4)):
                load(w)
            pause(w.random.random() ** 2 * 0.3)
            what = kill_once(w)
            counts[what] = counts.get(what, 0) + 1
            if w.process is None and w.random.random() < 0.9:
                w.start()
        w.settle()
        w.stop()
        faults = w.faults()
        w.check_checkpoints()
        counts["trials"] = counts.get("trials", 0) + w.rows("SELECT count(*) AS n FROM trial")[0]["n"]
        counts["attempts"] = counts.get("attempts", 0) + w.rows("SELECT count(*) AS n FROM attempt")[0]["n"]
    except Exception:  # what the daemon does not survive is a fault, too
        faults.append(f"I25: {traceback.format_exc()}")
    if faults:
        kept = pathlib.Path(f"{w.dir}.kept")
        shutil.copytree(w.dir, kept, ignore=shutil.ignore_patterns("sock"))
        print(f"episode with seed {seed}: {len(faults)} faults; {kept}")
        print("\n".join(faults), flush=True)
    w.cleanup()
    return len(faults)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=10**9)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    begin, rounds, faults, seed, counts = time.monotonic(), 0, 0, options.seed, {}
    while rounds < options.rounds and time.monotonic() - begin < options.seconds:
        n = min(EPISODE, options.rounds - rounds)
        faults += episode(seed, n, counts)
        rounds += n
        seed += 1
    print(f"{rounds} rounds in {time.monotonic() - begin:.0f} s, {faults} faults")
    print(", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
    sys.exit(faults > 0)


if __name__ == "__main__":
    main()
