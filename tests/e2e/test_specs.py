"""Search files at the bounds, and with hostile names and values, as the daemon takes them."""

import base64
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, RpcError, main, search  # noqa: E402

LOSS = ["sh", "-c", "echo loss=1"]
# Tells its arguments and the variables of its parameters.
TELL = """#!/usr/bin/python3
import base64, json, os, sys
texts = [os.fsencode(t) for t in (*sys.argv[1:], os.environ['HPS_PARAM_V'], os.environ['HPS_PARAMS'])]
print(json.dumps({'texts': [base64.b64encode(t).decode() for t in texts]}))
print('loss=1')
"""


def ints(n, levels):
    return {f"p{i}": {"type": "int", "min": 1, "max": levels} for i in range(n)}


class Specs(DaemonTest):
    def refusal(self, spec):
        with self.assertRaises(RpcError) as e:
            self.d.submit(spec)
        self.assertEqual(e.exception.code, 2, spec if isinstance(spec, str) else spec["name"])
        self.assertEqual(self.d.call("list")["searches"], [])
        return str(e.exception)

    def test_I1_what_is_beyond_a_bound_is_refused_with_the_bound(self):
        cases = [
            (search("points", LOSS, ints(12, 10)), "1000000"),  # 10^12 of them
            (search("points", LOSS, ints(256, 2**50)), "1000000"),
            (search("params", LOSS, ints(257, 2), trials=1), "256"),
            (search("choices", LOSS, {"c": {"type": "choice", "values": list(range(10001))}}), "10000"),
            (search("trials", LOSS, ints(1, 9), trials=10**6 + 1), "1000000"),
            (search("start", LOSS, ints(1, 2000), start=[{"p0": i % 2000 + 1} for i in range(1001)]), "1000"),
            (search("command", ["true"] * 1001), "1000"),
            (search("env", LOSS, env={f"V{i}": "" for i in range(1001)}), "1000"),
            (search("patterns", LOSS, patterns=["{loss}!"] * 33), "32"),
            (search("name", LOSS) | {"name": "n" * 65}, "64"),
            (search("file", LOSS, env={"BIG": "x" * (512 << 10)}), "524288"),
            ('{"a":' * 65 + "1" + "}" * 65, "64"),
        ]
        for spec, bound in cases:
            self.assertIn(bound, self.refusal(spec))

    def test_I1_what_is_at_a_bound_runs(self):
        for spec in (search("params", LOSS, ints(256, 2), trials=1, sampler={"type": "random"}),
                     search("choices", LOSS, {"c": {"type": "choice", "values": list(range(10000))}}, trials=1),
                     search("points", LOSS, ints(6, 10), trials=1),
                     search("few", LOSS, ints(12, 10), trials=1)):  # of 10^12
            self.assertEqual(self.d.run(spec)["counts"]["done"], 1, spec["name"])

    def test_I2_a_range_that_is_none_is_told_and_a_constant_is_one(self):
        bad = {"min": ({"type": "float", "min": 2, "max": 1}, "at most"),
               "log": ({"type": "float", "min": 0, "max": 1, "scale": "log"}, "log"),
               "logit": ({"type": "float", "min": 0, "max": 1, "scale": "logit"}, "logit"),
               "step": ({"type": "float", "min": 0, "max": 1, "step": 0}, "step"),
               "int": ({"type": "int", "min": 0.5, "max": 1}, "whole")}
        for name, (parameter, words) in bad.items():
            said = self.refusal(search(name, LOSS, {"p": parameter}, trials=1))
            self.assertIn("parameters.p", said)
            self.assertIn(words, said)
        for bound in ("NaN", "Infinity", "1e400"):
            text = json.dumps(search("n", LOSS, {"p": {"type": "float", "min": 0, "max": 77.5}}, trials=1))
            self.refusal(text.replace("77.5", bound))
        for n, parameter in enumerate(({"type": "float", "min": 0.5, "max": 0.5}, {"type": "int", "min": 3, "max": 3},
                                       {"type": "choice", "values": ["only"]}, {"value": None})):
            self.assertEqual(self.d.run(search(f"c{n}", LOSS, {"p": parameter}))["counts"]["done"], 1)

    def test_I3_names_are_words_and_nothing_else(self):
        for name in ("", "-rf", ".", "..", "../x", "a/b", "a b", "a\nb", "a;b", "$(id)", "'", '"', "`", "\u00e9",
                     "\U0001f600", "x" * 300):
            self.assertIn("name", self.refusal(search("s", LOSS) | {"name": name}))
            said = self.refusal(search("s", LOSS, {name: {"value": 1}}))
            self.assertIn("parameters", said)
        with self.assertRaises(RpcError) as e:
            self.d.submit(search("s", LOSS), name="../../x")
        self.assertIn("is no name", str(e.exception))

    def test_I3_I4_values_arrive_as_whole_elements_whatever_is_in_them(self):
        values = ["'", '"', "a\nb", "; rm -rf /", "$(touch pwned)", "`id`", "-rf", "--", "--x=1", "../..", "\u00e9\u4e2d",
                  "\U0001f600", "{v}", "{{", "%s%n", "*", "", " ", "\\", "\x7f", "a" * 10000]
        program = self.script("tell", TELL)
        end = self.d.run(search("v", [program, "{v}", "--v={v}", "x{v}y", "end"], {"v": {"type": "choice", "values": values}}))
        self.assertEqual(end["counts"]["done"], len(values))
        for row in self.d.rows("select number, params from trials"):
            v = json.loads(row["params"])["v"]
            log = (self.d.trial_dir(1, row["number"]) / "output.log").read_text()
            texts = [base64.b64decode(t).decode() for t in json.loads(log.splitlines()[0])["texts"]]
            self.assertEqual(texts[:-1], [v, f"--v={v}", f"x{v}y", "end", v])
            self.assertEqual(json.loads(texts[-1]), {"v": v})
        rows = self.d.rows("select params from trials")
        self.assertEqual({json.loads(r["params"])["v"] for r in rows}, set(values))
        self.assertEqual([p for p in self.d.dir.rglob("pwned")], [])

    def test_I5_variables_that_load_code_are_refused_by_name(self):
        for name in ("LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES", "BASH_ENV", "HPS_TOKEN", "NOTIFY_SOCKET", "1A", "A B", "A=B"):
            self.assertIn(name, self.refusal(search("s", LOSS, env={name: "x"})))

    def test_I6_a_nul_is_refused_wherever_it_stands(self):
        spec = search("s", ["echo", "NUL"], {"v": {"type": "choice", "values": ["NUL"]}}, env={"A": "NUL"})
        text = json.dumps(spec)
        for part in ('["echo", "NUL"]', '"values": ["NUL"]', '"A": "NUL"'):
            self.assertIn("\\u0000 has no place", self.refusal(text.replace(part, part.replace("NUL", "a\\u0000b"))))
        request = {"jsonrpc": "2.0", "id": 1, "method": "submit", "params": {
            "key": "k", "file": json.dumps(search("s", LOSS)), "workdir": "/", "environ": ["A=a\0b"]}}
        with self.d.connection() as c:
            c.send(json.dumps(request).encode() + b"\n")
            self.assertIn("\\u0000 has no place", c.read_message()["error"]["message"])

    def test_I7_a_workdir_that_was_replaced_is_entered_as_it_is_then(self):
        old, new = self.d.dir / "old", self.d.dir / "new"
        old.mkdir()
        new.mkdir()
        shell = f"pwd -P >> {self.d.dir}/places; mv {old} {self.d.dir}/gone && ln -s {new} {old}; echo loss=1"
        self.d.submit(search("w", ["sh", "-c", shell], trials=2, parallel=1), workdir=old)
        self.assertEqual(self.d.wait_final("w")["counts"]["done"], 2)
        self.assertEqual((self.d.dir / "places").read_text().split(), [str(old), str(new)])
        for workdir, words in (("relative", "absolute"), (self.d.dir / "none", "No such file"), (self.d.config, "directory")):
            with self.assertRaises(RpcError) as e:
                self.d.submit(search("x", LOSS), workdir=workdir)
            self.assertIn(words, str(e.exception))


if __name__ == "__main__":
    main()
