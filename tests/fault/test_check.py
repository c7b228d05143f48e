#!/usr/bin/env python3
"""The checker itself: what it must not take for a fault, and what it must."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import World  # noqa: E402


class Check(unittest.TestCase):
    def world_with_a_retry_that_waits(self, first):
        """The world and the trial's number in @first(world), a search; its slot is another one's."""
        w = World(slots=1)
        self.addCleanup(w.cleanup)
        w.start()
        spec = first(w)
        w.submit(spec)
        w.wait_end(spec["name"])
        w.ask("add", search=spec["name"], params=w.params())
        w.wait_end(spec["name"])
        number, = (t["number"] for t in w.rows("SELECT number FROM trial WHERE origin = 'added' AND state = 'done'"))
        busy = w.spec(modes=["0"], trials=1, steps=(1000,), pause_ms=100, timeout="1h")
        w.submit(busy)
        with w.connection() as c:
            c.wait_until(busy["name"], lambda p: p["counts"]["running"] == 1)
        w.ask("retry", search=spec["name"], trial=number)
        self.assertEqual([t["state"] for t in w.rows("SELECT state FROM trial WHERE origin = 'added'")], ["queued"])
        return w, number

    def test_a_trial_that_is_to_run_again_may_wait_for_a_slot(self):
        for first in (lambda w: w.spec(modes=["0"], trials=1), lambda w: w.population(trials=2)):
            w, _ = self.world_with_a_retry_that_waits(first)
            self.assertEqual(w.faults(running=True), [])

    def test_one_that_waits_when_all_is_over_is_a_fault(self):
        w, number = self.world_with_a_retry_that_waits(lambda w: w.spec(modes=["0"], trials=1))
        self.assertIn(f"I11: s1/{number} is queued when it was to run again", w.faults())


if __name__ == "__main__":
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2))
