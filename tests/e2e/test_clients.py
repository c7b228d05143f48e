"""Many clients, broken clients, and readers of the database beside them."""

import contextlib
import fcntl
import json
import os
import pathlib
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import BUILD, PATIENCE_S, DaemonTest, RpcError, main, search, wait_for  # noqa: E402

LOSS = ["sh", "-c", "echo loss=$HPS_PARAM_X"]
CLIENTS = 256  # schema/limits.h
MIB = 1 << 20
WAL_READERS = (123, 5)  # bytes of -shm that a reader locks: "WAL File Format" of SQLite


def line(method, id=1, **params):
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode() + b"\n"


class Clients(DaemonTest):
    slots = 4

    def test_eight_clients_at_once_lose_nothing_while_sqlite3_reads(self):
        faults, done = [], threading.Event()

        def client(k):
            try:
                end = self.d.run(search(f"c{k}", LOSS))
                assert end["counts"]["done"] == 10, end
            except Exception as e:  # noqa: BLE001
                faults.append(e)

        def reader():
            try:
                while not done.is_set():
                    subprocess.run(["sqlite3", "-readonly", f"{self.d.state}/hps.db",
                                    "select count(*) from metrics; select * from best; select * from leaderboard"],
                                   check=True, capture_output=True, timeout=60)
            except Exception as e:  # noqa: BLE001
                faults.append(e)

        watcher = threading.Thread(target=reader)
        watcher.start()
        threads = [threading.Thread(target=client, args=[k]) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        done.set()
        watcher.join()
        self.assertEqual(faults, [])
        self.assertEqual(self.d.rows("select count(*) as n from trials where state = 'done'")[0]["n"], 80)

    def test_H8_the_same_key_submits_once(self):
        key = os.urandom(16).hex()
        first = self.d.submit(search("k", LOSS), key=key)
        self.assertEqual(self.d.submit(search("k", LOSS), key=key), first)
        self.assertEqual(len(self.d.call("list")["searches"]), 1)

    def test_a_broken_search_file_is_refused_with_all_its_faults(self):
        with self.assertRaises(RpcError) as e:
            self.d.submit('{"name": "b",\n "comand": ["x"],\n "parameters": {"x": {"type": "flaot"}}}')
        self.assertEqual(e.exception.code, 2)
        faults = e.exception.data["faults"]
        self.assertGreaterEqual(len(faults), 3)
        self.assertTrue(any(f["line"] == 2 and "command" in f["text"] for f in faults), faults)
        self.assertEqual(self.d.call("list")["searches"], [])

    def test_H3_H4_H9_nonsense_is_answered_and_the_connection_goes_on(self):
        with self.d.connection() as c:
            for line, code in ((b"{", -32700), (b"[]", -32600), (b'{"jsonrpc":"2.0","id":1}', -32600),
                               (b'{"jsonrpc":"2.0","id":1,"method":"nope"}', -32601),
                               (b'{"jsonrpc":"2.0","id":1,"method":"show"}', -32602),
                               (b'{"jsonrpc":"2.0","id":1,"method":"show","params":{"search":"x"}}', 1),
                               (b"\xff\xfe\x00", -32700)):
                c.send(line + b"\n")
                self.assertEqual(c.read_message()["error"]["code"], code, line)
            self.assertIn("version", c.call("version"))

    def test_H2_a_line_without_an_end_is_cut_off(self):
        with self.d.connection() as c:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                c.send(b"x" * MIB + b"y" * 100000)
            self.assertEqual(c.read_message()["error"]["code"], -32600)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(c.sock.recv(1), b"")

    def test_H7_a_client_that_asks_and_never_reads_is_hung_up_on_and_hurts_nobody(self):
        self.d.submit(search("k", ["sleep", "1000"]))
        self.d.call("pause", search="k")
        request = b'{"jsonrpc":"2.0","id":1,"method":"pause","params":{"search":"k"}}\n'
        with self.d.connection() as c, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(2000):
                c.send(request * 100)
        self.assertEqual(self.d.call("show", search="k")["search"]["state"], "paused")

    def test_H6_a_client_that_goes_in_the_middle_hurts_nobody(self):
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "list", "params": {}}).encode() + b"\n"
        for n in range(len(request)):
            with self.d.connection() as c:
                c.send(request[:n])
        for _ in range(50):
            with self.d.connection() as c:
                c.send(request)
        self.assertEqual(self.d.call("list")["searches"], [])

    def test_names_ids_and_unique_prefixes_find_a_search(self):
        for name in ("alpha", "alpine", "beta"):
            self.d.submit(search(name, LOSS))
        self.assertEqual(self.d.call("show", search="b")["search"]["name"], "beta")
        self.assertEqual(self.d.call("show", search="alpi")["search"]["name"], "alpine")
        self.assertEqual(self.d.call("show", search="1")["search"]["name"], "alpha")
        with self.assertRaises(RpcError) as e:
            self.d.call("show", search="al")
        self.assertIn("several", str(e.exception))

    def test_a_locked_database_is_waited_for(self):
        locker = subprocess.Popen(["sqlite3", f"{self.d.state}/hps.db"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        locker.stdin.write("begin immediate;\nselect 'locked';\n")
        locker.stdin.flush()
        self.assertEqual(locker.stdout.readline(), "locked\n")
        with self.d.connection() as c:
            c.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "submit", "params": {
                "key": "k", "file": json.dumps(search("w", LOSS)), "workdir": "/", "environ": ["PATH=/usr/bin:/bin"],
            }}).encode() + b"\n")
            with self.d.connection() as other:
                self.assertIn("version", other.call("version"))
            locker.stdin.write("commit;\n")
            locker.stdin.close()
            locker.wait()
            locker.stdout.close()
            self.assertIn("result", c.read_message())
        self.assertEqual(self.d.wait_final("w")["counts"]["done"], 10)


