#!/usr/bin/env python3
"""Population based training: generations that go on from copied checkpoints."""

import json
import os
import pathlib
import re
import stat
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, main, search, wait_for  # noqa: E402

# Trains two weights by gradient descent up to so many epochs in all, and goes on from what it finds saved.
TRAIN = """#!/usr/bin/python3
import json, os, pathlib, sys
folder, epochs, lr = pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
saved = folder / 'model.json'
model = json.loads(saved.read_text()) if saved.exists() else {'w': [4.0, 4.0], 'by': []}
for epoch in range(len(model['by']) + 1, epochs + 1):
    model['w'] = [w - lr * 2 * a * w for a, w in zip((1, 0.1), model['w'])]
    model['by'].append(int(os.environ['HPS_TRIAL']))
    print(f'step={epoch} loss={sum(w * w for w in model["w"])}', flush=True)
    hold = pathlib.Path(sys.argv[4]) / f'hold {os.environ["HPS_TRIAL"]}'
    while hold.exists():
        pass
(folder / 'new').write_text(json.dumps(model))
(folder / 'new').replace(saved)
"""

LR = {"lr": {"type": "float", "min": 1e-3, "max": 1.2, "scale": "log"}}


class Pbt(DaemonTest):
    slots = 2

    def spec(self, program=TRAIN, population=5, budget=(2, 8), **more):
        path = self.script("train", program)
        return search("p", [path, "{checkpoint}", "{epochs}", "{lr}", str(self.d.dir)], LR, **{
            "sampler": {"type": "pbt", "population": population},
            "budget": {"name": "epochs", "min": budget[0], "max": budget[1]}} | more)

    def trials(self):
        return self.d.rows("select * from trials where search = 'p' order by number")

    def model(self, number):
        return json.loads((self.d.trial_dir(1, number) / "checkpoint/model.json").read_text())

    def ancestors(self, trials, t):
        """The numbers of those that trained what @t has, itself last."""
        chain = [t["number"]]
        while trials[chain[0]]["parent"] is not None:
            chain.insert(0, trials[chain[0]]["parent"])
        return chain

    def check_lineages(self, trials):
        """Every model was trained by its ancestors, each for a generation, and no epoch is lost or twice."""
        for t in trials:
            if t["state"] != "done":
                continue
            chain = self.ancestors(trials, t)
            self.assertEqual(self.model(t["number"])["by"], [n for n in chain for _ in range(2)], t)
            self.assertEqual([trials[n]["generation"] for n in chain], list(range(1, len(chain) + 1)))
            steps = self.d.rows("select step, value from metrics where trial = ? order by step", t["number"])
            self.assertEqual([r["step"] for r in steps], [2 * len(chain) - 1, 2 * len(chain)])

    def test_what_a_member_gains_as_it_trains_is_no_noise(self):
        program = "#!/usr/bin/python3\nimport sys\nprint('loss=' + str(100 / int(sys.argv[2])))\n"
        progress = self.d.run(self.spec(program, population=2, budget=(1, 8), parallel=1, stop={"plateau": 3}))
        self.assertEqual((progress["reason"], progress["counts"]["done"]), ("trials", 16))

    def test_a_population_whose_checkpoints_cannot_be_copied_fails(self):
        program = TRAIN.replace("(folder / 'new').write", "(folder / 'sub').mkdir(exist_ok=True)\n"
                                "deep = folder / '/'.join(['d'] * 70)\ndeep.mkdir(parents=True)\n(folder / 'new').write")
        progress = self.d.run(self.spec(program, parallel=1))
        self.assertEqual((progress["state"], progress["reason"]), ("failed", "checkpoint:ELOOP"))
        self.assertEqual((progress["counts"]["done"], progress["counts"]["failed"]), (5, 5))
        (end,) = self.d.rows("select text from events where kind = 'end'")
        self.assertTrue(end["text"].startswith("5 trials in a row ended with checkpoint:ELOOP; see"), end)

    def test_each_generation_goes_on_from_the_checkpoint_of_its_parent(self):
        progress = self.d.run(self.spec())
        self.assertEqual((progress["state"], progress["reason"]), ("finished", "trials"))
        trials = self.trials()
        self.assertEqual(len(trials), 20)
        self.check_lineages(trials)
        lr = json.loads(self.d.rows("select params from best")[0]["params"])["lr"]
        self.assertEqual(self.d.hpctl("best", "p", "--args").stdout, f"--lr={lr!r} --epochs=8\n")
        self.assertEqual(json.loads(self.d.hpctl("best", "p", "--params").stdout), {"lr": lr, "epochs": 8})
        for t in trials[5:]:
            parent = trials[t["parent"]]
            if parent["member"] == t["member"]:
                self.assertEqual(t["params"], parent["params"])
        replaced = [t for t in trials[5:] if trials[t["parent"]]["member"] != t["member"]]
        self.assertGreater(len(replaced), 0)
        # The loss goes on where the parent's was.
        for t in trials[5:]:
            w, lr = self.model(t["parent"])["w"], json.loads(t["params"])["lr"]
            first = self.d.rows("select value from metrics where trial = ? order by step limit 1", t["number"])
            want = sum((w_i - lr * 2 * a * w_i) ** 2 for a, w_i in zip((1, 0.1), w))
            self.assertAlmostEqual(first[0]["value"], want, delta=1e-9 * want)

    def test_a_trial_says_what_it_was_copied_from(self):
        self.d.run(self.spec())
        trials = self.trials()
        t = next(t for t in trials[5:] if trials[t["parent"]]["member"] != t["member"])
        text = self.d.hpctl("explain", f"p/{t['number']}").stdout
        self.assertRegex(text, re.escape(
            f"generation {t['generation']} of member {t['member']}; copied from trial {t['parent']} (loss ") +
            r"[0-9.e+-]+, best of 5\), as its own, [0-9.e+-]+, was worst: lr (x 0\.8|x 1\.2|drawn anew)")
        on = next(t for t in trials[5:] if trials[t["parent"]]["member"] == t["member"])
        self.assertIn(f"goes on from trial {on['parent']} (loss ", self.d.hpctl("explain", f"p/{on['number']}").stdout)
        self.assertIn("generation 1 of member 0; begins", self.d.hpctl("explain", "p/0").stdout)
        why = json.loads(self.d.hpctl("why", "p", "--json").stdout)
        self.assertEqual(why["compared"], "results with epochs = 2, of the first generation")

    def test_kill_9_of_the_daemon_loses_no_generation(self):
        (self.d.dir / "hold 7").touch()
        self.d.submit(self.spec())
        self.d.wait_for_trial("p", 7)
        wait_for(lambda: self.d.rows("select 1 from metrics where trial = 7"), "an epoch of trial 7")
        self.d.kill()
        (self.d.dir / "hold 7").unlink()
        self.d.start()
        self.d.wait_final("p")
        trials = self.trials()
        self.assertEqual([t["state"] for t in trials], ["done"] * 20)
        self.check_lineages(trials)

    def test_what_start_lists_is_the_first_generation(self):
        self.d.run(self.spec(start=[{"lr": 0.5}, {"lr": 0.25}], budget=(1, 2), population=3))
        trials = self.trials()
        self.assertEqual([(t["origin"], t["member"], t["generation"]) for t in trials[:3]],
                         [("start", 0, 1), ("start", 1, 1), ("sampler", 2, 1)])
        self.assertEqual([json.loads(t["params"])["lr"] for t in trials[:2]], [0.5, 0.25])
        self.assertEqual(sorted(t["member"] for t in trials[3:]), [0, 1, 2])

    def test_a_member_that_fails_is_replaced_or_begins_anew(self):
        fail = "import os, sys\nif os.environ['HPS_TRIAL'] in '06': sys.exit(3)\n"
        program = TRAIN.replace("import json", fail + "import json")
        self.d.run(self.spec(program, parallel=1, trials=16))
        trials = self.trials()
        self.assertEqual([t["number"] for t in trials if t["state"] == "failed"], [0, 6])
        self.assertEqual((trials[5]["member"], trials[5]["generation"], trials[5]["parent"]), (0, 1, None))
        failed = trials[6]
        anew = next(t for t in trials[7:] if t["member"] == failed["member"])
        self.assertNotEqual(anew["parent"], 6)
        self.check_lineages(trials)

    def test_a_trial_is_not_retried_when_others_go_on_from_its_checkpoint(self):
        (self.d.dir / "hold 2").touch()
        self.d.submit(self.spec(population=2))
        self.d.wait_for_trial("p", 2)
        parent = wait_for(lambda: self.d.rows("select parent from trials where number = 2"), "trial 2")[0]["parent"]
        r = self.d.hpctl("retry", f"p/{parent}", status=1)
        self.assertIn("is done: its checkpoint has had all of its generation, and others go on from it", r.stderr)
        wait_for(lambda: "waits for trials that are running (1), which the next ones go on from"
                 in self.d.hpctl("explain", "p").stdout, "the other member's last generation")
        (self.d.dir / "hold 2").unlink()
        self.d.wait_final("p")

    def test_what_failed_and_is_run_again_goes_on_from_its_own_checkpoint(self):
        fail = "import os, sys\nif os.environ['HPS_TRIAL'] == '4' and os.environ['HPS_ATTEMPT'] == '1': sys.exit(3)\n"
        self.d.run(self.spec(TRAIN.replace("import json", fail + "import json"), parallel=1))
        self.assertEqual(self.trials()[4]["state"], "failed")
        self.d.call("retry", search="p", trial=4)
        self.d.wait_final("p")
        self.assertEqual((self.trials()[4]["state"], self.trials()[4]["attempts"]), ("done", 2))


