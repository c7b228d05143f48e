#!/usr/bin/env python3
"""
`hpctl importance` beside Optuna's evaluators on the same 20 histories:

    HPSD_BUILD=build importance.py --yahpo FOLDER --taskset FOLDER

100 random configurations each of 14 instances of LCBench (a surrogate of YAHPO
Gym, after 52 epochs) and of six tasks of TaskSet (those whose last validation
loss is finite). For each: the order that hpsd gives to the parameters, beside
that of PED-ANOVA and of fANOVA (mean of FORESTS forests) by
Spearman's rank correlation; and that of fANOVA's single forests with one
another, for how much is chance.
"""

import argparse
import gzip
import itertools
import json
import math
import pathlib
import statistics
import sys
import warnings

import numpy as np
import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from scipy.stats import spearmanr

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "stopping"), str(HERE.parents[1] / "lib")]
import curves  # noqa: E402
from hpsd import Daemon, search  # noqa: E402

N, INSTANCES, FORESTS, TREES = 100, 14, 2, 32


def lcbench(folder):
    sys.path.insert(0, str(folder))
    import surrogate
    net = surrogate.Surrogate("lcbench", folder)
    net.ops = surrogate.OPS
    parameters = curves.lcbench_parameters(folder)
    for metric, instances in curves.LCBENCH.values():
        for instance in instances:
            # Shifts by the seed: other configurations than those of the early-stopping bench.
            configs = curves.lcbench_configurations(folder, np.random.default_rng([instance, 1]), N)
            values = curves.lcbench_curves(net, instance, metric, configs)[:, -1]
            if len(set(values)) > N // 2:
                yield f"lcbench {instance}", parameters, configs, [float(v) for v in values]


def taskset(folder):
    for file in sorted(folder.glob("*.json.gz")):
        rows = [r for r in json.loads(gzip.open(file).read())
                if r["valid"][-1] is not None and math.isfinite(r["valid"][-1])]
        rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:N]]
        configs, parameters = [r["hp"] for r in rows], {}
        for name in configs[0]:
            values = [c[name] for c in configs]
            log = min(values) > 0 and max(values) > 100 * min(values)
            parameters[name] = {"type": "float", "min": min(values), "max": max(values),
                                "scale": "log" if log else "linear"}
        yield file.name[:-len(".json.gz")], parameters, configs, [r["valid"][-1] for r in rows]


def distribution(p):
    kind = FloatDistribution if p["type"] == "float" else IntDistribution
    return kind(p["min"], p["max"], log=p["scale"] == "log")


def of_optuna(parameters, configs, values):
    """Shares of PED-ANOVA, and of each forest."""
    study = optuna.create_study()
    distributions = {k: distribution(p) for k, p in parameters.items()}
    for config, value in zip(configs, values):
        study.add_trial(optuna.trial.create_trial(params=config, distributions=distributions, value=value))

    def shares(evaluator):
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
        return [found[k] for k in parameters]
    forests = [FanovaImportanceEvaluator(n_trees=TREES, seed=k) for k in range(FORESTS)]
    return shares(PedAnovaImportanceEvaluator()), [shares(forest) for forest in forests]


def of_hpsd(daemon, number, parameters, configs, values):
    name = f"h{number}"
    # Its one trial waits, or runs without a result.
    daemon.submit(search(name, ["sleep", "1000000"], parameters, sampler={"type": "random"}, trials=1))
    daemon.call("import", search=name, key=name, trials=[{"params": c, "value": v} for c, v in zip(configs, values)])
    found = json.loads(daemon.hpctl("importance", name, "--json").stdout)["importance"]
    shares = {p["parameter"]: p["share"] for p in found}
    return [shares[k] for k in parameters]


def correlation(a, b):
    return float(spearmanr(a, b)[0])


def compare(ours, ped, forests):
    fanova = np.mean(forests, axis=0)
    return {"ped": correlation(ours, ped), "difference": max(abs(x - y) for x, y in zip(ours, ped)),
            "fanova": correlation(ours, fanova), "ped-fanova": correlation(ped, fanova),
            "first": int(np.argmax(ours) == np.argmax(fanova)),
            "forests": statistics.mean(correlation(x, y) for x, y in itertools.combinations(forests, 2))}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--yahpo", type=pathlib.Path, required=True)
    p.add_argument("--taskset", type=pathlib.Path, required=True)
    a = p.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    rows = []
    print("| history | d | hpsd, PED-ANOVA | largest difference | hpsd, fANOVA | same first | fANOVA, fANOVA |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    d = Daemon(slots=1).start()
    try:
        histories = itertools.chain(itertools.islice(lcbench(a.yahpo), INSTANCES), taskset(a.taskset))
        for name, parameters, configs, values in histories:
            ours = of_hpsd(d, len(rows), parameters, configs, values)
            row = compare(ours, *of_optuna(parameters, configs, values))
            rows.append(row)
            print(f"| {name} | {len(parameters)} | {row['ped']:.3f} | {row['difference']:.1e} | {row['fanova']:.2f} | "
                  f"{'yes' if row['first'] else 'no'} | {row['forests']:.2f} |", flush=True)
    finally:
        d.cleanup()
    mean = {key: statistics.mean(row[key] for row in rows) for key in rows[0]}
    print(f"\n{len(rows)} histories: rank correlation with PED-ANOVA {mean['ped']:.3f}, shares differ by at most "
          f"{max(row['difference'] for row in rows):.1e}; with fANOVA {mean['fanova']:.3f} (Optuna's PED-ANOVA with it "
          f"{mean['ped-fanova']:.3f}), the same most important one in {sum(row['first'] for row in rows)}; fANOVA "
          f"with itself {mean['forests']:.3f}")


if __name__ == "__main__":
    main()
