#!/usr/bin/env python3
"""Prints sobol_dirs.c. Needs the file of direction numbers of SciPy (Debian's
python3-scipy): sobol_dirs.py .../scipy/stats/_sobol_direction_numbers.npz"""
import sys
import textwrap

import numpy

AXES = 1024

table = numpy.load(sys.argv[1])
polynomials = [int(p) for p in table["poly"][:AXES]]
initials = [
    int(m)
    for p, row in zip(polynomials, table["vinit"])
    for m in row[: p.bit_length() - 1]
]


def array(declaration, numbers):
    text = textwrap.fill(", ".join(map(str, numbers)), 78)
    return f"const uint16_t {declaration} = {{\n{text}\n}};"


print("/* Made by sobol_dirs.py; source and licence: sobol_dirs.h. */")
print('#include "num/sobol_dirs.h"\n')
print("/* clang-format off */")
print(array("sobol_polynomials[SOBOL_AXES]", polynomials))
print()
print(array("sobol_initials[]", initials))
