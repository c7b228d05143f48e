"""From submit to best: each sampler, each rule, each way for a search to end."""

import contextlib
import json
import sqlite3
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import FINAL, DaemonTest, RpcError, main, search, wait_for  # noqa: E402

# Prints (x - 3)^2 as its loss; x from argv.
SQUARE = ["awk", "BEGIN {{ x = ARGV[1]; printf \"loss=%.17g\\n\", (x - 3) * (x - 3) }", "{x}"]
FLOAT = {"x": {"type": "float", "min": -10, "max": 10}}


class Samplers(DaemonTest):
    def test_a_grid_runs_each_point_once_and_is_exhausted(self):
        end = self.d.run(search("g", SQUARE))
        self.assertEqual((end["state"], end["reason"]), ("finished", "exhausted"))
        self.assertEqual(end["counts"]["done"], 10)
        xs = self.d.rows("select value from params where search = 'g' and name = 'x' order by trial")
        self.assertEqual([r["value"] for r in xs], list(range(10)))
        best = self.d.rows("select * from best where search = 'g'")
        self.assertEqual(len(best), 1)
        self.assertEqual(json.loads(best[0]["params"]), {"x": 3})
        self.assertEqual(best[0]["value"], 0)

    def test_random_and_sobol_repeat_themselves_with_a_seed(self):
        points = {}
        for sampler in ("random", "sobol"):
            for seed in (1, 1, 2):
                name = f"{sampler}{seed}-{len(points)}"
                end = self.d.run(search(name, SQUARE, FLOAT, sampler={"type": sampler, "seed": seed}, trials=8))
                self.assertEqual(end["reason"], "trials")
                rows = self.d.rows("select params from trials where search = ? order by number", name)
                points[name] = [r["params"] for r in rows]
        lists = list(points.values())
        self.assertEqual(lists[0], lists[1])
        self.assertNotEqual(lists[0], lists[2])
        self.assertEqual(lists[3], lists[4])
        self.assertNotEqual(lists[0], lists[3])

    def test_a_discrete_space_is_not_run_twice(self):
        end = self.d.run(search("d", SQUARE, sampler={"type": "random", "seed": 4}, trials=10))
        self.assertEqual(end["counts"]["done"], 10)
        distinct = self.d.rows("select count(distinct params) as n from trials")
        self.assertEqual(distinct[0]["n"], 10)

    def test_conditional_parameters_are_absent_where_they_do_not_hold(self):
        parameters = {
            "kind": {"type": "choice", "values": ["a", "b"]},
            "x": {"type": "int", "min": 1, "max": 3, "when": {"kind": "b"}},
        }
        shell = ["sh", "-c", "echo loss=$#", "sh", "{args}"]
        end = self.d.run(search("c", shell, parameters))
        self.assertEqual(end["counts"]["done"], 4)
        rows = self.d.rows("select params, value from trials order by number")
        self.assertEqual([(json.loads(r["params"]), r["value"]) for r in rows], [
            ({"kind": "a"}, 1), ({"kind": "b", "x": 1}, 2), ({"kind": "b", "x": 2}, 2), ({"kind": "b", "x": 3}, 2)])


