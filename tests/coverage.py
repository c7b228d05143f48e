"""The tables of coverage.sh: coverage.py BUILD_DIR

An assert that holds is no branch. A source that is compiled into several programs counts once: what one of them has
executed is executed.
"""
import collections
import json
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = ("daemon", "schema", "client")
LISTS = {
    "state machines": ("daemon/core/",),
    "recovery": ("daemon/exec/", "daemon/core/load.c"),
    "reader": ("schema/reader.c", "schema/scan.c", "schema/jsonline.c"),
    "stop protocol": ("daemon/core/trial.c", "daemon/shim/main.c"),
}


def reports(build):
    """What gcov says of each object file."""
    for path in sorted(build.rglob("*.gcno")):
        r = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", path.resolve()], cwd=build,
                           capture_output=True, text=True, check=True)
        for line in r.stdout.splitlines():
            yield json.loads(line)


def collect(build):
    """{file: ({line: times}, {line: [times of each branch]})}"""
    files = collections.defaultdict(lambda: (collections.Counter(), {}))
    for report in reports(build):
        for f in report["files"]:
            path = (build / report["current_working_directory"] / f["file"]).resolve()
            if not path.is_relative_to(SOURCE):
                continue
            name = str(path.relative_to(SOURCE))
            lines, branches = files[name]
            for line in f["lines"]:
                number = line["line_number"]
                lines[number] += line["count"]
                times = [b["count"] for b in line["branches"]]
                before = branches.get(number, [])
                if len(before) == len(times):
                    branches[number] = [a + b for a, b in zip(before, times)]
                elif sum(times) >= sum(before):
                    branches[number] = times  # of the build with fail-points, another number
    return {name: value for name, value in sorted(files.items())
            if name.split("/")[0] in FOLDERS and name.endswith(".c")}


def without_asserts(name, branches):
    text = (SOURCE / name).read_text().splitlines()
    found, is_assert = {}, False
    for number, line in enumerate(text, 1):
        is_assert = line.lstrip().startswith(("assert(", "_Static_assert(")) or is_assert
        if branches.get(number) and not is_assert:
            found[number] = branches[number]
        if is_assert and line.rstrip().endswith(";"):
            is_assert = False
    return found


def part(hit, n):
    return f"{hit:6} of {n:6}  {100 * hit / n if n else 100:5.1f} %"


def print_folders(files):
    rows = collections.defaultdict(collections.Counter)
    for name, (lines, branches) in files.items():
        row = rows[str(pathlib.Path(name).parent)]
        row["lines"] += len(lines)
        row["lines hit"] += sum(n > 0 for n in lines.values())
        row["branches"] += sum(len(b) for b in branches.values())
        row["branches hit"] += sum(n > 0 for b in branches.values() for n in b)
    total = collections.Counter()
    for row in rows.values():
        total.update(row)
    print(f"{'folder':20} {'lines':>25}  {'branches':>24}")
    for folder, row in [*sorted(rows.items()), ("all", total)]:
        print(f"{folder:20} {part(row['lines hit'], row['lines'])}  {part(row['branches hit'], row['branches'])}")


def print_missing(title, files, names):
    chosen = {name: branches for name, (_, branches) in files.items() if name.startswith(names)}
    n = sum(len(b) for branches in chosen.values() for b in branches.values())
    missing = sum(t == 0 for branches in chosen.values() for b in branches.values() for t in b)
    print(f"\n{title}: {missing} of {n} branches not taken")
    for name, branches in chosen.items():
        text = (SOURCE / name).read_text().splitlines()
        for number, times in sorted(branches.items()):
            if 0 in times:
                which = "never executed" if not any(times) else \
                    "branch " + ", ".join(str(i) for i, t in enumerate(times) if t == 0) + f" of {len(times)}"
                print(f"  {name}:{number}: {which}: {text[number - 1].strip()}")


def main():
    files = {name: (lines, without_asserts(name, branches))
             for name, (lines, branches) in collect(pathlib.Path(sys.argv[1]).resolve()).items()}
    print_folders(files)
    for title, names in LISTS.items():
        print_missing(title, files, names)


if __name__ == "__main__":
    main()
