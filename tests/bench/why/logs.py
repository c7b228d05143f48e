#!/usr/bin/env python3
"""
Makes the logs that run.py has diagnosed, with what is wrong in each:

    logs.py FOLDER [--taskset FOLDER] [--digits PROGRAM] [--only TRAINER...] [--seeds N...]

FOLDER/{tuning,heldout}/*.log, and labels.json beside them: file -> trainer,
optimizer, fault, seed, accepted (faults.py). Thresholds are set on tuning alone.

The split: seeds 11..100 of everything are held out, and as a whole the
optimizers nesterov, adagrad and adadelta of the digits trainer, scikit-learn's
SGDClassifier and the MLPClassifier with its solver sgd, and three TaskSet tasks.
"""

import argparse
import concurrent.futures
import gzip
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

import faults

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
EXAMPLE = ROOT / "configs/examples/digits"
RATES = {"sgd": .1, "momentum": .01, "nesterov": .01, "adagrad": .03, "adadelta": 1, "rmsprop": .002, "adam": .002}
SEEDS = [s for k in range(1, 11) for s in (k, 10 + k)]  # of which those above 10 are held out
HELD_OUT = ("nesterov", "adagrad", "adadelta", "mlp-sgd", "sgd-classifier")
TASKSET_TUNING = ("patch128_LSTM128_avg_bs64", "patch32_GRU128_bs128", "patch32_IRNN64_relu_avg_bs128")
TASKSET_EACH = 12  # of each oracle's answer and task
PLANTED = ("rate_high", "rate_low", "one_unit", "no_scaling", "outliers", "labels", "strong_l2", "tiny", "two_epochs",
           "zero_init", "dead", "one_image")


def part(optimizer, seed):
    return "heldout" if optimizer in HELD_OUT or 10 < seed <= 100 else "tuning"


def curves(text):
    def values(name):
        return np.array([float(v) for v in re.findall(name + r"=(\S+)", text)])
    return faults.Curves(values(r"\btrain_loss"), values(r"\bval_loss"))


# The digits trainer

def dead_trainer(folder):
    """A copy of the example whose hidden units begin with a bias of -30."""
    src = folder / "digits-dead"
    shutil.copytree(EXAMPLE, src)
    net = (src / "net.c").read_text()
    line = "\t\t\tnet->param[k] = (real)(sd * rng_normal(rng));\n"
    more = "\t\tfor (size_t k = l->biases; i + 1 < net->n_layers && k < l->biases + l->out; k++)\n" \
           "\t\t\tnet->param[k] = -30;\n"
    assert net.count(line) == 1
    (src / "net.c").write_text(net.replace(line, line + more))
    program = src / "digits-train"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-std=c17", "-O3", "-fno-math-errno", "-o", program, *src.glob("*.c"),
                    "-lm"], check=True)
    return program


def shuffled(folder):
    """The images with one another's labels."""
    rows = [line.rsplit(",", 1) for line in (EXAMPLE / "digits.csv").read_text().splitlines()]
    labels = np.random.default_rng(0).permutation([label for _, label in rows])
    path = folder / "shuffled.csv"
    path.write_text("".join(f"{pixels},{label}\n" for (pixels, _), label in zip(rows, labels)))
    return path


def good(optimizer, seed):
    rng = np.random.default_rng([seed, sorted(RATES).index(optimizer)])
    return {"optimizer": optimizer, "seed": seed, "activation": str(rng.choice(["relu", "tanh", "leaky_relu", "elu"])),
            "layers": int(rng.integers(1, 3)), "units": int(rng.choice([16, 32, 64])),
            "batch": int(rng.choice([16, 32, 64])), "dropout": float(rng.choice([0, .1, .2])),
            "epochs": int(rng.choice([20, 30, 40])), "schedule": str(rng.choice(["constant", "cosine"], p=[.7, .3])),
            "lr": RATES[optimizer], "l2": 1e-4}


def planted(fault, o):
    # The slope of the two is not 0 where a unit ought to be dead.
    dying = {"leaky_relu": "relu", "elu": "tanh"}.get(o["activation"], o["activation"])
    changes = {
        "rate_high": {"lr": o["lr"] * 100}, "rate_low": {"lr": o["lr"] / 100}, "one_unit": {"units": 1, "dropout": 0},
        "no_scaling": {"scaling": "none"}, "outliers": {"outliers": .1}, "labels": {}, "strong_l2": {"l2": 3},
        "tiny": {"train_size": .015, "units": 256, "layers": 2, "batch": 8, "dropout": 0, "l2": 0},
        "two_epochs": {"epochs": 2}, "zero_init": {"init": "zeros"},
        "dead": {"activation": dying},
        "one_image": {"batch": 1, "lr": o["lr"] * 10, "units": 32, "layers": 1, "epochs": 20}, "good": {}}
    return {**o, **changes[fault]}


