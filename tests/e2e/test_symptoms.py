"""What ails the trials: seen while they run, stored, the same whatever happens to the daemon."""

import json
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, main, search, wait_for  # noqa: E402

# Waits for a file after every tenth step.
OVERFITS = """#!/usr/bin/python3
import os, sys, time
folder = sys.argv[1]
for step in range(1, 61):
    noise = 0.002 * ((7 * step) % 5)
    train = 2 / step + noise
    valid = 1 + 1.4 / step + 0.02 * step + noise
    print(f'step={step} train_loss={train} val_loss={valid} lr=0.1', flush=True)
    if step % 10 == 0:
        open(f'{folder}/at.{step}', 'w').close()
        while not os.path.exists(f'{folder}/go.{step}'):
            time.sleep(0.005)
"""
ONE = {"x": {"value": 1}}
NEVER = {"type": "none"}
ROWS = "select rank, symptom, strength, step, text, try, data from symptoms where search = ? and trial = ? order by rank"


def lines(*pairs):
    """A shell that prints them, one a step."""
    return "; ".join(f"echo step={i} {pair}" for i, pair in enumerate(pairs, 1)) + "; "


class Symptoms(DaemonTest):
    def kinds(self, name, trial=0):
        return [r["symptom"] for r in self.d.rows(ROWS, name, trial)]

    def events(self, name):
        return self.d.rows("select trial, kind, text, data from events where search = ? and kind = 'symptom' order by id",
                           name)

    def run_shell(self, name, shell, **more):
        return self.d.run(search(name, ["sh", "-c", shell], ONE, early_stopping=NEVER) | more)

    def test_a_trial_that_diverges_is_seen_while_it_runs(self):
        shell = lines("loss=1", "loss=0.9", "loss=nan", "loss=nan") + "exec sleep 1000"
        self.d.submit(search("n", ["sh", "-c", shell], ONE, early_stopping=NEVER))
        with self.d.connection() as c:
            progress = c.wait_until("n", lambda p: p["symptoms"].get("diverged"))
        self.assertEqual((progress["symptoms"], progress["counts"]["running"]), ({"diverged": 1}, 1))
        self.assertEqual(self.kinds("n"), ["diverged"])
        self.assertEqual(self.d.rows("select symptom from trials")[0]["symptom"], "diverged")
        self.assertEqual([e["text"].split(":")[0] for e in self.events("n")], ["diverged"])
        said = json.loads(self.d.hpctl("why", "n/0", "--json").stdout)
        self.assertEqual([s["symptom"] for s in said["symptoms"]], ["diverged"])
        self.assertIn("loss", said["symptoms"][0]["text"])

    def test_a_value_far_above_all_beginnings_is_told_as_it_is_stopped(self):
        shell = lines(*[f"loss={2 - s / 20}" for s in range(20)], "loss=3e9") + "exec sleep 1000"
        end = self.d.run(search("l", ["sh", "-c", shell], ONE, early_stopping={"type": "median"}))
        self.assertEqual(end["counts"]["pruned"], 1)
        self.assertEqual(self.d.rows("select reason from trials")[0]["reason"], "diverged")
        row = self.d.rows(ROWS, "l", 0)[0]
        self.assertEqual((row["symptom"], row["step"], json.loads(row["data"])["value"]), ("diverged", 21, 3e9))

    def test_a_declared_training_curve_stops_a_trial_that_has_diverged(self):
        shell = lines("tr=1 loss=2", "tr=nan loss=2", "tr=nan loss=2") + "exec sleep 1000"
        spec = search("d", ["sh", "-c", shell], ONE) | {"metric": {"name": "loss", "train": "tr"}}
        self.assertEqual(self.d.run(spec)["counts"]["pruned"], 1)
        self.assertEqual(self.d.rows("select reason from trials")[0]["reason"], "diverged")
        (stop,) = self.d.rows("select text, data from events where kind = 'stop'")
        self.assertEqual(json.loads(stop["data"])["metric"], "tr")
        self.assertIn("its tr is nan", stop["text"])
        self.assertEqual(self.kinds("d"), ["diverged"])

    def test_a_training_curve_that_is_only_recognised_stops_nothing(self):
        shell = lines("train_loss=1 val_loss=2", "train_loss=nan val_loss=2", "train_loss=nan val_loss=1")
        end = self.run_shell("r", shell, metric={"name": "val_loss"}, early_stopping={"type": "median"})
        self.assertEqual(end["counts"]["done"], 1)
        self.assertEqual(self.kinds("r"), ["diverged"])

    def test_a_trial_without_a_value_and_one_that_crashes_late_are_told_at_their_ends(self):
        self.run_shell("silent", "echo hello")
        self.assertEqual(self.kinds("silent"), ["no_output"])
        self.run_shell("crash", lines(*[f"loss={1 / s}" for s in range(1, 20)]) + "exit 3", stop_on_failures=0)
        self.assertIn("late_crash", self.kinds("crash"))

    def test_a_run_with_less_than_all_of_its_budget_was_not_ended_too_early(self):
        shell = lines(*[f"loss=$HPS_TRIAL.{99 - 4 * s}" for s in range(1, 21)])
        spec = search("b", ["sh", "-c", shell], {"x": {"type": "int", "min": 0, "max": 1}}, trials=2, parallel=1,
                      sampler={"type": "grid"}, budget={"name": "n", "min": 1, "max": 2, "eta": 2})
        self.d.run(spec)
        self.assertEqual([t["runs"] for t in self.d.rows("select runs from trials order by number")], [2, 1])
        self.assertIn("still_improving", self.kinds("b", 0))
        self.assertNotIn("still_improving", self.kinds("b", 1))

    def test_a_retry_begins_anew(self):
        shell = (lines("loss=1", "loss=nan", "loss=nan") + "exit 1",
                 lines(*[f"loss={1 / s}" for s in range(1, 20)]))
        shell = f"if [ $HPS_ATTEMPT = 1 ]; then {shell[0]}; else {shell[1]} fi"
        end = self.run_shell("a", shell, retries=1)
        self.assertEqual(end["counts"]["done"], 1)
        self.assertNotIn("diverged", self.kinds("a"))
        self.assertEqual(len([e for e in self.events("a") if e["text"].startswith("diverged")]), 1)
        said = self.d.call("explain", search="a", trial=0)["sentences"]
        self.assertFalse([s for s in said if s.startswith("diverged")])

    def overfit(self, name, kill_at=()):
        folder = self.d.dir / name
        folder.mkdir()
        program = self.script("overfits", OVERFITS)
        self.d.submit(search(name, [program, str(folder)], ONE, early_stopping=NEVER)
                      | {"metric": {"name": "val_loss"}})
        for step in range(10, 61, 10):
            wait_for((folder / f"at.{step}").exists, f"step {step}")
            if step in kill_at:
                # Once before it has read all, once when nothing is new.
                self.d.kill()
                self.d.start()
                wait_for(lambda: self.d.rows("select step from metrics where search = ? and step = ?", name, step),
                         "the lines")
                self.d.kill()
                self.d.start()
            (folder / f"go.{step}").touch()
        self.assertEqual(self.d.wait_final(name)["counts"]["done"], 1)

    def test_kill_9_at_any_place_changes_nothing(self):
        self.overfit("whole")
        self.overfit("killed", kill_at=(10, 20, 30, 50, 60))
        whole = self.d.rows(ROWS, "whole", 0)
        self.assertIn("overfitting", [r["symptom"] for r in whole])
        self.assertEqual(self.d.rows(ROWS, "killed", 0), whole)
        self.assertEqual([e["text"] for e in self.events("killed")], [e["text"] for e in self.events("whole")])

    def test_a_trial_from_before_there_were_symptoms_is_examined_when_somebody_asks(self):
        self.overfit("old")
        stored = self.d.call("symptoms", search="old", trial=0)
        self.d.stop()
        db = sqlite3.connect(self.d.state / "hps.db")
        self.assertGreater(db.execute("DELETE FROM symptom").rowcount, 0)
        db.commit()
        db.close()
        self.d.start()
        found = self.d.call("symptoms", search="old", trial=0)
        self.assertEqual(found["symptoms"], stored["symptoms"])

    def test_the_commonest_symptom_stands_where_a_user_looks(self):
        shell = "if [ $HPS_TRIAL -lt 3 ]; then " + lines("loss=1", "loss=nan", "loss=nan") + "else echo loss=1; fi"
        spec = self.d.dir / "s.json"
        spec.write_text(json.dumps(search("s", ["sh", "-c", shell], {"x": {"type": "int", "min": 1, "max": 4}},
                                          stop_on_failures=0)))
        said = self.d.hpctl("run", spec).stdout
        self.assertIn("commonest symptom: diverged, in 3 of 4 trials (hpctl why s)", said)
        self.assertEqual(self.d.call("show", search="s")["symptoms"]["diverged"], 3)
        self.assertEqual(self.d.wait_final("s")["symptoms"]["diverged"], 3)

    def test_what_is_no_trial_is_told(self):
        self.run_shell("w", "echo loss=1")
        self.assertIn("w has no trial 7", self.d.hpctl("why", "w/7", status=4).stderr.replace('"', "")
                      .replace("search ", ""))


if __name__ == "__main__":
    main()