class Learning(DaemonTest):
    slots = 4

    def test_K5_a_sampler_that_learns_keeps_all_slots_busy_and_gives_its_reasons(self):
        end = self.d.run(search("t", SQUARE, FLOAT, sampler={"type": "tpe", "seed": 3}, trials=24))
        self.assertEqual((end["state"], end["reason"]), ("finished", "trials"))
        self.assertEqual(end["counts"]["done"], 24)
        reasons = self.d.rows("select trial, text, data from events where kind = 'suggested' order by trial")
        self.assertEqual([r["trial"] for r in reasons], list(range(24)))
        first, last = json.loads(reasons[0]["data"]), json.loads(reasons[-1]["data"])
        self.assertEqual((first["why"], first["observations"]), ("start", 0))
        self.assertEqual(last["why"], "model")
        # Each trial is counted once: known, running, or of the same answer.
        for r in map(json.loads, (r["data"] for r in reasons)):
            self.assertLessEqual(r["pending"], 3)
        said = self.d.call("explain", search="t", trial=0)["sentences"]
        self.assertIn("its configuration was proposed by the tpe sampler (seed 3)", said)
        self.assertIn(reasons[0]["text"], said)

    def test_a_model_tells_which_parameter_matters_and_what_it_expected(self):
        space = dict(FLOAT, nothing={"type": "float", "min": 0, "max": 1})
        self.d.run(search("m", SQUARE, space, sampler={"type": "gp"}, trials=30, parallel=1))
        self.assertRegex(self.d.call("show", search="m")["relevance"],
                         r"^over the whole space x matters most \(\d+ % of the model's variance\)")
        said = " ".join(self.d.call("explain", search="m", trial=29)["sentences"])
        for words in ("the model expects loss", "the nearest trials then: ", "it gave loss"):
            self.assertIn(words, said)

    def test_a_discrete_space_is_tried_whole_and_no_point_twice(self):
        end = self.d.run(search("x", SQUARE, sampler={"type": "tpe"}, trials=99))
        self.assertEqual((end["reason"], end["counts"]["done"]), ("exhausted", 10))

    def test_a_daemon_that_ends_while_samplers_think_leaves_nothing_behind(self):
        for k in range(3):
            for name in "abcdef":
                self.d.submit(search(f"{name}{k}", SQUARE, FLOAT, sampler={"type": "gp"}, trials=999))
            with self.d.connection() as c:
                c.wait_until(f"f{k}", lambda p: p["counts"]["done"] > 4)
            self.d.stop()
            self.d.start()
        for row in self.d.call("list")["searches"]:
            self.d.call("cancel", search=row["name"])

    def test_a_pause_and_a_cancel_while_a_sampler_thinks_drop_its_answer(self):
        self.d.submit(search("p", ["sleep", "1000"], FLOAT, sampler={"type": "tpe"}, trials=99))
        with self.d.connection() as c:
            for _ in range(20):
                c.call("pause", search="p")
                c.call("resume", search="p")
            c.call("cancel", search="p")
        end = self.d.wait_final("p")
        n = sum(end["counts"].values())
        self.assertEqual(end["state"], "cancelled")
        self.assertLessEqual(n, 4)
        self.assertEqual(len(self.d.rows("select id from events where kind = 'suggested'")), n)

    def test_what_a_model_says_is_said_in_words(self):
        self.d.run(search("w", SQUARE, FLOAT, sampler={"type": "tpe"}, trials=3))
        self.assertIsNone(self.d.call("show", search="w")["relevance"])
        self.d.stop()
        data = {"why": "model", "low": -5, "high": -1, "nearest": [
                    {"trial": 1, "distance": 0.25, "value": 1.5}, {"trial": 0, "distance": 1.234}],
                "relevance": {"units": 0.004, "lr": 0.62, "layers": 0.2, "width": 0.176}}
        with contextlib.closing(sqlite3.connect(self.d.state / "hps.db")) as db, db:
            db.execute("update event set data = ? where kind = 'suggested'", [json.dumps(data)])
        self.d.start()
        matters = ("over the whole space lr matters most (62 % of the model's variance), then layers (20 %), "
                   "width (18 %); units hardly (0.4 %)")
        self.assertEqual(self.d.call("show", search="w")["relevance"], matters)
        self.assertIn(matters, self.d.call("explain", search="w")["sentences"])
        said = self.d.call("explain", search="w", trial=2)["sentences"]
        self.assertIn("the nearest trials then: 1 (loss 1.5, 0.25 lengthscales away), "
                      "0 (without a result, 1.2 lengthscales away)", said)
        self.assertTrue(any(s.startswith("it gave loss") and s.endswith("worse than expected (-5 to -1)")
                            for s in said), said)


