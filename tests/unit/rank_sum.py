#!/usr/bin/env python3
"""Prints rank_sum.inc: p-values of scipy.stats for the cases of check_rank_sum.c."""
import numpy as np
from scipy.stats import binom, fisher_exact, mannwhitneyu

from draw import draw

print("/* Made by rank_sum.py: scipy.stats.mannwhitneyu, fisher_exact and binom. */")
for case in range(500):
    n, m = 1 + draw(30), 1 + draw(30)
    span = 10 if case % 2 == 0 else 2000001
    shift = draw(span // 2)
    x = np.array([draw(span) + shift for _ in range(n)], dtype=float)
    y = np.array([draw(span) for _ in range(m)], dtype=float)
    p = mannwhitneyu(x, y, method="asymptotic", alternative="two-sided").pvalue
    p = 1.0 if np.isnan(p) else p
    all_, drawn, marked = 1 + draw(100), 0, 0
    drawn, marked = draw(all_ + 1), draw(all_ + 1)
    low, high = max(0, drawn + marked - all_), min(drawn, marked)
    hits = low + draw(high - low + 1)
    table = [[hits, marked - hits], [drawn - hits, all_ - marked - drawn + hits]]
    f = fisher_exact(table, alternative="greater").pvalue
    b = binom.sf(hits - 1, drawn, 0.1)
    print(f"{{ {float(p)!r}, {float(f)!r}, {float(b)!r} }},")
