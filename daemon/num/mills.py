#!/usr/bin/env python3
"""Prints the table mills[] of normal.c; needs mpmath.

t K(t), K the rest of Mills' ratio, in Chebyshev polynomials of
u = 1.25 (t - 4) / (t + 4) - 0.25, which runs from -1 to 1 for t = 1 .. infinity.
"""
from mpmath import cos, mp, mpf, nstr, pi, sqrt

mp.dps = 40
NODES = 60


def rest(t):
    k = (sqrt(t * t + 4 * 4000) - t) / 2
    for i in range(4000, 0, -1):
        k = i / (t + k)
    return k


def value(u):
    s = (u + mpf("0.25")) / mpf("1.25")
    t = 4 * (1 + s) / (1 - s)
    return t * rest(t)


angles = [pi * (2 * k + 1) / (2 * NODES) for k in range(NODES)]
values = [value(cos(a)) for a in angles]
for j in range(25):
    c = 2 / mpf(NODES) * sum(v * cos(j * a) for v, a in zip(values, angles))
    print(nstr(c / 2 if j == 0 else c, 20) + ",")
