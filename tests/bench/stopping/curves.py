#!/usr/bin/env python3
"""
Prepares the curves that run.py replays, one file a task:

    curves.py CACHE [--taskset FOLDER] [--yahpo FOLDER] [--digits PROGRAM DATA.csv]

CACHE/GROUP/TASK.txt has a line for each configuration: its values of the loss,
one an epoch, nan where it is not finite. Files that are there are left alone.

Rules are tuned on the tasks below alone; the other ones are kept aside, so that
a rule that was fitted to these shows. Digits are kept aside as a whole.
"""

import argparse
import concurrent.futures
import gzip
import json
import math
import pathlib
import re
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "samplers"))
import space  # noqa: E402

TASKSET_TUNING = ("patch128_LSTM128_avg_bs64", "patch32_GRU128_bs128", "patch32_IRNN64_relu_avg_bs128")
LCBENCH = {  # group: metric, instances; the tuning ones are those of samplers/problems.py
    "lcbench-error-tuning": ("val_accuracy", (3945, 7593, 126026, 167168, 189873, 189906, 168910, 146212)),
    "lcbench-entropy-tuning": ("val_cross_entropy", (167181, 168329, 34539, 189354)),
    "lcbench-error-aside": ("val_accuracy", (126025, 126029, 167104, 167149, 167152, 167161, 167184, 167185)),
    "lcbench-entropy-aside": ("val_cross_entropy", (167190, 167200, 168330, 168331)),
}
LCBENCH_CONFIGURATIONS = 500
LCBENCH_EPOCHS = 52
DIGITS_CONFIGURATIONS = 243
DIGITS_EPOCHS = 54  # of each; the learning rate is constant, so a shorter curve begins alike


def write(path, curves):
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_suffix(".new")
    with begun.open("w") as out:
        for curve in curves:
            out.write(" ".join(f"{v:.9g}" if math.isfinite(v) else "nan" for v in curve) + "\n")
    begun.rename(path)
    print(path, flush=True)


def taskset(cache, folder):
    for file in sorted(folder.glob("*.json.gz")):
        name = file.name[:-len(".json.gz")]
        path = cache / ("taskset-tuning" if name in TASKSET_TUNING else "taskset-aside") / f"{name}.txt"
        if not path.exists():
            rows = json.loads(gzip.open(file).read())
            write(path, [[math.nan if v is None else v for v in row["valid"]] for row in rows])


def lcbench_curves(net, instance, metric, configs):
    """The surrogate evaluated for all configurations and epochs at once."""
    inputs = {k: np.array([c[k] for c in configs], dtype=np.float32) for k in net.num if k != "epoch"}
    v = dict(net.values)
    n = len(configs)
    v["x_cat"] = np.full((n * LCBENCH_EPOCHS, 1), net.codes[net.cat[0]][str(instance)], dtype=np.int64)
    inputs = {k: np.repeat(x, LCBENCH_EPOCHS) for k, x in inputs.items()}
    inputs["epoch"] = np.tile(np.arange(1, LCBENCH_EPOCHS + 1, dtype=np.float32), n)
    v["x_cont"] = np.stack([inputs[k] for k in net.num], axis=1)
    for op, names, output, attributes in net.nodes:
        v[output] = net.ops[op](*[v[i] for i in names if i], **attributes)
    y = v[net.out].astype(float)[:, net.metrics.index(metric)].reshape(n, LCBENCH_EPOCHS)
    return 100 - y if metric == "val_accuracy" else y


def lcbench(cache, folder):
    sys.path.insert(0, str(folder))
    import surrogate
    net = None
    for group, (metric, instances) in LCBENCH.items():
        for instance in instances:
            path = cache / group / f"{instance}.txt"
            if path.exists():
                continue
            net = net or surrogate.Surrogate("lcbench", folder)
            net.ops = surrogate.OPS
            rng = np.random.default_rng(instance)
            write(path, lcbench_curves(net, instance, metric, lcbench_configurations(folder, rng)))


def lcbench_parameters(folder):
    file = json.loads((folder / "lcbench" / "config_space.json").read_text())
    parameters = {}
    for h in file["hyperparameters"]:
        if h["type"] in ("uniform_int", "uniform_float") and h["name"] != "epoch":
            parameters[h["name"]] = {"type": "int" if h["type"] == "uniform_int" else "float", "min": h["lower"],
                                     "max": h["upper"], "scale": "log" if h["log"] else "linear"}
    return parameters


def lcbench_configurations(folder, rng, n=LCBENCH_CONFIGURATIONS):
    parameters = lcbench_parameters(folder)
    return [space.draw(parameters, rng) for _ in range(n)]


def digits_configurations():
    """Of the example's search file; "when" has more forms there than space.draw() knows."""
    root = HERE.parents[2]
    search = json.loads((root / "configs/examples/digits/search.json").read_text())
    parameters = {k: v for k, v in search["parameters"].items() if "type" in v}
    rng = np.random.default_rng(5)
    for _ in range(DIGITS_CONFIGURATIONS):
        config = {k: space.value_at(p, rng.random()) for k, p in parameters.items()}
        if config["layers"] == 0:
            config = {k: v for k, v in config.items() if "layers" not in parameters[k].get("when", {})}
        if config["optimizer"] not in ("momentum", "nesterov"):
            del config["momentum"]
        yield config


def digits(cache, program, data):
    path = cache / "digits" / "digits.txt"
    if path.exists():
        return

    def train(config):
        words = [f"--{k}={v}" for k, v in config.items()]
        output = subprocess.run([program, "--data", data, f"--epochs={DIGITS_EPOCHS}", *words], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        return [float(v) for v in re.findall(r"val_loss=(\S+)", output)]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        write(path, list(pool.map(train, digits_configurations())))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cache", type=pathlib.Path)
    p.add_argument("--taskset", type=pathlib.Path)
    p.add_argument("--yahpo", type=pathlib.Path)
    p.add_argument("--digits", nargs=2, metavar=("PROGRAM", "DATA"))
    a = p.parse_args()
    if a.taskset:
        taskset(a.cache, a.taskset)
    if a.yahpo:
        lcbench(a.cache, a.yahpo)
    if a.digits:
        digits(a.cache, *a.digits)


if __name__ == "__main__":
    main()
