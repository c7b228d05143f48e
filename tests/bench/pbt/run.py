#!/usr/bin/env python3
"""Population based training beside random search, with as many epochs, on a loss whose best rate falls.

    run.py [--seeds N] [--members N]

Trains 20 weights by gradient descent with noisy gradients on a quadratic whose curvatures lie between 1 and 0.01: a
high rate comes near quickly, and only a low one then comes nearer. Real daemons and trials, 50 epochs a member, in
ten generations or, for random, in one. Told is the loss of the best trial that had all of its epochs.
"""
import argparse
import math
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))
from hpsd import Daemon, search  # noqa: E402

EPOCHS = 50
TRAIN = """#!/usr/bin/python3
import json, os, pathlib, random, sys
folder, epochs, lr = pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
draw = random.Random(int(os.environ['HPS_SEED']))
curvatures = [10 ** (-2 * i / 19) for i in range(20)]
saved = folder / 'model.json'
model = json.loads(saved.read_text()) if saved.exists() else {'w': [10.0] * 20, 'epoch': 0}
for epoch in range(model['epoch'] + 1, epochs + 1):
    for _ in range(20):
        model['w'] = [w - lr * (a * w + draw.gauss(0, 1)) for a, w in zip(curvatures, model['w'])]
    model['epoch'] = epoch
    print(f'step={epoch} loss={sum(a * w * w for a, w in zip(curvatures, model["w"])) / 2}')
(folder / 'new').write_text(json.dumps(model))
(folder / 'new').replace(saved)
"""


def best(d, sampler, seed, members):
    """The best loss after all epochs, and how many epochs there were in all."""
    name = f"{sampler}{seed}"
    more = {"sampler": {"type": sampler, "seed": seed}, "early_stopping": {"type": "none"}}
    epochs = str(EPOCHS)
    if sampler == "pbt":
        more["sampler"]["population"] = members
        more["budget"] = {"name": "epochs", "min": EPOCHS // 10, "max": EPOCHS}
        epochs = "{epochs}"
    else:
        more["trials"] = members
    spec = search(name, [str(d.dir / "train"), "{checkpoint}", epochs, "{lr}"],
                  {"lr": {"type": "float", "min": 1e-4, "max": 1.9, "scale": "log"}}, **more)
    d.run(spec)
    values = d.rows("select t.value from trials t where search = ? and state = 'done' and "
                    "(generation is null or generation = 10)", name)
    steps = d.rows("select sum(steps) as n from trials where search = ?", name)
    return min(v["value"] for v in values), steps[0]["n"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--members", type=int, default=10)
    options = parser.parse_args()
    d = Daemon(slots=2).start()
    try:
        (d.dir / "train").write_text(TRAIN)
        (d.dir / "train").chmod(0o755)
        results = {s: [best(d, s, seed, options.members) for seed in range(options.seeds)] for s in ("random", "pbt")}
    finally:
        d.cleanup()
    for name, list_ in results.items():
        values = [v for v, _ in list_]
        print(f"{name:8} {min(values):.4f} {statistics.median(values):.4f} {max(values):.4f} (best, median, worst "
              f"loss), {statistics.mean(n for _, n in list_):.0f} epochs a search")
    ratios = [p[0] / r[0] for p, r in zip(results["pbt"], results["random"])]
    print(f"pbt / random: geometric mean {math.exp(statistics.mean(map(math.log, ratios))):.3f}, "
          f"better in {sum(r < 1 for r in ratios)} of {len(ratios)}")


if __name__ == "__main__":
    main()
