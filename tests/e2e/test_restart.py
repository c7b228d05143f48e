"""kill -9, and all that must be there afterwards."""

import os
import pathlib
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, is_alive, main, search, wait_for  # noqa: E402

# Writes who it is, then a loss a step until it is told to go, then the rest.
TRIAL = """#!/usr/bin/python3
import os, sys, time
folder, trial = sys.argv[1], os.environ['HPS_TRIAL']
with open(folder + '/starts', 'a') as f:
    f.write(f'{trial} {os.environ["HPS_TOKEN"]} {os.getpid()}\\n')
step = 0
while not os.path.exists(folder + '/go'):
    step += 1
    print(f'step={step} loss={step * 0.5}')
    time.sleep(0.005)
print(f'last={step}')
for step in range(step + 1, step + 101):
    print(f'step={step} loss={step * 0.5}')
"""


class Restart(DaemonTest):
    slots = 8

    def begin(self, trials=8):
        program = self.script("trial", TRIAL)
        self.d.submit(search("r", [program, str(self.d.dir)], trials=trials, early_stopping={"type": "none"}))
        wait_for(lambda: len(self.starts()) == min(trials, 8), "the trials")

    def starts(self):
        path = self.d.dir / "starts"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def check_all_is_there(self, trials=8):
        """Each trial started once, and each line that it wrote is in the database once."""
        self.assertEqual(sorted(int(s[0]) for s in self.starts()), list(range(trials)))
        for number in range(trials):
            log = (self.d.trial_dir(1, number) / "output.log").read_text()
            steps = [int(line.split("=")[1].split()[0]) for line in log.splitlines() if line.startswith("step")]
            rows = self.d.rows("select step, value from metrics where trial = ? and name = 'loss' order by step",
                               number)
            self.assertEqual([r["step"] for r in rows], steps)
            self.assertEqual([r["value"] for r in rows], [s * 0.5 for s in steps])
        repeats = self.d.rows("select sum(repeats) as n from metric")
        self.assertEqual(repeats[0]["n"], 0)
        ends = self.d.rows("select state, code from attempts")
        self.assertEqual([(e["state"], e["code"]) for e in ends], [("ended", 0)] * trials)

    def test_C10_a_search_that_could_not_be_loaded_at_the_start_is_adopted_when_it_can(self):
        self.begin()
        self.d.kill()
        db = sqlite3.connect(self.d.state / "hps.db")
        (spec,) = db.execute("SELECT spec FROM submission").fetchone()
        db.execute("UPDATE submission SET spec = ?", ["{" + spec])
        db.commit()
        self.d.start()
        self.assertIn("cannot be loaded and waits", self.d.log.read_text())
        db.execute("UPDATE submission SET spec = ?", [spec])
        db.commit()
        db.close()
        self.d.call("cancel", search="r")
        self.assertEqual(self.d.wait_final("r")["counts"]["cancelled"], 8)
        wait_for(lambda: not any(is_alive(int(pid)) for _, _, pid in self.starts()), "the trials' ends")

    def test_kill_9_in_the_middle_loses_nothing(self):
        self.begin()
        for _ in range(5):
            self.d.kill()
            self.assertTrue(all(is_alive(int(s[2])) for s in self.starts()))
            self.d.start()
        (self.d.dir / "go").touch()
        self.assertEqual(self.d.wait_final("r")["counts"]["done"], 8)
        self.check_all_is_there()

    def test_trials_that_end_while_no_daemon_runs_are_done_with_their_status(self):
        self.begin()
        self.d.kill()
        (self.d.dir / "go").touch()
        wait_for(lambda: not any(is_alive(int(s[2])) for s in self.starts()), "the ends")
        self.d.start()
        self.assertEqual(self.d.wait_final("r")["counts"]["done"], 8)
        self.check_all_is_there()

    def test_K7_a_sampler_that_learns_goes_on_as_if_nothing_had_been(self):
        shell = f"while [ ! -e {self.d.dir}/go.$HPS_TRIAL ]; do sleep 0.01; done; echo loss=$HPS_PARAM_X"

        def spec(name):
            return search(name, ["sh", "-c", shell], {"x": {"type": "float", "min": -5, "max": 5}},
                          sampler={"type": "gp", "seed": 7}, trials=16, parallel=1)

        def params(name):
            return self.d.rows("select params from trials where search = ? order by number", name)

        self.d.submit(spec("killed"))
        for number in range(16):
            self.d.wait_for_trial("killed", number)
            if number % 2 == 0:
                self.d.kill()
            (self.d.dir / f"go.{number}").touch()
            if number % 2 == 0:
                self.d.start()
        self.assertEqual(self.d.wait_final("killed")["counts"]["done"], 16)
        self.assertEqual(self.d.run(spec("whole"))["counts"]["done"], 16)
        self.assertEqual(params("killed"), params("whole"))
        whys = self.d.rows("select data ->> 'why' as why from events where kind = 'suggested'")
        self.assertIn("model", [r["why"] for r in whys])

    def test_B19_a_trial_that_has_ended_is_not_stopped_any_more(self):
        """The rule would have stopped seven of them, but reads them after their ends."""
        shell = (f"echo $HPS_TRIAL >> {self.d.dir}/starts; while [ ! -e {self.d.dir}/go ]; do sleep 0.01; done;"
                 "for s in 1 2 3; do echo step=$s loss=$HPS_PARAM_X; done")
        self.d.submit(search("e", ["sh", "-c", shell], trials=8,
                             early_stopping={"type": "median", "min_steps": 1, "min_trials": 1}))
        wait_for(lambda: len(self.starts()) == 8, "the trials")
        shims = [r["pid"] for r in self.d.rows("select pid from attempts")]
        self.d.kill()
        (self.d.dir / "go").touch()
        wait_for(lambda: not any(map(is_alive, shims)), "the ends")
        self.d.start()
        self.assertEqual(self.d.wait_final("e")["counts"]["done"], 8)

    def test_B12_a_trial_that_ended_in_time_is_not_timed_out_by_a_later_daemon(self):
        shell = f"echo $$ > {self.d.dir}/pid.new; mv {self.d.dir}/pid.new {self.d.dir}/pid; echo loss=1"
        self.d.submit(search("t", ["sh", "-c", shell + "; sleep 0.2"], {"x": {"value": 1}}, timeout="1s"))
        wait_for((self.d.dir / "pid").exists, "the trial")
        shim = self.d.rows("select pid from attempts")[0]["pid"]
        self.d.kill()
        wait_for(lambda: not is_alive(shim), "the end")
        begin = time.monotonic()
        wait_for(lambda: time.monotonic() - begin > 1.2, "the time-out")
        self.d.start()
        self.assertEqual(self.d.wait_final("t")["counts"]["done"], 1)
        row = self.d.rows("select seconds from trials")[0]
        self.assertLess(row["seconds"], 1)

    def test_L3_a_shutdown_leaves_trials_running_and_the_next_daemon_goes_on(self):
        self.begin(10)
        self.assertEqual(self.d.call("shutdown")["running"], 8)
        self.assertEqual(self.d.process.wait(60), 0)
        self.d.process = None
        self.assertTrue(all(is_alive(int(s[2])) for s in self.starts()))
        self.d.start()
        (self.d.dir / "go").touch()
        self.assertEqual(self.d.wait_final("r")["counts"]["done"], 10)
        self.check_all_is_there(10)

    def test_a_stop_that_was_decided_is_carried_out_by_the_next_daemon(self):
        shell = f"trap '' TERM; echo $$ > {self.d.dir}/pid; while :; do sleep 0.05; done"
        self.d.submit(search("s", ["sh", "-c", shell], {"x": {"value": 1}}, grace="1s"))
        wait_for(lambda: (self.d.dir / "pid").exists() and (self.d.dir / "pid").read_text().strip(), "the trial")
        pid = int((self.d.dir / "pid").read_text())
        self.d.call("kill", search="s", trial=0)
        self.d.kill()
        self.assertTrue(is_alive(pid))
        self.d.start()
        self.assertEqual(self.d.wait_final("s")["counts"]["cancelled"], 1)
        self.assertFalse(is_alive(pid))

    def test_L3_a_shutdown_that_kills_trials_ends_them_first(self):
        self.begin()
        self.d.stop(kill_trials=True)
        self.assertFalse(any(is_alive(int(s[2])) for s in self.starts()))
        rows = self.d.rows("select distinct state, reason from trials")
        self.assertEqual(rows, [{"state": "cancelled", "reason": "shutdown"}])

    def test_C8_a_second_daemon_is_refused(self):
        import subprocess
        from hpsd import BUILD
        r = subprocess.run([BUILD / "daemon/hpsd"], env=self.d.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(r.returncode, 100)
        self.assertIn(f"another hpsd (pid {self.d.process.pid})", r.stderr)


if __name__ == "__main__":
    main()
