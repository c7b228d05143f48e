"""The "parameters" of a search file, read by the adapters of the libraries."""

import math


def numeric(p):
    return p["type"] in ("float", "int")


def ordinal(p):
    return p["type"] == "choice" and p.get("ordered", False)


def scale(p, x):
    """Of a value or a bound, where the parameter is linear."""
    kind = p.get("scale", "linear")
    if kind == "log":
        return math.log(x)
    if kind == "logit":
        return math.log(x / (1 - x))
    return x


def unscale(p, z):
    kind = p.get("scale", "linear")
    if kind == "log":
        return math.exp(z)
    if kind == "logit":
        return 1 / (1 + math.exp(-z))
    return z


def bounds(p):
    """Where scale() of its values lies; an int owns half a step on each side."""
    half = 0.5 if p["type"] == "int" else 0
    return scale(p, p["min"] - half), scale(p, p["max"] + half)


def value_at(p, u):
    """The value at the share @u in [0, 1] of its range, on its scale."""
    if not numeric(p):
        return p["values"][min(int(u * len(p["values"])), len(p["values"]) - 1)]
    low, high = bounds(p)
    x = unscale(p, low + u * (high - low))
    x = min(max(x, p["min"]), p["max"])
    return round(x) if p["type"] == "int" else x


def place_of(p, x):
    """The share of the range at which the value @x lies: value_at() undone."""
    if not numeric(p):
        return (p["values"].index(x) + 0.5) / len(p["values"])
    low, high = bounds(p)
    return min(max((scale(p, x) - low) / (high - low), 0.0), 1.0)


def allowed(p):
    """(parent, values that it must have) of each condition of @p."""
    return [(parent, v if isinstance(v, list) else [v])
            for parent, v in p.get("when", {}).items()]


def is_active(p, config):
    return all(parent in config and config[parent] in values
               for parent, values in allowed(p))


def parents_first(parameters):
    """Names so that every parent comes before its children."""
    done = []
    while len(done) < len(parameters):
        done += [name for name, p in parameters.items() if name not in done
                 and all(parent in done for parent, _ in allowed(p))]
    return done


def activate(parameters, config):
    """@config without what its own values make inactive."""
    active = {}
    for name in parents_first(parameters):
        if is_active(parameters[name], active):
            active[name] = config[name]
    return active


def draw(parameters, rng):
    config = {name: value_at(p, rng.random()) for name, p in parameters.items()}
    return activate(parameters, config)
