#!/usr/bin/env python3
"""Which tests cover which row of the fault table in tests/README.md.

    rows.py SOURCE_ROOT [-v]

A test says it by its name: test_B3_a_daemon... (Python), START_TEST(B3_a_daemon...) (Check), several rows as
test_H2_H3_...; a program of tests/fault that covers rows as a whole has a line "Rows: A1, A5." in its first words.
The table and the names must agree: every row has a test, or stands in the list of those without one, with the reason.
"""
import collections
import pathlib
import re
import sys

ROW = r"[A-IKL]\d{1,2}"
NAME = re.compile(rf"(?:def test_|START_TEST\()((?:{ROW}_)+)")
PROGRAM = re.compile(rf"^Rows: ((?:{ROW}(?:, )?)+)\.$", re.M)


def tests_of(root):
    """{row: [file: name]}"""
    found = collections.defaultdict(list)
    for path in sorted((root / "tests").rglob("*.[cp]*")):
        if path.suffix not in (".c", ".py"):
            continue
        text = path.read_text()
        for m in NAME.finditer(text):
            name = re.match(r"\w+", text[m.start(1):])[0]
            for row in re.findall(ROW, m[1]):
                found[row].append(f"{path.relative_to(root)}: {name}")
        for m in PROGRAM.finditer(text[:3000]):
            for row in re.findall(ROW, m[1]):
                found[row].append(str(path.relative_to(root)))
    return found


def rows_of(text, heading):
    """The rows of the table below @heading."""
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^\| ({ROW}) \|", section, re.M)


def main():
    root = pathlib.Path(sys.argv[1])
    text = (root / "tests/README.md").read_text()
    rows = rows_of(text, "The fault table")
    without = rows_of(text, "Rows without a test")
    found = tests_of(root)
    faults = [f"{row}: stands twice" for row, n in collections.Counter(rows).items() if n > 1]
    faults += [f"{row}: no test is named by it, and no reason is given" for row in rows
               if row not in found and row not in without]
    faults += [f"{row}: has a test, and is listed as without one" for row in without if row in found]
    faults += [f"{row}: is no row of the table: {found[row]}" for row in found.keys() - set(rows)]
    faults += [f"{row}: is no row of the table" for row in set(without) - set(rows)]
    if "-v" in sys.argv:
        for row in rows:
            print(row, *found[row], sep="\n    ")
    print("\n".join(sorted(faults)))
    n = sum(map(len, found.values()))
    print(f"{len(rows)} rows, {len(rows) - len(without)} with a test of their name ({n} tests), {len(without)} without")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
