#!/usr/bin/env python3
"""Trials of several runs: folds, repeats and budgets."""

import json
import math
import pathlib
import re
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, main, search, wait_for  # noqa: E402

# Writes who it is, waits until it may go on, and fails as often as it is told; its loss is x + 10 fold.
RUN = """#!/usr/bin/python3
import os, pathlib, sys, time
folder, fold, x, seed = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:])
name = f'{os.environ["HPS_TRIAL"]} {fold}'
with open(folder / 'starts', 'a') as f:
    f.write(f'{name} {seed} {os.environ["HPS_CHECKPOINT"]} {os.environ.get("HPS_FOLD")}\\n')
while (folder / f'hold {name}').exists() or (folder / 'hold').exists():
    time.sleep(0.002)
for step in range(3):
    print(f'step={step} loss={x + 10 * fold + 2 - step}')
try:
    (folder / f'fail {name}').unlink()
    sys.exit(3)
except FileNotFoundError:
    pass
"""


class Runs(DaemonTest):
    slots = 2

    def spec(self, **more):
        program = self.script("run", RUN)
        more = {"folds": 5, "early_stopping": {"type": "none"}} | more
        return search("r", [program, str(self.d.dir), "{fold}", "{x}", "{seed}"], **more)

    def starts(self):
        """(trial, fold) of each run that has begun."""
        path = self.d.dir / "starts"
        return [tuple(map(int, s.split()[:2])) for s in path.read_text().splitlines()] if path.exists() else []

    def words(self, column):
        return [s.split()[column] for s in (self.d.dir / "starts").read_text().splitlines()]

    def flag(self, name):
        (self.d.dir / name).touch()

    def go(self, name):
        (self.d.dir / name).unlink()

    def trials(self):
        return self.d.rows("select * from trials order by number")

    def check_each_once(self, trials, folds):
        self.assertEqual(sorted(self.starts()), [(t, f) for t in range(trials) for f in range(folds)])
        runs = self.d.rows("select trial, run, value from runs order by trial, run")
        self.assertEqual([(r["trial"], r["run"]) for r in runs], sorted(self.starts()))
        for t, row in enumerate(self.trials()):
            x = self.d.rows("select value from params where trial = ?", t)[0]["value"]
            values = [x + 10 * f for f in range(folds)]
            self.assertEqual([r["value"] for r in runs if r["trial"] == t], values)
            self.assertEqual((row["state"], row["value"], row["runs"]), ("done", statistics.mean(values), folds))
            self.assertAlmostEqual(row["value_error"], statistics.stdev(values) / math.sqrt(folds))

    def test_the_value_is_the_mean_of_the_folds_with_its_error(self):
        self.d.run(self.spec(trials=3))
        self.check_each_once(3, 5)
        self.assertEqual(self.words(4), [str(f) for _, f in self.starts()])
        self.assertEqual(len(set(self.words(3))), 15)  # no run sees another one's checkpoint
        rows = self.d.rows("select run, step, value from metrics where trial = 1 order by run, step")
        self.assertEqual([(r["run"], r["step"], r["value"]) for r in rows],
                         [(f, s, 1 + 10 * f + 2 - s) for f in range(5) for s in range(3)])
        best = self.d.rows("select value, value_error, runs from best")[0]
        self.assertEqual((best["value"], best["runs"]), (20, 5))
        self.assertEqual(json.loads(self.d.hpctl("why", "r/0", "--json").stdout)["run"], 4)
        text = self.d.hpctl("explain", "r/0").stdout
        self.assertIn("5 of its 5 folds are over: their mean loss is 20, with a standard error of 7.07", text)

    def test_repeats_differ_by_their_seed_alone(self):
        spec = self.spec(trials=2, repeats=4)
        del spec["folds"]
        self.d.run(spec)
        self.assertEqual(sorted(self.starts()), [(t, 0) for t in range(2) for _ in range(4)])
        self.assertEqual(len(set(self.words(2))), 8)
        self.assertEqual([(t["value"], t["value_error"], t["runs"]) for t in self.trials()], [(0, 0, 4), (1, 0, 4)])

    def test_the_mean_of_the_largest_numbers_is_a_number(self):
        for sign in "", "-":
            spec = search(f"r{sign}", ["echo", f"loss={sign}{sys.float_info.max!r}"], trials=1, repeats=3)
            self.d.run(spec)
        self.assertEqual([abs(t["value"]) for t in self.trials()], [sys.float_info.max] * 2)

    def test_further_repeats_go_to_what_may_be_the_best(self):
        for goal, runs in (("minimize", [4, 2, 2]), ("maximize", [4, 4, 4])):
            spec = self.spec(trials=3, parallel=1, repeats={"min": 2, "max": 4}) | {
                "name": goal, "metric": {"name": "loss", "goal": goal}}
            del spec["folds"]
            self.d.run(spec)
            rows = self.d.rows("select state, value, runs from trials where search = ? order by number", goal)
            self.assertEqual([(r["state"], r["value"], r["runs"]) for r in rows],
                             [("done", x, n) for x, n in enumerate(runs)])
        self.assertIn("2 of at most 4 repeats are over: their mean loss is 1, with a standard error of 0",
                      self.d.hpctl("explain", "minimize/1").stdout)

    def test_kill_9_between_folds_runs_and_counts_each_once(self):
        self.flag("hold")
        self.d.submit(self.spec(trials=2, folds=4))
        wait_for(lambda: len(self.starts()) == 2, "the first folds")
        for fold in range(4):
            for trial in range(2):
                self.flag(f"hold {trial} {fold + 1}")
            self.d.kill()
            if fold == 0:
                self.go("hold")
            else:
                for trial in range(2):
                    self.go(f"hold {trial} {fold}")
            pids = self.d.rows("select pid from attempts where state = 'running'")
            wait_for(lambda: not any(pathlib.Path(f"/proc/{p['pid']}").exists() for p in pids), "the folds' ends")
            self.d.start()
            if fold < 3:
                wait_for(lambda n=fold: len(self.starts()) == 2 * (n + 2), "the next folds")
        self.d.wait_final("r")
        self.check_each_once(2, 4)

    def test_kill_9_at_any_time_runs_and_counts_each_once(self):
        self.d.submit(self.spec(trials=4, folds=6))
        n = 0
        while len(self.starts()) < 20:
            wait_for(lambda n=n: len(self.starts()) > n, "another run")
            n = len(self.starts())
            self.d.kill()
            self.d.start()
        self.d.wait_final("r")
        self.check_each_once(4, 6)

    def test_a_fold_that_fails_is_tried_again_as_often_as_each(self):
        for name in ("fail 0 1", "fail 0 3", "fail 1 2"):
            self.flag(name)
        self.d.run(self.spec(trials=2, retries=1))
        for trial, runs in ((0, [0, 1, 1, 2, 3, 3, 4]), (1, [0, 1, 2, 2, 3, 4])):
            rows = self.d.rows("select run, result from attempts where trial = ? order by number", trial)
            self.assertEqual([r["run"] for r in rows], runs)
            self.assertEqual([r["result"] for r in rows if r["result"] is not None],
                             [trial + 10 * f for f in range(5)])
        self.assertEqual([(t["state"], t["value"], t["runs"]) for t in self.trials()],
                         [("done", 20, 5), ("done", 21, 5)])
        self.assertEqual(self.d.rows("select count(*) as n from metrics")[0]["n"], 2 * 5 * 3)

    def test_a_fold_that_fails_for_good_ends_its_trial(self):
        self.flag("fail 0 2")
        self.d.run(self.spec(trials=2))
        failed, done = self.trials()
        self.assertEqual((failed["state"], failed["reason"], failed["value"], failed["runs"]),
                         ("failed", "exit:3", 5, 2))
        self.assertEqual((done["state"], done["value"]), ("done", 21))
        self.assertEqual(sorted(f for t, f in self.starts() if t == 0), [0, 1, 2])

    def test_folds_of_a_hopeless_trial_are_not_run(self):
        self.d.run(self.spec(trials=4, folds=8, parallel=1, early_stopping={"type": "wilcoxon"}))
        first, *others = self.trials()
        self.assertEqual((first["state"], first["value"], first["runs"]), ("done", 35, 8))
        for x, t in enumerate(others, 1):
            self.assertEqual((t["state"], t["reason"], t["value"], t["runs"]),
                             ("pruned", "wilcoxon@3", 10 + x, 3))
        self.assertEqual(len(self.starts()), 8 + 3 * 3)
        self.assertIn("stopped after 3 of 8 runs by the wilcoxon rule: their mean loss 11 is worse than 10, that of "
                      "trial 0 in the same runs", self.d.hpctl("explain", "r/1").stdout)

    def test_a_pause_holds_up_the_next_fold(self):
        self.flag("hold 0 1")
        self.flag("hold 1 1")
        self.d.submit(self.spec(trials=2))
        wait_for(lambda: len(self.starts()) == 4, "the second folds")
        self.assertEqual([(r["trial"], r["run"], r["text"]) for r in self.d.call("show", search="r")["running"]],
                         [(0, 1, "run 1 of 0 to 4"), (1, 1, "run 1 of 0 to 4")])
        self.d.call("pause", search="r")
        with self.d.connection() as c:
            self.go("hold 0 1")
            self.go("hold 1 1")
            c.wait_until("r", lambda p: p["counts"]["queued"] == 2)
        self.d.kill()
        self.d.start()
        self.d.call("kill", search="r", trial=1)
        self.d.call("resume", search="r")
        self.d.wait_final("r")
        self.assertEqual([(t["state"], t["value"], t["runs"]) for t in self.trials()],
                         [("done", 20, 5), ("cancelled", 6, 2)])
        self.assertEqual(len(self.starts()), 5 + 2)

    def test_a_retry_begins_with_the_first_fold(self):
        self.flag("fail 0 1")
        self.d.run(self.spec(trials=1, folds=3))
        self.assertEqual(self.trials()[0]["state"], "failed")
        self.d.call("retry", search="r", trial=0)
        self.d.wait_final("r")
        self.assertEqual(self.starts(), [(0, 0), (0, 1), (0, 0), (0, 1), (0, 2)])
        row = self.trials()[0]
        self.assertEqual((row["state"], row["value"], row["runs"], row["attempts"]), ("done", 10, 3, 5))
        self.assertEqual([r["attempt"] for r in self.d.rows("select attempt from runs order by run")], [3, 4, 5])


