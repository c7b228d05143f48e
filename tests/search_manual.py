#!/usr/bin/env python3
"""hpsd-search(5) tells every key of search.schema.json, its default and its words."""
import json
import re
import sys


def properties(schema):
    """Every (key, schema of its value) at any level."""
    if isinstance(schema, list):
        for item in schema:
            yield from properties(item)
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"].items()
        for value in schema.values():
            yield from properties(value)


def faults(schema, manual):
    for key, value in properties(schema):
        bold = f"*{key}*"
        if bold not in manual:
            yield f"{key} is missing"
        if not isinstance(value, dict):
            continue
        for word in value.get("enum", []):
            if f'"{word}"' not in manual:
                yield f'{key}: "{word}" is missing'
        default = value.get("default")
        if default is None or isinstance(default, dict):
            continue
        told = f"{bold} ({json.dumps(default)})"
        if told not in manual and not (key == "step" and default == 1):
            yield f"{key}: its default is missing: {told}"


def main(schema_path, manual_path):
    with open(schema_path) as f:
        schema = json.load(f)
    with open(manual_path) as f:
        manual = re.sub(r"\\(.)", r"\1", f.read())
    found = sorted(set(faults(schema, manual)))
    print("\n".join(found))
    return 1 if found else 0


sys.exit(main(*sys.argv[1:]))
