#!/usr/bin/env python3
"""The manual and the completions name every command and every option.

usage: names.py HPCTL MANUAL
"""
import pathlib
import re
import subprocess
import sys

HPCTL = str(pathlib.Path(sys.argv[1]).resolve())


def hpctl(*args):
    return subprocess.run([HPCTL, *args], check=True, text=True,
                          capture_output=True).stdout


def plain(roff):
    """What a reader of the page sees, near enough to look for names in."""
    return re.sub(r"\\f[BIR]|\\&|\\(?=-)", "", roff)


manual = plain(pathlib.Path(sys.argv[2]).read_text())
scripts = {shell: hpctl("completion", shell) for shell in
           ("bash", "zsh", "fish")}
commands = re.findall(r"^  (\w+) ", hpctl("help"), re.M)
assert len(commands) > 20, commands
faults = []
for command in commands:
    options = re.findall(r"(--[a-z-]+)", hpctl("help", command).split(
        "Options:")[1])
    assert "--json" in options, command
    for word in [command, *options]:
        if not re.search(rf"(?<![\w-]){word}(?![\w-])", manual):
            faults.append(f"hpctl.1 does not name {word}")
        for shell, script in scripts.items():
            name = word
            if shell == "fish":
                name = re.sub("^--", "-l ", word)
            if not re.search(rf"(?<![\w-]){name}(?![\w-])", script):
                faults.append(f"{shell} does not complete {word}")
refusal = subprocess.run([HPCTL, "plot", "none", "none"], text=True, capture_output=True).stderr
kinds = re.search(r"\((.*)\)", refusal)[1].split(", ")
for shell, script in scripts.items():
    if " ".join(kinds) not in script:
        faults.append(f"{shell} does not complete the kinds of plots")
print("\n".join(faults))
sys.exit(bool(faults))