class Digits:
    def __init__(self, program, folder):
        self.program, self.dead, self.shuffled = program, dead_trainer(folder), shuffled(folder)

    def run(self, fault, options):
        program = self.dead if fault == "dead" else self.program
        data = self.shuffled if fault == "labels" else EXAMPLE / "digits.csv"
        return subprocess.run([program, "--data", data, *(f"--{k}={v}" for k, v in options.items())], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def seed(self, optimizer, seed):
        """(fault, log, accepted) of each fault."""
        options = good(optimizer, seed)
        text = self.run("good", options)
        base = curves(text)
        for fault in ("good", *PLANTED):
            log = text if fault == "good" else self.run(fault, planted(fault, options))
            yield fault, log, faults.accepted(fault, curves(log), base, math.log(10))
        yield from cut_off(text, seed)


def cut_off(text, seed):
    """What ends badly: killed, not a number after a good while, silent; one of them a seed."""
    lines = text.splitlines(keepends=True)
    at = len(lines) * (5 + seed % 4) // 10
    if seed % 3 == 0:
        yield "killed", "".join(lines[:at]) + "Segmentation fault (core dumped)\n", faults.accepted("killed")
    elif seed % 3 == 1:
        rest = [re.sub(r"(loss=)\S+", r"\1nan", line) for line in lines[at:]]
        yield "late_nan", "".join(lines[:at] + rest), faults.accepted("late_nan")
    else:
        yield "silent", "reading digits.csv\ntraining\n", faults.accepted("silent")


# scikit-learn

def sklearn_seed(model, seed):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    leave = ("one_unit", "zero_init", "dead") if model == "sgd-classifier" else ()
    some = ["good"] + [f for f in PLANTED[:-1] if f not in leave] + ["frozen", "random_valid"]
    output = subprocess.run([sys.executable, HERE / "sklearn_train.py", model, str(seed), *some], check=True,
                            stdout=subprocess.PIPE, text=True, env=environment).stdout
    logs = dict(zip(some, output.split("\f")))
    base, guess = curves(logs["good"]), math.log(int(re.search(r"(\d+) classes", output)[1]))
    for fault, log in logs.items():
        yield fault, log, faults.accepted(fault, curves(log), base, guess)


# TaskSet

def taskset(folder):
    for file in sorted(folder.glob("*.json.gz")):
        name = file.name[:-len(".json.gz")]
        rows = json.loads(gzip.open(file).read())
        runs = [faults.Curves(*(np.array([math.nan if v is None else v for v in row[k]]) for k in ("train", "valid")))
                for row in rows]
        best = min(float(np.nanmin(faults.smooth(r.valid))) for r in runs)
        found = {}
        for i in np.random.default_rng(0).permutation(len(runs)):
            label = faults.taskset(runs[i], best)
            if label and len(found.setdefault(label[0], [])) < TASKSET_EACH:
                found[label[0]].append((i, label[1]))
        for oracle, some in sorted(found.items()):
            for i, accepted in some:
                log = "".join(f"step {200 * k}: train_loss={t:.6g} valid_loss={v:.6g}\n"
                              for k, (t, v) in enumerate(zip(runs[i].train, runs[i].valid)))
                yield name, oracle, int(i), log, accepted


# Files

class Writer:
    """A folder of logs; what is there already is not made again."""

    def __init__(self, folder):
        self.folder, self.done = folder, set()
        for split in ("tuning", "heldout"):
            (folder / split).mkdir(parents=True, exist_ok=True)
            self.done |= {(v["optimizer"], v["seed"]) for v in self.labels(split).values()}

    def labels(self, split):
        path = self.folder / split / "labels.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def add(self, split, trainer, optimizer, seed, runs):
        labels = {}
        for fault, log, accepted in runs:
            # A name that gives nothing away.
            name = hashlib.sha256(f"{trainer} {optimizer} {fault} {seed}".encode()).hexdigest()[:12] + ".log"
            (self.folder / split / name).write_text(log)
            labels[name] = {"trainer": trainer, "optimizer": optimizer, "fault": fault, "seed": seed,
                            "accepted": accepted}
        begun = self.folder / split / f"labels.{trainer}"
        begun.write_text(json.dumps({**self.labels(split), **labels}, indent=1, sort_keys=True) + "\n")
        begun.rename(self.folder / split / "labels.json")


def train(writer, pool, trainer, optimizers, seeds, run):
    """All optimizers of a seed, then the next seed, so that a part is a fair part."""
    jobs = [(o, s) for s in seeds for o in optimizers if (o, s) not in writer.done]
    for (o, s), runs in zip(jobs, pool.map(lambda job: list(run(*job)), jobs)):
        writer.add(part(o, s), trainer, o, s, runs)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("--taskset", type=pathlib.Path)
    p.add_argument("--digits", type=pathlib.Path, default=ROOT / "build/configs/examples/digits/digits-train")
    p.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    p.add_argument("--only", nargs="+", default=["digits", "sklearn", "taskset"])
    a = p.parse_args()
    writer = Writer(a.folder)
    if "taskset" in a.only and a.taskset:
        for name, oracle, i, log, accepted in taskset(a.taskset):
            if (name, i) not in writer.done:
                writer.add("tuning" if name in TASKSET_TUNING else "heldout", "taskset", name, i,
                           [(oracle, log, accepted)])
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(2) as pool:
        if "digits" in a.only:
            digits = Digits(a.digits, pathlib.Path(scratch))
            train(writer, pool, "digits", RATES, a.seeds, digits.seed)
        if "sklearn" in a.only:
            train(writer, pool, "sklearn", ("mlp-adam", "mlp-sgd", "sgd-classifier"), a.seeds, sklearn_seed)


if __name__ == "__main__":
    main()
