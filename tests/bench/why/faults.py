"""
What is planted, and which answers to it are right: the ground truth of the bench.

A log is a run with one fault. FAULTS names the symptoms that the fault can
cause, the likeliest first. Which of them it did cause shows in the curves, so
the list is cut to those that can be said of the run at all (possible()). That
is judged with what the diagnosis has not: the same seed's run without the
fault and the loss of a uniform guess. The bounds are wide on purpose: they
exclude what is plainly wrong and leave the rest to the diagnosis.

A fault that leaves no mark is none: when the run ends about as well as the one
without it, the right answer is healthy. Between ALIKE and SICK both are right.

Main answer: the first symptom that the diagnosis lists. It is right when it is
among the accepted ones.
"""

import dataclasses
import math

import numpy as np

ALIKE, SICK = .95, .85  # of the good run's way from a uniform guess down to its end

SLOW = ["too_slow", "still_improving", "stuck_at_start", "plateau"]
BAD = ["diverged", "oscillating", "noisy", "stuck_at_start", "plateau", "underfitting", "overfitting", "too_slow",
       "still_improving"]
FAULTS = {
    "good": ["healthy"],
    "rate_high": BAD[:-2],
    "rate_low": SLOW,
    "one_unit": ["underfitting", "plateau", "stuck_at_start", "still_improving", "too_slow"],
    "no_scaling": BAD,
    "outliers": BAD,
    "labels": ["overfitting", "stuck_at_start", "underfitting", "diverged"],
    "strong_l2": ["stuck_at_start", "underfitting", "plateau", "diverged"],
    "tiny": ["overfitting"],
    "two_epochs": ["still_improving"],
    "zero_init": ["stuck_at_start", "underfitting", "plateau", "still_improving", "too_slow"],
    "dead": ["stuck_at_start", "underfitting", "plateau"],
    "one_image": ["noisy", "oscillating", "diverged", "stuck_at_start"],
    "frozen": ["plateau", "underfitting"],
    "random_valid": ["noisy", "oscillating"],
    "killed": ["late_crash"],
    "late_nan": ["late_crash", "diverged"],
    "silent": ["no_output"],
}
# What need not hurt.
UNMARKED = {"rate_high", "rate_low", "no_scaling", "outliers", "two_epochs", "zero_init", "one_image", "one_unit",
            "frozen"}


@dataclasses.dataclass
class Curves:
    train: np.ndarray
    valid: np.ndarray

    def end(self, name):
        y = getattr(self, name)
        return float(np.mean(y[-3:] if len(y) >= 6 else y[-1:]))

    def finite(self):
        return bool(np.isfinite(self.train).all() and np.isfinite(self.valid).all())


def smooth(y):
    """Median of three; the ends keep their values."""
    if len(y) < 3:
        return y
    return np.concatenate([y[:1], np.median(np.stack([y[:-2], y[1:-1], y[2:]]), axis=0), y[-1:]])