class Rules(DaemonTest):
    slots = 1

    # Waits at step 5 until it is stopped, unless it is trial 0, 1 or 2.
    SLOW = ("for s in 1 2 3 4 5; do echo step=$s loss=$HPS_PARAM_X; done;"
            "[ $HPS_TRIAL -ge 3 ] && exec sleep 1000; exit 0")

    def test_K8_median_stops_a_trial_that_is_worse_than_most(self):
        spec = search("m", ["sh", "-c", self.SLOW], {"x": {"type": "int", "min": 0, "max": 3}},
                      early_stopping={"type": "median", "min_steps": 2, "min_trials": 3})
        end = self.d.run(spec)
        self.assertEqual(end["counts"]["pruned"], 1)
        row = self.d.rows("select reason from trials where number = 3")[0]
        self.assertRegex(row["reason"], r"^median@[2-5]$")
        said = self.d.call("explain", search="m", trial=3)["sentences"]
        self.assertTrue(any("median" in s and "running averages" in s for s in said), said)

    def test_patience_stops_a_stalled_trial(self):
        shell = "for s in 1 2 3 4 5 6; do echo step=$s loss=1; done; exec sleep 1000"
        end = self.d.run(search("p", ["sh", "-c", shell], {"x": {"value": 1}},
                                early_stopping={"type": "patience", "patience": 3}))
        self.assertEqual(end["counts"]["pruned"], 1)
        self.assertRegex(self.d.rows("select reason from trials")[0]["reason"], r"^patience@\d+$")

    def test_in_seconds_a_trial_is_compared_after_a_restart_too(self):
        shell = (f"echo loss=$HPS_PARAM_X; sleep 1.1; [ $HPS_TRIAL = 0 ] ||"
                 f"while [ ! -e {self.d.dir}/go ]; do sleep 0.01; done;"
                 "echo loss=$HPS_PARAM_X; [ $HPS_TRIAL = 0 ] || exec sleep 1000")
        self.d.submit(search("s", ["sh", "-c", shell], {"x": {"type": "int", "min": 0, "max": 1}},
                             early_stopping={"type": "asha", "min_steps": 1, "resource": "seconds"}))
        with self.d.connection() as c:
            c.wait_until("s", lambda p: self.d.rows("select * from metrics where trial = 1"))
        self.d.kill()
        self.d.start()
        (self.d.dir / "go").touch()
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 1)
        self.assertRegex(self.d.rows("select reason from trials where number = 1")[0]["reason"], r"^asha@\d+s$")
        said = self.d.call("explain", search="s", trial=1)["sentences"]
        self.assertTrue(any(s.startswith("stopped at second ") and " at rung 1 is worse than 0," in s for s in said), said)

    def test_explain_tells_what_is_foretold_of_a_running_trial(self):
        self.begin_foretold()
        with self.d.connection() as c:
            said = c.call("explain", search="f", trial=3)["sentences"]
            self.assertTrue(any(s.startswith("its result at step 8 is foretold to be 3.") for s in said), said)
            self.assertTrue(any("better than 0.1, the best of 3 trials, with probability" in s for s in said), said)
            shown = c.call("show", search="f")["running"]
            self.assertEqual([r["trial"] for r in shown], [3])
            self.assertEqual((shown[0]["foretold"]["step"], shown[0]["foretold"]["best"]), (8, 0.1))
            self.assertRegex(shown[0]["text"],
                             r"^loss 3\.\S* \+- \S+ is foretold for step 8, better than the best with \S+ %$")
        (self.d.dir / "go").touch()
        self.assertEqual(self.d.wait_final("f")["counts"]["done"], 4)
        said = self.d.call("explain", search="f", trial=3)["sentences"]
        self.assertFalse(any("foretold" in s for s in said), said)

    def test_threshold_stops_a_trial_outside_its_bounds(self):
        end = self.d.run(search("t", ["sh", "-c", "echo loss=7; exec sleep 1000"], {"x": {"value": 1}},
                                early_stopping={"type": "threshold", "max": 5}))
        self.assertEqual(end["counts"]["pruned"], 1)
        self.assertRegex(self.d.rows("select reason from trials")[0]["reason"], r"^threshold@")

    def test_K8_a_diverged_trial_is_stopped_at_once(self):
        shell = "echo step=1 loss=1; echo step=2 loss=nan; echo step=3 loss=nan; exec sleep 1000"
        end = self.d.run(search("n", ["sh", "-c", shell], {"x": {"value": 1}}))
        row = self.d.rows("select state, reason from trials")[0]
        self.assertEqual((row["state"], row["reason"]), ("pruned", "diverged"))
        self.assertEqual(end["counts"]["pruned"], 1)

    def test_none_stops_nothing(self):
        shell = "for s in 1 2 3; do echo step=$s loss=nan; done; echo step=4 loss=1"
        end = self.d.run(search("o", ["sh", "-c", shell], {"x": {"value": 1}}, early_stopping={"type": "none"}))
        self.assertEqual(end["counts"]["done"], 1)


