"""
The samplers of the comparison behind one small interface:

    s = make(name, problem, seed)
    config = s.ask()               keeps what it needs until it is told
    s.tell(number, config, loss)   number counts the asks; FAILED: no result
    s.thought                      seconds of the last ask, of processor time,
                                   which a busy machine does not stretch
    s.close()

The libraries are imported when first used. Each gets the same space: what has
a logit scale, where a library lacks it, is a float on that scale; an ordinal
is an int by rank; a space with conditions is given as such to those that know
conditions, and flat to the others, whose inactive values are dropped.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import time

import space
from problems import FAILED


class Sampler:
    def ask(self):
        began = time.process_time()
        config = self.propose()
        self.thought = time.process_time() - began
        return config

    def close(self):
        pass


class Random(Sampler):
    def __init__(self, problem, seed):
        import numpy as np
        self.rng = np.random.default_rng([seed, 99])
        self.parameters = problem.parameters

    def propose(self):
        return space.draw(self.parameters, self.rng)

    def tell(self, number, config, loss):
        pass


class Hpsd(Sampler):
    """hpsd's own, over the pipe of ask_tell; $HPSD_ASK_TELL is the program."""

    def __init__(self, problem, seed, kind):
        search = {"name": "bench", "command": ["true"],
                  "metric": {"name": "loss"}, "trials": problem.trials,
                  "parameters": problem.parameters,
                  "sampler": {"type": kind, "seed": seed}}
        with tempfile.NamedTemporaryFile("w", suffix=".json",
                                         delete=False) as f:
            json.dump(search, f)
        self.file = pathlib.Path(f.name)
        self.child = subprocess.Popen(
            [os.environ["HPSD_ASK_TELL"], f.name], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def hear(self):
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"ask_tell ended: {self.child.wait()}")
        return json.loads(line)

    def ask(self):
        self.say("ask")
        reply = self.hear()
        self.thought = reply.get("seconds", 0)
        return reply.get("params")

    @staticmethod
    def outcome(loss):
        return "failed" if loss is FAILED else f"done {loss!r}"

    def tell(self, number, config, loss):
        self.say(f"tell {number} {self.outcome(loss)}")

    def add(self, config, loss):
        self.say(f"add {json.dumps(config)} {self.outcome(loss)}")
        self.hear()

    def close(self):
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()
        self.file.unlink()


class Optuna(Sampler):
    """Asked by define-by-run, which is how it takes conditions."""

    def __init__(self, problem, seed, kind):
        import optuna
        import warnings
        import torch
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if kind == "gp":
            sampler = optuna.samplers.GPSampler(seed=seed)
        elif kind == "cmaes":
            sampler = optuna.samplers.CmaEsSampler(
                seed=seed, warn_independent_sampling=False)
        else:
            sampler = optuna.samplers.TPESampler(
                seed=seed, multivariate=True, constant_liar=True)
        self.failed = optuna.trial.TrialState.FAIL
        self.study = optuna.create_study(sampler=sampler)
        self.parameters = problem.parameters
        self.order = space.parents_first(problem.parameters)
        self.running = {}

    @staticmethod
    def suggest(trial, name, p):
        if space.ordinal(p):
            return p["values"][trial.suggest_int(name, 0,
                                                 len(p["values"]) - 1)]
        if p["type"] == "choice":
            return trial.suggest_categorical(name, p["values"])
        log = p.get("scale") == "log"
        if p["type"] == "int":
            return trial.suggest_int(name, p["min"], p["max"], log=log)
        if p.get("scale") == "logit":
            z = trial.suggest_float(name, space.scale(p, p["min"]),
                                    space.scale(p, p["max"]))
            return min(max(space.unscale(p, z), p["min"]), p["max"])
        return trial.suggest_float(name, p["min"], p["max"], log=log)

    def propose(self):
        trial = self.study.ask()
        config = {}
        for name in self.order:
            if space.is_active(self.parameters[name], config):
                config[name] = self.suggest(trial, name, self.parameters[name])
        self.running[trial.number] = trial
        return config

    def tell(self, number, config, loss):
        trial = self.running.pop(number)
        if loss is FAILED:
            self.study.tell(trial, state=self.failed)
        else:
            self.study.tell(trial, loss)


