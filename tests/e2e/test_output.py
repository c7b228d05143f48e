"""Output of trials that is much, endless, cut, moved away, or late."""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, RpcError, main, search, wait_for  # noqa: E402

ONE = {"x": {"value": 1}}
MIB = 1 << 20

# As fast as it can, up to a size; then it waits for the word to go.
FLOOD = """#!/usr/bin/python3
import os, sys, time
noise = (b'x' * 1023 + b'\\n') * 63
for step in range(1, int(sys.argv[2]) + 1):
    os.write(1, noise + b'step=%d loss=%d\\n' % (step, step))
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
"""


class Output(DaemonTest):
    slots = 8

    def metrics(self, name="loss"):
        return self.d.rows("select value from metrics where name = ? order by trial, step", name)

    def wait_for_values(self, *values):
        wait_for(lambda: [r["value"] for r in self.metrics()] == list(values), f"the values {values}")

    def test_G1_eight_floods_are_read_in_turn_and_keep_no_client_waiting(self):
        go = self.d.dir / "go"
        steps = int(os.environ.get("HPSD_FLOOD", "200"))
        program = self.script("flood", FLOOD)
        self.d.submit(search("f", [program, str(go), str(steps)], {"x": {"type": "int", "min": 1, "max": 8}},
                             early_stopping={"type": "none"}))
        seen, rounds = set(), 0
        with self.d.connection() as c:
            while True:
                rows = self.d.rows("select trial, count(*) as n from metrics group by trial")
                seen |= {r["trial"] for r in rows if r["n"] < steps}
                c.call("show", search="f")
                rounds += 1
                if len(rows) == 8 and all(r["n"] == steps for r in rows):
                    break
            self.assertEqual(c.call("show", search="f")["search"]["running"], 8)
        go.touch()
        self.assertEqual(self.d.wait_final("f")["counts"]["done"], 8)
        self.assertEqual(len(self.metrics()), 8 * steps)
        self.assertGreater(len(seen), 1)  # none had to wait for the end of another
        print(f"{8 * steps * 63 // 1024} MiB, {rounds} questions meanwhile")

    def test_G4_a_line_that_does_not_end_costs_no_memory(self):
        size = int(os.environ.get("HPSD_LINE_MIB", "64")) * MIB
        before = self.d.call("status")["memory_bytes"]
        shell = f"head -c {size} /dev/zero | tr '\\\\0' x; echo; echo loss=2"
        self.assertEqual(self.d.run(search("l", ["sh", "-c", shell], ONE))["counts"]["done"], 1)
        self.assertEqual([r["value"] for r in self.metrics()], [2])
        self.assertLess(self.d.call("status")["memory_bytes"] - before, size // 4)

    def steps(self, *shell):
        """Runs lines of a shell, each when the test calls the next of what is returned."""
        waits = [f"while [ ! -e {self.d.dir}/step{n} ]; do sleep 0.01; done; {line}" for n, line in enumerate(shell)]
        self.d.submit(search("s", ["sh", "-c", "cd $HPS_DIR; " + "; ".join(waits)], ONE))
        return iter([(self.d.dir / f"step{n}").touch for n in range(len(shell))])

    def test_G6_a_log_that_is_copied_and_cut_is_read_from_its_new_beginning(self):
        step = self.steps("seq 1000; echo loss=1 step=1", "cp output.log old; : > output.log; echo loss=2 step=2",
                          "echo loss=3 step=3")
        next(step)()
        self.wait_for_values(1)
        next(step)()
        self.wait_for_values(1, 2)
        next(step)()
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 1)
        self.wait_for_values(1, 2, 3)
        self.assertIn("was cut short while it was read", self.d.log.read_text())

    def test_G6_a_log_that_is_moved_away_is_read_on_and_another_in_its_place_hurts_nobody(self):
        step = self.steps("echo loss=1 step=1", "mv output.log old; echo loss=7 step=7 > output.log; echo loss=2 step=2",
                          "echo loss=3 step=3")
        next(step)()
        self.wait_for_values(1)
        next(step)()
        self.wait_for_values(1, 2)
        self.d.kill()
        self.d.start()
        next(step)()
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 1)
        self.assertEqual([r["value"] for r in self.metrics()][:2], [1, 2])

    def test_G6_holes_are_stepped_over(self):
        shell = "echo loss=1 step=1; truncate -s 16M output.log; echo; echo loss=2 step=2"
        next(self.steps(shell))()
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 1)
        self.wait_for_values(1, 2)

    def printed(self, text, **more):
        """What is read of @text, as (step, value or kind)."""
        self.script("text", text)
        self.d.run(search("t", ["cat", str(self.d.dir / "text")], ONE, **more))
        return [(r["step"], r["value"] if r["kind"] == "finite" else r["kind"])
                for r in self.d.rows("select step, value, kind from metrics where name = 'loss' order by step")]

    def test_G3_progress_bars_and_colours_are_read(self):
        bar = "".join(f"\r{n * 10:3d}%|{'#' * n:10s}| {n}/10 [00:0{n}<00:00, \x1b[32mloss={n}.5\x1b[0m]" for n in range(1, 10))
        self.assertEqual([v for _, v in self.printed(bar + "\n")], [n + 0.5 for n in range(1, 10)])

    def test_G5_half_a_line_waits_for_its_end_or_that_of_the_trial(self):
        step = self.steps("printf 'a=1\\nloss=0.5'", "printf '7\\na=2\\nloss=0.2'", "true")
        next(step)()
        wait_for(lambda: len(self.metrics("a")) == 1, "the whole line")
        self.assertEqual(self.metrics(), [])
        next(step)()
        wait_for(lambda: len(self.metrics("a")) == 2, "the second line")
        self.wait_for_values(0.57)
        self.d.kill()
        self.d.start()
        next(step)()
        self.assertEqual(self.d.wait_final("s")["counts"]["done"], 1)
        self.wait_for_values(0.57, 0.2)

    def test_G7_numbers_are_ours_in_every_locale_and_half_numbers_are_none(self):
        self.d.stop()
        self.d.env["LC_ALL"] = "de_DE.UTF-8"
        self.d.start()
        values = ["nan", "inf", "-inf", "NaN", "-Infinity", "1e400", "-0", "0x1p3", "1,5", "1_000", "1e", "1.5", "0.25"]
        read = self.printed("".join(f"step={n} loss={v}\n" for n, v in enumerate(values)), early_stopping={"type": "none"})
        self.assertEqual(read, [(0, "nan"), (1, "+inf"), (2, "-inf"), (3, "nan"), (4, "-inf"), (5, "+inf"), (6, 0),
                                (11, 1.5), (12, 0.25)])

    def test_G8_steps_may_come_twice_out_of_order_or_not_at_all(self):
        text = "".join(f"step={s} loss={v}\n" for s, v in ((3, 3), (1, 1), (3, 4), (-5, 5), (2**53, 6), (2**80, 7), (1.5, 8)))
        # What can be no step is counted on; of a step that comes again the last value counts.
        self.assertEqual(self.printed(text, early_stopping={"type": "none"}),
                         [(-5, 5), (1, 1), (3, 4), (2**53, 6), (2**53 + 1, 7), (2**53 + 2, 8)])
        self.assertEqual(self.d.rows("select sum(repeats) as n from metric"), [{"n": 1}])
        steps = [m["step"] for m in json.loads(self.d.hpctl("metrics", "t/0", "--json").stdout)["metrics"]]
        self.assertEqual(sorted(steps), [-5, 1, 3, 2**53, 2**53 + 1, 2**53 + 2])

    def test_G8_of_fractional_epochs_the_last_value_is_the_result_even_through_a_restart(self):
        self.script("train", """#!/usr/bin/python3
import os, sys, time
for i in range(8, 22):
    while i == 13 and not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    print({'loss': i, 'epoch': i / 10}, flush=True)
""")
        go = self.d.dir / "go"
        self.d.submit(search("f", [str(self.d.dir / "train"), str(go)], ONE, early_stopping={"type": "none"}))
        wait_for(lambda: len(self.metrics()) == 5, "the first half")
        self.d.kill()
        self.d.start()
        go.touch()
        best = self.d.wait_final("f")["best"]
        self.assertEqual((best["value"], best["steps"]), (21, 14))
        rows = self.d.rows("select step, value from metrics where name = 'loss' order by step")
        self.assertEqual([(r["step"], r["value"]) for r in rows], list(enumerate(range(8, 22))))
        told = self.d.rows("select text from events where kind = 'step'")
        self.assertEqual(len(told), 1)
        self.assertIn('"epoch" gives loss no step from here on: 0.8 is no whole number', told[0]["text"])
        self.assertIn(told[0]["text"], self.d.hpctl("explain", "f/0").stdout.replace("\n", " "))

    def test_G8_metrics_that_come_while_they_are_listed_repeat_no_others(self):
        go = self.d.dir / "go"
        code = (f"import os, time\nfor i in range(1500): print('step=%d acc=%d loss=%d' % (i, i, -i))\n"
                f"print(end='', flush=True)\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
                "for i in range(-700, 0): print('step=%d acc=%d loss=%d' % (i, i, -i))\n"
                "print(end='', flush=True)\nwhile True: time.sleep(1)")
        self.d.submit(search("l", ["/usr/bin/python3", "-c", code], ONE, early_stopping={"type": "none"}))
        count = "select count(*) as n from metrics"
        wait_for(lambda: self.d.rows(count) == [{"n": 3000}], "the values")
        with self.d.connection() as c:
            page = c.call("metrics", search="l", trial=0)
            keys = [(r["name"], r["step"]) for r in page["metrics"]]
            go.touch()
            wait_for(lambda: self.d.rows(count) == [{"n": 4400}], "more values")
            while page["more"]:
                page = c.call("metrics", search="l", trial=0, after=page["next"])
                keys += [(r["name"], r["step"]) for r in page["metrics"]]
        self.assertIsNone(page["next"])
        self.assertEqual(keys, [("acc", i) for i in range(1500)] + [("loss", i) for i in range(-700, 1500)])
        lines = self.d.hpctl("metrics", "l/0", "--name", "acc").stdout.splitlines()[1:]
        self.assertEqual([int(line.split("\t")[1]) for line in lines], list(range(-700, 1500)))
        for wrong in ("", "loss", "0 loss", "0 7", "0 7x loss", "0  loss"):
            with self.assertRaisesRegex(RpcError, f'"{wrong}" is no place in metrics'):
                self.d.call("metrics", search="l", trial=0, after=wrong)

    def test_G9_other_tools_words_are_not_read_where_patterns_say_what_is(self):
        shell = "echo 'warmup loss: 99'; echo 'RESULT 0.5'; echo 'loss=77 of the other tool'"
        self.d.run(search("p", ["sh", "-c", shell], ONE, patterns=["RESULT {loss}"]))
        self.assertEqual([r["value"] for r in self.metrics()], [0.5])

    def test_G10_what_python_prints_without_a_flush_is_seen_while_it_runs(self):
        step = self.d.dir / "go"
        code = f"import os, time\nprint('loss=0.5')\nwhile not os.path.exists({str(step)!r}): time.sleep(0.01)"
        self.d.submit(search("b", ["/usr/bin/python3", "-c", code], ONE))
        self.wait_for_values(0.5)
        step.touch()
        self.assertEqual(self.d.wait_final("b")["counts"]["done"], 1)

    def test_G8_names_that_differ_by_trial_are_all_kept(self):
        out = "import os\nfor i in range(900): print('m%s_%d=1' % (os.environ['HPS_TRIAL'], i))\nprint('loss=1')"
        self.d.run(search("n", ["/usr/bin/python3", "-c", out], {"x": {"type": "int", "min": 1, "max": 20}}))
        self.assertEqual(self.d.rows("select count(*) as n, count(distinct name) as names from metrics"),
                         [{"n": 20 * 901, "names": 20 * 900 + 1}])


if __name__ == "__main__":
    main()
