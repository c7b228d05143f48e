#!/usr/bin/env python3
"""The pipe that the comparison of samplers relies on: check_ask_tell.py ASK_TELL"""

import json
import subprocess
import sys
import tempfile
import unittest

SEARCH = {
    "name": "check", "command": ["true"], "metric": {"name": "loss"},
    "trials": 20,
    "parameters": {
        "rate": {"type": "float", "min": 1e-3, "max": 1, "scale": "log"},
        "kind": {"type": "choice", "values": ["a", "b"]},
        "depth": {"type": "int", "min": 1, "max": 3, "when": {"kind": "b"}},
    },
}


def talk(sampler, lines):
    """(exit status, replies, standard error) of one session."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump({**SEARCH, "sampler": {"type": sampler, "seed": 1}}, f)
        f.flush()
        r = subprocess.run([sys.argv[1], f.name], input="\n".join(lines) + "\n",
                           text=True, capture_output=True)
    return r.returncode, [json.loads(x) for x in r.stdout.splitlines()], r.stderr


class AskTell(unittest.TestCase):
    def test_trials_are_numbered_whether_asked_for_or_added(self):
        status, replies, _ = talk("random", [
            "ask", 'add {"rate": 0.1, "kind": "a"} done 0.5', "ask"])
        self.assertEqual(status, 0)
        self.assertEqual([r["number"] for r in replies], [0, 1, 2])

    def test_every_outcome_is_understood_by_a_sampler_that_learns(self):
        outcomes = ["done 0.5", "done nan", "done -inf", "done 1e308",
                    "pruned 0.7", "failed", "cancelled"]
        lines = [f'add {{"rate": 0.{k + 1}, "kind": "b", "depth": 2}} {o}'
                 for k, o in enumerate(outcomes)] * 3
        status, replies, errors = talk("tpe", lines + ["ask", "tell 21 failed",
                                                       "ask"])
        self.assertEqual((status, errors), (0, ""))
        for reply in replies[-2:]:
            self.assertTrue(1e-3 <= reply["params"]["rate"] <= 1)
            self.assertEqual("depth" in reply["params"],
                             reply["params"]["kind"] == "b")

    def test_what_is_no_command_number_or_outcome_ends_it_with_a_word(self):
        for line, word in (("sing", "no command"),
                           ("tell 7 failed", "no trial with this number"),
                           ('add {"rate": 0.1, "kind": "a"} fine',
                            "no outcome"),
                           ('add {"rate": 7, "kind": "a"} failed', "rate")):
            status, _, errors = talk("random", [line])
            self.assertEqual(status, 2, line)
            self.assertIn(word, errors)

    def test_a_used_up_space_is_said(self):
        lines = ["ask"] * 3
        small = {"kind": {"type": "choice", "values": ["a", "b"]}}
        whole, SEARCH["parameters"] = SEARCH["parameters"], small
        status, replies, _ = talk("grid", lines)
        SEARCH["parameters"] = whole
        self.assertEqual(status, 0)
        self.assertEqual(replies[-1], {"exhausted": True})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
