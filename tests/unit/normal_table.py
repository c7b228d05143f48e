#!/usr/bin/env python3
"""Prints normal_table.h: what check_normal.c holds num/normal.h against.

It needs mpmath, which is no package of the build: the table is committed.
"""
from mpmath import erfc, exp, log, mp, mpf, nstr, pi, sqrt

mp.dps = 120
ZS = ([-(10.0**k) for k in range(8, 2, -1)] + [-z for z in (300, 100, 60.5, 60, 59.5, 50, 38.6)]
      + [-z / 8 for z in range(300, -1, -5)] + [-1 - 2.0**-40, -1 + 2.0**-40, -1e-3, -1e-300]
      + [z / 8 for z in range(1, 80, 7)] + [10.0, 20.0, 38.0, 40.0])
PS = ([10.0**-k for k in (300, 200, 100, 50, 30, 20, 16, 13, 12, 11, 10, 8, 6, 5, 4, 3, 2)]
      + [k / 40 for k in range(2, 39)] + [0.075, 0.925, 1 - 1e-3, 1 - 2.0**-20, 1 - 2.0**-50, 1 - 2.0**-53])


def phi(z):
    return exp(-z * z / 2) / sqrt(2 * pi)


def cdf(z):
    return erfc(-z / sqrt(2)) / 2


def quantile(p):
    """Newton's steps in log Phi, which is concave; by symmetry for p > 1/2."""
    if p > 0.5:
        return -quantile(1 - p)
    z = -sqrt(-2 * log(p)) if p < 0.1 else mpf(0)
    for _ in range(200):
        step = (log(cdf(z)) - log(p)) * cdf(z) / phi(z)
        z -= step
        if abs(step) < mpf(10) ** -60:
            return z
    raise ArithmeticError(f"no quantile of {p}")


def number(x):
    """Of a double: 20 digits, or 0 where it would underflow."""
    return "0" if 0 < abs(x) < mpf("1e-307") else nstr(x, 20)


def row(*numbers):
    return "\t{ " + ", ".join(number(n) if isinstance(n, mpf) else repr(n) for n in numbers) + " },"


print("#pragma once\n\n/* Made by normal_table.py with 120 digits: change that. */")
print("/* clang-format off */\n")
print("/* z, log Phi(z), log h(z), Phi(z) / h(z), phi(z) / h(z); h = phi(z) + z Phi(z) */")
print("static const double at[][5] = {")
for z in ZS:
    x = mpf(z)
    h = phi(x) + x * cdf(x)
    print(row(z, log(cdf(x)), log(h), cdf(x) / h, phi(x) / h))
print("};\n")
print("/* p, the z with Phi(z) = p */")
print("static const double quantiles[][2] = {")
for p in PS:
    print(row(p, quantile(mpf(p))))
print("};\n\n/* clang-format on */")
