#!/usr/bin/env python3
"""Names the failures of meson's testlog.json files, with the end of what they printed, and counts all cases.

The last line is the only one that counts: "N passed, N failed".
"""
import json
import re
import sys

END_LINES = 60
CASE = re.compile(r"^(?P<bad>not )?ok\b[^#\n]*(?P<skipped># *skip)?", re.IGNORECASE | re.MULTILINE)


def tally(test):
    """Cases passed, failures; a program that does not speak TAP is one."""
    passed, failures = 0, []
    for case in CASE.finditer(test.get("stdout", "")):
        if case["bad"]:
            failures.append(case[0])
        elif not case["skipped"]:
            passed += 1
    ended_well = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if not ended_well and not failures:
        failures.append(test["result"])
    if test["result"] == "OK" and passed == 0 and not failures:
        passed = 1
    return passed, failures


def print_end(test):
    """What a failed test printed stands far above, before the tests of the other build."""
    for stream in ("stdout", "stderr"):
        lines = test.get(stream, "").splitlines()
        if lines:
            print(f"--- the end of its {stream} ---", *lines[-END_LINES:], sep="\n")


def main(paths):
    passed = failed = 0
    for path in paths:
        try:
            with open(path, encoding="utf-8") as log:
                tests = [json.loads(line) for line in log]
        except OSError as error:
            print(f"no tests ran: {error}")
            failed += 1
            continue
        for test in tests:
            more, failures = tally(test)
            passed += more
            failed += len(failures)
            for failure in failures:
                print(f"{path}: {test['name']}: {failure}")
            if failures:
                print_end(test)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main(sys.argv[1:]))
