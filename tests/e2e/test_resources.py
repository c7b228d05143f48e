"""A daemon that runs out of descriptors, memory, stack or threads."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import FINAL, Daemon, DaemonTest, RpcError, main, search, wait_for  # noqa: E402

PRELOAD = os.environ.get("HPSD_PRELOAD")  # tests/lib/preload.c; not with sanitizers
LOSS = ["sh", "-c", "echo loss=$HPS_PARAM_X"]


class Descriptors(DaemonTest):
    slots = 8

    def setUp(self):
        super().setUp()
        self.d.stop()
        self.d.command = ["prlimit", "--nofile=40", *self.d.command]
        self.d.start()

    def test_F1_F2_forty_descriptors_run_any_number_of_trials_and_still_hear_clients(self):
        go = self.d.dir / "go"
        wait = f"while [ ! -e {go} ]; do sleep 0.01; done; echo loss=$HPS_PARAM_X"
        self.d.submit(search("many", ["sh", "-c", wait], {"x": {"type": "int", "min": 0, "max": 11}}))
        delayed = wait_for(lambda: self.d.rows("select text from events where kind = 'launch'"), "too many trials")
        self.assertIn("Too many open files", delayed[0]["text"])
        for _ in range(20):
            with self.d.connection() as a, self.d.connection() as b:
                self.assertIn("version", a.call("version"))
                self.assertGreater(b.call("status")["running"], 0)
        go.touch()
        self.assertEqual(self.d.wait_final("many")["counts"]["done"], 12)
        self.assertEqual(self.d.rows("select max(attempts) as n from trials"), [{"n": 1}])

    def test_F1_clients_take_no_descriptor_that_trials_need(self):
        idle = [self.d.connect() for _ in range(100)]
        self.assertEqual(self.d.run(search("s", LOSS))["counts"]["done"], 10)
        for c in idle:
            c.close()
        self.assertEqual(self.d.call("status")["running"], 0)


class Stack(DaemonTest):
    def test_F4_neither_deep_json_nor_long_chains_of_conditions_need_a_deep_stack(self):
        self.d.stop()
        self.d.command = ["prlimit", f"--stack={256 << 10}", *self.d.command]
        self.d.start()
        with self.d.connection() as c:
            for depth in (64, 100000):
                c.send(b"[" * depth + b"]" * depth + b"\n")
                self.assertIn("error", c.read_message())
        parameters = {"p0": {"type": "int", "min": 0, "max": 1}} | {
            f"p{i}": {"type": "int", "min": 0, "max": 1, "when": {f"p{i - 1}": [0, 1]}} for i in range(255, 0, -1)}
        end = self.d.run(search("chain", ["sh", "-c", "echo loss=1"], parameters, sampler={"type": "random"}, trials=3))
        self.assertEqual(end["counts"]["done"], 3)


@unittest.skipIf(PRELOAD is None, "nothing can be put before the sanitizer's libc")
class Memory(unittest.TestCase):
    """The Nth allocation fails: the daemon ends or goes on, and nothing that it has told is lost."""

    RUNS = int(os.environ.get("HPSD_MEMORY_RUNS", "6"))

    def setUp(self):
        self.d = Daemon(slots=2)
        self.addCleanup(self.d.cleanup)
        self.told = {}

    def session(self, n, fails):
        """One life of the daemon, of searches and questions; what it says is kept in self.told."""
        name = f"s{n}"
        self.d.env |= {"LD_PRELOAD": PRELOAD, "FAIL_MALLOC": fails, "COUNT_MALLOC": str(self.d.dir / "count")}
        read = self.d.begin_start()
        for variable in ("LD_PRELOAD", "FAIL_MALLOC", "COUNT_MALLOC"):
            del self.d.env[variable]
        listens = os.read(read, 1)
        os.close(read)
        try:
            if not listens:
                raise ConnectionError
            with self.d.connection() as c:
                parameters = {"x": {"type": "float", "min": 0, "max": 1}, "y": {"type": "int", "min": 1, "max": 9}}
                spec = search(name, ["sh", "-c", "echo loss=$HPS_PARAM_X"], parameters, sampler={"type": "gp"}, trials=8)
                answer = c.call("submit", key=name, file=json.dumps(spec), workdir="/", environ=["PATH=/usr/bin:/bin"])
                self.told[name] = answer
                end = c.wait_until(name, lambda p: p["state"] in FINAL)
                self.assertEqual(end["state"], "finished", f"{fails}: {end}\n{self.d.log.read_text()[-2000:]}")
                for method in ("show", "trials", "explain", "best"):
                    c.call(method, search=name)
                c.call("list")
                c.call("shutdown")
        except (ConnectionError, FileNotFoundError):
            pass
        except RpcError as e:
            self.assertIn("memory", str(e))
            self.d.process.kill()
        status = self.d.process.wait(60)
        self.d.process = None
        self.assertIn(status, (0, 1, -signal.SIGABRT, -signal.SIGKILL), self.d.log.read_text()[-2000:])

    def check(self, *names):
        """The next daemon has all that was told, and finishes these."""
        self.d.start()
        self.assertEqual(self.d.rows("pragma integrity_check"), [{"integrity_check": "ok"}])
        known = {s["name"]: s["id"] for s in self.d.call("list")["searches"]}
        for name, answer in self.told.items():
            self.assertEqual(known.get(name), answer["search"])
        for name in known.keys() & names:
            end = self.d.wait_final(name)
            self.assertEqual((end["counts"]["done"], sum(end["counts"].values())), (8, 8), end)
        for row in self.d.rows("select params, value from trials"):
            params = json.loads(row["params"])
            self.assertEqual(set(params), {"x", "y"})
            self.assertEqual(row["value"], params["x"])
        self.d.stop()

    def test_F3_nothing_is_lost_when_memory_runs_out(self):
        self.session(0, "0")
        total = int((self.d.dir / "count").read_text())
        self.check("s0")
        for run in range(1, self.RUNS + 1):
            self.session(run, f"{total * run // (self.RUNS + 1)}" + ("+" if run % 2 else ""))
            self.check(f"s{run}")
        print(f"{total} allocations, {self.RUNS} of them failed")


@unittest.skipIf(PRELOAD is None, "nothing can be put before the sanitizer's libc")
class Threads(DaemonTest):
    slots = 4
    FLOAT = {"x": {"type": "float", "min": 0, "max": 1}}

    def setUp(self):
        super().setUp()
        self.d.stop()
        self.slow = self.d.dir / "slow"
        self.d.env |= {"LD_PRELOAD": PRELOAD, "SLOW_SYNC": f"{self.slow}-sync", "SLOW_MODEL": f"{self.slow}-model"}
        self.d.start()
        del self.d.env["LD_PRELOAD"]

    def test_F6_a_sync_that_does_not_end_holds_up_promises_alone(self):
        slow = self.slow.with_name("slow-sync")
        slow.touch()
        with self.d.connection() as c:
            spec = search("s", LOSS)
            c.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "submit", "params": {
                "key": "s", "file": json.dumps(spec), "workdir": "/", "environ": ["PATH=/usr/bin:/bin"]}}).encode() + b"\n")
            wait_for(lambda: self.d.rows("select done from searches") == [{"done": 10}], "its trials, which wait for none")
            self.assertEqual(self.d.call("show", search="s")["search"]["done"], 10)
            c.sock.setblocking(False)
            with self.assertRaises(BlockingIOError):
                c.sock.recv(1)
            c.sock.setblocking(True)
            slow.unlink()
            self.assertEqual(c.read_message()["result"]["name"], "s")

    def test_K5_F6_samplers_that_are_never_done_hold_up_their_own_searches_alone(self):
        slow = self.slow.with_name("slow-model")
        slow.touch()
        for k in range(3):
            self.d.submit(search(f"slow{k}", LOSS, self.FLOAT, sampler={"type": "gp"}, trials=8, parallel=1))
            if k < 2:  # whose model is asked before the third one comes
                wait_for(lambda k=k: self.d.call("show", search=f"slow{k}")["search"]["done"] >= 5, "its start-up points")
        self.assertEqual(self.d.run(search("fast", LOSS))["counts"]["done"], 10)
        for name in ("slow0", "slow1"):
            self.assertLess(self.d.call("show", search=name)["search"]["done"], 8)
        self.d.call("cancel", search="slow0")
        self.d.wait_final("slow0")
        slow.unlink()
        for name in ("slow1", "slow2"):
            self.assertEqual(self.d.wait_final(name)["counts"]["done"], 8)


class Rows(DaemonTest):
    TRIALS = int(os.environ.get("HPSD_ROWS", "20000"))

    def test_F5_questions_about_very_many_trials_are_answered_while_others_run(self):
        self.d.run(search("old", LOSS, {"x": {"type": "float", "min": 0, "max": 1}}, sampler={"type": "random"}, trials=1))
        with self.d.connection() as c:
            for n in range(0, self.TRIALS, 10000):
                rows = [{"params": {"x": (n + i) / self.TRIALS}, "value": (n + i) % 977} for i in range(10000)]
                c.call("import", search="old", key=f"k{n}", trials=rows, source="a test")
            go = self.d.dir / "go"
            self.d.submit(search("new", ["sh", "-c", f"while [ ! -e {go} ]; do sleep 0.01; done; echo loss=1"]))
            times = {}
            for n in range(20):
                for method, params in (("list", {}), ("show", {"search": "old"}), ("status", {}),
                                       ("best", {"search": "old", "limit": 10}), ("explain", {"search": "old"}),
                                       ("trials", {"search": "old", "from": self.TRIALS * n // 20, "limit": 100})):
                    begin = time.monotonic()
                    c.call(method, **params)
                    times.setdefault(method, []).append(time.monotonic() - begin)
                self.assertEqual(c.call("show", search="new")["search"]["running"], 2)
            go.touch()
        self.assertEqual(self.d.wait_final("new")["counts"]["done"], 10)
        print(f"{self.TRIALS} trials:", *(f"{m} {sorted(t)[-2] * 1000:.1f} ms" for m, t in times.items()))


if __name__ == "__main__":
    main()
