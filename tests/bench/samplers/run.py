#!/usr/bin/env python3
"""
Runs samplers on problems, one JSON line a run:

    run.py --problems all --samplers hpsd-gp,optuna-gp,random --seeds 0..9 \\
           --out results.jsonl [--jobs 2] [--workers 8] [--trials 30]
    run.py --quick --samplers hpsd-gp --out variant.jsonl [--hpsd-binary PATH]

A line holds what every trial gave (values; null: it failed) and what it is
judged by (true: without the noise), in the order of their ends, and the
seconds of processor time of each suggestion. Runs that the file already holds are skipped.
With --workers K trials run at the same time, as far as the sampler can see:
how long one takes is drawn from a gamma distribution by its number and the
seed, so that every sampler sees the same ends in the same order.
--quick is for tuning: the synthetic problems and surrogates, seeds 0..4.
"""

import argparse
import heapq
import json
import os
import pathlib
import sys
import time

for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):  # before numpy starts
    os.environ[library + "_NUM_THREADS"] = "1"

import multiprocessing

import numpy as np

import peers
import problems

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("HPSD_ASK_TELL",
                        str(ROOT / "build/tests/bench/ask_tell"))


def seeds_of(text):
    first, _, last = text.partition("..")
    return range(int(first), int(last or first) + 1)


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--problems", default="all")
    p.add_argument("--samplers", required=True)
    p.add_argument("--seeds", type=seeds_of)
    p.add_argument("--trials", type=int, help="instead of each problem's own")
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--jobs", type=int, default=1)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--hpsd-binary", default=BINARY)
    a = p.parse_args()
    if a.quick and a.problems == "all":
        a.problems = "synthetic,yahpo"
    if a.seeds is None:
        a.seeds = seeds_of("0..4" if a.quick else "0..9")
    return a


def durations(seed, n):
    return np.random.default_rng([seed, 55]).gamma(4, 0.25, n)


def run(key):
    """One run; at any moment as many trials run as there are workers."""
    name, sampler_name, seed, workers, trials = key
    problem = problems.PROBLEMS[name]
    problem.trials = trials
    began = time.perf_counter()
    sampler = peers.make(sampler_name, problem, seed)
    takes = durations(seed, trials)
    running, values, true, ask = [], [], [], []
    asked, now = 0, 0.0
    while len(values) < trials:
        while asked < trials and len(running) < workers:
            config = sampler.ask()
            ask.append(sampler.thought)
            if config is None:  # every point of a small space has been seen
                trials = asked
                break
            heapq.heappush(running, (now + takes[asked], asked, config))
            asked += 1
        if not running:
            break
        now, number, config = heapq.heappop(running)
        told, judged = problem.run(config, seed, number)
        sampler.tell(number, config, told)
        values.append(told)
        true.append(judged)
    sampler.close()
    record = dict(zip(("problem", "sampler", "seed", "workers", "trials"), key))
    record["seconds"] = round(time.perf_counter() - began, 3)
    record["ask"] = [float(f"{s:.3g}") for s in ask]
    record["values"] = values
    if true != values:
        record["true"] = true
    return record


def attempt(key):
    """A library that fails on a problem is no reason to end the others."""
    try:
        return key, run(key), None
    except Exception as e:
        return key, None, f"{type(e).__name__}: {e}"


def key_of(record):
    return tuple(record[k] for k in ("problem", "sampler", "seed", "workers",
                                     "trials"))


def main():
    a = arguments()
    os.environ["HPSD_ASK_TELL"] = a.hpsd_binary
    done = set()
    if a.out.exists():
        done = {key_of(json.loads(line)) for line in a.out.open()}
    keys = [(p.name, sampler, seed, a.workers, a.trials or p.trials)
            for seed in a.seeds for p in problems.select(a.problems)
            for sampler in a.samplers.split(",")]
    keys = [k for k in keys if k not in done]
    failed = 0
    with multiprocessing.Pool(a.jobs) as pool, a.out.open("a") as out:
        for n, (key, record, why) in enumerate(
                pool.imap_unordered(attempt, keys), 1):
            if why is None:
                out.write(json.dumps(record) + "\n")
                out.flush()
            else:
                failed += 1
            print(f"{n}/{len(keys)}", *key[:3], why or record["seconds"],
                  file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
