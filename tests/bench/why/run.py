#!/usr/bin/env python3
"""
What `hpctl why --log` says of the logs that logs.py made, beside what was planted:

    run.py FOLDER [--hpctl build/client/hpctl] [--split tuning heldout] [--failures FILE]

For each split the main answers by fault; precision, recall and F1 of each
symptom; false alarms. An answer that is accepted (faults.py) counts for the
symptom it names, another one as missed for the first accepted and false for the
one it names. Macro F1 is the mean over the symptoms that are right at least
SUPPORT times; "strict" takes the first accepted one alone for right. A false
alarm: something other than healthy is said of a run whose first right answer is
healthy, be it that it has no fault ("good") or that the fault left no mark.

FILE gets the wrong answers of tuning; those of heldout are not for looking at.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
SUPPORT = 10


def diagnose(hpctl, files):
    """The command's answers, by the file's name."""
    out = subprocess.run([hpctl, "why", "--json", "--log", *files], stdout=subprocess.PIPE, text=True)
    if out.returncode not in (0, 1):
        sys.exit(f"{hpctl}: exit status {out.returncode}")
    answers = [json.loads(line) for line in out.stdout.splitlines()]
    return {pathlib.Path(a["file"]).name: a for a in answers}


def main_answer(answer):
    found = answer["symptoms"]
    return found[0]["symptom"] if found else "none"


def scores(pairs):
    """{symptom: (support, precision, recall, F1)} of (right, said)."""
    table = {}
    for symptom in sorted({s for pair in pairs for s in pair}):
        hits = sum(r == s == symptom for r, s in pairs)
        right, said = sum(r == symptom for r, _ in pairs), sum(s == symptom for _, s in pairs)
        table[symptom] = right, hits / max(said, 1), hits / max(right, 1), 2 * hits / (right + said)
    return table


def macro(pairs):
    f1 = [row[3] for row in scores(pairs).values() if row[0] >= SUPPORT]
    return sum(f1) / max(len(f1), 1)


def settle(label, said):
    """(right, said): the accepted answer that is nearest to what was said."""
    return (said if said in label["accepted"] else label["accepted"][0]), said


def print_confusion(labels, said):
    columns = sorted(set(said.values()))
    print("| trainer | planted | right | " + " | ".join(columns) + " |")
    print("| --- " * (len(columns) + 3) + "|")
    rows = collections.defaultdict(list)
    for name, label in labels.items():
        rows[label["trainer"], label["fault"]].append(name)
    for (trainer, fault), names in sorted(rows.items()):
        counts = collections.Counter(said[n] for n in names)
        right = sum(said[n] in labels[n]["accepted"] for n in names)
        cells = " | ".join(str(counts[c] or "") for c in columns)
        print(f"| {trainer} | {fault} | {right}/{len(names)} | {cells} |")


def alarms(labels, said, faults=None):
    some = [n for n, v in labels.items() if v["accepted"][0] == "healthy" and (faults is None or v["fault"] in faults)]
    return sum(said[n] not in labels[n]["accepted"] for n in some), len(some)


def print_scores(pairs, strict):
    print("\n| symptom | right answer of | precision | recall | F1 | strict F1 |")
    print("| --- | --- | --- | --- | --- | --- |")
    by_first = scores(strict)
    for symptom, (right, precision, recall, f1) in scores(pairs).items():
        first = f"{by_first[symptom][3]:.3f}" if symptom in by_first else ""
        print(f"| {symptom} | {right} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {first} |")


def report(split, labels, said):
    def pairs(keep=lambda label: True):
        return [settle(v, said[n]) for n, v in labels.items() if keep(v)]

    def share(some):
        return sum(right == answer for right, answer in some) / len(some)

    print(f"\n### {split}: {len(labels)} logs\n")
    print_confusion(labels, said)
    strict = [(v["accepted"][0], said[n]) for n, v in labels.items()]
    print_scores(pairs(), strict)
    hard = pairs(lambda v: not {"no_output", "late_crash"} & set(v["accepted"]))
    narrow = pairs(lambda v: len(v["accepted"]) <= 2)
    accepted = sum(len(v["accepted"]) for v in labels.values()) / len(labels)
    print(f"\n- macro F1 {macro(pairs()):.3f}; without no_output and late_crash {macro(hard):.3f}; of the "
          f"{len(narrow)} logs with at most two right answers {macro(narrow):.3f}; strict {macro(strict):.3f}")
    print(f"- right {share(pairs()):.3f}; {accepted:.2f} answers are accepted on average, so that a random one of the "
          f"twelve were right in {accepted / 12:.3f}")
    for trainer in sorted({v["trainer"] for v in labels.values()}):
        some = pairs(lambda v: v["trainer"] == trainer)
        print(f"- {trainer}: macro F1 {macro(some):.3f}, right {share(some):.3f} of {len(some)}")
    for what, faults in (("good settings", ["good"]), ("TaskSet's healthy", ["healthy"]), ("all that end well", None)):
        wrong, n = alarms(labels, said, faults)
        print(f"- false alarms, {what}: {wrong} of {n} ({100 * wrong / max(n, 1):.1f} %)")


def write_failures(path, folder, labels, answers, said):
    with path.open("w") as out:
        for name, v in sorted(labels.items(), key=lambda i: (i[1]["fault"], i[1]["trainer"], i[1]["optimizer"])):
            if said[name] not in v["accepted"]:
                every = " ".join(f"{s['symptom']}:{s['strength']:.2f}" for s in answers[name]["symptoms"])
                out.write(f"{folder / name} {v['trainer']} {v['optimizer']} {v['fault']} {v['seed']}: "
                          f"said {every or 'nothing'}; right: {' '.join(v['accepted'])}\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("--hpctl", type=pathlib.Path, default=ROOT / "build/client/hpctl")
    p.add_argument("--split", nargs="+", default=["tuning", "heldout"])
    p.add_argument("--failures", type=pathlib.Path)
    a = p.parse_args()
    for split in a.split:
        labels = json.loads((a.folder / split / "labels.json").read_text())
        answers = diagnose(a.hpctl, [a.folder / split / name for name in labels])
        said = {name: main_answer(answers[name]) for name in labels}
        report(split, labels, said)
        if split == "tuning" and a.failures:
            write_failures(a.failures, a.folder / split, labels, answers, said)


if __name__ == "__main__":
    main()