class Ends(DaemonTest):
    def test_a_target_ends_the_search(self):
        spec = search("t", SQUARE, parallel=1)
        spec["metric"]["target"] = 1
        end = self.d.run(spec)
        self.assertEqual((end["state"], end["reason"]), ("finished", "target"))
        self.assertEqual(end["counts"]["done"], 3)

    def test_its_time_ends_the_search(self):
        end = self.d.run(search("w", ["sleep", "1000"], max_time="1s", grace="5s"))
        self.assertEqual((end["state"], end["reason"]), ("finished", "max_time"))
        self.assertEqual(end["counts"]["running"], 2 if end["counts"]["running"] else 0)
        self.d.wait_final("w")

    def test_until_ends_the_search_and_a_restart_keeps_it(self):
        spec = search("u", ["sleep", "1000"], until="4s", grace="5s", parallel=1)
        self.d.submit(spec)
        said = self.d.call("explain", search="u")["sentences"]
        self.assertTrue(any(s.startswith("ends at 2") for s in said), said)
        (before,) = self.d.rows("select until_ms - created_ms as ms from search")
        self.assertEqual(before["ms"], 4000)
        self.d.kill()
        self.d.start()
        end = self.d.wait_final("u")
        self.assertEqual((end["state"], end["reason"]), ("finished", "until"))
        (event,) = self.d.rows("select data from events where kind = 'end'")
        data = json.loads(event["data"])
        self.assertGreaterEqual(data["now_ms"], data["until_ms"])

    def test_a_date_that_is_over_is_refused(self):
        with self.assertRaises(RpcError) as refusal:
            self.d.submit(search("o", SQUARE, until="2020-01-02 07:00"))
        self.assertIn("until: 2020-01-02 07:00 is over", str(refusal.exception))
        self.assertEqual(self.d.rows("select name from searches"), [])

    def test_a_search_ends_when_less_than_the_noise_is_left_to_gain(self):
        noisy = ["awk", "BEGIN {{ x = ARGV[1]; srand(x * 1e6); printf \"loss=%.17g\\n\", x * x + rand() / 10 }", "{x}"]
        end = self.d.run(search("r", noisy, FLOAT, sampler={"type": "gp"}, trials=200, parallel=1, stop={"regret": 1}))
        self.assertEqual((end["state"], end["reason"]), ("finished", "regret"))
        (event,) = self.d.rows("select text, data from events where kind = 'end'")
        data = json.loads(event["data"])
        self.assertEqual((data["noise_of"], data["limit"]), ("the model", 1))
        self.assertLess(data["regret"], data["noise"])
        (best,) = self.d.rows("select value from best")
        self.assertLess(best["value"], 0.1 + data["regret"])

    def test_the_model_knows_the_noise_of_a_plateau(self):
        noisy = ["awk", "BEGIN {{ x = ARGV[1]; srand(x * 1e6); printf \"loss=%.17g\\n\", x * x + rand() }", "{x}"]
        end = self.d.run(search("p", noisy, FLOAT, sampler={"type": "gp"}, trials=200, parallel=1, stop={"plateau": 8}))
        self.assertEqual((end["state"], end["reason"]), ("finished", "plateau"))
        (event,) = self.d.rows("select text, data from events where kind = 'end'")
        data = json.loads(event["data"])
        self.assertEqual((data["noise_of"], data["plateau"]), ("the model", 8))
        self.assertGreater(data["noise"], 0)
        self.assertGreaterEqual(data["since"], data["before"] - data["noise"])

    def test_equal_failures_end_the_search(self):
        end = self.d.run(search("f", ["sh", "-c", "exit 3"], parallel=1, stop_on_failures=4))
        self.assertEqual((end["state"], end["reason"]), ("failed", "exit:3"))
        self.assertEqual(end["counts"]["failed"], 4)
        said = self.d.call("explain", search="f")["events"]
        self.assertTrue(any("4 trials in a row" in e["text"] for e in said), said)

    def test_B9_a_missing_program_is_said_with_its_error(self):
        end = self.d.run(search("e", ["/no/such/program"], stop_on_failures=2, parallel=1))
        self.assertEqual((end["state"], end["reason"]), ("failed", "spawn:ENOENT"))

    def test_B11_success_without_a_metric_is_a_failure(self):
        self.d.run(search("q", ["true"], {"x": {"value": 1}}))
        row = self.d.rows("select state, reason from trials")[0]
        self.assertEqual((row["state"], row["reason"]), ("failed", "no-metric"))

    def test_retries_run_the_same_parameters_again(self):
        count = self.d.dir / "count"
        shell = f"echo x >> {count}; [ $(wc -l < {count}) -ge 3 ] || exit 9; echo loss=1"
        end = self.d.run(search("r", ["sh", "-c", shell], {"x": {"value": 1}}, retries=2))
        self.assertEqual(end["counts"]["done"], 1)
        codes = self.d.rows("select code from attempts order by number")
        self.assertEqual([r["code"] for r in codes], [9, 9, 0])

    def test_a_retried_trial_is_not_compared_with_its_own_failed_attempt(self):
        count = self.d.dir / "count"
        shell = (f"echo x >> {count}; [ $(wc -l < {count}) = 2 ] || {{{{ echo step=1 loss=1; exit 9; }};"
                 f"echo step=1 loss=5; while [ ! -e {self.d.dir}/go ]; do sleep 0.01; done")
        self.d.submit(search("o", ["sh", "-c", shell], {"x": {"value": 1}}, retries=1,
                             early_stopping={"type": "median", "min_steps": 1, "min_trials": 1}))
        with self.d.connection() as c:
            c.wait_until("o", lambda p: self.d.rows("select * from metrics where value = 5"))
        (self.d.dir / "go").touch()
        self.assertEqual(self.d.wait_final("o")["counts"]["done"], 1)


