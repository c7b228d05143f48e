"""Many clients, broken clients, and readers of the database beside them."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import DaemonTest, RpcError, main, search  # noqa: E402

LOSS = ["sh", "-c", "echo loss=$HPS_PARAM_X"]


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

    def test_the_same_key_submits_once(self):
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

    def test_nonsense_is_answered_and_the_connection_goes_on(self):
        with self.d.connection() as c:
            for line, code in ((b"{", -32700), (b"[]", -32600), (b'{"jsonrpc":"2.0","id":1}', -32600),
                               (b'{"jsonrpc":"2.0","id":1,"method":"nope"}', -32601),
                               (b'{"jsonrpc":"2.0","id":1,"method":"show"}', -32602),
                               (b'{"jsonrpc":"2.0","id":1,"method":"show","params":{"search":"x"}}', 1),
                               (b"\xff\xfe\x00", -32700)):
                c.send(line + b"\n")
                self.assertEqual(c.read_message()["error"]["code"], code, line)
            self.assertIn("version", c.call("version"))

    def test_a_line_without_an_end_is_cut_off(self):
        with self.d.connection() as c:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                c.send(b"x" * (1 << 20) + b"y" * 100000)
            self.assertEqual(c.read_message()["error"]["code"], -32600)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(c.sock.recv(1), b"")

    def test_a_client_that_asks_and_never_reads_is_hung_up_on_and_hurts_nobody(self):
        self.d.submit(search("k", ["sleep", "1000"]))
        self.d.call("pause", search="k")
        request = b'{"jsonrpc":"2.0","id":1,"method":"pause","params":{"search":"k"}}\n'
        with self.d.connection() as c, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(2000):
                c.send(request * 100)
        self.assertEqual(self.d.call("show", search="k")["search"]["state"], "paused")

    def test_a_client_that_goes_in_the_middle_hurts_nobody(self):
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


if __name__ == "__main__":
    main()
