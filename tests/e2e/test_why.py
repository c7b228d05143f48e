"""What all trials of a search show together, with a real daemon: importance, findings, the next search file."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, main, search  # noqa: E402

# Diverges for x above 3, else its loss is the distance from 1; y and k do nothing.
PROGRAM = ["awk", "BEGIN {{ x = ARGV[1]; for (s = 1; s <= 8; s++) {{ d = (x < 1) ? 1 - x : x - 1; "
           "v = (x > 3) ? ((s > 4) ? \"nan\" : 1) : d + 4 / s; print \"step=\" s, \"loss=\" v } }", "{x}"]
SPACE = {"x": {"type": "float", "min": 0, "max": 6}, "y": {"type": "float", "min": 0, "max": 1},
         "k": {"type": "choice", "values": ["a", "b", "c"]}}


def drawn(name, n=60, **more):
    return search(name, PROGRAM, SPACE, sampler={"type": "random", "seed": 1}, trials=n, stop_on_failures=0, **more)


class Why(DaemonTest):
    slots = 4

    def why(self, name):
        return json.loads(self.d.hpctl("why", name, "--json").stdout)

    def test_the_parameter_that_decides_is_told_with_what_goes_wrong_and_a_file_that_avoids_it(self):
        self.d.run(drawn("s"))
        said = self.why("s")
        self.assertEqual(said["trials"], 60)
        self.assertEqual(said["importance"][0]["parameter"], "x")
        self.assertLess(said["importance"][0]["chance"], 0.05)
        self.assertIsNone(said["unknown"])
        bad = self.d.rows("select count(*) as n from symptoms where search = 's' and symptom = 'diverged'")[0]["n"]
        self.assertGreater(bad, 10)
        self.assertEqual(said["symptoms"]["diverged"], bad)
        finding = next(f for f in said["findings"] if f["finding"] == "symptom")
        self.assertEqual((finding["data"]["symptom"], finding["data"]["parameter"]), ("diverged", "x"))
        self.assertEqual((finding["data"]["hits"], finding["data"]["other_hits"]), (bad, 0))
        self.assertAlmostEqual(finding["change"]["max"], 3, delta=0.3)

        file = self.d.dir / "next.json"
        out = self.d.hpctl("why", "s", "--apply", str(file))
        self.assertIn('-    "x": {"type": "float", "min": 0, "max": 6}', out.stderr)
        self.assertIn("'hpctl import s-2 --from s', while it runs", out.stderr)
        after = json.loads(file.read_text())
        self.assertEqual(after["name"], "s-2")
        self.assertLessEqual(after["parameters"]["x"]["max"], finding["change"]["max"])
        end = self.d.run(after)
        self.assertEqual((end["state"], end["counts"]["pruned"]), ("finished", 0))

    def test_the_next_name_is_one_that_is_free(self):
        self.d.run(drawn("s"))
        self.d.run(search("s-2", ["echo", "loss=1"], {"x": {"value": 1}}))
        text = self.d.hpctl("why", "s", "--apply").stdout
        self.assertEqual(json.loads(text)["name"], "s-3")

    def test_few_trials_are_told_as_few(self):
        self.d.run(drawn("few", 8))
        said = self.why("few")
        self.assertIn("too few", said["unknown"])
        self.assertEqual([p["parameter"] for p in said["importance"]], ["x", "y", "k"])
        self.assertNotIn("share", said["importance"][0])
        self.assertEqual(sum(c["trials"] for c in said["importance"][0]["curve"]), 8)
        self.assertEqual(said["findings"], [])

    def test_trials_that_fail_are_findings_without_a_result(self):
        shell = ["sh", "-c", "[ {k} = b ] && exit 1; echo loss={y}"]
        self.d.run(search("f", shell, SPACE, sampler={"type": "random", "seed": 2}, trials=60, stop_on_failures=0))
        failed = self.d.rows("select count(*) as n from trials where state = 'failed'")[0]["n"]
        said = self.why("f")
        self.assertEqual((said["trials"], said["with_result"]), (60, 60 - failed))
        finding = next(f for f in said["findings"] if f["finding"] == "symptom")
        self.assertEqual((finding["data"]["symptom"], finding["data"]["value"], finding["data"]["hits"]),
                         ("failed", "b", failed))
        self.assertEqual(finding["change"], {"parameter": "k", "without": "b"})

    def test_what_a_sampler_that_learns_keeps_from_being_judged_is_told(self):
        self.d.run(drawn("s", 5))
        self.assertIsNone(self.why("s")["note"])
        self.d.run(drawn("l", 5) | {"sampler": {"type": "tpe"}})
        self.assertIn("the sampler learns", self.why("l")["note"])

    def test_trials_with_a_budget_are_compared_by_what_equally_much_of_it_gave(self):
        # What has little of it is the better for that.
        train = ["awk", "BEGIN { d = ARGV[1] - 1; print \"loss=\" (d < 0 ? -d : d) + 10 * ARGV[2] }", "{x}", "{epochs}"]
        budget = {"budget": {"name": "epochs", "min": 1, "max": 9}}
        self.d.run(search("b", [w.replace("{ ", "{{ ") for w in train], SPACE, trials=70, parallel=1,
                          sampler={"type": "random", "seed": 1}, **budget))
        had = [[r["value"] for r in self.d.rows("select value from runs where run = ?", k)] for k in range(3)]
        self.assertGreaterEqual(len(had[1]), 20)
        self.assertLess(len(had[2]), 20)
        said = self.why("b")
        self.assertEqual(said["compared"], f"results with epochs = 3, which {len(had[1])} trials have")
        x = next(p for p in said["importance"] if p["parameter"] == "x")
        self.assertLess(x["chance"], 0.05)
        self.assertEqual(sum(part["trials"] for part in x["curve"]), 70)
        self.assertEqual(min(part["best"] or 99 for part in x["curve"]), min(had[1]))
        self.assertIn("compared\tresults with epochs = 3", self.d.hpctl("why", "b").stdout)

    def test_the_answer_is_the_same_after_a_restart_and_when_asked_by_many(self):
        self.d.run(drawn("s", 40))
        before = self.why("s")
        self.d.kill()
        self.d.start()
        for _ in range(3):
            self.assertEqual(self.why("s"), before)

    def test_what_is_not_there_is_refused(self):
        self.d.hpctl("why", "none", status=4)
        self.d.run(drawn("s", 4))
        out = self.d.hpctl("importance", "s", "z", status=2)
        self.assertIn("no parameter z varies (x, y, k)", out.stderr)


if __name__ == "__main__":
    main()