class End(DaemonTest):
    slots = 1

    def test_a_population_at_its_end_needs_no_slot_to_end(self):
        def held(name):
            return ["sh", "-c", f"while [ -e {self.d.dir}/hold-{name}$HPS_TRIAL ]; do sleep 0.01; done; echo loss=1"]

        for name in ("p3", "o0"):
            (self.d.dir / f"hold-{name}").touch()
        self.d.submit(search("p", held("p") + ["{checkpoint}", "{n}"], LR, trials=50, budget={
            "name": "n", "min": 1, "max": 2}, sampler={"type": "pbt", "population": 2}))
        self.d.wait_for_trial("p", 3)
        self.d.submit(search("o", held("o"), LR, sampler={"type": "random"}, trials=1))
        for restart in (False, True):
            if restart:
                self.d.kill()
                self.d.start()
            self.assertIn("no further trial is to come; 1 still running", self.d.hpctl("explain", "p").stdout)
        (self.d.dir / "hold-p3").unlink()
        progress = self.d.wait_final("p")
        self.assertEqual((progress["reason"], progress["counts"]["done"]), ("exhausted", 4))
        self.assertIn("every member of the population has had all generations (4 trials)",
                      self.d.hpctl("explain", "p").stdout)
        refused = self.d.hpctl("extend", "p", "--trials", "60", status=1)
        self.assertIn("search p has all the trials it can have: every member", refused.stderr)
        self.d.wait_for_trial("o", 0)
        (self.d.dir / "hold-o0").unlink()
        self.d.wait_final("o")


