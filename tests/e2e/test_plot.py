"""What a search has found, to be seen: curves from the daemon, plots of hpctl."""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import BUILD, DaemonTest, RpcError, main, search  # noqa: E402

# x / step for ever more steps; x = 2 diverges, x = 3 fails.
CURVE = ["awk", """BEGIN {{
    x = ARGV[1]
    for (step = 1; step <= 500; step++)
        printf "step=%d loss=%s\\n", step, (x == 2 && step > 3 ? "nan" : (1 + x) / step)
    exit x == 3
}""", "{x}"]
X = {"x": {"type": "int", "min": 0, "max": 5}}


class Curves(DaemonTest):
    def test_curves_keep_their_ends_and_fit_a_message(self):
        self.d.run(search("c", CURVE, X))
        answer = self.d.call("curves", search="c")
        self.assertEqual((answer["metric"], answer["every"]), ("loss", 1))
        curves = {c["trial"]: c for c in answer["curves"]}
        self.assertEqual(sorted(curves), [0, 1, 2, 3, 4, 5])
        self.assertLessEqual(len(curves[0]["steps"]), 100)
        self.assertEqual((curves[0]["steps"][0], curves[0]["steps"][-1]), (1, 500))
        self.assertEqual((curves[1]["values"][0], curves[1]["values"][-1]), (2, 0.004))
        self.assertIn("nan", curves[2]["values"])

    def test_there_may_be_none(self):
        self.d.run(search("n", ["true"], X, stop_on_failures=0))
        self.assertEqual(self.d.call("curves", search="n")["curves"], [])
        self.assertEqual(self.d.call("curves", search="n", name="other")["metric"], "other")
        with self.assertRaisesRegex(RpcError, "there is no search"):
            self.d.call("curves", search="none")

    def test_many_may_ask_at_once_and_hang_up(self):
        self.d.run(search("m", CURVE, X))
        gone = self.d.connect()
        for i in range(50):
            gone.send(json.dumps({"jsonrpc": "2.0", "id": i, "method": "curves",
                                  "params": {"search": "m"}}).encode() + b"\n")
        gone.close()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.d.call("curves", search="m"), range(16)))
        self.assertTrue(all(a == answers[0] for a in answers))
        self.assertEqual(len(answers[0]["curves"]), 6)


class Plots(DaemonTest):
    def plot(self, *args):
        done = subprocess.run([BUILD / "client/hpctl", "--no-start", "plot", *args], env={**self.d.env, "LC_ALL": "C.UTF-8"},
                              stdout=subprocess.PIPE, check=True, text=True)
        return done.stdout

    def test_each_kind_is_drawn_in_each_way(self):
        parameters = X | {"kind": {"type": "choice", "values": ["a", "<b> & c"]},
                          "y": {"type": "int", "min": 0, "max": 3, "when": {"kind": "a"}}}
        self.d.run(search("p", CURVE, parameters))
        for kind in [], ["best"], ["curves"], ["params"], ["params", "x"], ["importance"], ["parallel"]:
            with self.subTest(kind=kind):
                text = self.plot("p", *kind)
                self.assertIn("best", text)
                self.assertLessEqual(max(map(len, text.split("\n"))), 80)
                picture = xml.etree.ElementTree.fromstring(self.plot("p", *kind, "--svg", "-"))
                self.assertEqual(picture.tag, "{http://www.w3.org/2000/svg}svg")
                data = json.loads(self.plot("p", *kind, "--json"))
                self.assertEqual([c["title"] for c in data["charts"]],
                                 [t.text for t in picture.iter() if t.get("class") == "title" and " " in t.text])
                for chart in data["charts"]:
                    self.assertTrue(all(s["points"] for s in chart["series"]), chart["title"])

    def test_a_running_search_can_be_looked_at(self):
        go = self.d.dir / "go"
        shell = f"while [ ! -e {go}$HPS_TRIAL ]; do sleep 0.01; done; echo loss=$HPS_PARAM_X"
        self.d.submit(search("r", ["sh", "-c", shell], X))
        self.d.wait_for_trial("r", 0)
        self.assertIn("nothing to draw", self.plot("r"))
        pathlib.Path(f"{go}0").touch()
        with self.d.connection() as c:
            c.wait_until("r", lambda p: p["counts"]["done"] > 0)
        self.assertIn("best so far", self.plot("r"))

    def test_what_is_foretold_is_drawn_while_the_trial_runs(self):
        self.begin_foretold()
        with self.d.connection() as c:
            foretold = c.call("show", search="f")["running"][0]["foretold"]
        self.assertIn("\u25c6 foretold, 90 % interval", self.plot("f", "curves"))
        series = json.loads(self.plot("f", "curves", "--json"))["charts"][0]["series"]
        drawn = [s["points"] for s in series if s.get("name", "").startswith("foretold")]
        self.assertEqual([[p["x"] for p in points] for points in drawn], [[5, 8]])
        self.assertEqual({k: drawn[0][1][k] for k in ("y", "low", "high")},
                         {"y": foretold["value"], "low": foretold["low"], "high": foretold["high"]})
        self.assertTrue(foretold["low"] < foretold["value"] < foretold["high"])
        (self.d.dir / "go").touch()
        self.d.wait_final("f")
        self.assertNotIn("foretold", self.plot("f", "curves"))


if __name__ == "__main__":
    main()
