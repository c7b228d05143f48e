"""Earlier trials as history of a search: from a table, from another search."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, RpcError, main, search  # noqa: E402

SPACE = {
    "opt": {"type": "choice", "values": ["sgd", "adam", True]},
    "lr": {"type": "float", "min": 1e-5, "max": 1, "scale": "log", "guess": 1e-3},
    "mom": {"type": "float", "min": 0, "max": 1, "when": {"opt": "sgd"}},
    "layers": {"type": "int", "min": 1, "max": 3},
    "epochs": {"value": 3},
}
ECHO = ["sh", "-c", "echo loss=$HPS_PARAM_LR"]


class Import(DaemonTest):
    def finished(self, name="s", trials=2, **more):
        spec = search(name, ECHO, SPACE, sampler={"type": "random"}, trials=trials, **more)
        return self.d.run(spec)

    def table(self, text):
        path = self.d.dir / "old.csv"
        path.write_text(text)
        return path

    def trials(self, name="s"):
        rows = self.d.rows("select number, state, reason, value, kind, origin, attempts, params, seconds from trials"
                           " where search = ? order by number", name)
        return [dict(r, params=json.loads(r["params"])) for r in rows]

    def test_a_table_becomes_trials_that_never_run_and_count_as_results(self):
        self.finished()
        said = self.d.hpctl("import", "s", self.table(
            'opt,lr,mom,layers,loss,seed\n'
            'sgd,0.1,0.5,2,0.3,1\n'
            'adam,0.2,,1,1e-9,1\n'
            'True,1e-2,,3,failed,1\n'
            '"adam",1e-2,,3,nan,1\n'
            'adam,1e-2,,2,,1\n'))
        self.assertEqual(said.stdout, "s has 5 more trials: 2 to 6\n")
        self.assertIn("neither parameters nor the metric: seed", said.stderr)
        new = self.trials()[2:]
        self.assertEqual([(t["state"], t["reason"], t["value"], t["kind"]) for t in new], [
            ("done", "", 0.3, "finite"), ("done", "", 1e-9, "finite"), ("failed", "imported", None, "none"),
            ("failed", "diverged", None, "nan"), ("failed", "imported", None, "none")])
        self.assertEqual({(t["origin"], t["attempts"], t["seconds"]) for t in new}, {("imported", 0, None)})
        self.assertEqual(new[0]["params"], {"opt": "sgd", "lr": 0.1, "mom": 0.5, "layers": 2, "epochs": 3})
        self.assertEqual(new[2]["params"]["opt"], True)
        row = self.d.rows("select state, trials, done, failed, best_trial from searches")[0]
        self.assertEqual(row, {"state": "finished", "trials": 7, "done": 4, "failed": 3, "best_trial": 3})
        self.assertEqual(self.d.rows("select trial from leaderboard where rank = 1")[0]["trial"], 3)
        self.assertFalse(self.d.trial_dir(1, 3).exists())
        self.assertIn("imported", self.d.hpctl("explain", "s/3").stdout)
        event = self.d.rows("select text from events where kind = 'import'")[0]
        self.assertEqual(event["text"], f"5 trials were imported from {self.d.dir}/old.csv")

    def test_all_faults_are_told_and_nothing_is_imported(self):
        self.finished()
        path = self.table("opt,lr,mom,layers,loss\n"
                          "sgd,10,0.5,2,0.3\n"
                          "adam,0.1,0.5,2,0.3\n"
                          "Adam,0.1,,2.5,abc\n"
                          "adam,0.1,,2,0.3\n"
                          "sgd,0.1,,2,0.3\n"
                          "adam,,,2,0.3\n"
                          "adam,0.1,2\n")
        said = self.d.hpctl("import", "s", path, status=2).stderr.replace(str(path), "F").splitlines()
        self.assertEqual(said, [
            'F:2:5: lr: is 10 (must be a number from 1e-05 to 1)',
            'F:3:10: mom: has no place here (its "when" on "opt" does not hold; leave it out)',
            'F:4:1: opt: is "Adam" (must be one of ["sgd","adam",true])',
            'F:4:11: layers: is 2.5 (must be a whole number from 1 to 3)',
            'F:4:15: loss: is "abc" (must be a number, or nothing or "failed" of a trial without a result)',
            'F:6:9: mom: is missing (it is active here)',
            'F:7:6: lr: is missing (it is active here)',
            'F:8:1: has 3 fields, and the header 5',
            'hpctl: nothing was imported'])
        self.assertEqual(len(self.trials()), 2)

    def test_the_daemon_checks_rows_again_and_takes_all_or_none(self):
        self.finished()
        good = {"params": {"opt": "adam", "layers": 1}, "value": 0.5}
        with self.assertRaises(RpcError) as e:
            self.d.call("import", search="s", key="k", trials=[
                good, {"params": {"opt": "x", "layers": 9}}, {"params": 3}, {"params": {}, "value": "much", "x": 1}, {}])
        self.assertEqual(e.exception.code, 2)
        self.assertEqual([f["path"] for f in e.exception.data["faults"]], [
            "trials[1].opt", "trials[1].layers", "trials[2].params", "trials[3].x", "trials[3].value", "trials[4].params"])
        for wrong in ({}, {"trials": [good], "from": "s"}, {"trials": []}, {"trials": [3]}, {"from": "s"}):
            with self.assertRaises(RpcError):
                self.d.call("import", search="s", key="k", **wrong)
        self.assertEqual(len(self.trials()), 2)
        self.assertEqual(self.d.call("import", search="s", key="k", trials=[good])["trials"], 1)
        self.assertEqual(self.trials()[2]["params"]["lr"], 1e-3)

    def test_the_same_key_imports_once_also_after_a_kill(self):
        self.finished()
        rows = [{"params": {"opt": "adam", "layers": 1}, "value": 0.5}] * 3
        first = self.d.call("import", search="s", key="k", trials=rows)
        self.assertEqual((first["trials"], first["first"]), (3, 2))
        self.d.kill()
        self.d.start()
        self.assertEqual(self.d.call("import", search="s", key="k", trials=rows), first)
        self.assertEqual(len(self.trials()), 5)
        self.assertEqual(self.d.call("import", search="s", key="l", trials=rows)["first"], 5)

    def test_a_running_search_keeps_its_own_trials_and_a_grid_leaves_out_what_is_known(self):
        go = self.d.dir / "go"
        shell = f"while [ ! -e {go} ]; do sleep 0.01; done; echo loss=$HPS_PARAM_X"
        self.d.submit(search("g", ["sh", "-c", shell], trials=6))
        known = [{"params": {"x": x}, "value": x} for x in (0, 5, 6, 9)]
        self.d.call("import", search="g", key="k", trials=known)
        go.touch()
        end = self.d.wait_final("g")
        self.assertEqual((end["state"], end["reason"], end["trials"], end["counts"]["done"]),
                         ("finished", "trials", 10, 10))
        ran = self.d.rows("select t.params as p from trials t where origin = 'sampler' order by number")
        self.assertEqual([json.loads(r["p"])["x"] for r in ran], [0, 1, 2, 3, 4, 7])
        self.assertEqual(self.d.rows("select count(*) as n from attempts")[0]["n"], 6)

    def test_imported_failures_are_no_reason_to_stop_and_an_imported_target_is(self):
        go = self.d.dir / "go"
        shell = f"while [ ! -e {go} ]; do sleep 0.01; done; echo loss=1"
        self.d.submit(search("f", ["sh", "-c", shell], metric={"name": "loss", "target": 0.25}))
        failed = [{"params": {"x": x}} for x in range(2, 10)]
        self.d.call("import", search="f", key="k", trials=failed)
        self.d.kill()
        self.d.start()
        self.assertEqual(self.d.rows("select state from searches")[0]["state"], "running")
        self.d.call("import", search="f", key="l", trials=[{"params": {"x": 1}, "value": 0.25}])
        end = self.d.wait_final("f")
        self.assertEqual((end["state"], end["reason"]), ("finished", "target"))

    def test_an_imported_trial_can_be_run_here_too(self):
        self.finished()
        self.d.call("import", search="s", key="k", trials=[{"params": {"opt": "adam", "lr": 0.5, "layers": 1}}])
        self.assertIn("its configuration and its result were imported\n", self.d.hpctl("explain", "s/2").stdout)
        self.d.call("retry", search="s", trial=2)
        self.d.wait_final("s")
        self.assertIn("its configuration was imported, its result is of its own run\n",
                      self.d.hpctl("explain", "s/2").stdout)
        t = self.trials()[2]
        self.assertEqual((t["state"], t["value"], t["attempts"], t["origin"]), ("done", 0.5, 1, "imported"))

    def test_samplers_that_learn_begin_where_the_imported_trials_ended(self):
        square = ["awk", 'BEGIN {{ x = ARGV[1]; printf "loss=%.17g\\n", (x - 3) * (x - 3) }', "{x}"]
        known = [{"params": {"x": x}, "value": (x - 3) ** 2} for x in range(-10, 11) if x != 3]
        for sampler in ("gp", "tpe"):
            with self.subTest(sampler=sampler):
                self.d.run(search(sampler, square, {"x": {"type": "float", "min": -10, "max": 10}}, trials=1,
                                  sampler={"type": sampler, "seed": 1}))
                self.d.call("import", search=sampler, key=sampler, trials=known)
                self.d.call("extend", search=sampler, trials=26)
                self.d.wait_final(sampler)
                new = self.d.rows("select params from trials where search = ? and number > 20 order by number", sampler)
                xs = [json.loads(r["params"])["x"] for r in new]
                self.assertEqual(len(xs), 5)
                self.assertLess(sum(abs(x - 3) for x in xs) / 5, 2.5, xs)

    def test_another_searches_trials_come_over_by_name_and_misfits_are_counted(self):
        self.d.run(search("old", ["sh", "-c", "[ $HPS_PARAM_X != 3 ] && echo loss=$HPS_PARAM_X"],
                          {"x": {"type": "int", "min": 0, "max": 9}, "other": {"value": "y"}}))
        self.d.run(search("new", ["sh", "-c", "echo loss=9"],
                          {"x": {"type": "int", "min": 2, "max": 6},
                           "new": {"type": "choice", "values": ["a", "b"], "guess": "b"}, "c": {"value": 1}}, trials=1))
        said = self.d.hpctl("import", "new", "--from", "old")
        self.assertEqual(said.stdout, "new has 5 more trials: 1 to 5\n")
        self.assertIn("5 of old left out: they do not fit (trial 0: x: is 0 (must be a whole number from 2 to 6))",
                      said.stderr)
        new = self.trials("new")[1:]
        self.assertEqual([(t["params"], t["state"], t["reason"], t["value"]) for t in new], [
            ({"x": x, "new": "b", "c": 1}, "failed" if x == 3 else "done", "exit:1" if x == 3 else "",
             None if x == 3 else x) for x in range(2, 7)])

    def test_means_of_the_same_folds_or_repeats_keep_their_runs_and_errors(self):
        x = {"x": {"type": "int", "min": 0, "max": 2}}
        folds = ["sh", "-c", "echo loss=$((10 * $HPS_PARAM_X + ${{HPS_FOLD:-0}))"]
        self.d.run(search("five", folds, x, folds=5, sampler={"type": "grid"}))
        self.d.run(search("other", folds, x, folds=5, trials=1))
        self.d.run(search("three", folds, x, folds=3, trials=1))
        self.d.run(search("plain", folds, x, trials=1))
        mean = [{"value": 10 * i + 2, "value_error": 0.5 ** 0.5, "runs": 5} for i in range(3)]
        lost = [{"value": m["value"], "value_error": None, "runs": 0} for m in mean]
        for to, kept in (("other", mean), ("three", lost), ("plain", lost)):
            said = self.d.hpctl("import", to, "--from", "five")
            self.assertEqual("note: five: each result, a mean of up to 5 folds, counts as that of one run here\n"
                             if kept == lost else "", said.stderr)
            for restart in (False, True):
                if restart:
                    self.d.kill()
                    self.d.start()
                rows = self.d.rows("select value, value_error, runs from trials where search = ? and "
                                   "origin = 'imported' order by number", to)
                self.assertEqual([r | {"value_error": r["value_error"] and round(r["value_error"], 12)} for r in rows],
                                 [k | {"value_error": k["value_error"] and round(k["value_error"], 12)} for k in kept])
        said = self.d.hpctl("explain", "other/1").stdout
        self.assertIn("5 of its 5 folds are over: their mean loss is 2, with a standard error of 0.707", said)
        self.assertNotIn("folds are over", self.d.hpctl("explain", "three/1").stdout)
        self.d.call("retry", search="other", trial=2)
        self.d.wait_final("other")
        again = self.d.rows("select value, runs, attempts from trials where search = 'other' and number = 2")
        self.assertEqual(again, [{"value": 12, "runs": 5, "attempts": 5}])

    def test_results_of_another_budget_are_left_out_and_a_lineage_is_not_known(self):
        x = {"x": {"type": "int", "min": 0, "max": 9}}
        epochs = ["sh", "-c", "echo loss=$HPS_PARAM_X {epochs} {checkpoint}"]
        self.d.run(search("p", epochs, x, sampler={"type": "pbt", "population": 2},
                          budget={"name": "epochs", "min": 1, "max": 2}))
        self.d.run(search("more", epochs, x, budget={"name": "epochs", "min": 1, "max": 4}, trials=1))
        self.d.run(search("plain", ["sh", "-c", "echo loss=1"], x, trials=1))
        said = self.d.hpctl("import", "plain", "--from", "p")
        self.assertEqual(said.stdout, "plain has 2 more trials: 1 to 2\n")
        self.assertEqual(said.stderr.splitlines(), [
            "note: 2 of p left out: they do not fit (trial 0: epochs: is 1 (its result cannot be compared with those "
            "with 2))",
            "note: p: of its population each trial is one by itself here: which it went on from, and with which "
            "parameters before, is not known"])
        self.assertEqual(self.d.rows("select state, generation from trials where search = 'plain' and number > 0"),
                         [{"state": "done", "generation": None}] * 2)
        self.assertIn("epochs: is 1 (its result cannot be compared with those with 4)",
                      self.d.hpctl("import", "more", "--from", "p", status=2).stderr)

    def test_what_was_stopped_with_less_of_a_budget_is_left_out(self):
        x = {"x": {"type": "int", "min": 0, "max": 9}}
        self.d.run(search("b", ["sh", "-c", "echo loss=$HPS_PARAM_X {epochs} {checkpoint}"], x, trials=8,
                          budget={"name": "epochs", "min": 1, "max": 2, "eta": 2}))
        counts = {row["state"]: row["n"] for row in self.d.rows("select state, count(*) as n from trials group by state")}
        self.assertEqual(sorted(counts), ["done", "pruned"])
        self.d.run(search("plain", ["sh", "-c", "echo loss=1"], x, trials=1))
        said = self.d.hpctl("import", "plain", "--from", "b")
        self.assertIn(f"note: {counts['pruned']} of b left out: they do not fit (trial ", said.stderr)
        self.assertIn("epochs: is 1 (its result cannot be compared with those with 2)", said.stderr)
        rows = self.d.rows("select state from trials where search = 'plain' and number > 0")
        self.assertEqual([row["state"] for row in rows], ["done"] * counts["done"])

    def test_searches_that_cannot_be_compared_are_refused_with_the_reason(self):
        self.finished()
        base = {"x": {"type": "int", "min": 0, "max": 9}}
        self.d.run(search("up", ["sh", "-c", "echo loss=1"], base, metric={"name": "loss", "goal": "maximize"}, trials=1))
        said = self.d.hpctl("import", "s", "--from", "up", status=2).stderr
        self.assertIn("search up is to maximize loss, not to minimize loss", said)
        for name in ("opt", "mom", "layers"):
            self.assertIn(f"{name}: is no parameter of search up", said)
        self.assertNotIn("lr: ", said)
        self.assertIn("is the search itself", self.d.hpctl("import", "s", "--from", "s", status=2).stderr)
        self.d.hpctl("import", "s", "--from", "nobody", status=4)
        self.d.run(search("far", ["sh", "-c", "echo loss=1"], {"x": {"type": "int", "min": 50, "max": 60}}, trials=1))
        self.d.run(search("near", ["sh", "-c", "echo loss=1"], base, trials=1))
        self.assertIn("search far has no trial to import (0 without a result, 1 that do not fit; trial 0: x: is 50",
                      self.d.hpctl("import", "near", "--from", "far", status=2).stderr)

    def test_what_is_too_much_for_a_message_is_said_with_what_fits(self):
        self.finished()
        lines = "".join(f"adam,{(i + 1) / 40000!r},,1,{i}\n" for i in range(20000))
        path = self.table("opt,lr,mom,layers,loss\n" + lines)
        said = self.d.hpctl("import", "s", path, status=2).stderr
        fitting = int(said.split("20000 trials, and ")[1].split()[0])
        self.assertGreater(fitting, 5000)
        rest = lines.splitlines(keepends=True)[:fitting]
        self.table("opt,lr,mom,layers,loss\n" + "".join(rest))
        self.d.hpctl("import", "s", path)
        self.assertEqual(self.d.rows("select count(*) as n from trials")[0]["n"], 2 + fitting)

    def test_an_import_is_there_after_a_kill(self):
        self.finished()
        self.d.call("import", search="s", key="k", trials=[{"params": {"opt": "adam", "layers": 1}, "value": 0.5}])
        before = self.trials()
        self.d.kill()
        self.d.start()
        self.assertEqual(self.trials(), before)
        self.d.call("extend", search="s", trials=4)
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 4)


if __name__ == "__main__":
    main()