# Leaves all sorts of files behind, or looks whether they are there.
TREE = """#!/bin/sh
cd "$1" || exit 1
if [ "$2" = 1 ]; then
    umask 022
    mkdir -p a/b/c empty closed
    echo text >a/b/c/text
    printf '' >nothing
    dd if=/dev/urandom of=big bs=64k count=50 2>/dev/null
    dd if=/dev/urandom of=holes bs=4k count=1 seek=1000 2>/dev/null
    truncate -s 16M holes
    truncate -s 1M hole
    ln -s a/b/c/text link
    ln -s /nowhere dangling
    mkfifo pipe
    echo 'with space' >'a b
c'
    echo '#!/bin/sh' >run && chmod 755 run
    echo secret >closed/key && chmod 600 closed/key
    touch -d 2001-02-03 a/b/c/text big a
    chmod 500 closed
fi
echo loss=1
"""


def tree(folder):
    """{path: what a copy must be}"""
    found = {}
    for path in sorted(folder.rglob("*")):
        st = path.lstat()
        kind = stat.S_IFMT(st.st_mode)
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        times = None if path.is_symlink() else st.st_mtime_ns
        found[str(path.relative_to(folder))] = (kind, stat.S_IMODE(st.st_mode), times, content)
    return found


class Copies(DaemonTest):
    slots = 1

    def spec(self, program, **more):
        path = self.script("run", program)
        return search("p", [path, "{checkpoint}", "{n}", str(self.d.dir)], LR, **{
            "sampler": {"type": "pbt", "population": 2}, "budget": {"name": "n", "min": 1, "max": 2}} | more)

    def checkpoint(self, number):
        return self.d.trial_dir(1, number) / "checkpoint"

    def test_all_that_a_checkpoint_may_hold_is_copied(self):
        self.d.run(self.spec(TREE))
        parent = self.d.rows("select parent from trials where number = 2")[0]["parent"]
        want, got = tree(self.checkpoint(parent)), tree(self.checkpoint(2))
        self.assertTrue(stat.S_ISFIFO(want.pop("pipe")[0]))
        self.assertEqual(got.keys(), want.keys())
        for name, entry in want.items():
            self.assertEqual(got[name], entry, name)
        self.assertLess((self.checkpoint(2) / "holes").stat().st_blocks, 2048)
        self.assertLess((self.checkpoint(2) / "hole").stat().st_blocks, 8)
        self.assertFalse(list(self.d.trial_dir(1, 2).glob("checkpoint.new*")))
        for closed in self.d.state.rglob("closed"):
            closed.chmod(0o700)

    def test_a_checkpoint_that_is_gone_fails_the_trial_with_words(self):
        program = '#!/bin/sh\necho loss=1\n[ "$HPS_TRIAL" != 1 ] || rm -rf "$1" "$3"/state/trials/1/0/checkpoint\n'
        self.d.run(self.spec(program, trials=4, stop_on_failures=0))
        trials = self.d.rows("select number, state, reason from trials where number > 1")
        self.assertEqual([(t["state"], t["reason"]) for t in trials], [("failed", "checkpoint:ENOENT")] * 2)
        text = self.d.hpctl("explain", "p/2").stdout
        self.assertIn("the checkpoint of trial 0 could not be copied: No such file or directory; its output says of "
                      "what", text)
        self.assertIn("what it was to go on from could not be copied", text)
        self.assertIn('the checkpoint of the trial before cannot be copied: "checkpoint.from": No such file',
                      self.d.hpctl("log", "p/2").stdout)
        self.assertFalse(self.checkpoint(2).exists())
        attempt = self.d.rows("select outcome, what from attempts where trial = 2")[0]
        self.assertEqual((attempt["outcome"], attempt["what"]), ("not-executed", "checkpoint"))

    def test_a_checkpoint_deeper_than_a_copy_goes_is_told(self):
        program = '#!/bin/sh\necho loss=1\ncd "$1"; for i in $(seq 70); do mkdir d; cd d; done\n'
        self.d.run(self.spec(program, trials=3))
        self.assertEqual(self.d.rows("select reason from trials where number = 2")[0]["reason"], "checkpoint:ELOOP")
        self.assertFalse(list(self.d.trial_dir(1, 2).glob("checkpoint.new*")))
        self.assertFalse(self.checkpoint(2).exists())

    def test_a_further_attempt_keeps_the_checkpoint_that_it_has(self):
        program = """#!/bin/sh
if [ "$2" = 2 ] && [ "$HPS_ATTEMPT" = 1 ]; then echo own >"$1"/own; exit 3; fi
[ "$2" = 1 ] || cat "$1"/own || exit 4
echo loss=1
"""
        self.d.run(self.spec(program, retries=1))
        self.assertEqual([(t["state"], t["attempts"]) for t in self.d.rows(
            "select state, attempts from trials order by number")], [("done", 1)] * 2 + [("done", 2)] * 2)

    def test_a_checkpoint_that_is_a_link_is_copied_itself(self):
        # To another file system, where there is one: the kernel copies nothing there by itself.
        elsewhere = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.addCleanup(elsewhere.cleanup)
        program = f"""#!/bin/sh
big={elsewhere.name}/$HPS_TRIAL
if [ "$2" = 1 ]; then rmdir "$1" && mkdir "$big" && ln -s "$big" "$1"; head -c 300k /dev/urandom >"$1"/x; fi
[ "$(wc -c <"$1"/x)" = 307200 ] || exit 4
echo loss=1
"""
        self.d.run(self.spec(program))
        self.assertEqual([t["state"] for t in self.d.rows("select state from trials")], ["done"] * 4)
        self.assertFalse(self.checkpoint(2).is_symlink())
        parent = self.d.rows("select parent from trials where number = 2")[0]["parent"]
        self.assertEqual((self.checkpoint(2) / "x").read_bytes(), (self.checkpoint(parent) / "x").read_bytes())


if __name__ == "__main__":
    main()
