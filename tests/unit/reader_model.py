#!/usr/bin/env python3
"""The metric reader's rules a second time, and the comparison with the first.

    reader_model.py READER_DUMP [--seed N] [--logs N]

Makes random logs, reads them with this model and with reader_dump, which reads
each in one go and cut at every byte, and prints the first log on which they
differ.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile

LINE, NAME_BYTES, METRICS, DEPTH = 65536, 64, 1000, 64
STEPS = ["step", "epoch", "iter", "iteration"]
SIGN_RANGES = [(0x80, 0xa9), (0xab, 0xb1), (0xb4, 0xb4), (0xb6, 0xb8),
               (0xbb, 0xbf), (0xd7, 0xd7), (0xf7, 0xf7), (0x2000, 0x206f),
               (0x20a0, 0x20ff), (0x2190, 0x2bff), (0x3000, 0x303f),
               (0xfe00, 0xfe6f), (0xff00, 0xff0f), (0xff1a, 0xff20),
               (0x1f000, 0x1faff)]
BLANK = r"[ \t\v\f\x08]"
NAME = re.compile(r"(?<![A-Za-z0-9_./\x80-\xff-])[A-Za-z_\x80-\xff]"
                  r"[A-Za-z0-9_./\x80-\xff-]*")
NUMBER = (r"(?>[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
          r"|[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?))")
END = re.compile(rf"\Z|{BLANK}|[;|)\]}}/%]|,(?![0-9])")
END_CUT = re.compile(rf"{BLANK}|[;|)\]}}/%]|,(?=[^0-9])")
GROUPED = re.compile(r"[0-9]+[,_][0-9]")
COLON, COLON_CUT = re.compile(rf":(?:\Z|{BLANK})"), re.compile(rf":{BLANK}")
ESCAPE = re.compile(r"\x1b(?:\[[ -?]*[@-~]?|\].*?(?:\x07|\x1b\\|\Z)|[ -/]*[0-~]?)",
                    re.DOTALL)


def number_at(text, at):
    m = re.compile(NUMBER).match(text, at)
    return (float(m[0]), m.end()) if m else (None, at)


def utf8(text):
    """Of bytes as latin-1; what is no UTF-8 becomes lone surrogates."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def is_sign(c):
    return any(a <= ord(c) <= b for a, b in SIGN_RANGES)


def without_signs(text):
    """Of bytes as latin-1: each byte of a sign becomes one that is nothing."""
    return "".join("\1" * len(c.encode()) if is_sign(c) else c
                   for c in utf8(text)).encode("utf-8", "surrogateescape") \
        .decode("latin-1")


def looks_numeric(text, at):
    return re.compile(r"[+-]?\.?[0-9]").match(text, at) is not None


class Pairs(list):
    pass


def depth_of(value):
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [v for c in level for v in
                 ([x[1] for x in c] if isinstance(c, Pairs) else c)
                 if isinstance(v, list)]
    return depth


def json_members(text):
    """Members of a record that is one JSON object, else None."""
    try:
        value = json.loads(utf8(text), object_pairs_hook=Pairs, parse_int=float)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, Pairs) or depth_of(value) > DEPTH:
        return None
    return [(k, v) for k, v in value if type(v) is float]


def compile_pattern(pattern):
    names, out = [], ""
    for m in re.finditer(r"\{\{|\{([^}]*)\}|([ \t]+)|.", pattern, re.DOTALL):
        if m[1] is not None:
            names.append(m[1])
            before = (r"(?<![A-Za-z0-9_./\x80-\xff,+-])" if m.start() == 0
                      else f"{BLANK}*+")
            out += f"{before}({NUMBER})"
        elif m[2] is not None:
            out += f"(?<!{BLANK})" if m.start() == 0 else ""
            out += f"{BLANK}++"
        else:
            out += re.escape(m[0][0])
    return re.compile(out), names, pattern.endswith("}")


