#!/usr/bin/env python3
"""Every #include between folders must be an arrow that ARCHITECTURE.md draws."""
import pathlib
import re
import sys

ARROWS = {
    "schema": set(),
    "client": {"schema", "why"},
    "daemon/base": {"schema"},
    "daemon/num": set(),
    "daemon/search": {"num", "schema"},
    "daemon/why": {"num", "schema"},
    "daemon/core": {"search", "why", "base", "schema"},
    "daemon/store": {"base", "schema"},
    "daemon/net": {"base", "schema"},
    "daemon/exec": {"base", "shim", "schema"},
    "daemon/shim": {"base"},
    "daemon": {"base", "core", "search", "why", "store", "net", "exec", "schema"},
}
PURE = {"schema", "daemon/num", "daemon/search", "daemon/why", "daemon/core"}
IMPURE = re.compile(r'#include ("base/log\.h"|<(uv|sqlite3|time|sys/time)\.h>)')
# The only folder that may see a library.
ONLY_IN = {"cblas": "daemon/num", "nlopt": "daemon/num"}
FOLDERS = {folder.split("/")[-1] for folder in ARROWS}


def faults(root):
    for folder, allowed in ARROWS.items():
        own = folder.split("/")[-1]
        for file in sorted((root / folder).glob("*.[ch]")):
            lines = file.read_text().split("\n")
            for n, line in enumerate(lines, 1):
                place = f"{file.relative_to(root)}:{n}"
                m = re.match(r'#include "(\w+)/', line)
                if m and m[1] in FOLDERS and m[1] != own and m[1] not in allowed:
                    yield f"{place}: {own} may not include {m[1]}"
                m = re.match(r"#include <(\w+)\.h>", line)
                if m and ONLY_IN.get(m[1], folder) != folder:
                    yield f"{place}: only {ONLY_IN[m[1]]} may include {m[1]}.h"
                if folder in PURE and IMPURE.match(line):
                    yield f"{place}: {own} is pure: {line}"


found = list(faults(pathlib.Path(sys.argv[1])))
print("\n".join(found))
sys.exit(bool(found))
