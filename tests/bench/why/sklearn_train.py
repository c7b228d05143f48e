#!/usr/bin/env python3
"""
A scikit-learn classifier trained with one planted fault; one line an epoch,
a form feed between faults.

    sklearn_train.py MODEL SEED FAULT...        MODEL: mlp-adam, mlp-sgd, sgd-classifier
"""

import math
import re
import sys
import warnings

import numpy as np
from sklearn import datasets
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

RATES = {"mlp-adam": 2e-3, "mlp-sgd": 2e-2, "sgd-classifier": 3e-3}


def load(seed):
    name = ("digits", "wine", "breast", "made")[seed % 4]
    if name == "made":
        return datasets.make_classification(600, 30, n_informative=12, n_classes=3, class_sep=2.5, flip_y=0,
                                            random_state=seed)
    x, y = getattr(datasets, {"breast": "load_breast_cancer"}.get(name, f"load_{name}"))(return_X_y=True)
    some = np.random.default_rng(seed).permutation(len(y))[:600]
    return x[some], y[some]


def prepare(model, fault, seed, rng):
    x, y = load(seed)
    if fault == "labels":
        y = rng.permutation(y)
    x, xv, y, yv = train_test_split(x, y, test_size=.25, random_state=seed, stratify=y)
    if fault == "tiny":
        keep = np.concatenate([np.flatnonzero(y == k)[:3] for k in np.unique(y)])
        x, y = x[keep], y[keep]
    if fault == "outliers":
        bad = rng.random(x.shape) < .1
        x = np.where(bad, 1000 * rng.standard_normal(x.shape) * x.std(), x)
    if fault != "no_scaling":
        scaler = StandardScaler().fit(x)
        x, xv = scaler.transform(x), scaler.transform(xv)
    if fault == "tiny" and model == "sgd-classifier":
        more = PolynomialFeatures(2).fit(x[:, :30])
        x, xv = more.transform(x[:, :30]), more.transform(xv[:, :30])
    return x, y, xv, yv


def build(model, fault, seed):
    rate = RATES[model] * {"rate_high": 100, "rate_low": .01}.get(fault, 1)
    l2 = {"strong_l2": 30 if model == "sgd-classifier" else 1000}.get(fault, 1e-4)
    if model == "sgd-classifier":
        return SGDClassifier("log_loss", learning_rate="constant", eta0=rate, alpha=l2, random_state=seed)
    hidden = {"one_unit": (1,), "tiny": (256, 256)}.get(fault, ((32,), (64,), (64, 32))[seed // 4 % 3])
    activation = ("relu", "tanh")[seed // 2 % 2]
    return MLPClassifier(hidden, activation, solver=model[4:], alpha=l2, batch_size=8 if fault == "tiny" else 32,
                         learning_rate_init=rate, random_state=seed)


def loss(net, x, y):
    """Natural logarithm; a probability of 0 counts as 1e-15."""
    p = net.predict_proba(x)[np.arange(len(y)), y]
    return float(np.mean(-np.log(np.maximum(p, 1e-15))))


def set_rate(net, rate):
    if isinstance(net, SGDClassifier):
        net.eta0 = rate
    else:
        net._optimizer.learning_rate_init = net._optimizer.learning_rate = rate


def train(model, fault, seed):
    rng = np.random.default_rng(seed)
    x, y, xv, yv = prepare(model, fault, seed, rng)
    net = build(model, fault, seed)
    classes = np.unique(y)
    print(f"{model} on {x.shape[0]} rows, {x.shape[1]} columns, {len(classes)} classes")
    if fault in ("zero_init", "dead"):
        net.learning_rate_init = 1e-12
        net.partial_fit(x[:1], y[:1], classes=classes)
        for w, b in list(zip(net.coefs_, net.intercepts_))[:-1]:
            w *= fault != "zero_init"
            b[:] = -30 if fault == "dead" else 0
        if fault == "zero_init":
            net.coefs_[-1] *= 0
        set_rate(net, RATES[model])
    for epoch in range(1, 3 if fault == "two_epochs" else 41):
        order = rng.permutation(len(y))
        try:
            net.partial_fit(x[order], y[order], classes=classes)
            if fault == "frozen":
                set_rate(net, 1e-12)  # after the first epoch
            rows = rng.integers(len(yv), size=10) if fault == "random_valid" else slice(None)
            train, valid = loss(net, x, y), loss(net, xv[rows], yv[rows])
        except ValueError as e:
            if not re.search("finite|NaN|infinity", str(e)):
                raise
            train = valid = math.nan
        print(f"epoch={epoch} train_loss={train:.6g} val_loss={valid:.6g}")


def main():
    model, seed, faults = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for i, fault in enumerate(faults):
        print("\f" * (i > 0), end="")
        train(model, fault, seed)


if __name__ == "__main__":
    main()