# Goes on from its checkpoint: tells from where to where. Its loss is below x by what it has been trained for.
TRAIN = """#!/bin/sh
folder=$1 state=$2/state x=$3 epochs=$4
mkdir -p "$2"
begin=$(cat "$state" 2>/dev/null || echo 0)
echo "$HPS_TRIAL $HPS_BUDGET $begin $epochs $HPS_PARAM_EPOCHS $HPS_SEED" >>"$folder/starts"
while [ -e "$folder/hold $HPS_TRIAL $epochs" ]; do sleep 0.01; done
echo "$epochs" >"$state.new" && mv "$state.new" "$state"
if [ -e "$folder/fail $HPS_TRIAL $epochs" ]; then rm "$folder/fail $HPS_TRIAL $epochs"; exit 3; fi
echo "loss=$((1000 * x - epochs))"
"""


class Budgets(DaemonTest):
    slots = 2

    def spec(self, trials=27, **more):
        program = self.script("train", TRAIN)
        parameters = {"x": {"type": "int", "min": 0, "max": trials - 1}}
        more = {"budget": {"name": "epochs", "min": 1, "max": 9}, "trials": trials} | more
        return search("b", [program, str(self.d.dir), "{checkpoint}", "{x}", "{epochs}"], parameters, **more)

    def starts(self):
        """(trial, budget, epochs that it begins with) of each run that has begun."""
        path = self.d.dir / "starts"
        return [tuple(map(int, s.split()[:3])) for s in path.read_text().splitlines()] if path.exists() else []

    def levels(self):
        """How many runs there were with 1, 3 and 9 epochs."""
        levels = [level for _, level, _ in self.starts()]
        return [levels.count(level) for level in (1, 3, 9)]

    def trials(self):
        return self.d.rows("select * from trials order by number")

    def flag(self, name):
        (self.d.dir / name).touch()

    def check_runs(self):
        """Each level once, from what the one before has left."""
        self.assertEqual(len(set(self.starts())), len(self.starts()))
        for _, level, begin in self.starts():
            self.assertEqual(begin, {1: 0, 3: 1, 9: 3}[level])
        for line in (self.d.dir / "starts").read_text().splitlines():
            words = line.split()
            self.assertEqual((words[1], words[1]), (words[3], words[4]))
        seeds = {(s.split()[0], s.split()[5]) for s in (self.d.dir / "starts").read_text().splitlines()}
        self.assertEqual(len(seeds), len(self.trials()))
        for t in self.trials():
            x = self.d.rows("select value from params where trial = ?", t["number"])[0]["value"]
            level = 3 ** (t["runs"] - 1)
            self.assertEqual((t["value"], t["value_error"]), (1000 * x - level, None))
            self.assertEqual((t["state"], t["reason"]),
                             ("done", "") if level == 9 else ("pruned", f"asha@{level}"))

    def test_of_trials_that_get_better_all_have_all_of_the_budget(self):
        self.d.run(self.spec(parallel=1, sampler={"type": "grid"}, metric={"name": "loss", "goal": "maximize"}))
        self.assertEqual(self.levels(), [27, 27, 27])
        self.check_runs()

    def test_of_trials_that_get_worse_the_best_third_has_more(self):
        self.d.run(self.spec(parallel=1, sampler={"type": "grid"}))
        self.assertEqual(self.levels(), [27, 1, 1])
        self.check_runs()
        self.assertEqual(self.d.rows("select value, runs from best"), [{"value": -9, "runs": 3}])
        self.assertEqual(json.loads((self.d.trial_dir(1, 0) / "params.json").read_text()), {"x": 0, "epochs": 9})
        self.assertEqual(self.d.call("best", search="b")["command"][-2:], ["0", "9"])
        self.assertEqual(self.d.hpctl("best", "b", "--args").stdout, "--x=0 --epochs=9\n")
        self.assertEqual(self.d.hpctl("best", "b", "--env").stdout, "HPS_PARAM_EPOCHS=9\nHPS_PARAM_X=0\n")
        self.assertEqual(json.loads(self.d.hpctl("best", "b", "--params").stdout), {"x": 0, "epochs": 9})
        text = self.d.hpctl("explain", "b/5").stdout
        self.assertIn("with epochs = 1, run 0 of 0 to 2 at most, its loss is 4999", text)
        self.assertIn("stopped after the run with epochs = 1 by the asha rule: its loss 4999 is worse than 999, the "
                      "worst of the 2 kept of 6 trials with so much", text)

    def test_of_27_trials_in_any_order_each_level_has_what_asha_gives_it(self):
        self.d.run(self.spec(parallel=1, sampler={"type": "grid", "shuffle": True, "seed": 7}))
        self.check_runs()
        order = [self.d.rows("select value from params where trial = ?", n)[0]["value"] for n in range(27)]
        expected = [0, 0, 0]
        tops = [[], [], []]
        for x in order:
            for level in range(3):
                expected[level] += 1
                tops[level].append(x)
                if sum(other < x for other in tops[level]) >= max(1, len(tops[level]) // 3):
                    break
        self.assertEqual(self.levels(), expected)
        self.assertEqual(expected[0], 27)
        self.assertLess(expected[2], 27)

    def test_kill_9_between_levels_runs_each_once(self):
        self.flag("hold 0 1")
        self.d.submit(self.spec(trials=6, parallel=1, sampler={"type": "grid"}))
        for level, n in ((1, 1), (3, 2), (9, 3)):
            wait_for(lambda n=n: len(self.starts()) == n, "the next level")
            self.flag(f"hold 0 {3 * level}")
            self.d.kill()
            pids = self.d.rows("select pid from attempts where state = 'running'")
            (self.d.dir / f"hold 0 {level}").unlink()
            wait_for(lambda p=pids: not any(pathlib.Path(f"/proc/{r['pid']}").exists() for r in p), "its end")
            self.d.start()
        self.d.wait_final("b")
        self.assertEqual(self.levels(), [6, 1, 1])
        self.check_runs()

    def test_kill_9_at_any_time_changes_no_verdict(self):
        spec = self.spec(trials=12, parallel=1, sampler={"type": "grid", "shuffle": True, "seed": 7})
        self.d.submit(spec)
        n = 0
        while len(self.starts()) < 12:
            wait_for(lambda n=n: len(self.starts()) > n, "another run")
            n = len(self.starts())
            self.d.kill()
            self.d.start()
        self.d.wait_final("b")
        self.check_runs()
        killed = [(t["state"], t["reason"], t["value"]) for t in self.trials()]
        self.d.run(spec | {"name": "calm"})
        calm = self.d.rows("select state, reason, value from trials where search = 'calm' order by number")
        self.assertEqual([(t["state"], t["reason"], t["value"]) for t in calm], killed)

    def test_a_model_is_made_of_results_with_one_budget(self):
        self.d.run(self.spec(trials=25, parallel=1, sampler={"type": "tpe", "seed": 3}))
        said = self.d.rows("select trial, text, data from events where kind = 'suggested' order by trial")
        runs = self.d.rows("select trial, run from runs")
        seen = set()
        for row in said[1:]:
            found = re.search(r"(\d+) results?[^0-9]* with epochs = (\d)$", row["text"])
            self.assertIsNotNone(found, row["text"])
            had, level = int(found[1]), int(found[2])
            before = [sum(r["trial"] < row["trial"] and r["run"] == run for r in runs) for run in range(3)]
            self.assertEqual(level, max([3 ** run for run in (1, 2) if before[run] >= 4], default=1))
            self.assertEqual(had, before[{1: 0, 3: 1, 9: 2}[level]])
            seen.add(level)
        self.assertGreater(len(seen), 1)
        self.assertIn("chance", {json.loads(r["data"])["why"] for r in said})

    def test_a_level_that_fails_is_tried_again_from_its_checkpoint(self):
        self.flag("fail 0 3")
        self.d.run(self.spec(trials=1, retries=1))
        self.assertEqual(self.starts(), [(0, 1, 0), (0, 3, 1), (0, 3, 3), (0, 9, 3)])
        self.assertEqual([(t["state"], t["value"], t["runs"]) for t in self.trials()], [("done", -9, 3)])

    def test_a_retry_goes_on_with_the_level_that_failed(self):
        self.flag("fail 0 9")
        self.d.run(self.spec(trials=1))
        self.assertEqual(self.outcome("b"), [("failed", "exit:3", -3, 2)])
        self.flag("hold 0 9")
        self.d.call("retry", search="b", trial=0)
        wait_for(lambda: len(self.starts()) == 4, "the level")
        self.d.kill()
        self.d.start()
        (self.d.dir / "hold 0 9").unlink()
        self.d.wait_final("b")
        self.assertEqual(self.starts(), [(0, 1, 0), (0, 3, 1), (0, 9, 3), (0, 9, 9)])
        self.assertEqual(self.outcome("b"), [("done", "", -9, 3)])

    def test_a_retry_of_what_was_stopped_between_levels_goes_on_with_the_next(self):
        self.d.run(self.spec(trials=6, parallel=1, sampler={"type": "grid"}))
        self.assertEqual(self.outcome("b")[5], ("pruned", "asha@1", 4999, 1))
        self.d.call("retry", search="b", trial=5)
        self.d.wait_final("b")
        self.assertEqual(self.starts()[-1], (5, 3, 1))
        self.assertEqual(self.outcome("b")[5], ("pruned", "asha@3", 4997, 2))

    def outcome(self, name):
        rows = self.d.rows("select state, reason, value, runs from trials where search = ? order by number", name)
        return [tuple(r.values()) for r in rows]

    def test_a_bracket_begins_with_more(self):
        spec = self.spec(parallel=1, sampler={"type": "grid"})
        spec["budget"]["type"] = "hyperband"
        self.d.run(spec)
        begun = {t: level for t, level, _ in reversed(self.starts())}
        self.assertEqual({1, 3, 9}, set(begun.values()))
        for t in self.trials():
            mine = [level for number, level, _ in self.starts() if number == t["number"]]
            self.assertEqual(mine, [level for level in (1, 3, 9) if begun[t["number"]] <= level <= mine[-1]])
            x = self.d.rows("select value from params where trial = ?", t["number"])[0]["value"]
            self.assertEqual((t["value"], 3 ** (t["runs"] - 1)), (1000 * x - mine[-1], mine[-1]))
            # The grid gets worse: of each bracket only the first goes on.
            first = min(n for n in begun if begun[n] == begun[t["number"]])
            self.assertEqual((t["state"], t["reason"]), ("done", "") if mine[-1] == 9 else
                             ("pruned", f"hyperband@{mine[-1]}"))
            self.assertEqual(mine[-1] == 9, t["number"] == first or begun[t["number"]] == 9)

    def test_trials_of_a_command_that_resumes_wait_until_they_are_among_the_best(self):
        self.d.run(self.spec(parallel=1, sampler={"type": "grid"}, resumes=True, metric={"name": "loss",
                                                                                         "goal": "maximize"}))
        # Each is better than those before: at each level the first two wait, for want of a third.
        self.assertEqual(self.levels(), [27, 25, 23])
        self.assertEqual([t["reason"] for t in self.trials()], ["asha@1", "asha@1", "asha@3", "asha@3"] + [""] * 23)
        self.assertIn("one in 3 goes on, and so far 1 had as much", self.d.hpctl("explain", "b/0").stdout)

    def test_one_that_waits_goes_on_when_it_is_among_the_best_after_all(self):
        self.d.run(self.spec(trials=9, parallel=1, sampler={"type": "grid"}, resumes=True))
        # 0 is the best of all: it goes on as soon as there are three, and again when three had as much.
        self.assertEqual(self.starts()[:4], [(0, 1, 0), (1, 1, 0), (2, 1, 0), (0, 3, 1)])
        self.assertEqual(self.levels(), [9, 3, 1])
        self.check_runs()
        text = self.d.hpctl("explain", "b/0").stdout
        self.assertIn("goes on after the run with epochs = 1: it is among the best 1 of 3 trials with so much", text)

    def test_before_a_search_ends_in_vain_the_best_that_waits_goes_on(self):
        self.d.run(self.spec(trials=2, parallel=1, sampler={"type": "grid"}, resumes=True))
        self.assertEqual(self.starts(), [(0, 1, 0), (1, 1, 0), (0, 3, 1), (0, 9, 3)])
        self.assertEqual(self.outcome("b"), [("done", "", -9, 3), ("pruned", "asha@1", 999, 1)])
        self.assertIn("it is the best one that waits", self.d.hpctl("explain", "b/0").stdout)
        self.assertNotIn("it waited", self.d.hpctl("explain", "b/0").stdout)
        self.assertIn("it waited until its search ended", self.d.hpctl("explain", "b/1").stdout)

    def test_a_search_whose_trials_wait_has_not_failed(self):
        for n in (1, 3, 5):
            self.flag(f"fail {n} 1")
        self.d.run(self.spec(trials=8, parallel=1, sampler={"type": "grid"}, resumes=True, stop_on_failures=3,
                             budget={"name": "epochs", "min": 1, "max": 9, "eta": 9}))
        self.assertEqual(self.d.rows("select state, reason, done, failed from searches"),
                         [{"state": "finished", "reason": "trials", "done": 1, "failed": 3}])

    def test_one_that_waits_is_told_of_and_can_be_killed(self):
        self.flag("hold 1 1")
        self.d.submit(self.spec(trials=2, parallel=1, sampler={"type": "grid"}, resumes=True))
        wait_for(lambda: len(self.starts()) == 2, "the second one")
        self.assertEqual(self.outcome("b")[0], ("queued", "paused@1", -1, 1))
        self.assertIn("1 trial has run and waits until it is among the best", self.d.hpctl("explain", "b").stdout)
        self.assertIn("\nqueued\t1\nwaiting\t1\n", self.d.hpctl("show", "b").stdout)
        self.d.kill()
        self.d.start()
        self.d.call("kill", search="b", trial=0)
        (self.d.dir / "hold 1 1").unlink()
        self.d.wait_final("b")
        self.assertEqual(self.outcome("b"), [("cancelled", "user", -1, 1), ("done", "", 991, 3)])
        self.assertNotIn("waiting", self.d.hpctl("show", "b").stdout)

    def test_kill_9_at_any_time_promotes_the_same(self):
        spec = self.spec(trials=12, parallel=1, sampler={"type": "grid", "shuffle": True, "seed": 7}, resumes=True)
        self.d.submit(spec)
        n = 0
        while self.d.rows("select state from searches")[0]["state"] == "running":
            n = len(self.starts())
            self.d.kill()
            self.d.start()
            wait_for(lambda n=n: len(self.starts()) > n
                     or self.d.rows("select state from searches")[0]["state"] != "running", "another run")
        self.check_runs()
        killed = self.outcome("b")
        self.d.run(spec | {"name": "calm"})
        self.assertEqual(self.outcome("calm"), killed)

    def test_what_was_given_up_waits_again_when_the_search_is_extended(self):
        self.d.run(self.spec(trials=2, parallel=1, sampler={"type": "grid"}, resumes=True)
                   | {"parameters": {"x": {"type": "int", "min": 0, "max": 26}}})
        self.assertEqual(self.outcome("b"), [("done", "", -9, 3), ("pruned", "asha@1", 999, 1)])
        self.d.call("extend", search="b", trials=6)
        self.d.wait_final("b")
        self.assertEqual(self.starts()[4:], [(2, 1, 0), (3, 1, 0), (4, 1, 0), (5, 1, 0), (1, 3, 1)])
        self.check_runs()
        self.assertEqual(self.outcome("b")[:2], [("done", "", -9, 3), ("pruned", "asha@3", 997, 2)])

    def test_what_a_user_cancelled_while_it_waited_can_be_extended(self):
        self.flag("hold 2 1")
        self.d.submit(self.spec(trials=3, parallel=1, sampler={"type": "grid"}, resumes=True)
                      | {"parameters": {"x": {"type": "int", "min": 0, "max": 26}}})
        wait_for(lambda: len(self.starts()) == 3, "the third one")
        self.d.call("cancel", search="b")
        self.d.wait_final("b")
        (self.d.dir / "hold 2 1").unlink()
        self.d.call("extend", search="b", trials=4)
        self.d.wait_final("b")
        self.assertEqual(self.outcome("b"), [("done", "", -9, 3), ("pruned", "asha@1", 999, 1),
                                             ("cancelled", "user", None, 0), ("pruned", "asha@1", 2999, 1)])


# Goes on from its checkpoint, which it writes after each step; ends at SIGTERM.
STEPS = """#!/bin/sh
folder=$1 state=$2/state x=$3
mkdir -p "$2"
step=$(cat "$state" 2>/dev/null || echo 0)
echo "$HPS_TRIAL $HPS_ATTEMPT $step" >>"$folder/starts"
while [ $step -lt 9 ]; do
    step=$((step + 1))
    echo "$step" >"$state.new" && mv "$state.new" "$state"
    echo "step=$step loss=$((100 * x - step)) other=$((step * step))"
    case $step in 1 | 3) while [ ! -e "$folder/go $HPS_TRIAL $step" ]; do sleep 0.01; done ;; esac
done
"""


class Rungs(DaemonTest):
    """The promotion of ASHA within a run: an attempt goes on with the curve of the one before."""

    slots = 2

    def spec(self, trials, **more):
        program = self.script("train", STEPS)
        parameters = {"x": {"type": "int", "min": 0, "max": trials - 1}}
        more = {"early_stopping": {"type": "asha", "min_steps": 1, "max_steps": 9}, "trials": trials, "parallel": 1,
                "sampler": {"type": "grid"}, "resumes": True} | more
        return search("s", [program, str(self.d.dir), "{checkpoint}", "{x}"], parameters, **more)

    def starts(self):
        path = self.d.dir / "starts"
        return [tuple(map(int, s.split())) for s in path.read_text().splitlines()] if path.exists() else []

    def let(self, trial, step):
        (self.d.dir / f"go {trial} {step}").touch()

    def outcome(self):
        return [tuple(r.values()) for r in self.d.rows("select state, reason, value, steps, attempts from trials")]

    def curve(self, trial, metric):
        return [(r["step"], r["value"]) for r in
                self.d.rows("select step, value from metrics where trial = ? and name = ? order by step", trial, metric)]

    def check(self):
        self.assertEqual(self.outcome(), [("done", "", -9, 9, 3), ("pruned", "asha@1", 99, 1, 1),
                                          ("pruned", "asha@1", 199, 1, 1)])
        self.assertEqual(self.starts(), [(0, 1, 0), (1, 1, 0), (2, 1, 0), (0, 2, 1), (0, 3, 3)])
        self.assertEqual(self.curve(0, "loss"), [(n, -n) for n in range(1, 10)])
        self.assertEqual(self.curve(0, "other"), [(n, n * n) for n in range(1, 10)])

    def test_a_trial_waits_at_a_rung_and_goes_on_with_its_curve(self):
        self.d.run(self.spec(3))
        self.check()
        text = self.d.hpctl("explain", "s/0").stdout
        self.assertIn("waits at step 1: one in 3 goes on from rung 1, and so far 1 came to it", text)
        self.assertIn("goes on after step 1: it is among the best there now", text)
        self.assertIn("goes on: it is the best one that waits", text)

    def test_kill_9_while_it_waits_is_paused_and_goes_on_changes_nothing(self):
        self.d.submit(self.spec(3))
        for n, (trial, step) in enumerate([(0, 1), (1, 1), (2, 1), (0, 3)]):
            wait_for(lambda n=n: len(self.starts()) > n, "the next attempt")
            self.d.kill()
            self.d.start()
            wait_for(lambda t=trial, s=step: (s, 100 * t - s) in self.curve(t, "loss"), "its step")
            self.d.kill()
            self.d.start()
        self.d.wait_final("s")
        self.check()

    def test_what_was_given_up_goes_on_with_its_curve_when_the_search_is_extended(self):
        for kills in (False, True):
            spec = self.spec(2) | {"name": f"kills-{kills}", "parameters": {"x": {"type": "int", "min": 0, "max": 26}}}
            (self.d.dir / "starts").unlink(missing_ok=True)
            self.d.run(spec)
            self.d.call("extend", search=spec["name"], trials=6)
            while kills and len(self.starts()) < 9:
                n = len(self.starts())
                self.d.kill()
                self.d.start()
                wait_for(lambda n=n: len(self.starts()) > n, "another attempt")
            self.d.wait_final(spec["name"])
            self.assertEqual(self.starts()[4:], [(n, 1, 0) for n in (2, 3, 4, 5)] + [(1, 2, 1)])
            rows = self.d.rows("select state, reason, value, steps from trials where search = ?", spec["name"])
            self.assertEqual([tuple(r.values()) for r in rows][:3],
                             [("done", "", -9, 9), ("pruned", "asha@3", 97, 3), ("pruned", "asha@1", 199, 1)])
            for metric, value in (("loss", lambda n: 100 - n), ("other", lambda n: n * n)):
                rows = self.d.rows("select step, value from metrics where search = ? and trial = 1 and name = ? "
                                   "order by step", spec["name"], metric)
                self.assertEqual([tuple(r.values()) for r in rows], [(n, value(n)) for n in (1, 2, 3)])

    def test_a_run_that_fails_and_resumes_keeps_its_curve(self):
        program = self.script("fails", STEPS.replace("done ;; esac", "done; [ $HPS_ATTEMPT = 1 ] && exit 4 ;; esac"))
        self.let(0, 1)
        self.let(0, 3)
        spec = self.spec(1, retries=1, early_stopping={"type": "none"})
        spec["command"][0] = program
        self.d.run(spec)
        self.assertEqual(self.starts(), [(0, 1, 0), (0, 2, 1)])
        self.assertEqual(self.outcome(), [("done", "", -9, 9, 2)])
        self.assertEqual(self.curve(0, "loss"), [(n, -n) for n in range(1, 10)])


if __name__ == "__main__":
    main()
