#!/usr/bin/env python3
"""search/gp.h beside scikit-learn's Gaussian process, and beside itself.

    gp_model.py GP_DUMP

Likelihood, gradient and posterior of 200 random cases must be scikit-learn's.
They must not change when rows or axes change places, axes are mirrored or choices
get other names, and not in a bit when rows come later. Gradients must be slopes.
"""
import subprocess
import sys

import numpy as np

try:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import (ConstantKernel, Matern,
                                                  WhiteKernel)
except ImportError:
    print("python3-sklearn is not installed")
    sys.exit(77)

TOLERANCE = 1e-8


class Case:
    """d axes, n rows, m points; ln l, ln s, ln noise."""

    def __init__(self, seed, ill=False, rows=40):
        r = np.random.default_rng(seed)
        self.d, n, m = r.integers(1, 9), r.integers(1, rows + 1), 5
        self.choice = r.random(self.d) < 0.3
        self.hyper = np.append(r.uniform(-2, 1.5, self.d),
                               [r.uniform(-2, 2), r.uniform(-9, 0)])
        self.x, self.points = self.draw(r, n), self.draw(r, m)
        self.y = r.standard_normal(n) * np.exp(r.uniform(-2, 2))
        self.repeats = np.ones(n)
        if r.random() < 0.5:
            self.repeats = r.integers(1, 6, n).astype(float)
        if ill:
            # Near each other on every axis, some twice, and hardly any noise.
            self.hyper[:-2] = r.uniform(1, 3, self.d)
            self.hyper[-2] = min(self.hyper[-2], 0.5)
            self.hyper[-1] = -20
            self.x[n // 2:] = self.x[:n - n // 2]
            self.y = np.sin(self.x.sum(axis=1))
        self.split = r.integers(0, n)

    def draw(self, r, n):
        places = r.integers(-1, 4, (n, self.d))
        return np.where(self.choice, places, r.random((n, self.d)))

    def changed(self, **parts):
        other = object.__new__(Case)
        other.__dict__ = self.__dict__ | parts
        return other

    def text(self):
        rows = np.column_stack([self.x, self.y, self.repeats])
        numbers = [self.choice, self.hyper, rows.ravel(), self.points.ravel()]
        return " ".join([f"{self.d} {len(self.x)} {len(self.points)} {self.split}"]
                        + [f"{v:.17g}" for part in numbers for v in part])


class Answer:
    """A line of gp_dump."""

    def __init__(self, case, line):
        v = [float(word) for word in line.split()]
        k = case.d + 2
        self.floor, self.likelihood = v[:2]
        self.slope = np.array(v[2:2 + k])
        self.posterior = v[2 + k]
        self.posterior_slope = np.array(v[3 + k:3 + 2 * k])
        self.means, sd = np.array(v[3 + 2 * k:]).reshape(-1, 2).T
        self.variances = sd ** 2


def answers(dump, cases):
    text = "\n".join(case.text() for case in cases) + "\n"
    lines = subprocess.run([dump], input=text, capture_output=True, text=True,
                           check=True).stdout.splitlines()
    assert len(lines) == len(cases), (len(lines), len(cases))
    return [Answer(case, line) for case, line in zip(cases, lines)]


# --- scikit-learn -----------------------------------------------------------

def one_hot(case, x):
    """Choices as corners of a simplex: two of them are at the distance 1."""
    columns, axis_of = [], []
    for i in range(case.d):
        values = np.arange(-1, 4) if case.choice[i] else [None]
        for value in values:
            column = x[:, i] if value is None else (x[:, i] == value) / np.sqrt(2)
            columns.append(column)
            axis_of.append(i)
    return np.column_stack(columns), np.array(axis_of)


class Reference:
    """What scikit-learn makes of it."""

    def __init__(self, case, floor):
        x, axis_of = one_hot(case, case.x)
        points, _ = one_hot(case, case.points)
        l, s = np.exp(case.hyper[:-2])[axis_of], np.exp(case.hyper[-2])
        learnt = np.exp(case.hyper[-1])
        noise = learnt + floor
        kernel = ConstantKernel(s) * Matern(l, nu=2.5)
        alpha = noise / case.repeats
        self.has_noise = (case.repeats == 1).all()
        if self.has_noise:
            kernel, alpha = kernel + WhiteKernel(noise), 0
        gpr = GaussianProcessRegressor(kernel, alpha=alpha, optimizer=None)
        gpr.fit(x, case.y)
        self.likelihood, slope = gpr.log_marginal_likelihood(
            kernel.theta, eval_gradient=True)
        self.slope = np.full(case.d + 2, np.nan)
        self.slope[:case.d] = np.bincount(axis_of, slope[1:1 + len(axis_of)])
        self.slope[case.d] = slope[0]
        if self.has_noise:
            self.slope[-1] = slope[-1] * learnt / noise
        self.means, sd = gpr.predict(points, return_std=True)
        self.variances = sd ** 2 - (noise if self.has_noise else 0)
        k = gpr.kernel_(x) + (0 if self.has_noise else np.diag(alpha))
        self.condition = np.linalg.cond(k)


def far(a, b, size):
    """How far apart, beside what is summed up in them; NaN is not known."""
    difference = np.abs(np.atleast_1d(a) - np.atleast_1d(b)) / size
    return float(np.nanmax(np.append(difference, 0)))


def sizes(case, a):
    return {"likelihood": abs(a.likelihood) + len(case.y),
            "values": np.abs(case.y).max(initial=1),
            "variances": np.exp(case.hyper[-2])}


def differences(case, a, b):
    """Between an answer and a reference, or another answer."""
    size = sizes(case, a)
    return {"likelihood": far(a.likelihood, b.likelihood, size["likelihood"]),
            "slope": far(a.slope, b.slope, size["likelihood"]),
            "means": far(a.means, b.means, size["values"]),
            "variances": far(a.variances, b.variances, size["variances"])}


def check_reference(dump):
    cases = [Case(seed, ill=seed % 4 == 3) for seed in range(200)]
    worst, condition = {}, 0
    for case, a in zip(cases, answers(dump, cases)):
        b = Reference(case, a.floor)
        condition = max(condition, b.condition)
        for name, error in differences(case, a, b).items():
            worst[name] = max(worst.get(name, 0), error)
    print(f"scikit-learn, condition numbers up to {condition:.1e}:", worst)
    assert condition > 1e8, "no case is ill-conditioned"
    return max(worst.values()) < TOLERANCE


# --- the same model told otherwise ------------------------------------------

def rows_in_another_order(case, r):
    order = r.permutation(len(case.x))
    return case.changed(x=case.x[order], y=case.y[order],
                        repeats=case.repeats[order]), None


def axes_in_another_order(case, r):
    order = r.permutation(case.d)
    return case.changed(choice=case.choice[order], x=case.x[:, order],
                        points=case.points[:, order],
                        hyper=np.append(case.hyper[:-2][order],
                                        case.hyper[-2:])), order


def mirrored_axes(case, r):
    mirror = (r.random(case.d) < 0.5) & ~case.choice
    return case.changed(x=np.where(mirror, 1 - case.x, case.x),
                        points=np.where(mirror, 1 - case.points,
                                        case.points)), None


def choices_with_other_names(case, r):
    names = r.permutation(5)

    def rename(x):
        return np.where(case.choice, names[np.where(case.choice, x + 1, 0)
                                           .astype(int)], x)
    return case.changed(x=rename(case.x), points=rename(case.points)), None


def check_alike(dump, change):
    r = np.random.default_rng(1)
    cases = [Case(1000 + seed, ill=seed % 4 == 3) for seed in range(50)]
    pairs = [change(case, r) for case in cases]
    others = answers(dump, [other for other, _ in pairs])
    worst = 0
    for case, a, b, (_, order) in zip(cases, answers(dump, cases), others,
                                      pairs):
        if order is not None:
            a.slope = np.append(a.slope[:-2][order], a.slope[-2:])
        worst = max(worst, *differences(case, a, b).values())
    print(f"{change.__name__.replace('_', ' ')}: {worst:.1e}")
    return worst < TOLERANCE


def check_same_bits(dump):
    """A solution does not depend on what was solved before."""
    cases = [Case(4000 + seed, ill=seed % 2 == 1, rows=200)
             for seed in range(50)]
    at_once = [case.changed(split=0) for case in cases]
    same = [vars(a).keys() == vars(b).keys() and
            all(np.array_equal(vars(a)[k], vars(b)[k]) for k in vars(a))
            for a, b in zip(answers(dump, cases), answers(dump, at_once))]
    print(f"solved before: {same.count(False)} of {len(same)} differ")
    return all(same)


def check_monotone(dump):
    """A further row makes no point less certain; none is less so than none."""
    cases = [Case(3000 + seed) for seed in range(50)]
    fewer = [case.changed(x=case.x[:-1], y=case.y[:-1], split=0,
                          repeats=case.repeats[:-1])
             for case in cases if len(case.x) > 1]
    cases = [case for case in cases if len(case.x) > 1]
    worst = -np.inf
    for case, a, b in zip(cases, answers(dump, cases), answers(dump, fewer)):
        s = np.exp(case.hyper[-2])
        worst = max(worst, np.max(a.variances - b.variances) / s,
                    np.max(b.variances - s) / s)
    print(f"a further row: {worst:.1e}")
    return worst < TOLERANCE


# --- slopes -----------------------------------------------------------------

STEP = 1e-3
# The fourth-order central difference: weights of f(-2 h), f(-h), f(h), f(2 h).
WEIGHTS = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}


def moved(case, i, by):
    hyper = case.hyper.copy()
    hyper[i] += by
    return case.changed(hyper=hyper)


def check_slopes(dump):
    cases = [Case(2000 + seed) for seed in range(50)]
    steps = [(case, i, k) for case in cases for i in range(case.d + 2)
             for k in WEIGHTS]
    there = answers(dump, [moved(case, i, k * STEP) for case, i, k in steps])
    slopes = {}
    for (case, i, k), a in zip(steps, there):
        slope = slopes.setdefault(case, np.zeros(case.d + 2))
        slope[i] += WEIGHTS[k] * a.posterior / STEP
    worst = max(far(a.posterior_slope, slopes[case],
                    sizes(case, a)["likelihood"])
                for case, a in zip(cases, answers(dump, cases)))
    print(f"slopes of the posterior: {worst:.1e}")
    return worst < TOLERANCE


if __name__ == "__main__":
    program = sys.argv[1]
    alike = [rows_in_another_order, axes_in_another_order, mirrored_axes,
             choices_with_other_names]
    right = [check_reference(program), check_slopes(program),
             check_monotone(program), check_same_bits(program)]
    right += [check_alike(program, change) for change in alike]
    sys.exit(not all(right))