class Hostile(DaemonTest):
    """Clients that are slow, many, or wrong."""

    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def open(self, n):
        connections = [self.d.connect() for _ in range(n)]
        for c in connections:
            self.addCleanup(c.close)
        return connections

    def submit_line(self, name, **more):
        return line("submit", file=json.dumps(search(name, LOSS)), workdir="/", environ=["PATH=/usr/bin:/bin"], **more)

    def status(self, **more):
        return self.d.call("status", **more)

    def test_H1_a_thousand_that_never_finish_a_request_lock_nobody_out(self):
        request = line("status")
        slow = self.open(10)
        for n in range(len(request) - 1):  # a byte at a time, and the others come meanwhile
            for c in slow:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    c.send(request[n:n + 1])
            for c in self.open(99 if n % 5 == 0 else 1):
                c.send(request[:n])
        self.assertLessEqual(self.status()["clients"], CLIENTS)
        self.assertEqual(self.d.run(search("s", LOSS))["counts"]["done"], 10)

    def test_H1_who_is_idle_for_longest_makes_room(self):
        first, second, *others = self.open(CLIENTS)
        for c in (first, second, *others):
            c.call("version")
        first.call("version")
        self.d.call("version")
        self.assertEqual(second.sock.recv(1), b"")
        for c in (first, *others):
            c.call("version")

    def test_H1_who_follows_a_search_is_not_idle(self):
        self.d.submit(search("f", ["sleep", "1000"]))
        with self.d.connection() as follower:
            follower.wait_until("f", lambda p: p["state"] == "running")
            for _ in range(2):
                for c in self.open(CLIENTS - 1):
                    c.call("version")
            self.d.call("pause", search="f")
            while follower.progress()["state"] != "paused":
                pass

    def test_H1_where_nobody_is_idle_the_next_one_is_told(self):
        self.d.submit(search("f", ["sleep", "1000"]))
        self.d.call("pause", search="f")
        followers = self.open(CLIENTS)
        for c in followers:
            c.call("subscribe", search="f")
        for late in self.open(20):  # together: one that is refused is no room for the next
            error = late.read_message()["error"]
            self.assertEqual(error["code"], 4)
            self.assertIn("too many clients", error["message"])
        self.assertIn("too many clients", self.d.hpctl("list", status=1).stderr)
        followers[0].close()
        wait_for(lambda: self.d.hpctl("list", status=None).returncode == 0, "room for one more")

    def test_H2_endless_lines_cost_no_memory(self):
        before = self.status()["memory_bytes"]
        for c in self.open(16):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(64):
                    c.send(b"[" * MIB)
        # Of 1 GiB that came in; a sanitizer keeps what was freed for a while.
        self.assertLess(self.status()["memory_bytes"] - before, 256 * MIB)

    def test_H2_a_message_of_the_largest_size_is_read(self):
        request = line("version")[:-1]
        with self.d.connection() as c:
            c.send(request + b" " * (MIB - len(request)) + b"\n")
            self.assertIn("result", c.read_message())

    def test_H3_H4_H5_what_no_request_may_hold_is_told_with_its_place(self):
        many = ",".join(f'"k{i}":{i}' for i in range(60000))
        cases = [
            (b"[" * 100000 + b"]" * 100000, -32700, "deep"),
            (b'{"a":' * 65 + b"1" + b"}" * 65, -32700, "deep"),
            (b"[" + b"1," * 200000 + b"1]", -32700, "values"),
            (b"{" + many.encode() + b"}", -32600, "jsonrpc"),
            (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"list"}', -32700, '"id" stands twice'),
            (b"[" + b",".join([line("list")[:-1]] * 101) + b"]", -32600, "one object"),
            (b'{"jsonrpc":"2.0","id":1,"METHOD":"list"}', -32600, "method"),
            (b'{"jsonrpc":"2.0","id":1,"method":"show","params":{"search":"\xc0\xaf"}}', -32700, "0xc0 is not UTF-8"),
            (b'{"jsonrpc":"2.0","id":1,"method":"show","params":{"search":"\\ud800"}}', -32700, "surrogate"),
            (b'{"jsonrpc":"2.0","id":1,"method":"show","params":{"search":"a\\u0000b"}}', -32700, "u0000"),
            (b'{"jsonrpc":"2.0","id":1,"method":"show","params":{"search":"a\0b"}}', -32700, "control character"),
            (b'{"jsonrpc":"2.0","id":NaN,"method":"list"}', -32700, "NaN"),
            (b'{"jsonrpc":"2.0","id":1,"method":"trials","params":{"search":"s","from":1.5}}', -32602, "from"),
            (b'{"jsonrpc":"2.0","id":1,"method":"trials","params":{"search":"s","from":1e300}}', -32602, "from"),
            (b'{"jsonrpc":"2.0","id":1,"method":"trials","params":{"search":"s","from":1e400}}', -32700, "too large"),
        ]
        with self.d.connection() as c:
            for request, code, words in cases:
                c.send(request + b"\n")
                error = c.read_message()["error"]
                self.assertEqual(error["code"], code, (request[:80], error))
                self.assertIn(words, error["message"], request[:80])
            self.assertIn("version", c.call("version"))

    def test_H5_an_id_comes_back_as_it_was(self):
        with self.d.connection() as c:
            for id in ("", "x", 0, -1, 1.5, 2**53 - 1, None):
                c.send(line("version", id=id))
                self.assertEqual(c.read_message()["id"], id)

    def test_H6_a_submit_cut_at_any_byte_is_none_and_a_whole_one_is_one(self):
        request = self.submit_line("cut", key="cut")
        for n in range(len(request)):
            with self.d.connection() as c:
                c.send(request[:n])
        self.assertEqual(self.d.call("list")["searches"], [])
        for _ in range(5):  # gone before the answer
            with self.d.connection() as c:
                c.send(request)
        with self.d.connection() as c:
            c.send(request)
            self.assertEqual(c.read_message()["result"]["search"], 1)
        self.assertEqual(len(self.d.call("list")["searches"]), 1)

    def test_H6_who_has_closed_its_side_still_gets_the_answers(self):
        with self.d.connection() as c:
            c.send(line("list") + self.submit_line("half", key="half") + line("pause", id=3, search="half"))
            c.sock.shutdown(socket.SHUT_WR)
            answers = {m["id"]: m for m in (c.read_message() for _ in range(3))}
            self.assertEqual(answers[3]["result"], {"state": "paused"})
            self.assertEqual(c.sock.recv(1), b"")

    def test_H8_the_same_key_for_something_else_is_refused(self):
        first = self.d.submit(search("k", LOSS), key="one")
        for spec, more in ((search("other", LOSS), {}), (search("k", LOSS, trials=3), {}),
                           (search("k", LOSS), {"name": "other"})):
            with self.assertRaises(RpcError) as e:
                self.d.submit(spec, key="one", **more)
            self.assertEqual(e.exception.code, 3)
            self.assertIn('key: has been used for the search "k"', str(e.exception))
        self.assertEqual(self.d.submit(search("k", LOSS), key="one"), first)
        self.assertEqual(len(self.d.call("list")["searches"]), 1)

    def test_H8_retries_with_their_keys_by_many_submit_each_once(self):
        keys = [f"key-{n}" for n in range(20)]
        faults = []

        def client(seed):
            order = random.Random(seed)
            try:
                for key in order.sample(keys, len(keys)):
                    with self.d.connection() as c:
                        c.send(self.submit_line(key, key=key))
                        if order.random() < 0.7:  # else it goes at once, as after a time-out
                            assert c.read_message()["result"]["name"] == key
            except Exception as e:  # noqa: BLE001
                faults.append(e)

        threads = [threading.Thread(target=client, args=[seed]) for seed in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(faults, [])
        names = [s["name"] for s in self.d.call("list")["searches"]]
        self.assertEqual(sorted(names), sorted(keys))

    def test_H9_what_another_release_asks_for_is_refused_by_name(self):
        with self.d.connection() as c:
            for request, code, words in ((line("rewind", search="s"), -32601, '"rewind"'),
                                         (line("list", colour="red"), -32602, "colour")):
                c.send(request)
                error = c.read_message()["error"]
                self.assertEqual(error["code"], code)
                self.assertIn(words, error["message"])
            self.assertEqual(c.call("version")["protocol"], 1)

    def test_H10_a_stopped_client_holds_no_snapshot_of_the_database(self):
        self.d.run(search("s", LOSS, trials=10))
        client = subprocess.Popen([BUILD / "client/hpctl", "watch", "s"], env=self.d.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE)
        client.stdout.read(1)
        client.send_signal(signal.SIGSTOP)
        try:
            with self.d.connection() as c:  # and one that asks for rows and reads none
                c.send(line("trials", search="s") * 1000)
                self.d.run(search("t", LOSS))
                with open(f"{self.d.state}/hps.db-shm", "rb+") as shm:
                    lock = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, *WAL_READERS, 0)
                    found = fcntl.fcntl(shm, fcntl.F_GETLK, lock)
                self.assertEqual(struct.unpack("hhqqi", found)[0], fcntl.F_UNLCK)
        finally:
            client.kill()
            client.wait()
            client.stdout.close()

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_another_user_is_refused_whatever_the_modes_say(self):
        self.d.dir.chmod(0o755)
        self.d.socket.chmod(0o666)
        client = (f"import socket; s = socket.socket(socket.AF_UNIX); s.settimeout({PATIENCE_S});"
                  f"s.connect({str(self.d.socket)!r}); s.send({line('version')!r}); print(s.recv(1000))")

        def ask(uid):
            return subprocess.run(["/usr/bin/python3", "-c", client], user=uid, group=uid, extra_groups=[],
                                  capture_output=True, text=True, check=False)

        self.assertIn("protocol", ask(0).stdout)
        said = ask(65534)
        self.assertTrue(said.stdout == "b''\n" or "reset" in said.stderr or "Broken pipe" in said.stderr, said)


if __name__ == "__main__":
    main()
