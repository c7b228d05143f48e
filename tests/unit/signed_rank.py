#!/usr/bin/env python3
"""Prints signed_rank.inc: p-values of scipy.stats.wilcoxon for the cases of check_signed_rank.c."""
import numpy as np
from scipy.stats import wilcoxon

from draw import draw

CASES = 1000

print("/* Made by signed_rank.py: scipy.stats.wilcoxon, greater, zsplit. */")
for case in range(CASES):
    n = 1 + draw(64)
    span = 20 if case % 2 == 0 else 2000001
    shift = draw(span // 2)
    d = np.array([draw(span) - shift for _ in range(n)], dtype=float)
    p = wilcoxon(d, alternative='greater', zero_method='zsplit').pvalue
    print(f"{float(p)!r},")