class Hebo(Sampler):
    """Flat; a loss that is not finite, which it drops, stands for FAILED."""

    def __init__(self, problem, seed):
        import numpy as np
        import torch
        from hebo.design_space.design_space import DesignSpace
        from hebo.optimizers.hebo import HEBO
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        np.random.seed(seed)
        self.np, self.parameters = np, problem.parameters
        self.model = HEBO(
            DesignSpace().parse([self.axis(name, p) for name, p
                                 in problem.parameters.items()]),
            scramble_seed=seed)
        self.rows = {}
        self.n = 0

    @staticmethod
    def axis(name, p):
        if space.ordinal(p):
            return {"name": name, "type": "int", "lb": 0,
                    "ub": len(p["values"]) - 1}
        if p["type"] == "choice":
            return {"name": name, "type": "cat",
                    "categories": list(range(len(p["values"])))}
        kind, scale = p["type"], p.get("scale", "linear")
        if scale == "logit":
            return {"name": name, "type": "num", "lb": space.scale(p, p["min"]),
                    "ub": space.scale(p, p["max"])}
        log = {("float", "log"): "pow", ("int", "log"): "pow_int"}
        plain = {"float": "num", "int": "int"}[kind]
        return {"name": name, "type": log.get((kind, scale), plain),
                "lb": p["min"], "ub": p["max"], "base": 10}

    def value(self, name, x):
        p = self.parameters[name]
        if p["type"] == "choice":
            return p["values"][int(x)]
        if p.get("scale") == "logit":
            x = space.unscale(p, x)
        x = min(max(x, p["min"]), p["max"])
        return int(round(x)) if p["type"] == "int" else float(x)

    def propose(self):
        row = self.model.suggest(n_suggestions=1)
        self.rows[self.n] = row
        self.n += 1
        config = {name: self.value(name, row.iloc[0][name])
                  for name in self.parameters}
        return space.activate(self.parameters, config)

    def tell(self, number, config, loss):
        loss = self.np.nan if loss is FAILED else loss
        self.model.observe(self.rows.pop(number), self.np.array([[loss]]))


class Ax(Sampler):
    """BoTorch by Ax's client with its defaults; flat."""

    def __init__(self, problem, seed):
        import logging
        import warnings
        import torch
        from ax.api.client import Client
        from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        torch.set_num_threads(1)
        self.range, self.choice = RangeParameterConfig, ChoiceParameterConfig
        self.parameters = problem.parameters
        self.client = Client(random_seed=seed)
        self.client.configure_experiment(parameters=[
            self.axis(name, p) for name, p in problem.parameters.items()])
        self.client.configure_optimization("-loss")
        self.trials = {}
        self.n = 0

    def axis(self, name, p):
        if p["type"] == "choice":
            values = p["values"]
            kind = {bool: "bool", int: "int", str: "str"}[type(values[0])]
            return self.choice(name=name, values=values, parameter_type=kind,
                               is_ordered=space.ordinal(p))
        if p.get("scale") == "logit":
            return self.range(name=name, parameter_type="float",
                              bounds=(space.scale(p, p["min"]),
                                      space.scale(p, p["max"])))
        return self.range(name=name, parameter_type=p["type"],
                          bounds=(p["min"], p["max"]),
                          scaling=p.get("scale", "linear"))

    def value(self, name, x):
        p = self.parameters[name]
        if p.get("scale") == "logit":
            return min(max(space.unscale(p, x), p["min"]), p["max"])
        return x

    def propose(self):
        trials = self.client.get_next_trials(max_trials=1)
        (index, config), = trials.items()
        self.trials[self.n] = index
        self.n += 1
        config = {name: self.value(name, config[name])
                  for name in self.parameters}
        return space.activate(self.parameters, config)

    def tell(self, number, config, loss):
        index = self.trials.pop(number)
        if loss is FAILED:
            self.client.mark_trial_failed(index)
        else:
            self.client.complete_trial(index, raw_data={"loss": loss})


class Worst(Sampler):
    """For libraries that cannot do without a loss."""

    worst = 0.0

    def cost(self, loss):
        """Of a failure, the worst so far."""
        if loss is not FAILED:
            self.worst = max(loss, self.worst)
        return self.worst if loss is FAILED else loss


