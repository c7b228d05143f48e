"""
The problems of the comparison: each a search space (the "parameters" of a
search file) and what a trial of it gives.

Where the optimum of a classic lies in the middle of its box it is moved by a
fixed offset, since samplers that begin with the middle would find it at once.
A problem's `best` is its optimum, or the best value ever seen of it, which
known.py writes to known.json.
"""

import importlib.util
import json
import math
import os
import pathlib
import warnings

import numpy as np

import space

HERE = pathlib.Path(__file__).parent
KNOWN = json.loads((HERE / "known.json").read_text())

FAILED = None  # what a trial without a result gives


class Problem:
    """@f of a configuration gives a loss or FAILED; it is minimized."""

    def __init__(self, name, group, parameters, f, trials, best=None, noise=0):
        self.name, self.group, self.parameters = name, group, parameters
        self.f, self.trials, self.noise = f, trials, noise
        self.optimum = best is not None
        known = KNOWN.get(name, {})
        self.best = best if self.optimum else known.get("best", math.inf)
        # What random search has after this many trials, half of the time.
        self.random = known.get("random", math.inf)

    def run(self, config, seed, number):
        """
        (what the sampler is told, what it is judged by) of trial @number: the
        same but for the noise, which every sampler gets alike.
        """
        true = self.f(config)
        if true is FAILED:
            return FAILED, FAILED
        rng = np.random.default_rng([seed, number, 77])
        return float(true + self.noise * rng.standard_normal()), float(true)


def real(low, high, scale="linear", **more):
    return {"type": "float", "min": low, "max": high, "scale": scale, **more}


def integer(low, high, scale="linear", **more):
    return {"type": "int", "min": low, "max": high, "scale": scale, **more}


def choice(values, **more):
    return {"type": "choice", "values": values, **more}


def box(n, low, high):
    return {f"x{i}": real(low, high) for i in range(n)}


def vector(config):
    return np.array([config[f"x{i}"] for i in range(len(config))])


def offset(n, half_width, seed):
    """A point off the middle in every coordinate, by a tenth to six tenths."""
    rng = np.random.default_rng(seed)
    away = rng.uniform(0.1, 0.6, n) * half_width
    return away * rng.choice([-1, 1], n)


# Classic functions. #


def branin(x):
    a, b = x
    bowl = b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6
    return bowl**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


HARTMANN_A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14],
                       [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
HARTMANN_P = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886],
                              [2329, 4135, 8307, 3736, 1004, 9991],
                              [2348, 1451, 3522, 2883, 3047, 6650],
                              [4047, 8828, 8732, 5743, 1091, 381]])
HARTMANN_BEST = -3.322368011391339


def hartmann(x):
    far = (HARTMANN_A * (x[:6] - HARTMANN_P) ** 2).sum(axis=1)
    return -float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-far))


def ackley(x):
    return float(-20 * np.exp(-0.2 * np.sqrt(np.mean(x * x)))
                 - np.exp(np.mean(np.cos(2 * np.pi * x))) + 20 + np.e)


def levy(x):
    w = 1 + x / 4
    head = np.sin(np.pi * w[0]) ** 2
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)
    tail = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return float(head + middle.sum() + tail)


def rosenbrock(x):
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def rastrigin(x):
    return float((x * x - 10 * np.cos(2 * np.pi * x) + 10).sum())


def ellipsoid(n, condition, seed):
    rotation, _ = np.linalg.qr(np.random.default_rng(seed)
                               .standard_normal((n, n)))
    weights = condition ** (np.arange(n) / (n - 1))

    def f(x):
        return float(weights @ (rotation @ x) ** 2)
    return f


def moved(f, by):
    return lambda config: f(vector(config) - by)


def plain(f):
    return lambda config: f(vector(config))


# Spaces as users have them. #