class Steering(DaemonTest):
    slots = 1

    def waiting(self, name="s", **more):
        """A search whose trials wait for a file of their number."""
        shell = f"while [ ! -e {self.d.dir}/go$HPS_TRIAL ]; do sleep 0.01; done; echo loss=$HPS_PARAM_X"
        self.d.submit(search(name, ["sh", "-c", shell], **more))

    def go(self, *numbers):
        for n in numbers:
            (self.d.dir / f"go{n}").touch()

    def test_pause_starts_nothing_and_resume_goes_on(self):
        self.waiting()
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["running"] == 1)
            self.assertEqual(c.call("pause", search="s")["state"], "paused")
            self.go(0)
            p = c.wait_until("s", lambda p: p["counts"]["done"] == 1)
            self.assertEqual(p["counts"]["running"], 0)
            self.assertIn("paused", c.call("explain", search="s")["sentences"][-1])
            c.call("resume", search="s")
            self.go(*range(1, 10))
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 10)

    def test_an_added_configuration_runs_next_and_the_grid_leaves_it_out(self):
        self.waiting()
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["running"] == 1)
            self.assertEqual(c.call("add", search="s", params={"x": 7})["trial"], 1)
            self.go(*range(10))
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 10)
        rows = self.d.rows("select number, origin, params from trials order by number")
        self.assertEqual(json.loads(rows[1]["params"]), {"x": 7})
        self.assertEqual([r["origin"] for r in rows[:3]], ["sampler", "added", "sampler"])
        self.assertEqual(sorted(json.loads(r["params"])["x"] for r in rows), list(range(10)))

    def test_what_the_file_starts_with_runs_first_also_after_a_kill_and_the_grid_leaves_it_out(self):
        self.waiting(start=[{"x": 7}, {"x": 2}, {"x": 5}])
        self.assertEqual(self.d.call("trials", search="s")["trials"][1]["state"], "queued")
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["running"] == 1)
            self.d.kill()
        self.d.start()
        self.go(*range(10))
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 10)
        rows = self.d.rows("select origin, params from trials order by started, number")
        self.assertEqual([r["origin"] for r in rows], ["start"] * 3 + ["sampler"] * 7)
        self.assertEqual([json.loads(r["params"])["x"] for r in rows], [7, 2, 5, 0, 1, 3, 4, 6, 8, 9])
        said = self.d.call("explain", search="s", trial=1)["sentences"]
        self.assertTrue(any('under "start"' in s for s in said), said)

    def test_a_guess_stands_in_for_what_a_configuration_leaves_out(self):
        two = {"x": {"type": "int", "min": 0, "max": 9}, "y": {"type": "int", "min": 0, "max": 9, "guess": 4}}
        self.waiting(parameters=two, start=[{"x": 1}], trials=2)
        self.d.call("add", search="s", params={"x": 3})
        rows = self.d.rows("select params from trials order by number")
        self.assertEqual([json.loads(r["params"]) for r in rows], [{"x": 1, "y": 4}, {"x": 3, "y": 4}])
        self.go(0, 1)
        self.d.wait_final("s")

    def test_a_wrong_configuration_is_refused_with_all_its_faults(self):
        self.waiting()
        with self.assertRaises(RpcError) as e:
            self.d.call("add", search="s", params={"x": 70, "y": 1})
        self.assertEqual(e.exception.code, 2)
        self.assertEqual(len(e.exception.data["faults"]), 2)

    def test_kill_cancels_one_trial_and_retry_runs_it_again(self):
        self.waiting(trials=2)
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["running"] == 1)
            c.call("kill", search="s", trial=0)
            c.wait_until("s", lambda p: p["counts"]["cancelled"] == 1)
            self.go(0, 1)
        self.d.wait_final("s")
        self.assertEqual(self.d.rows("select reason from trials where number = 0")[0]["reason"], "user")
        self.d.call("retry", search="s", trial=0)
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 2)

    def test_cancel_stops_and_extend_goes_on(self):
        self.waiting()
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["running"] == 1)
            c.call("cancel", search="s")
        end = self.d.wait_final("s")
        self.assertEqual((end["state"], end["reason"]), ("cancelled", "user"))
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["cancelled"] == 1)
        self.go(*range(10))
        self.d.call("extend", search="s", trials=4)
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 3)

    def test_a_taken_name_says_how_to_go_on(self):
        self.waiting()
        with self.assertRaises(RpcError) as e:
            self.waiting()
        self.assertEqual(e.exception.code, 3)
        for way in ("--name", "extend", "rm"):
            self.assertIn(way, str(e.exception))

    def test_an_ended_search_is_removed_with_its_files_and_a_running_one_is_not(self):
        self.waiting(trials=1)
        with self.assertRaises(RpcError) as e:
            self.d.call("remove", search="s")
        self.assertEqual(e.exception.code, 3)
        self.go(0)
        self.d.wait_final("s")
        self.assertEqual(self.d.call("remove", search="s")["removed"], 1)
        self.assertEqual(self.d.rows("select * from trials"), [])
        wait_for(lambda: not (self.d.state / "trials/1").exists(), "the end of its files")

    def test_who_follows_a_search_that_is_removed_before_its_end_was_told_is_hung_up_on(self):
        for name in "abcde":
            self.d.submit(search(name, ["sleep", "1000"]))
            self.d.call("pause", search=name)
            for trial in self.d.call("trials", search=name)["trials"]:
                if trial["state"] == "running":
                    self.d.call("kill", search=name, trial=trial["number"])
            with self.d.connection() as c:
                c.wait_until(name, lambda p: p["counts"]["running"] == 0)
            with self.d.connection() as c, self.d.connection() as other:
                c.call("subscribe", search=name)
                c.progress()  # the next one comes 100 ms later
                other.call("cancel", search=name)
                other.call("remove", search=name)
                with contextlib.suppress(ConnectionError):
                    while c.progress()["state"] not in FINAL:
                        pass

    def test_a_search_whose_trials_are_being_stopped_cannot_be_removed_yet(self):
        shell = f"trap '' TERM; touch {self.d.dir}/runs; while :; do sleep 0.01; done"
        self.d.submit(search("slow", ["sh", "-c", shell], {"x": {"value": 1}}, grace=600))
        wait_for((self.d.dir / "runs").exists, "the trial")
        self.d.call("cancel", search="slow")
        with self.assertRaises(RpcError) as e:
            self.d.call("remove", search="slow")
        self.assertIn("try again in a moment", str(e.exception))
        self.d.kill()  # nobody waits for its grace; what runs is cleaned up

    def test_two_searches_share_the_slots(self):
        self.waiting("a", trials=3)
        self.waiting("b", trials=3)
        self.go(*range(3))
        self.d.wait_final("a")
        self.d.wait_final("b")
        order = [r["search"] for r in self.d.rows("select search from attempts order by started")]
        self.assertEqual(order[:4].count("a"), 2, order)


if __name__ == "__main__":
    main()