class Model:
    def __init__(self, step_metric=None, patterns=()):
        self.steps = ([step_metric] if step_metric else []) + STEPS
        self.steps = [s.lower() for s in self.steps]
        self.patterns = [compile_pattern(p) for p in patterns]
        self.held, self.ended, self.unfit, self.out = {}, set(), {}, []
        self.last, self.highest, self.names = {}, {}, set()
        self.records = self.repeats = self.truncated = self.rejected = 0

    def add(self, name, value):
        if name.lower() in self.steps and name.isascii():
            if not (abs(value) <= 2 ** 53 and value == int(value)):
                self.bad.add(name.lower())
                self.rejected += 1
            else:
                self.found[name.lower()] = int(value)
            return
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            size = 0
        new = name not in self.names
        if (not 1 <= size <= NAME_BYTES or re.search(r"[\0-\x1f\x7f]", name)
                or (new and len(self.names) == METRICS)):
            self.rejected += 1
            return
        self.names.add(name)
        self.values.append((name, value))

    def read_patterns(self, text, end):
        for regex, names, number_last in self.patterns:
            at = 0
            while m := regex.search(text, at):
                at = m.end()
                if number_last and not end.match(text, at):
                    self.rejected += 1
                    continue
                for name, value in zip(names, m.groups()):
                    self.add(name, float(value))

    def read_pairs(self, text, end, colon):
        at = 0
        while m := NAME.search(text, at):
            name, at = m[0], m.end()
            quote = text[m.start() - 1] if m.start() > 0 else ""
            quoted = quote in ("'", '"') and text[at:at + 1] == quote
            is_step = name.lower() in self.steps
            sign = re.compile(rf"{BLANK}*([=:]?){BLANK}*").match(
                text, at + quoted)
            if not sign[1] and (not is_step or quoted or
                                (not sign[0] and text[at:at + 1] != "[")):
                continue
            start = sign.end()
            if is_step and text[start:start + 1] == "[":
                start = re.compile(rf"\[{BLANK}*").match(text, start).end()
            value, stop = number_at(text, start)
            if value is not None and (end.match(text, stop) or
                                      is_step and colon.match(text, stop)):
                self.add(utf8(name), value)
                at = stop
                continue
            if is_step and GROUPED.match(text, sign.end()):
                self.bad.add(name.lower())
            self.rejected += (sign[1] == "=" or
                              looks_numeric(text, sign.end()))
            at = sign.end()

    def read(self, text):
        cut = len(text) > LINE
        self.truncated += cut
        text = ESCAPE.sub("", text[:LINE])
        text = text.removeprefix("\xef\xbb\xbf")
        if not text.strip(" \t\v\f\b"):
            return
        self.records += 1
        self.values, self.found, self.bad = [], {}, set()
        members = None if cut else json_members(text)
        if members is not None:
            for name, value in members:
                self.add(name, value)
        elif self.patterns:
            self.read_patterns(text, END_CUT if cut else END)
        else:
            self.read_pairs(without_signs(text), END_CUT if cut else END,
                            COLON_CUT if cut else COLON)
        found = {n: v for n, v in self.found.items() if n not in self.bad}
        if found:
            self.held = found
            self.ended -= found.keys()
        else:
            self.ended |= self.held.keys() & self.bad
            self.held = {n: v for n, v in self.held.items()
                         if n not in self.bad}
        for name, value in self.values:
            unfit = self.unfit.setdefault(name, set())
            unfit |= self.bad if self.held else self.bad | self.ended
            steps = [self.held[n] for n in self.steps
                     if n in self.held and n not in unfit]
            step = steps[0] if steps else self.highest.get(name, -1) + 1
            self.repeats += self.last.get(name) == step
            self.last[name] = step
            self.highest[name] = max(step, self.highest.get(name, step))
            self.out.append(f"{name}\t{step}\t{value!r}")

    def read_log(self, data):
        for record in re.split(r"[\r\n]", data.decode("latin-1")):
            self.read(record)
        return self.out + [f"#\t{self.records}\t{len(self.out)}\t{self.repeats}"
                           f"\t{self.truncated}\t{self.rejected}"]


NUMBERS = ["0", "1", "-1", "0.5", "1e-3", "+2.5E+7", "nan", "NaN", "-inf",
           "Infinity", "1e400", "1e", "1_000", "1,5", "0x1", "5.", ".5", ".",
           "1.2.3", "--1", "1e+", "12:30", "007", "-0", "1e-400", "3.0", "3.5",
           "9007199254740993", "-Infinity", "abc", "", "1.5s", "93%", "3/30",
           "12,345,678", "1,000.5", "[1,000]",
           "[3/30]", "[ 4 ]", "[5", "100:", "1" * 80, "0." + "1" * 60 + "e-3"]
NAMES = ["loss", "val_loss", "train-rmse", "eval/acc", "m.x", "Step", "step",
         "epoch", "Epoch", "iter", "ITERATION", "my_step", "a", "_", "9a", "-b",
         "x" * 64, "x" * 65, "http", "l2", "\xce\x94loss", "R\xc2\xb2",
         "step\xc3\xa9", "\xe9cart", "x" * 62 + "\xc3\xa9",
         "\xe2\x94\x82loss", "loss\xc2\xa0", "\xe2\x9c\x93a"]
GLUE = [" ", ", ", ",", " | ", "\t", ";", ")", "]", "}", "/", "%", ":", "'",
        '"', "\b\b", "\0", "\xff", "\xc3\xa9", "\x1b[1m", "\x1b[0m", "\x1b[",
        "\x1b]0;loss=1\a", "\x1b]8;;u\x1b\\", "\x1b]", "\x1b(B", "\x1b", " - ",
        "=", " = ", ": ", "{", "[", "(", "\v", "\xef\xbb\xbf", "  ", "\x9b"]