def mixed(c):
    """Every kind of parameter; the choice moves the best rate and depth."""
    rate = {"a": -4.4, "b": -2.1, "c": -3.2}[c["kind"]]
    depth = {"a": 4, "b": 7, "c": 2}[c["kind"]]
    size = ["tiny", "small", "medium", "large", "huge"].index(c["size"])
    return ({"a": 0, "b": 0.15, "c": 0.4}[c["kind"]]
            + (math.log10(c["rate"]) - rate) ** 2 / 2
            + 6 * (c["drop"] - 0.15 - 0.05 * (c["depth"] - 4)) ** 2
            + (c["depth"] - depth) ** 2 / 30
            + math.log2(c["units"] / 300) ** 2 / 8
            + (size - 3) ** 2 / 10)


MIXED = {
    "kind": choice(["b", "c", "a"]),
    "rate": real(1e-6, 1, "log"),
    "drop": real(0, 0.9),
    "depth": integer(1, 12),
    "units": integer(8, 1024, "log"),
    "size": choice(["tiny", "small", "medium", "large", "huge"], ordered=True),
}


def optimizers(c):
    """A training with a choice of optimizers, each with its own knobs."""
    def off(name, best, width):
        return ((math.log10(c[name]) - best) / width) ** 2

    kind = c["optimizer"]
    if kind == "sgd":
        own = 0.25 + off("sgd_lr", -0.6, 1.5)
    elif kind == "momentum":
        # A larger momentum wants a smaller rate.
        wanted = -1.2 + math.log10((1 - c["momentum"]) / 0.1)
        own = (0.06 + off("momentum_lr", wanted, 1.2)
               + 0.5 * (c["momentum"] - 0.9) ** 2)
    elif kind == "adam":
        own = (off("adam_lr", -3.7, 1.0) + 2 * (c["beta1"] - 0.88) ** 2
               + 0.05 * off("epsilon", -8.2, 2))
    else:
        own = 0.1 + off("rmsprop_lr", -3.5, 1.0) + (c["decay"] - 0.93) ** 2
    shared = ((math.log2(c["layers"]) - 2) ** 2 / 8
              + 2 * (c["dropout"] - 0.05 * c["layers"]) ** 2
              + 0.15 * off("l2", -2.9, 1.5))
    return math.log1p(own) + shared


OPTIMIZERS = {
    "optimizer": choice(["sgd", "momentum", "adam", "rmsprop"]),
    "sgd_lr": real(1e-5, 10, "log", when={"optimizer": "sgd"}),
    "momentum_lr": real(1e-5, 10, "log", when={"optimizer": "momentum"}),
    "momentum": real(0, 0.99, when={"optimizer": "momentum"}),
    "adam_lr": real(1e-6, 1, "log", when={"optimizer": "adam"}),
    "beta1": real(0.5, 0.99, when={"optimizer": "adam"}),
    "epsilon": real(1e-10, 1e-3, "log", when={"optimizer": "adam"}),
    "rmsprop_lr": real(1e-6, 1, "log", when={"optimizer": "rmsprop"}),
    "decay": real(0.5, 0.999, when={"optimizer": "rmsprop"}),
    "layers": integer(1, 12),
    "dropout": real(0, 0.8),
    "l2": real(1e-8, 1, "log"),
}

FAILING_WEIGHTS = np.array([0.35, 0.3, 0.2, 0.15])
FAILING_BEST = np.array([0.72, 0.27, 0.63, 0.8])


def failing(c):
    """
    Out of memory, say: no result where a weighted sum is above 0.586, which is
    30 % of the volume; the optimum lies 0.007 below that.
    """
    x = vector(c)
    if FAILING_WEIGHTS @ x > 0.586:
        return FAILED
    far = x - FAILING_BEST
    ripple = (1 - np.cos(3 * np.pi * far)).sum()
    return float(np.array([4, 3, 2, 1]) @ far**2 + 0.08 * ripple)


