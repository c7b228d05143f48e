#!/usr/bin/env python3
"""Clocks that jump, a daemon that was stopped, a machine that slept, the year 2039.

Deadlines follow a clock that nobody sets and that stands still while the machine sleeps; the time of day is for
people alone.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import FaultyWorld, Refused, wait_for  # noqa: E402

YEAR_S = 365 * 86400


def faketime_library():
    found = list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise unittest.SkipTest("no libfaketime here")
    return str(found[0])


class Time(unittest.TestCase):
    def world(self, **more):
        w = FaultyWorld(slots=3)
        w.env |= more
        self.addCleanup(w.cleanup)
        return w

    def world_with_a_clock(self, at):
        """A daemon whose time of day is what set_clock() says; its other clocks are the true ones."""
        library = faketime_library()
        w = self.world()
        self.clock = w.dir / "clock"
        self.set_clock(at)
        w.env |= {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
                  "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        # The sanitizers' library wants to be the first, and then libfaketime has none of its calls.
        probe = subprocess.run([w.command[0], "--version"], env=w.env | {"FAKETIME_TIMESTAMP_FILE": "/dev/null"},
                               capture_output=True)
        if probe.returncode != 0:
            raise unittest.SkipTest("no libfaketime in this build")
        return w

    def set_clock(self, at):
        new = self.clock.with_suffix(".new")
        new.write_text(at + "\n")
        new.rename(self.clock)

    def finish(self, w, **more):
        w.settle()
        w.stop()
        self.assertEqual(w.faults(**more), [])

    def run_through_jump(self, before, after):
        w = self.world_with_a_clock(before)
        w.start()
        spec = w.spec(modes=["stay"], trials=2, steps=(2,), timeout="1h", grace="3600000ms")
        w.submit(spec)
        w.wait_running(spec["name"], 2)
        w.wait_witnesses(2)
        self.set_clock(after)
        w.ask("add", search=spec["name"], params=w.params("stay", 2))
        (row,) = w.rows("SELECT running FROM searches")
        self.assertEqual(row["running"], 3, "a deadline has followed the clock")
        for t in w.rows("SELECT seconds FROM trials WHERE seconds IS NOT NULL"):
            self.assertGreaterEqual(t["seconds"], 0)
        # After a restart with the new clock nothing is due either.
        w.kill()
        w.start()
        w.ask("kill", search=spec["name"], trial=0)
        w.ask("cancel", search=spec["name"])
        self.finish(w, set_clock=True)
        for t in w.rows("SELECT seconds FROM trials WHERE seconds IS NOT NULL"):
            self.assertGreaterEqual(t["seconds"], 0)
            self.assertLess(t["seconds"], YEAR_S, "a duration has followed the clock")

    def test_E1_a_clock_that_jumps_ten_years_forward_ends_nothing(self):
        self.run_through_jump("+0", f"+{10 * YEAR_S}")

    def test_E1_a_clock_that_jumps_ten_years_back_ends_nothing(self):
        self.run_through_jump("+0", f"-{10 * YEAR_S}")

    def test_E4_the_year_2039_is_a_year_like_others(self):
        w = self.world_with_a_clock("@2039-06-01 12:00:00")
        w.start()
        spec = w.spec(modes=["0"], trials=3, steps=(1,))
        w.submit(spec)
        w.wait_end(spec["name"])
        for t in w.rows("SELECT created, started, ended, seconds FROM trials"):
            self.assertTrue(all(t[k].startswith("2039-06-01T") for k in ("created", "started", "ended")), t)
            self.assertLess(t["seconds"], 3600)
        self.finish(w, set_clock=True)

    def test_E2_time_that_the_machine_slept_counts_for_no_timeout(self):
        """The next daemon finds a boot-time clock ten days later, and the other one where it was."""
        if os.geteuid() != 0 or subprocess.run(["unshare", "-T", "true"], capture_output=True).returncode != 0:
            self.skipTest("no time namespaces here")
        w = self.world()
        w.start()
        spec = w.spec(modes=["stay"], trials=2, steps=(2,), timeout="1h", max_time="2h")
        w.submit(spec)
        w.wait_running(spec["name"], 2)
        w.wait_witnesses(2)
        w.kill()
        command = w.command
        # In the same pid namespace, by exec: what is started is what is killed.
        w.command = ["unshare", "-T", "--boottime", str(10 * 86400), *command]
        w.start()
        w.ask("extend", search=spec["name"], trials=3)
        w.wait_witnesses(3)
        (row,) = w.rows("SELECT running, state FROM searches")
        self.assertEqual(dict(row), {"running": 3, "state": "running"})
        w.ask("cancel", search=spec["name"])
        self.finish(w)

    def test_E3_a_daemon_that_was_stopped_leaves_a_trial_all_of_its_grace(self):
        w = self.world()
        w.start()
        spec = w.spec(modes=["deaf"], trials=2, steps=(1,), timeout="200ms", grace="300ms", retries=0)
        w.submit(spec)
        w.wait_running(spec["name"], 2)
        w.process.send_signal(signal.SIGSTOP)
        # Longer than timeout and grace together: both are overdue when it goes on.
        end = time.monotonic() + 1
        wait_for(lambda: time.monotonic() > end, "the time")
        w.process.send_signal(signal.SIGCONT)
        w.wait_end(spec["name"])
        self.assertEqual({t["reason"] for t in w.rows("SELECT reason FROM trials")}, {"timeout"})
        self.finish(w)

    def test_E3_a_stopped_daemon_loses_nothing_of_what_trials_print_meanwhile(self):
        w = self.world()
        w.start()
        spec = w.spec(modes=["0"], trials=3, steps=(100,), pause_ms=2, timeout="1h")
        w.submit(spec)
        w.wait_running(spec["name"], 3)
        for _ in range(5):
            w.process.send_signal(signal.SIGSTOP)
            end = time.monotonic() + 0.1
            wait_for(lambda: time.monotonic() > end, "the time")
            w.process.send_signal(signal.SIGCONT)
            try:
                w.ask("add", search=spec["name"], params=w.params("0", 3))
            except Refused:
                break  # it has ended
        self.finish(w)


if __name__ == "__main__":
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2))
