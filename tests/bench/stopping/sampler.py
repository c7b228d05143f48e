#!/usr/bin/env python3
"""
What a sampler should be told of a trial that a rule has stopped: searches with
early stopping, once for each way, on recorded or modelled learning curves.

    sampler.py run ASK_TELL DATA --sampler gp --way today --seeds 10 >> runs.jsonl
    sampler.py table runs.jsonl

DATA is a folder with taskset/*.json.gz (curves of 1000 configurations a task: a
trial is the nearest of them that was not tried) and yahpo/surrogate.py (curves of any). Four
workers, an epoch of all trials takes equally long; the search has as many
epochs as 20 full trials. The rule is ASHA, eta 3, first rung at a sixteenth, on
the best value so far. What is found is the best of the trials that ran to the
end. The regret is 0 at the best that is known of the problem and 1 at the
median of random configurations.

A way is what is told of a stopped trial, and told again when others have ended:

    full     nothing is stopped
    own      `pruned VALUE STEPS`: the way of the sampler itself
    pruned   `pruned VALUE`: the same where the steps are not known
    ignore   nothing, as Optuna's GPSampler does
    raw      what it had reached, as a result
    median   what it had reached, but no better than the median result
    worst    what it had reached, but no better than the worst result
    order    after all results: who came farther first, then by value
    rank     what those results were that had been as good at that step, by
             lines through both sorted, beyond them in parallel
    shift    what it had reached, less what the others gained from there to
             their end (the median); no better than the median result
    failed   that it has no result, as of one that crashed
    late     `pruned VALUE` of those that came to a third of the steps, nothing of
             the others
    rung     of all that reached it the value at the last rung that 16 trials did, of
             the others nothing; as BOHB does
    power    the end of y = a + b t^-c through its own curve, no better than the
             median result
"""

import argparse
import collections
import glob
import gzip
import heapq
import importlib.util
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "samplers"))
import space  # noqa: E402

import curves  # noqa: E402

WORKERS = 4
FULL_TRIALS = 20
ETA = 3

# --- problems ---------------------------------------------------------------


class TaskSet:
    """Curves of 1000 configurations and no others."""

    steps = 51

    def __init__(self, path):
        rows = json.load(gzip.open(path))
        names = list(rows[0]["hp"])
        at = {n: [max(r["hp"][n], 1e-12) for r in rows] for n in names}
        self.parameters = {n: {"type": "float", "scale": "log", "min": min(at[n]), "max": max(at[n])} for n in names}
        for n in ("beta1", "beta2"):
            self.parameters[n]["scale"] = "linear"
        self.points = np.array([[space.place_of(self.parameters[n], r["hp"][n]) for n in names] for r in rows])
        self.curves = [[math.inf if y is None else y for y in r["valid"]] for r in rows]
        self.rows, self.names = [{n: max(r["hp"][n], self.parameters[n]["min"]) for n in names} for r in rows], names

    def nearest(self, config, used):
        """The configuration next to it, in the unit cube, that is not in the set @used, where it is put."""
        x = np.array([space.place_of(self.parameters[n], config[n]) for n in self.names])
        far = ((self.points - x) ** 2).sum(axis=1)
        far[list(used)] = math.inf
        used.add(int(far.argmin()))
        return self.rows[int(far.argmin())]

    def curve(self, config):
        return self.curves[self.rows.index(config)]

    def sample(self):
        return self.curves