def exploding(c):
    """
    A rate that is too large for the momentum: with e the decimal logarithm of
    rate / (1 - momentum), the loss falls until e = -1.3 and is 1e30 from
    e = -1.08 on: 30 % of the volume, behind a smooth border.
    """
    effective = math.log10(c["rate"] / (1 - c["momentum"]))
    if effective > -1.08:
        return 1e30
    return ((effective + 1.3) ** 2 / 4 + 2 * (c["momentum"] - 0.8) ** 2
            + math.log10(c["l2"] / 2e-5) ** 2 / 20
            + 1.5 * (c["dropout"] - 0.3) ** 2
            + math.log2(c["units"] / 400) ** 2 / 15)


EXPLODING = {
    "rate": real(1e-5, 1, "log"),
    "momentum": real(0, 0.99),
    "l2": real(1e-7, 1, "log"),
    "dropout": real(0, 0.9),
    "units": integer(16, 1024, "log"),
}


def synthetic():
    def add(name, *rest, **more):
        return Problem(name, "synthetic", *rest, **more)

    six = box(6, 0, 1)
    yield add("branin", {"x0": real(-5, 10), "x1": real(0, 15)},
              plain(branin), 60, best=0.39788735772973816)
    yield add("hartmann6", six, plain(hartmann), 60, best=HARTMANN_BEST)
    yield add("ackley5", box(5, -32.768, 32.768),
              moved(ackley, offset(5, 32.768, 1)), 60, best=0)
    yield add("levy4", box(4, -10, 10), moved(levy, offset(4, 10, 2)), 60,
              best=0)
    yield add("rosenbrock4", box(4, -5, 10), plain(rosenbrock), 60, best=0)
    yield add("rosenbrock10", box(10, -5, 10), plain(rosenbrock), 100, best=0)
    yield add("rastrigin4", box(4, -5.12, 5.12),
              moved(rastrigin, offset(4, 5.12, 3)), 60, best=0)
    yield add("ellipsoid6", box(6, -5, 5),
              moved(ellipsoid(6, 1e6, 4), offset(6, 5, 5)), 60, best=0)
    yield add("hartmann6-noisy", six, plain(hartmann), 60, best=HARTMANN_BEST,
              noise=0.1)
    yield add("hartmann20", box(20, 0, 1), plain(hartmann), 100,
              best=HARTMANN_BEST)
    yield add("mixed", MIXED, mixed, 60, best=0)
    yield add("conditional", OPTIMIZERS, optimizers, 100, best=0)
    yield add("failing", box(4, 0, 1), failing, 60, best=0)
    yield add("exploding", EXPLODING, exploding, 60, best=0)


# Models of scikit-learn, cross-validated on its own data. #


def cross_validated(model, data, score, rows):
    """f(config): the mean loss over 3 folds of model(**config)."""
    ready = []

    def load():
        from sklearn import datasets, model_selection, preprocessing
        x, y = getattr(datasets, "load_" + data)(return_X_y=True)
        keep = np.random.default_rng(6).permutation(len(x))[:rows]
        x = preprocessing.StandardScaler().fit_transform(x[keep])
        kinds = model_selection.KFold if data == "diabetes" \
            else model_selection.StratifiedKFold
        folds = kinds(3, shuffle=True, random_state=0).split(x, y[keep])
        return x, y[keep], list(folds)

    def f(config):
        if not ready:
            ready.extend(load())
        x, y, folds = ready
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # An iteration that overflows is a bad loss, not a message.
            with np.errstate(all="ignore"):
                try:
                    losses = [score(model(**config).fit(x[a], y[a]), x[b], y[b])
                              for a, b in folds]
                except ValueError:  # the weights are not finite
                    return FAILED
        return float(np.mean(losses))
    return f


def error(model, x, y):
    return 1 - model.score(x, y)


def disorder(model, x, y):
    """Of two classes: 1 - the area under the ROC curve."""
    from sklearn.metrics import roc_auc_score
    return 1 - roc_auc_score(y, model.decision_function(x))