class Smac(Worst):
    """Its facade for black boxes (a GP) or for hyperparameters (a forest)."""

    def __init__(self, problem, seed, kind):
        import logging
        import warnings
        import smac
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        self.parameters = problem.parameters
        self.folder = tempfile.TemporaryDirectory()
        scenario = smac.Scenario(
            self.space(problem.parameters, seed), deterministic=True,
            n_trials=problem.trials, seed=seed,
            output_directory=pathlib.Path(self.folder.name))
        facade = {"gp": smac.BlackBoxFacade,
                  "rf": smac.HyperparameterOptimizationFacade}[kind]
        self.facade = facade(scenario, lambda config, seed=0: 0.0,
                             overwrite=True, logging_level=False)
        self.asked = {}
        self.n = 0

    @staticmethod
    def space(parameters, seed):
        import ConfigSpace as cs
        made = cs.ConfigurationSpace(seed=seed)
        axes = {}
        for name, p in parameters.items():
            log = p.get("scale") == "log"
            if space.ordinal(p):
                axes[name] = cs.OrdinalHyperparameter(name, p["values"])
            elif p["type"] == "choice":
                axes[name] = cs.CategoricalHyperparameter(name, p["values"])
            elif p["type"] == "int":
                axes[name] = cs.UniformIntegerHyperparameter(
                    name, p["min"], p["max"], log=log)
            else:
                low, high = p["min"], p["max"]
                if p.get("scale") == "logit":
                    low, high = space.scale(p, low), space.scale(p, high)
                axes[name] = cs.UniformFloatHyperparameter(name, low, high,
                                                           log=log)
        made.add(list(axes.values()))
        made.add([cs.InCondition(axes[name], axes[parent], values)
                  for name, p in parameters.items()
                  for parent, values in space.allowed(p)])
        return made

    def value(self, name, x):
        p = self.parameters[name]
        if p["type"] == "choice":
            return next(v for v in p["values"] if v == x)
        if p.get("scale") == "logit":
            return min(max(space.unscale(p, float(x)), p["min"]), p["max"])
        return int(x) if p["type"] == "int" else float(x)

    def propose(self):
        info = self.facade.ask()
        self.asked[self.n] = info
        self.n += 1
        return {name: self.value(name, x) for name, x
                in dict(info.config).items()}

    def tell(self, number, config, loss):
        from smac.runhistory.dataclasses import TrialValue
        from smac.runhistory.enumerations import StatusType
        status = StatusType.CRASHED if loss is FAILED else StatusType.SUCCESS
        self.facade.tell(self.asked.pop(number),
                         TrialValue(cost=self.cost(loss), status=status))

    def close(self):
        self.folder.cleanup()


class Skopt(Worst):
    """Flat."""

    fitting = 0.0

    def __init__(self, problem, seed):
        import warnings
        import skopt
        warnings.simplefilter("ignore")
        self.parameters = problem.parameters
        self.names = list(problem.parameters)
        self.model = skopt.Optimizer(
            [self.axis(p) for p in problem.parameters.values()],
            random_state=seed, acq_func="gp_hedge")
        self.rows = {}
        self.n = 0

    @staticmethod
    def axis(p):
        from skopt.space import Categorical, Integer, Real
        prior = {"log": "log-uniform"}.get(p.get("scale"), "uniform")
        if space.ordinal(p):
            return Integer(0, len(p["values"]) - 1)
        if p["type"] == "choice":
            return Categorical(list(range(len(p["values"]))))
        if p["type"] == "int":
            return Integer(p["min"], p["max"], prior=prior)
        if p.get("scale") == "logit":
            return Real(space.scale(p, p["min"]), space.scale(p, p["max"]))
        return Real(p["min"], p["max"], prior=prior)

    value = Hebo.value

    def ask(self):
        """It fits when it is told."""
        config = super().ask()
        self.thought += self.fitting
        return config

    def propose(self):
        row = self.model.ask()
        self.rows[self.n] = row
        self.n += 1
        config = {name: self.value(name, x)
                  for name, x in zip(self.names, row)}
        return space.activate(self.parameters, config)

    def tell(self, number, config, loss):
        began = time.process_time()
        self.model.tell(self.rows.pop(number), self.cost(loss))
        self.fitting = time.process_time() - began


PEERS = {
    "random": Random,
    "optuna-gp": lambda p, seed: Optuna(p, seed, "gp"),
    "optuna-tpe": lambda p, seed: Optuna(p, seed, "tpe"),
    "optuna-cmaes": lambda p, seed: Optuna(p, seed, "cmaes"),
    "hebo": Hebo,
    "ax": Ax,
    "smac-gp": lambda p, seed: Smac(p, seed, "gp"),
    "smac-rf": lambda p, seed: Smac(p, seed, "rf"),
    "skopt": Skopt,
}


def make(name, problem, seed):
    """hpsd-TYPE is hpsd's sampler of that type."""
    if name.startswith("hpsd-"):
        return Hpsd(problem, seed, name.removeprefix("hpsd-"))
    return PEERS[name](problem, seed)