class LcBench:
    """Curves of a surrogate; @metric is its cross-entropy or its error."""

    steps = 52

    def __init__(self, data, instance, metric):
        spec = importlib.util.spec_from_file_location("surrogate", data / "yahpo" / "surrogate.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.net, self.instance, self.metric = module.Surrogate("lcbench"), instance, metric
        self.ops = module.OPS
        listed = json.loads((data / "yahpo" / "lcbench" / "config_space.json").read_text())["hyperparameters"]
        self.parameters = {p["name"]: {"type": "int" if p["type"] == "uniform_int" else "float",
                                       "scale": "log" if p["log"] else "linear", "min": p["lower"], "max": p["upper"]}
                           for p in listed if p["name"] not in ("epoch", "OpenML_task_id")}

    def nearest(self, config, used):
        return config

    def curve(self, config):
        all_ = self.outputs(config)
        ys = 100 - all_["val_accuracy"] if self.metric == "error" else all_["val_cross_entropy"]
        return [float(y) for y in ys]

    def outputs(self, config):
        """Of all epochs at once: the net takes rows."""
        net = self.net
        v = dict(net.values)
        code = net.codes["OpenML_task_id"][self.instance]
        v["x_cat"] = np.full((self.steps, 1), code, dtype=np.int64)
        v["x_cont"] = np.array([[float({**config, "epoch": e}[k]) for k in net.num]
                                for e in range(1, self.steps + 1)], dtype=np.float32)
        for op, inputs, output, attrs in net.nodes:
            v[output] = self.ops[op](*[v[i] for i in inputs if i], **attrs)
        return dict(zip(net.metrics, v[net.out].T.astype(float)))

    def sample(self):
        rng = np.random.default_rng(5)
        return [self.curve(space.draw(self.parameters, rng)) for _ in range(300)]


def problems(data, aside):
    """Name -> how to make it: those that a choice may be made on, or those kept aside to check it."""
    found = {}
    if not aside:
        found = {"ts-" + pathlib.Path(p).name.split(".")[0]: (lambda p=p: TaskSet(p))
                 for p in sorted(glob.glob(str(data / "taskset" / "*.json.gz")))}
    for kind, metric in (("error", "val_accuracy"), ("entropy", "val_cross_entropy")):
        named, instances = curves.LCBENCH[f"lcbench-{kind}-{'aside' if aside else 'tuning'}"]
        assert named == metric
        for instance in instances:
            found[f"{kind}-{instance}"] = lambda i=str(instance), k=kind: LcBench(data, i, k)
    return found


# --- trials and the rule ----------------------------------------------------


class Trial:
    def __init__(self, number, curve):
        self.number, self.curve = number, curve
        self.step, self.fate = 0, "running"
        self.least = [float(y) for y in np.minimum.accumulate([y if math.isfinite(y) else math.inf for y in curve])]

    def value(self, step=None):
        return self.least[(self.step if step is None else step) - 1]


class Asha:
    def __init__(self, steps):
        self.rungs, at = {}, max(1, round(steps / 16))
        while at < steps:
            self.rungs[at] = []
            at *= ETA

    def stops(self, trial):
        rung = self.rungs.get(trial.step)
        if rung is None:
            return False
        rung.append(trial.value())
        return trial.value() > sorted(rung)[max(len(rung) // ETA, 1) - 1]


# --- the ways ---------------------------------------------------------------


def done_of(trials):
    return [t for t in trials if t.fate == "done"]


def not_better(value, limits, pick):
    return max(value, pick(limits)) if limits else value


def ranked(stopped, done):
    """Lines through the sorted values at that step and the sorted results."""
    if not done:
        return stopped.value()
    then = sorted(t.value(stopped.step) for t in done)
    end = sorted(t.value() for t in done)
    y = stopped.value()
    if y >= then[-1]:
        return end[-1] + (y - then[-1])
    if y <= then[0]:
        return end[0] + (y - then[0])
    return float(np.interp(y, then, end))


def power(stopped, steps):
    y = np.array([v for v in stopped.curve[:stopped.step]])
    if not np.isfinite(y).all() or len(y) < 3:
        return stopped.value()
    t, best = np.arange(1, len(y) + 1.0), None
    for c in np.geomspace(0.1, 2, 12):
        f, w = t ** -c, np.sqrt(t)
        fm, ym = (w * f).sum() / w.sum(), (w * y).sum() / w.sum()
        b = max((w * (f - fm) * (y - ym)).sum() / (w * (f - fm) ** 2).sum(), 0)
        a = ym - b * fm
        loss = (w * (y - a - b * f) ** 2).sum()
        if best is None or loss < best[0]:
            best = loss, a + b * steps ** -c
    return min(best[1], stopped.value())


def at_rung(t, trials, steps, enough=16):
    """Of an ended trial."""
    at = max((s for s in [*Asha(steps).rungs, steps] if sum(u.step >= s for u in trials) >= enough), default=1)
    return f"done {t.value(at)!r}" if t.step >= at else "cancelled"


def told(way, t, trials, steps, upper=statistics.median_high):
    """The outcome of the stopped trial @t."""
    done = done_of(trials)
    ends = [d.value() for d in done]
    if not math.isfinite(t.value()):
        return "failed"
    if way == "own":
        return f"pruned {t.value()!r} {t.step}"
    if way == "pruned":
        return f"pruned {t.value()!r}"
    if way == "ignore" or way == "late" and t.step < steps / 3:
        return "cancelled"
    if way == "late":
        return f"pruned {t.value()!r}"
    if way == "failed":
        return "failed"
    if way == "rung":
        return at_rung(t, trials, steps)
    if way == "raw":
        value = t.value()
    elif way == "median":
        value = not_better(t.value(), ends, upper)
    elif way == "worst":
        value = not_better(t.value(), ends, max)
    elif way == "order":
        stopped = sorted((s for s in trials if s.fate == "stopped" and math.isfinite(s.value())),
                         key=lambda s: (-s.step, s.value()))
        worst = max(ends, default=0)
        value = worst + (1 + stopped.index(t)) * (abs(worst) + 1) * 1e-3
    elif way == "rank":
        value = not_better(ranked(t, done), ends, upper)
    elif way == "shift":
        gained = [d.value(t.step) - d.value() for d in done]
        value = not_better(t.value() - (statistics.median(gained) if gained else 0), ends, upper)
    elif way == "power":
        value = not_better(power(t, steps), ends, upper)
    else:
        raise SystemExit(f"{way}: no way")
    return f"done {float(value)!r}"


# --- a search ---------------------------------------------------------------


class Sampler:
    def __init__(self, program, parameters, kind, seed, **more):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump({"name": "bench", "command": ["true", "{args}"], "parameters": parameters, "trials": 100000,
                   "sampler": {"type": kind, "seed": seed}, "metric": {"name": "loss"}, **more}, self.file)
        self.file.flush()
        self.pipe = subprocess.Popen([program, self.file.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True, bufsize=1)
        self.seconds, self.last = 0.0, {}

    def ask(self):
        print("ask", file=self.pipe.stdin, flush=True)
        answer = json.loads(self.pipe.stdout.readline())
        self.seconds += answer["seconds"]
        return answer["number"], answer["params"]

    def move(self, number, config):
        """Trial @number became another one: its new number."""
        self.tell(number, "cancelled")
        print("add", json.dumps(config), "running", file=self.pipe.stdin, flush=True)
        return json.loads(self.pipe.stdout.readline())["number"]

    def tell(self, number, outcome):
        if self.last.get(number) != outcome:
            self.last[number] = outcome
            print("tell", number, outcome, file=self.pipe.stdin, flush=True)

    def close(self):
        self.pipe.stdin.close()
        self.pipe.wait()


def search(problem, program, kind, way, seed):
    sampler = Sampler(program, problem.parameters, kind, seed)
    rule, trials, left = Asha(problem.steps), [], FULL_TRIALS * problem.steps
    busy, clock, used = [], 0, set()
    while left > 0:
        while len(busy) < WORKERS:
            for t in trials:
                if t.fate == "stopped" or t.fate == "done" and way == "rung":
                    sampler.tell(t.number, told(way, t, trials, problem.steps))
            number, asked = sampler.ask()
            config = problem.nearest(asked, used)
            if config != asked:
                number = sampler.move(number, config)
            trials.append(Trial(number, problem.curve(config)))
            clock += 1
            heapq.heappush(busy, (0 if not busy else busy[0][0], clock, trials[-1]))
        at, order, t = heapq.heappop(busy)
        left -= 1
        t.step += 1
        if not math.isfinite(t.curve[t.step - 1]):
            t.fate = "failed"
            sampler.tell(t.number, "failed")
        elif t.step == problem.steps:
            t.fate = "done"
            sampler.tell(t.number, f"done {t.value()!r}" + (f" {t.step}" if way == "own" else ""))
        elif way != "full" and rule.stops(t):
            t.fate = "stopped"
        else:
            heapq.heappush(busy, (at + 1, order, t))
    sampler.close()
    fates = collections.Counter(t.fate for t in trials)
    return {"best": min((t.value() for t in done_of(trials)), default=None), "trials": len(trials),
            "done": fates["done"], "failed": fates["failed"], "seconds": round(sampler.seconds, 2)}


def run(a):
    made = problems(a.data, a.aside)
    for name in a.problem or made:
        problem = made[name]()
        ends = [min(c) for c in problem.sample()]
        for seed in range(a.first, a.first + a.seeds):
            for way in a.way:
                found = search(problem, a.program, a.sampler, way, seed)
                print(json.dumps({"problem": name, "sampler": a.sampler, "way": way, "seed": seed,
                                  "median": statistics.median(ends), "known": min(ends), **found}), flush=True)


# --- the table --------------------------------------------------------------


def table(a):
    rows = [json.loads(line) for path in a.runs for line in open(path)]
    best = collections.defaultdict(lambda: math.inf)
    for r in rows:
        best[r["problem"]] = min(best[r["problem"]], r["known"], r["best"] if r["best"] is not None else math.inf)
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for r in rows:
        low, high = best[r["problem"]], r["median"]
        regret = 1.0 if r["best"] is None else min((r["best"] - low) / (high - low), 1.0)
        groups[r["sampler"], r["way"]][r["problem"].split("-")[0]].append((regret, r, (r["problem"], r["seed"])))
    print("sampler way      ts / error / entropy (mean regret)   mean   median  se     trials done seconds runs")
    for (kind, way), kinds in sorted(groups.items()):
        means = {k: statistics.mean(x[0] for x in v) for k, v in kinds.items()}
        every = [x for v in kinds.values() for x in v]
        print(f"{kind:7} {way:8}", " / ".join(f"{means.get(k, math.nan):.4f}" for k in ("ts", "error", "entropy")),
              f"        {statistics.mean(means.values()):.4f} {statistics.median(x[0] for x in every):.4f}",
              f"{statistics.stdev(x[0] for x in every) / math.sqrt(len(every)):.4f}" if len(every) > 1 else "",
              f"{statistics.mean(x[1]['trials'] for x in every):6.0f}",
              f"{statistics.mean(x[1]['done'] for x in every):5.1f}",
              f"{statistics.mean(x[1]['seconds'] for x in every):6.1f} {len(every)}")
    for kind in sorted({k for k, _ in groups}):
        ways = sorted(w for k, w in groups if k == kind)
        of = {w: {x[2]: x[0] for v in groups[kind, w].values() for x in v} for w in ways}
        base = a.against
        for w in ways:
            both = sorted(set(of[w]) & set(of.get(base, {})))
            if w == base or len(both) < 2:
                continue
            diff = [of[w][k] - of[base][k] for k in both]
            print(f"{kind} {w} - {base}: {statistics.mean(diff):+.4f} +- "
                  f"{statistics.stdev(diff) / math.sqrt(len(diff)):.4f}, better in {sum(d < 0 for d in diff)}, "
                  f"worse in {sum(d > 0 for d in diff)} of {len(diff)}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = p.add_subparsers(required=True)
    r = commands.add_parser("run")
    r.add_argument("program")
    r.add_argument("data", type=pathlib.Path)
    r.add_argument("--sampler", default="gp")
    r.add_argument("--way", nargs="+", default=["pruned"])
    r.add_argument("--problem", nargs="*")
    r.add_argument("--aside", action="store_true", help="the problems that nothing was chosen on")
    r.add_argument("--seeds", type=int, default=10)
    r.add_argument("--first", type=int, default=0)
    r.set_defaults(do=run)
    t = commands.add_parser("table")
    t.add_argument("runs", nargs="+")
    t.add_argument("--against", default="pruned")
    t.set_defaults(do=table)
    a = p.parse_args()
    a.do(a)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