def log_loss(model, x, y):
    p = np.clip(model.predict_proba(x), 1e-9, 1)
    hit = p[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return -np.log(hit / p.sum(axis=1)).mean()


def squared(model, x, y):
    return ((model.predict(x) - y) ** 2).mean()


SVM = {
    "kernel": choice(["rbf", "poly", "sigmoid"]),
    "C": real(1e-3, 1e4, "log"),
    "gamma": real(1e-5, 10, "log"),
    "degree": integer(2, 5, when={"kernel": "poly"}),
    "coef0": real(-1, 1, when={"kernel": ["poly", "sigmoid"]}),
}
FOREST = {
    "max_depth": integer(1, 15),
    "min_samples_split": real(0.01, 0.99, "logit"),
    "min_samples_leaf": real(0.005, 0.49, "logit"),
    "max_features": real(0.05, 0.99, "logit"),
    "min_impurity_decrease": real(1e-6, 0.5, "log"),
}
BOOSTING = {
    "learning_rate": real(1e-3, 1, "log"),
    "n_estimators": integer(5, 40, "log"),
    "max_depth": integer(1, 6),
    "subsample": real(0.2, 1),
    "min_samples_leaf": real(0.005, 0.4, "logit"),
    "max_features": real(0.05, 0.99, "logit"),
}
MLP = {
    "hidden_layer_sizes": integer(4, 128, "log"),
    "alpha": real(1e-6, 10, "log"),
    "learning_rate_init": real(1e-5, 1, "log"),
    "batch_size": integer(16, 128, "log"),
    "activation": choice(["relu", "tanh", "logistic"]),
    "solver": choice(["sgd", "adam"]),
    "momentum": real(0, 0.99, when={"solver": "sgd"}),
    "beta_1": real(0.5, 0.99, when={"solver": "adam"}),
    "max_iter": integer(3, 30, "log"),
}
ELASTIC = {
    "alpha": real(1e-4, 100, "log"),
    "l1_ratio": real(0, 1),
    "degree": choice([1, 2, 3], ordered=True),
    "interactions": choice([False, True]),
    "power": real(-2, 2),
}


def svc(**config):
    from sklearn.svm import SVC
    return SVC(max_iter=5000, **config)


def svr(**config):
    from sklearn.svm import SVR
    return SVR(max_iter=5000, **config)


def forest(kind):
    def make(**config):
        from sklearn import ensemble
        return getattr(ensemble, kind)(n_estimators=8, random_state=0, **config)
    return make


def boosting(kind):
    def make(**config):
        from sklearn import ensemble
        return getattr(ensemble, kind)(random_state=0, **config)
    return make


def mlp(**config):
    from sklearn.neural_network import MLPClassifier
    return MLPClassifier(random_state=0, **config)


def elastic(alpha, l1_ratio, degree, interactions, power):
    """The squares weigh exp(power) times as much as the rest."""
    from sklearn.linear_model import ElasticNet
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import (FunctionTransformer, PolynomialFeatures,
                                       StandardScaler)

    def features(x):
        powers = [x] + [math.exp(power) * x**k for k in range(2, degree + 1)]
        if interactions:
            powers.append(PolynomialFeatures(2, interaction_only=True)
                          .fit_transform(x)[:, 1 + x.shape[1]:])
        return np.hstack(powers)
    return make_pipeline(FunctionTransformer(features),
                         ElasticNet(alpha=alpha, l1_ratio=l1_ratio,
                                    max_iter=300))


def models():
    def add(name, space_, model, data, score, rows=400):
        trials = 60 if len(space_) <= 6 else 100
        return Problem(name, "sklearn", space_,
                       cross_validated(model, data, score, rows), trials)

    yield add("svm-digits", SVM, svc, "digits", error,
              rows=600)
    yield add("svm-breast", SVM, svc, "breast_cancer", disorder)
    yield add("svm-diabetes", {**SVM, "epsilon": real(1e-2, 100, "log"),
                               "C": real(1e-2, 1e5, "log")},
              svr, "diabetes", squared)
    yield add("forest-wine", FOREST, forest("RandomForestClassifier"), "wine",
              log_loss)
    yield add("forest-diabetes", FOREST, forest("RandomForestRegressor"),
              "diabetes", squared)
    yield add("boosting-breast", BOOSTING,
              boosting("GradientBoostingClassifier"), "breast_cancer", log_loss)
    yield add("boosting-diabetes", BOOSTING,
              boosting("GradientBoostingRegressor"), "diabetes", squared)
    yield add("mlp-digits", MLP, mlp, "digits", log_loss)
    yield add("mlp-wine", MLP, mlp, "wine", log_loss)
    yield add("elastic-diabetes", ELASTIC, elastic, "diabetes", squared)


# Surrogates of YAHPO Gym; $HPSD_YAHPO is the folder with surrogate.py. #

LCBENCH_ERROR = (3945, 7593, 126026, 167168, 189873, 189906, 168910, 146212)
LCBENCH_ENTROPY = (167181, 168329, 34539, 189354)
XGBOOST = (1053, 1063, 1067, 1461, 1464, 1468, 1475, 12)
# Of the others: nothing is tuned on them, and "all" is without them. Left out:
# those on which random search finds the best.
LCBENCH_ASIDE = (126025, 168868, 167104, 168331, 168330, 168335, 168908, 167190)
XGBOOST_ASIDE = (42, 1111, 1590, 1462, 4154, 1068, 1494, 31)
NETS = {}


def net(name):
    """One net a process: they are read when first needed."""
    if name not in NETS:
        folder = pathlib.Path(os.environ["HPSD_YAHPO"])
        spec = importlib.util.spec_from_file_location("surrogate",
                                                      folder / "surrogate.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        NETS[name] = module.Surrogate(name, folder)
    return NETS[name]


def surrogate_space(name, constants):
    """The "parameters" of a config_space.json."""
    folder = pathlib.Path(os.environ["HPSD_YAHPO"]) / name
    file = json.loads((folder / "config_space.json").read_text())
    found = {}
    for h in file["hyperparameters"]:
        if h["name"] in constants:
            continue
        if h["type"] == "categorical":
            found[h["name"]] = choice(h["choices"])
            continue
        make = integer if h["type"] == "uniform_int" else real
        found[h["name"]] = make(h["lower"], h["upper"],
                                "log" if h["log"] else "linear")
    for c in file["conditions"]:
        values = c["values"] if c["type"] == "IN" else [c["value"]]
        found[c["child"]]["when"] = {c["parent"]: values}
    return found


def surrogates():
    if "HPSD_YAHPO" not in os.environ:
        return

    def lcbench(instance, metric, loss, group="yahpo"):
        def f(config):
            return loss(net("lcbench")(instance, config, 52)[metric])
        return Problem(f"lcbench-{instance}", group, nets, f, 60)

    def xgboost(instance, group="yahpo"):
        def f(config):
            return 100 * (1 - net("rbv2_xgboost")(instance, config)["acc"])
        return Problem(f"xgboost-{instance}", group, trees, f, 60)

    nets = surrogate_space("lcbench", ("OpenML_task_id", "epoch"))
    trees = surrogate_space("rbv2_xgboost", ("task_id", "repl", "trainsize"))
    for i in LCBENCH_ERROR:
        yield lcbench(i, "val_accuracy", lambda v: 100 - v)
    for i in LCBENCH_ENTROPY:
        yield lcbench(i, "val_cross_entropy", lambda v: v)
    for i in XGBOOST:
        yield xgboost(i)
    for i in LCBENCH_ASIDE:
        yield lcbench(i, "val_accuracy", lambda v: 100 - v, "aside")
    for i in XGBOOST_ASIDE:
        yield xgboost(i, "aside")


PROBLEMS = {p.name: p for group in (synthetic, models, surrogates)
            for p in group()}


def select(words):
    """The problems of a comma-separated list of names and groups, or all."""
    chosen = []
    for word in words.split(","):
        here = [p for p in PROBLEMS.values()
                if word in (p.name, p.group)
                or word == "all" and p.group != "aside"]
        if not here:
            raise SystemExit(f"{word}: no problem or group of this name "
                             "(for yahpo set HPSD_YAHPO)")
        chosen += [p for p in here if p not in chosen]
    return chosen
