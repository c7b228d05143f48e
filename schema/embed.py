#!/usr/bin/env python3
"""Prints text files as a C array of struct embedded, ended by a NULL name.

usage: embed.py NAME FILE...

Bytes, not string literals: C promises only 4095 characters of those.
"""
import pathlib
import sys


def print_text(symbol, data):
    values = [b - 256 if b > 127 else b for b in data + b"\0"]
    print(f"static const char {symbol}[] = {{")
    for at in range(0, len(values), 16):
        print("\t" + ", ".join(str(v) for v in values[at:at + 16]) + ",")
    print("};\n")


array, files = sys.argv[1], [pathlib.Path(f) for f in sys.argv[2:]]
print('#include "schema/embed.h"\n')
for i, file in enumerate(files):
    print_text(f"text_{i}", file.read_bytes())
print(f"extern const struct embedded {array}[];")
print(f"const struct embedded {array}[] = {{")
for i, file in enumerate(files):
    print(f'\t{{ "{file.name}", text_{i} }},')
print("\t{ 0 },\n};")
