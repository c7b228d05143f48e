#!/usr/bin/env python3
"""Prints importance.inc: the shares of Optuna's get_param_importances() for the cases of check_importance.c."""
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from draw import draw

CASES = 50
SPACE = {
    "lr": FloatDistribution(0.001, 1, log=True),
    "x": FloatDistribution(0, 1),
    "m": FloatDistribution(0, 1, step=0.1),
    "units": IntDistribution(8, 256, log=True),
    "layers": IntDistribution(1, 3),
    "wide": IntDistribution(0, 199),
    "opt": CategoricalDistribution("abcd"),
    "momentum": FloatDistribution(0, 1),
}
RANGES = [1000, 1001, 11, 249, 3, 200, 4, 1001]


def values(k):
    return [(1 + k[0]) / 1000, k[1] / 1000, round(k[2] * 0.1, 10), 8 + k[3], 1 + k[4], k[5], "abcd"[k[6]], k[7] / 1000]


optuna.logging.set_verbosity(optuna.logging.ERROR)
print(f"/* Made by importance.py: Optuna {optuna.__version__}. */")
for case in range(CASES):
    n = 50 + draw(200)
    weights = [draw(5) for _ in RANGES]
    study = optuna.create_study()
    for _ in range(n):
        k = [draw(r) for r in RANGES]
        score = sum(w * abs(100 * i // r - 40) for w, i, r in zip(weights, k, RANGES)) + draw(60)
        params = dict(zip(SPACE, values(k)))
        if params["opt"] != "b":
            del params["momentum"]
        study.add_trial(optuna.trial.create_trial(
            params=params, distributions={name: SPACE[name] for name in params}, value=score))
    shares = optuna.importance.get_param_importances(study)
    print("{ " + ", ".join(repr(float(shares[name])) for name in SPACE) + " },")
