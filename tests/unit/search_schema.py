#!/usr/bin/env python3
"""search.schema.json accepts and refuses what the parser does: the same table."""
import json
import sys

from jsonschema import Draft202012Validator


def no_constant(name):
    raise ValueError(f"{name} is no JSON")


def document(base, case):
    """The search of a case, or None if its text is no JSON."""
    if "text" in case:
        try:
            return json.loads(case["text"], parse_constant=no_constant)
        except ValueError:
            return None
    search = {k: v for k, v in base.items() if k not in case.get("without", [])}
    return search | case.get("set", {})


def accepts(validator, base, case):
    search = document(base, case)
    return search is not None and validator.is_valid(search)


def main(schema_path, table_path):
    with open(schema_path) as f:
        schema = json.load(f)
    with open(table_path) as f:
        table = json.load(f)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    cases, wrong = table["cases"], 0
    assert len(cases) >= 100 and len({c["name"] for c in cases}) == len(cases)
    for case in cases:
        expected = case.get("schema", "reject" if "faults" in case else "accept")
        found = "accept" if accepts(validator, table["base"], case) else "reject"
        if found != expected:
            wrong += 1
            print(f"{case['name']}: the schema says {found}, not {expected}")
    return 1 if wrong > 0 else 0


sys.exit(main(*sys.argv[1:]))
