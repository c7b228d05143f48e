"""hpctl as a user has it, with a real daemon."""

import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import BUILD, DaemonTest, main, search, wait_for  # noqa: E402


class Hpctl(DaemonTest):
    def file(self, spec, name="search.json"):
        path = self.d.dir / name
        path.write_text(json.dumps(spec))
        return path

    def test_run_follows_a_search_to_its_end_and_best_tells_the_arguments(self):
        file = self.file(search("r", ["sh", "-c", "echo loss=$HPS_PARAM_X"]))
        out = self.d.hpctl("run", file).stdout
        self.assertIn("10 done", out)
        self.assertIn("select * from leaderboard where search = 'r'", out)
        self.assertEqual(self.d.hpctl("best", "r", "--args").stdout.strip(), "--x=0")
        self.assertEqual(json.loads(self.d.hpctl("best", "r", "--params").stdout), {"x": 0})
        self.assertIn("HPS_PARAM_X=0", self.d.hpctl("best", "r", "--env").stdout)

    def test_best_tells_what_its_program_got_null_and_nothing_apart(self):
        out = self.d.dir / "out"
        code = (f"import json, os, sys\nwith open({str(out)!r} + os.environ['HPS_TRIAL'], 'w') as f:\n"
                "    json.dump([sys.argv[1:], json.loads(os.environ['HPS_PARAMS'])], f)\nprint('loss=' + os.environ['HPS_TRIAL'])")
        values = [None, True, "", "null", "it's a\nb"]
        for i in range(len(values)):
            y = {"type": "choice", "values": values[i:] + values[:i]}
            self.d.run(search(f"y{i}", ["/usr/bin/python3", "-c", code, "{args}"], {"y": y, "lr": {"value": 1e-7}}))
            args, params = json.loads((self.d.dir / "out0").read_text())
            self.assertEqual(params, {"y": values[i], "lr": 1e-7})
            told = self.d.hpctl("best", f"y{i}", "--args").stdout
            self.assertEqual(shlex.split(told), args)
            self.assertEqual(json.loads(self.d.hpctl("best", f"y{i}", "--params").stdout), params)

    def test_run_of_a_search_that_fails_ends_with_status_1(self):
        file = self.file(search("f", ["sh", "-c", "echo out of luck; exit 3"], stop_on_failures=2, parallel=1))
        r = self.d.hpctl("run", file, status=1)
        self.assertIn("exit:3", r.stdout + r.stderr)
        self.assertIn("hpctl log f/", r.stdout + r.stderr)
        self.assertEqual(self.d.hpctl("log", "f/0").stdout, "out of luck\n")

    def test_interrupting_run_leaves_the_search_running_and_says_so(self):
        file = self.file(search("i", ["sleep", "1000"]))
        run = subprocess.Popen([BUILD / "client/hpctl", "run", file], env=self.d.env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        with self.d.connection() as c:
            wait_for(lambda: self.d.rows("select * from searches"), "the search")
            c.wait_until("i", lambda p: p["counts"]["running"] == 2)
            run.send_signal(signal.SIGINT)
            out, _ = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 130)
            self.assertIn("hpctl cancel i", out)
            self.assertEqual(c.call("show", search="i")["search"]["state"], "running")

    def test_run_goes_on_over_a_restart_of_the_daemon(self):
        shell = f"while [ ! -e {self.d.dir}/go ]; do sleep 0.02; done; echo loss=$HPS_PARAM_X"
        file = self.file(search("o", ["sh", "-c", shell]))
        run = subprocess.Popen([BUILD / "client/hpctl", "run", file], env=self.d.env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        # Before it has its answer it would start a daemon of its own.
        self.assertIn("(search 1)", run.stdout.readline())
        wait_for(lambda: self.d.rows("select * from attempts where state = 'running'"), "the trials")
        self.d.kill()
        self.d.start()
        (self.d.dir / "go").touch()
        out, _ = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0, out)
        self.assertIn("10 done", out)

    def test_run_tells_what_happens_at_once_also_into_a_pipe(self):
        shell = f"echo loss=$HPS_PARAM_X; while [ $HPS_TRIAL -gt 0 -a ! -e {self.d.dir}/go ]; do sleep 0.02; done"
        file = self.file(search("t", ["sh", "-c", shell], trials=10))
        run = subprocess.Popen([BUILD / "client/hpctl", "run", file], env=self.d.env, stdout=subprocess.PIPE,
                               text=True)
        self.addCleanup(run.kill)
        self.assertIn("t: 10 trials", run.stdout.readline())
        self.assertIn("best  loss 0  trial 0", run.stdout.readline())
        (self.d.dir / "go").touch()
        self.assertIn("t finished", run.stdout.read())
        self.assertEqual(run.wait(60), 0)
        run.stdout.close()

    def test_log_follows_a_trial_over_a_restart_of_the_daemon(self):
        shell = f"echo one; while [ ! -e {self.d.dir}/go ]; do sleep 0.02; done; echo two; echo loss=1"
        self.d.submit(search("l", ["sh", "-c", shell], {"x": {"value": 1}}))
        log = subprocess.Popen([BUILD / "client/hpctl", "log", "-f", "l/0"], env=self.d.env, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(log.kill)
        self.assertEqual(log.stdout.readline(), "one\n")
        self.d.kill()
        (self.d.dir / "go").touch()
        self.assertEqual(log.stdout.readline(), "two\n")
        self.d.start()
        self.assertEqual(log.stdout.read(), "loss=1\n")
        self.assertEqual(log.wait(60), 0)
        log.stdout.close()

    def test_a_trial_reports_by_hpctl_even_without_a_daemon(self):
        shell = (f"echo $$ > {self.d.dir}/pid; while [ ! -e {self.d.dir}/go ]; do sleep 0.02; done;"
                 f"printf 'half a line'; {BUILD}/client/hpctl report loss=0.25 acc=nan step=7 && echo ok")
        self.d.submit(search("p", ["sh", "-c", shell], {"x": {"value": 1}}))
        wait_for((self.d.dir / "pid").exists, "the trial")
        self.d.kill()
        (self.d.dir / "go").touch()
        log = self.d.trial_dir(1, 0) / "output.log"
        wait_for(lambda: "ok" in log.read_text(), "the report")
        self.d.start()
        self.assertEqual(self.d.wait_final("p")["counts"]["done"], 1)
        rows = self.d.rows("select name, step, value, kind from metrics order by name")
        self.assertEqual(rows, [{"name": "acc", "step": 7, "value": None, "kind": "nan"},
                                {"name": "loss", "step": 7, "value": 0.25, "kind": "finite"}])

    def test_no_daemon_is_started_from_inside_a_trial_with_which_it_would_end(self):
        hpctl = f"HPSD_STATE={self.d.state} HPSD_SOCKET={self.d.socket} {BUILD}/client/hpctl"
        shell = (f"echo $$ > {self.d.dir}/pid; while [ ! -e {self.d.dir}/go ]; do sleep 0.02; done;"
                 f"{hpctl} list; echo status=$?; echo loss=1")
        self.d.submit(search("p", ["sh", "-c", shell], {"x": {"value": 1}}))
        wait_for((self.d.dir / "pid").exists, "the trial")
        self.d.kill()
        (self.d.dir / "go").touch()
        log = self.d.trial_dir(1, 0) / "output.log"
        wait_for(lambda: "loss=1" in log.read_text(), "the end of the trial")
        self.assertRegex(log.read_text(), "hpctl: no hpsd runs, and none is started from inside a trial.*\nstatus=3\n")
        self.d.start()
        self.assertEqual(self.d.wait_final("p")["counts"]["done"], 1)

    def test_every_status_of_the_contract(self):
        self.d.hpctl("list", status=0)
        self.d.hpctl("show", "nobody", status=4)
        self.d.hpctl("nonsense", status=2)
        broken = self.file({"name": "x"}, "broken.json")
        self.d.hpctl("check", broken, status=2)
        self.d.hpctl("submit", broken, status=2)
        file = self.file(search("x", ["true"]))
        self.d.hpctl("submit", file, status=0)
        self.assertIn("--name", self.d.hpctl("submit", file, status=1).stderr)
        self.d.stop()
        self.assertIn("hpsd", self.d.hpctl("list", "--no-start", status=3).stderr)
        self.d.start()

    def test_json_is_one_document_for_every_question(self):
        self.d.run(search("j", ["sh", "-c", "echo loss=0.1"]))
        for command in (["list"], ["show", "j"], ["trials", "j"], ["best", "j"], ["explain", "j/0"], ["explain", "j"],
                        ["status"], ["version"], ["metrics", "j/0"]):
            with self.subTest(command=command):
                self.assertIsInstance(json.loads(self.d.hpctl(*command, "--json").stdout), dict)

    def test_status_counts_the_searches_that_have_not_ended(self):
        self.d.run(search("over", ["sh", "-c", "echo loss=0.1"]))
        self.d.submit(search("on", ["sleep", "1000"], trials=3))
        for _ in range(2):
            said = self.d.hpctl("status").stdout.splitlines()
            self.assertIn("open_searches\t1", said)
            self.d.kill()
            self.d.start()

    def test_one_trial_is_no_trials(self):
        self.d.submit(search("one", ["sleep", "1000"], trials=2, parallel=1))
        self.assertIn("runs 1 trial at a time", self.d.hpctl("explain", "one").stdout)
        self.d.hpctl("cancel", "one")
        self.d.wait_final("one")
        self.d.run(search("s", ["sh", "-c", "echo loss=1"], trials=1))
        self.assertIn("its only trial has ended\n", self.d.hpctl("explain", "s").stdout)
        table = self.d.dir / "old.csv"
        table.write_text("x,loss\n1,0.5\n")
        self.assertEqual(self.d.hpctl("import", "s", table).stdout, "s has 1 more trial: 1\n")
        said = self.d.rows("select text from events where kind = 'import'")[0]["text"]
        self.assertEqual(said, f"1 trial was imported from {table}")
        self.d.run(search("t", ["sh", "-c", "echo loss=1"], trials=1))
        self.assertEqual(self.d.hpctl("rm", "t", "--yes").stdout, "removed t and its 1 trial\n")

    def test_kill_says_what_has_become_of_the_trial(self):
        self.d.submit(search("s", ["sleep", "1000"], trials=3, parallel=1))
        self.d.hpctl("pause", "s")
        waits = json.loads(self.d.hpctl("add", "s", "x=9", "--json").stdout)["trial"]
        self.assertEqual(self.d.hpctl("kill", f"s/{waits}").stdout, f"s/{waits} is cancelled\n")
        self.assertEqual(self.d.hpctl("kill", "s/0").stdout, "s/0 is being stopped\n")

    def test_the_steering_commands_reach_the_daemon(self):
        self.d.submit(search("s", ["sleep", "1000"], trials=3))
        self.d.hpctl("pause", "s")
        self.assertIn("paused", self.d.hpctl("explain", "s").stdout)
        self.d.hpctl("resume", "s")
        self.d.hpctl("add", "s", "x=9")
        self.assertIn("x", self.d.hpctl("add", "s", "x=99", status=2).stderr)
        self.d.hpctl("kill", "s/0")
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["cancelled"] == 1)
        self.d.hpctl("cancel", "s")
        self.d.wait_final("s")
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["running"] == 0)
        self.d.hpctl("extend", "s", "--trials", "9")
        self.d.hpctl("cancel", "s")
        with self.d.connection() as c:
            c.wait_until("s", lambda p: p["counts"]["running"] == 0)
        self.d.hpctl("rm", "s", status=2)
        self.d.hpctl("rm", "s", "--yes")
        self.d.hpctl("show", "s", status=4)

    def test_the_first_command_starts_a_daemon(self):
        self.d.stop()
        out = self.d.hpctl("list", "--json").stdout
        self.assertEqual(json.loads(out), {"searches": []})
        version = json.loads(self.d.hpctl("version", "--json").stdout)
        self.assertEqual(self.d.call("version")["state_dir"], str(self.d.state), version)
        pid = self.d.call("version")["pid"]
        self.assertEqual(os.getpgid(pid), pid)
        self.d.hpctl("shutdown")
        wait_for(lambda: not self.d.socket.exists(), "the end")
        self.d.start()

    def test_eight_first_commands_at_once_start_one_daemon(self):
        self.d.stop()
        clients = [subprocess.Popen([BUILD / "client/hpctl", "list", "--json"], env=self.d.env, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
                   for _ in range(8)]
        for c in clients:
            out, err = c.communicate(timeout=60)
            self.assertEqual(c.returncode, 0, err)
        self.d.hpctl("shutdown")
        wait_for(lambda: not self.d.socket.exists(), "the end")
        self.d.start()

    def test_a_secret_is_not_passed_on_and_said_once(self):
        self.d.env["MY_API_KEY"] = "hunter2"
        shell = "env; echo loss=1"
        err = self.d.hpctl("submit", self.file(search("k", ["sh", "-c", shell], {"x": {"value": 1}}))).stderr
        self.assertEqual(err.count("MY_API_KEY"), 1)
        self.d.wait_final("k")
        self.assertNotIn("hunter2", (self.d.trial_dir(1, 0) / "output.log").read_text())
        self.assertNotIn(b"hunter2", (self.d.state / "hps.db").read_bytes() + (self.d.state / "hps.db-wal").read_bytes())

    def test_doctor_finds_a_healthy_daemon_healthy(self):
        out = self.d.hpctl("doctor", status=None)
        self.assertNotIn("FAIL", out.stdout)


if __name__ == "__main__":
    main()