SIGNS = ["=", ": ", ":", " = ", " ", " :", "==", "': ", '": ', "\t=\t", "["]
LINES = ["epoch 3 | train_loss=0.51 | val_loss: 0.48", "[5]\ttrain-rmse:0.5",
         "Epoch 3/30", "{'loss': 0.5, 'epoch': 1.5}", "http://x:80/a?b=1",
         '{"step": 3, "loss": 0.25}', '{"a": [1, {"b": 2}], "c": NaN}',
         '[tune-metric]: {"loss": 1.5, "st_worker_iter": 2}', "12:30:05 acc=1",
         "Cross Validation Accuracy = 93.5%", "loss 0.5, 0.25", "top 1  2  %"]
PATTERNS = [[], [], [], ["Accuracy = {accuracy}%"],
            ["loss {loss}, {other}", "{a}%", "step{step}"], ["{x}"],
            [" {a}  {b}", '{{"loss": {loss}', "e{v}"], ["-{a}-{b}", "={c} "]]


def random_json(rng, depth=0):
    kind = rng.randrange(12 if depth < 4 else 8)
    if kind < 5:
        return rng.choice(NUMBERS)
    if kind < 8:
        return rng.choice(["true", "null", '"1"', '"\\u00e9\\n"', '"\\x"', '""',
                           '"\xff"', '"\t"', '"', "1.0", "[]", "{}", "-"])
    items = [random_json(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind < 10:
        return "[" + ",".join(items) + "]"
    return "{" + rng.choice([",", " , "]).join(
        f"{random_name(rng)}{rng.choice([':', ': '])}{v}"
        for v in items) + "}"


def random_name(rng):
    return '"' + rng.choice(NAMES + ["st\\u0065p", "a b", "\\ud83d\\ude00",
                                     "\\ud800", "\xc3\xa9", "\xff", "", "\\n",
                                     "\\u00e9" * 40, "\\/", "\x7f"]) + '"'


def random_line(rng):
    kind = rng.randrange(10)
    if kind == 0:
        return rng.choice(LINES)
    if kind == 1:
        n = rng.choice([1, 5, 62, 63, 64, 65])
        return '{"a":' * n + "1" + "}" * n
    if kind < 4:
        members = ",".join(f"{random_name(rng)}: {random_json(rng, 2)}"
                           for _ in range(rng.randrange(4)))
        return rng.choice(["", " ", "\t"]) + "{" + members + "}" + \
            rng.choice(["", " ", ",", "x"])
    if kind == 4 and rng.random() < 0.02:
        filler = "x" * (LINE - rng.randrange(12))
        return filler + rng.choice([" loss=1,5", " loss=1.5", " step: 4: a=1"])
    out = ""
    for _ in range(rng.randrange(8)):
        out += rng.choice(NAMES) + rng.choice(SIGNS) + rng.choice(NUMBERS)
        out += rng.choice(GLUE)
    if rng.random() < 0.2 and out:
        at = rng.randrange(len(out))
        out = out[:at] + rng.choice(GLUE + NUMBERS) + out[at:]
    return out


def random_log(rng):
    lines = [random_line(rng) for _ in range(rng.randrange(12))]
    if rng.random() < 0.01:
        lines += [f"m{i}=1" for i in range(1010)]
    text = "".join(x + rng.choice(["\n", "\n", "\r", "\r\n"]) for x in lines)
    return (text + random_line(rng)).encode("latin-1")


def number_key(line):
    """The value of a dumped line as a float's repr: both print their own way."""
    name, step, value = line.split("\t")
    return f"{name}\t{step}\t{float(value)!r}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", type=int, default=2000)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f"seed {options.seed}")
    size = 0
    with tempfile.TemporaryDirectory() as folder:
        for group in range(options.logs // 20):
            patterns = rng.choice(PATTERNS)
            own_step = rng.choice([None, None, "my_step", "iter"])
            command = [options.dump, "-b"]
            command += ["-s", own_step] if own_step else []
            for p in patterns:
                command += ["-p", p]
            data = [random_log(rng) for _ in range(20)]
            size += sum(len(log) for log in data)
            for i, log in enumerate(data):
                path = os.path.join(folder, f"{i:02d}")
                with open(path, "wb") as f:
                    f.write(log)
                command.append(path)
            run = subprocess.run(command, stdout=subprocess.PIPE, check=False)
            if run.returncode != 0:
                print(f"group {group} {own_step} {patterns}: {command}")
                return 1
            got = run.stdout.decode().split("\n")[:-1]
            for log in data:
                want = Model(own_step, patterns).read_log(log)
                part = [x if x[0] == "#" and x.count("\t") == 5 else
                        number_key(x) for x in got[:len(want)]]
                del got[:len(want)]
                if part != want:
                    shown = re.sub(rb"x{99,}", b"<x...>", log)
                    print(f"group {group} {own_step} {patterns}\n{shown!r}\n"
                          f"model:  {want}\nreader: {part}")
                    return 1
            if got:
                print(f"group {group}: the reader prints more: {got}")
                return 1
    print(f"{options.logs} logs, {size} bytes, cut at each of them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
