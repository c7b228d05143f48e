#!/usr/bin/env python3
"""Counts the cases of meson's testlog.json files in one line, the last one."""
import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b[^#\n]*(# *skip)?", re.IGNORECASE | re.MULTILINE)


def tally(test):
    """Cases passed and failed; a program that does not speak TAP is one."""
    passed = failed = 0
    for bad, skipped in CASE.findall(test.get("stdout", "")):
        failed += bool(bad)
        passed += not bad and not skipped
    ended_well = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if not ended_well and failed == 0:
        failed = 1
    if test["result"] == "OK" and passed + failed == 0:
        passed = 1
    return passed, failed


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
            more_passed, more_failed = tally(test)
            passed += more_passed
            failed += more_failed
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main(sys.argv[1:]))
