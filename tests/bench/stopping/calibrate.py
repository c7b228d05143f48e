#!/usr/bin/env python3
"""
How often what the forecast gave a small probability came true, on the curves of
a folder that curves.py made, by the number of Student's degrees of freedom:

    calibrate.py CACHE [--calibrate build/tests/bench/calibrate] [--aside] [--repeats 20]

The number in daemon/search/forecast.h is chosen on the tuning groups; with --aside
the table is of the others. Each task counts the same, and so do "best" and "last".
"""

import argparse
import pathlib
import subprocess

import numpy as np
from scipy import stats

ROOT = pathlib.Path(__file__).resolve().parents[3]
FORETOLD = (0.01, 0.05, 0.1, 0.25)
FREEDOMS = (2, 3, 4, 6, np.inf)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cache", type=pathlib.Path)
    p.add_argument("--calibrate", default=str(ROOT / "build/tests/bench/calibrate"))
    p.add_argument("--aside", action="store_true")
    p.add_argument("--repeats", type=int, default=20)
    a = p.parse_args()
    tables = []
    for path in sorted(a.cache.glob("*/*.txt")):
        if path.parent.name.endswith("-tuning") == a.aside:
            continue
        for rule in ("last", "best"):
            output = subprocess.run([a.calibrate, path, rule, str(a.repeats)], check=True, text=True,
                                    stdout=subprocess.PIPE).stdout
            rows = np.array([line.split() for line in output.splitlines()], dtype=float)
            with np.errstate(all="ignore"):
                tables.append((rows[:, 3] - rows[:, 1]) / rows[:, 2])
    print(f"{len(tables) // 2} tasks, {sum(map(len, tables))} forecasts; the share of results that came below what was "
          "foretold with this probability\n")
    print("| degrees of freedom | " + " | ".join(f"{100 * q:g} %" for q in FORETOLD) + " |")
    print("| --- " * (len(FORETOLD) + 1) + "|")
    for n in FREEDOMS:
        came = [np.mean([np.mean(stats.t.cdf(z, n) < q) for z in tables]) for q in FORETOLD]
        print(f"| {n if n < np.inf else 'normal'} | " + " | ".join(f"{100 * c:.1f} %" for c in came) + " |")


if __name__ == "__main__":
    main()
