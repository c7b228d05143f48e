#!/usr/bin/env python3
"""
Processor time of a suggestion, fit and acquisition, after n trials in d
dimensions, hpsd's beside Optuna's GPSampler, both on one thread:

    timing.py [--sampler hpsd-gp] [--n 10,100,1000] [--d 4,10,20]
              [--optuna-until 1000] [--asks 3] [--hpsd-binary PATH]

The history is told in bulk: random points of a smooth function. The first
suggestion after it finds no fit of an earlier one. What a search in progress
pays is the mean of the next n / 20 (6 to 60), among which hpsd fits anew once
or twice; of Optuna, which always does, the mean of --asks. Beside them the time
that the n^3/3 operations of one Cholesky factor would take at the rate of this
machine's dgemm (2 n^3 operations), and its share of hpsd's time, up to 2,000
trials: of more, some are left out.
"""

import argparse
import os
import statistics
import time

import run  # sets the number of threads before numpy starts

import numpy as np

import peers
import problems

SIZES = (10, 50, 100, 200, 500, 1000, 2000, 10000)


def numbers(text):
    return [int(x) for x in text.split(",")]


def smooth(d):
    """A bowl with a few hills; some coordinates matter more than others."""
    weights = 1 / (1 + np.arange(d))
    place = np.random.default_rng(8).uniform(0.2, 0.8, d)

    def f(config):
        x = problems.vector(config) - place
        return float(weights @ (x * x + 0.1 * np.sin(6 * x)) + x[0] * x[-1])
    return f


def dgemm_rate():
    """Floating-point operations a second, on one thread."""
    n = 1200
    a = np.random.default_rng(0).random((n, n))
    seconds = []
    for _ in range(5):
        began = time.process_time()
        a @ a
        seconds.append(time.process_time() - began)
    return 2 * n**3 / min(seconds)


def add_to_optuna(sampler, config, loss):
    import optuna
    one = optuna.distributions.FloatDistribution(0, 1)
    sampler.study.add_trial(optuna.trial.create_trial(
        params=config, value=loss, distributions=dict.fromkeys(config, one)))


def measure(name, d, n, asks):
    """Seconds of each of @asks suggestions after n trials."""
    problem = problems.Problem("smooth", "", problems.box(d, 0, 1), smooth(d),
                               n + asks)
    sampler = peers.make(name, problem, 0)
    rng = np.random.default_rng([n, d])
    for _ in range(n):
        config = {f"x{i}": float(x) for i, x in enumerate(rng.random(d))}
        loss = problem.f(config)
        if name.startswith("hpsd-"):
            sampler.add(config, loss)
        else:
            add_to_optuna(sampler, config, loss)
    seconds = []
    for k in range(asks):
        config = sampler.ask()
        seconds.append(sampler.thought)
        sampler.tell(n + k, config, problem.f(config))
    sampler.close()
    return seconds


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sampler", default="hpsd-gp")
    p.add_argument("--n", type=numbers, default=SIZES)
    p.add_argument("--d", type=numbers, default=(4, 10, 20))
    p.add_argument("--optuna-until", type=int, default=1000)
    p.add_argument("--asks", type=int, default=3)
    p.add_argument("--hpsd-binary", default=run.BINARY)
    a = p.parse_args()
    os.environ["HPSD_ASK_TELL"] = a.hpsd_binary
    rate = dgemm_rate()
    print(f"{rate / 1e9:.1f} GFlop/s by dgemm; ms:\n")
    print("| n | d |", a.sampler, "first | next | optuna-gp first | next | times"
          " faster | Cholesky | its share |")
    print("|", " | ".join(["---"] * 9), "|")
    for n in a.n:
        for d in a.d:
            line(a, n, d, rate)


def line(a, n, d, rate):
    ours = measure(a.sampler, d, n, 1 + min(max(n // 20, 6), 60))
    next_one = statistics.fmean(ours[1:])
    cells = [f"{1e3 * ours[0]:.2f}", f"{1e3 * next_one:.2f}"]
    if n <= a.optuna_until:
        theirs = measure("optuna-gp", d, n, 1 + a.asks)
        other = statistics.fmean(theirs[1:])
        cells += [f"{1e3 * theirs[0]:.0f}", f"{1e3 * other:.0f}",
                  f"{other / next_one:.0f}"]
    else:
        cells += ["", "", ""]
    factor = n**3 / 3 / rate
    cells += [f"{1e3 * factor:.3f}", f"{100 * factor / next_one:.0f} %"] \
        if n <= 2000 else ["", ""]
    print(f"| {n} | {d} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
