"""How trials are started, stopped and killed."""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, is_alive, main, search, wait_for  # noqa: E402

ONE = {"x": {"value": 1}}

# Leaves a grandchild of its own session that ignores SIGTERM, and ignores it too.
STUBBORN = """#!/usr/bin/python3
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
told, tell = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        with open(sys.argv[1] + '/grandchild', 'w') as file:
            file.write(str(os.getpid()))
        os.close(tell)
        while True:
            time.sleep(1000)
    os._exit(0)
os.wait()
os.close(tell)
os.read(told, 1)
print('loss=1', flush=True)
while True:
    time.sleep(1000)
"""


class Supervision(DaemonTest):
    def grandchild(self):
        return int((self.d.dir / "grandchild").read_text())

    def test_B3_B4_B12_a_timeout_kills_the_whole_tree_after_the_grace(self):
        program = self.script("stubborn", STUBBORN)
        end = self.d.run(search("t", [program, str(self.d.dir)], ONE, timeout="3s", grace="300ms", retries=3))
        self.assertEqual(end["counts"]["failed"], 1)
        row = self.d.rows("select reason, attempts from trials")[0]
        self.assertEqual((row["reason"], row["attempts"]), ("timeout", 1))
        self.assertFalse(is_alive(self.grandchild()))

    def test_B3_B5_what_a_finished_trial_leaves_behind_is_killed(self):
        program = self.script("stubborn", STUBBORN.rsplit("while True:", 1)[0])
        end = self.d.run(search("l", [program, str(self.d.dir)], ONE))
        self.assertEqual(end["counts"]["done"], 1)
        self.assertFalse(is_alive(self.grandchild()))

    def test_B4_a_stopped_process_can_be_stopped(self):
        self.d.submit(search("s", ["sh", "-c", "kill -STOP $$"], ONE))
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["running"] == 1)
            c.call("kill", search="s", trial=0)
        end = self.d.wait_final("s")
        self.assertEqual(end["counts"]["cancelled"], 1)

    def test_B18_stdin_is_empty(self):
        end = self.d.run(search("i", ["sh", "-c", "echo loss=$(wc -c)"], ONE))
        self.assertEqual(end["counts"]["done"], 1)
        self.assertEqual(self.d.rows("select value from trials")[0]["value"], 0)

    def test_I3_I4_no_shell_reads_the_arguments(self):
        hostile = "$(touch pwned); rm -rf * | `id` 'x' \"y\" \\ {{"
        parameters = {"v": {"type": "choice", "values": ["$HOME", "a b", "\n", "-rf", "{lr}"]}}
        out = "import sys, json; json.dump(sys.argv[1:], open(sys.argv[1], 'w')); print('loss=1')"
        command = ["/usr/bin/python3", "-c", out, "{dir}/argv", hostile, "{v}", "--v={v}"]
        end = self.d.run(search("a", command, parameters))
        self.assertEqual(end["counts"]["done"], 5)
        for row in self.d.rows("select number, params from trials"):
            v = json.loads(row["params"])["v"]
            argv = json.loads((self.d.trial_dir(1, row["number"]) / "argv").read_text())
            self.assertEqual(argv[1:], [hostile.replace("{{", "{"), v, f"--v={v}"])

    def test_B17_a_trial_sees_its_own_descriptors_only(self):
        end = self.d.run(search("f", ["sh", "-c", "ls -l /proc/$$/fd; echo loss=1"], ONE))
        self.assertEqual(end["counts"]["done"], 1)
        log = (self.d.trial_dir(1, 0) / "output.log").read_text()
        fds = [line.split()[-3] for line in log.splitlines() if "->" in line]
        self.assertEqual([f for f in fds if int(f) > 2 and "pipe" not in log], [])
        self.assertEqual(sorted(fds)[:3], ["0", "1", "2"])

    def test_the_environment_tells_the_trial_who_it_is(self):
        out = "import os, json; print(json.dumps(dict(env=dict(os.environ)))); print('loss=1')"
        self.d.run(search("e", ["/usr/bin/python3", "-c", out], env={"MINE": "trial {trial} of {search}"}))
        log = (self.d.trial_dir(1, 4) / "output.log").read_text()
        env = json.loads(log.splitlines()[0])["env"]
        self.assertEqual(env["MINE"], "trial 4 of e")
        self.assertEqual(env["HPS_TRIAL"], "4")
        self.assertEqual(env["HPS_ATTEMPT"], "1")
        self.assertEqual(json.loads(env["HPS_PARAMS"]), {"x": 4})
        self.assertEqual(env["HPS_PARAM_X"], "4")
        self.assertEqual(env["PYTHONUNBUFFERED"], "1")
        self.assertEqual(env["HPS_DIR"], str(self.d.trial_dir(1, 4)))
        self.assertTrue(os.path.isdir(env["HPS_CHECKPOINT"]))
        self.assertEqual(json.loads((self.d.trial_dir(1, 4) / "params.json").read_text()), {"x": 4})

    def test_G1_a_flood_of_output_loses_no_metric(self):
        shell = "awk 'BEGIN {{ for (i = 1; i <= 200000; i++) printf \"step=%d loss=%d\\n\", i, i % 7 }'"
        end = self.d.run(search("y", ["sh", "-c", shell], ONE, early_stopping={"type": "none"}))
        self.assertEqual(end["counts"]["done"], 1)
        rows = self.d.rows("select count(*) as n, sum(value) as s, max(step) as m from metrics")
        self.assertEqual(rows[0], {"n": 200000, "s": sum(i % 7 for i in range(1, 200001)), "m": 200000})

    def test_G2_garbage_hurts_nobody(self):
        shell = "head -c 300000 /dev/urandom; head -c 200000 /dev/zero | tr '\\0' x; printf '\\nloss=2\\n'"
        end = self.d.run(search("b", ["sh", "-c", shell], ONE))
        self.assertEqual(end["counts"]["done"], 1)
        self.assertEqual(self.d.rows("select value from trials")[0]["value"], 2)

    def test_B1_a_killed_shim_makes_the_trial_lost_and_leaves_no_process(self):
        shell = f"echo $$ > {self.d.dir}/pid.new; mv {self.d.dir}/pid.new {self.d.dir}/pid; exec sleep 1000"
        self.d.submit(search("k", ["sh", "-c", shell], ONE))
        wait_for((self.d.dir / "pid").exists, "the trial")
        pid = int((self.d.dir / "pid").read_text())
        shim = wait_for(lambda: self.d.rows("select pid from attempts where pid > 0"), "the shim")[0]["pid"]
        os.kill(shim, 9)
        self.d.wait_final("k")
        row = self.d.rows("select state, reason from trials")[0]
        self.assertEqual((row["state"], row["reason"]), ("lost", "shim-died"))
        self.assertFalse(is_alive(pid))
        code = self.d.rows("select code, signal from attempts")[0]
        self.assertEqual((code["code"], code["signal"]), (None, None))


if __name__ == "__main__":
    main()