def gain(y, share):
    """By how much the last @share of the curve is below what was reached before."""
    y = smooth(y)
    k = max(1, int(round(len(y) * share)))
    return float(np.median(y[:-k][-max(1, k // 2):]) - np.median(y[-max(1, k // 2):])) if len(y) > k else 0.


def way(run, good, guess):
    """How much of the good run's way from a uniform guess down the run went: 1 all."""
    return (guess - run.end("valid")) / (guess - good.end("valid"))


def rough(y):
    """Goes up and down, by what one can see."""
    late = y[len(y) // 3:]
    steps = np.diff(late)
    level = max(float(np.median(np.abs(late))), 1e-9)
    return len(steps) > 3 and np.mean(steps > 0) >= .2 and float(np.mean(np.abs(steps))) >= .03 * level


def possible(run, good, guess):
    """The symptoms that can be said of the run."""
    if not run.finite():
        return {"diverged"}
    train, valid = run.end("train"), run.end("valid")
    q = way(run, good, guess)
    t, v = smooth(run.train), smooth(run.valid)
    drop = max(float(max(t[0], guess) - t.min()), 1e-9)
    best = int(np.argmin(v))
    says = {
        "diverged": train > 1.5 * guess or (valid > 1.5 * max(guess, v[0]) and train >= .95 * guess),
        "oscillating": rough(run.train) or rough(run.valid),
        "stuck_at_start": train > .95 * guess or t[0] - train < .05 * t[0],
        "plateau": gain(run.train, .33) < .05 * drop and gain(run.valid, .33) < .05 * drop,
        "underfitting": train > .25 * guess and valid - train < .3 * guess and gain(run.train, .33) < .1 * train,
        "overfitting": (valid > 1.1 * v.min() and valid - v.min() > .02 * guess and train < t[best])
        or valid - train > .2 * guess,
        "too_slow": gain(run.train, .33) > 0 and train > .25 * guess,
        "still_improving": gain(run.train, .2) > .02 * drop or gain(run.valid, .2) > .02 * drop,
        "healthy": q >= SICK,
    }
    says["noisy"] = says["oscillating"]
    return {k for k, said in says.items() if said}


def accepted(fault, run=None, good=None, guess=None):
    """The right main answers, the likeliest first."""
    causes = FAULTS[fault]
    if fault in ("good", "killed", "late_nan", "silent"):
        return causes
    can = possible(run, good, guess)
    right = [s for s in causes if s in can]
    t, v = smooth(run.train), smooth(run.valid)
    if fault == "labels" and run.end("train") < .9 * t[0] and run.end("valid") > .97 * v[0] and right[:1] != causes[:1]:
        right.insert(0, "overfitting")  # whatever it learned it has learned by heart
    if fault == "random_valid":
        return right or ["healthy"]
    if fault in UNMARKED and run.finite():
        q = way(run, good, guess)
        if q >= ALIKE:
            beside = {"noisy", "oscillating", "still_improving"}
            if run.end("valid") > 1.5 * smooth(run.valid).min():
                beside.add("overfitting")
            return ["healthy"] + [s for s in right if s in beside]
        if q >= SICK:
            right.append("healthy")
    if fault == "rate_low" and "still_improving" in right and way(run, good, guess) < .4:
        right.remove("still_improving")  # crawls: more of the same would not do
    return right or causes[:1]


def taskset(run, best):
    """
    Simple oracles for a curve of unknown cause: (oracle, accepted), or None. @best of the task's curves. Two classes:
    a loss of ln 2 is that of a guess. That a loss still falls, both too_slow and still_improving say.
    """
    if not run.finite():
        return "diverged", ["diverged"]
    v, t = smooth(run.valid), smooth(run.train)
    start, end = float(v[0]), run.end("valid")
    whole = start - best
    if end > 1.5 * start:
        return ("diverged", ["diverged"]) if end > .8 * v.max() else None
    if v.max() > 1.2 * start:
        return None  # first up, then down: no simple name
    drop, low = start - float(v.min()), int(np.argmin(v))
    if drop < .03 * whole:
        return ("never_learned", ["stuck_at_start"]) if end < start + .03 * whole else None
    if drop > .1 * whole and end - v.min() > .1 * drop and run.end("train") < t[low]:
        return "overfitted", ["overfitting"]
    if math.isclose(end, math.log(2), rel_tol=.01) and abs(gain(v, .5)) < .02 * drop:
        return "never_learned", ["stuck_at_start", "plateau", "underfitting"]
    late = gain(run.valid, .2)
    if drop > .1 * whole and late > .08 * drop and end < v.min() + .05 * drop:
        return "still_falling", ["still_improving", "too_slow"]
    if (start - end) > .9 * whole and late < .03 * drop:
        return "healthy", ["healthy"]
    if .05 * whole < drop < .35 * whole and abs(gain(run.valid, .5)) < .03 * drop:
        chance = math.isclose(end, math.log(2), rel_tol=.01)
        return "flat", ["plateau", "underfitting"] + (["stuck_at_start"] if chance else [])
    return None
