#!/usr/bin/env python3
"""How run.py counts what hpctl says: check_run.py"""

import pathlib
import tempfile
import unittest

import run

FAKE = """#!/bin/sh
shift 3
for f; do
    case $f in
    */a.log) symptoms='[{"symptom": "diverged", "strength": 1}, {"symptom": "noisy", "strength": 0.4}]';;
    */b.log) symptoms='[]';;
    *) symptoms='[{"symptom": "healthy", "strength": 1}]';;
    esac
    echo "{\\"file\\": \\"$f\\", \\"symptoms\\": $symptoms}"
done
exit 1
"""


class Run(unittest.TestCase):
    def test_the_first_symptom_is_the_answer_and_none_is_one_too(self):
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder) / "hpctl"
            fake.write_text(FAKE)
            fake.chmod(0o755)
            answers = run.diagnose(fake, [f"{folder}/{name}.log" for name in "abc"])
        self.assertEqual({name: run.main_answer(a) for name, a in answers.items()},
                         {"a.log": "diverged", "b.log": "none", "c.log": "healthy"})

    def test_an_accepted_answer_counts_for_what_it_names_and_a_wrong_one_for_the_likeliest(self):
        label = {"accepted": ["plateau", "underfitting"]}
        self.assertEqual(run.settle(label, "underfitting"), ("underfitting", "underfitting"))
        self.assertEqual(run.settle(label, "healthy"), ("plateau", "healthy"))

    def test_precision_and_recall_are_those_of_the_pairs(self):
        pairs = [("noisy", "noisy")] * 3 + [("noisy", "healthy")] + [("plateau", "noisy")] * 2
        self.assertEqual(run.scores(pairs)["noisy"], (4, 3 / 5, 3 / 4, 2 * 3 / 9))
        self.assertEqual(run.scores(pairs)["plateau"], (2, 0, 0, 0))

    def test_rare_symptoms_are_left_out_of_the_mean(self):
        pairs = [("noisy", "noisy")] * run.SUPPORT + [("plateau", "healthy")] * (run.SUPPORT - 1)
        self.assertEqual(run.macro(pairs), 1)
        self.assertEqual(run.macro(pairs + [("plateau", "healthy")]), 0.5)

    def test_a_false_alarm_is_a_complaint_about_a_run_that_ends_well(self):
        labels = {"a": {"accepted": ["healthy"], "fault": "good"}, "b": {"accepted": ["healthy"], "fault": "outliers"},
                  "c": {"accepted": ["noisy", "healthy"], "fault": "outliers"}}
        said = {"a": "healthy", "b": "noisy", "c": "plateau"}
        self.assertEqual(run.alarms(labels, said), (1, 2))
        self.assertEqual(run.alarms(labels, said, ("good",)), (0, 1))


if __name__ == "__main__":
    unittest.main()
