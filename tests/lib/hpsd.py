"""A real daemon on a private state directory and socket, for the tests.

Everything waits for events: notices of the daemon, ends of processes, lines in
files that a trial was made to write.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("HPSD_BUILD", "build")).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = float(os.environ.get("HPSD_PATIENCE", "60"))  # a bound for what should take a moment, not a measure
FINAL = {"finished", "cancelled", "failed"}


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]
        self.data = error.get("data")


class Connection:
    """One client of the control socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))  # waits where many do; with a time-out it would not
        self.sock.settimeout(PATIENCE_S)
        self.buffer = b""
        self.notices = []
        self.id = 0

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def read_message(self):
        while b"\n" not in self.buffer:
            chunk = self.sock.recv(65536)
            if not chunk:
                raise ConnectionError("the daemon hung up")
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def call(self, method, **params):
        self.id += 1
        request = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}
        self.send(json.dumps(request).encode() + b"\n")
        while True:
            message = self.read_message()
            if message.get("id") == self.id:
                break
            self.notices.append(message)
        if "error" in message:
            raise RpcError(message["error"])
        return message["result"]

    def progress(self):
        """The next progress notice of a subscribed search."""
        if self.notices:
            return self.notices.pop(0)["params"]
        return self.read_message()["params"]

    def wait_until(self, search, condition):
        """Follows @search until condition(progress) holds; returns that progress."""
        self.call("subscribe", search=search)
        while True:
            progress = self.progress()
            if condition(progress):
                return progress


class Daemon:
    def __init__(self, slots=2, env=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="hpsd-test-"))
        self.state = self.dir / "state"
        self.socket = self.dir / "sock"
        self.config = self.dir / "hpsd.json"
        self.config.write_text(json.dumps({"slots": slots, "log_level": "debug"}))
        self.log = self.dir / "log"
        self.env = dict(os.environ, HPSD_STATE=str(self.state), HPSD_SOCKET=str(self.socket), **(env or {}))
        self.command = [BUILD / "daemon/hpsd"]
        self.process = None

    def begin_start(self):
        """Starts it; returns what a byte can be read from when it listens."""
        assert self.process is None
        read, write = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "--config", self.config, "--ready-fd", str(write)],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[write])
        os.close(write)
        return read

    def start(self):
        read = self.begin_start()
        ready = os.read(read, 1)
        os.close(read)
        if not ready:
            raise AssertionError("the daemon did not start:\n" + self.log.read_text())
        return self

    def connect(self):
        return Connection(self.socket)

    @contextlib.contextmanager
    def connection(self):
        c = self.connect()
        try:
            yield c
        finally:
            c.close()

    def call(self, method, **params):
        with self.connection() as c:
            return c.call(method, **params)

    def submit(self, spec, workdir=None, **more):
        text = spec if isinstance(spec, str) else json.dumps(spec)
        environ = [f"PATH={os.environ['PATH']}"]
        key = more.pop("key", os.urandom(16).hex())
        return self.call("submit", key=key, file=text, workdir=str(workdir or self.dir), environ=environ, **more)

    def wait_final(self, search):
        with self.connection() as c:
            return c.wait_until(search, lambda p: p["state"] in FINAL)

    def wait_for_trial(self, search, number):
        """Until trial @number runs."""
        with self.connection() as c:
            c.wait_until(search, lambda p: sum(p["counts"].values()) > number and p["counts"]["running"] > 0)

    def run(self, spec, **more):
        """Submits and waits for the end; returns the last progress."""
        return self.wait_final(self.submit(spec, **more)["name"])

    def hpctl(self, *args, status=0, text=True, **more):
        r = subprocess.run([BUILD / "client/hpctl", *map(str, args)], env=self.env, stdin=subprocess.DEVNULL,
                           capture_output=True, text=text, timeout=PATIENCE_S, **more)
        if status is not None and r.returncode != status:
            raise AssertionError(f"hpctl {args}: status {r.returncode}, not {status}\n{r.stdout}{r.stderr}")
        return r

    def rows(self, sql, *values):
        """Rows of the database, read beside the daemon as any program may."""
        db = sqlite3.connect(f"file:{self.state}/hps.db?mode=ro", uri=True, timeout=PATIENCE_S)
        try:
            db.row_factory = sqlite3.Row
            return [dict(r) for r in db.execute(sql, values)]
        finally:
            db.close()

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self, kill_trials=True):
        if self.process is None:
            return
        if kill_trials:
            with contextlib.suppress(RpcError, ConnectionError, FileNotFoundError):
                self.call("shutdown", kill_trials=True)
        else:
            self.process.terminate()
        status = self.process.wait(PATIENCE_S)
        self.process = None
        if status != 0:
            raise AssertionError(f"the daemon ended with status {status}:\n" + self.log.read_text())

    def end_of_another(self):
        """Ends a daemon that hpctl has started, and waits until it has let go of the state directory."""
        self.hpctl("shutdown", "--kill-trials", status=None)
        with open(self.state / "hpsd.lock", "r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)

    def kill_leftovers(self):
        """What trials of ours a failed test has left running."""
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with contextlib.suppress(OSError):
                if f"HPS_DIR={self.state}/".encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    def cleanup(self):
        try:
            self.stop()
        finally:
            self.kill_leftovers()
            shutil.rmtree(self.dir)

    def trial_dir(self, search_id, number):
        return self.state / "trials" / str(search_id) / str(number)


class DaemonTest(unittest.TestCase):
    """A test with a daemon of its own: self.d."""

    slots = 2

    def setUp(self):
        self.d = Daemon(slots=self.slots).start()
        self.addCleanup(self.d.cleanup)

    def begin_foretold(self):
        """Search "f": of its trial 3, which goes on once "go" is there, a result is foretold."""
        shell = (f"for s in 1 2 3 4 5 6 7 8; do echo step=$s loss=$HPS_PARAM_X.$((9-s)); [ $s -lt 5 ] ||"
                 f"[ $HPS_TRIAL -lt 3 ] || while [ ! -e {self.d.dir}/go ]; do sleep 0.01; done; done")
        self.d.submit(search("f", ["sh", "-c", shell], {"x": {"type": "int", "min": 0, "max": 3}},
                             early_stopping={"type": "forecast", "probability": 1e-300}))
        with self.d.connection() as c:
            c.wait_until("f", lambda p: self.d.rows("select * from metrics where trial = 3 and step = 5"))

    def script(self, name, text):
        path = self.d.dir / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)


def search(name, command, parameters=None, **more):
    """A small search file; keys may be added and replaced."""
    return {
        "name": name,
        "command": command,
        "metric": {"name": "loss"},
        "parameters": parameters or {"x": {"type": "int", "min": 0, "max": 9}},
        "sampler": {"type": "grid"},
    } | more


def wait_for(condition, what="it"):
    """Polls what has no event of its own (a file of a foreign process, /proc)."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        select.select([], [], [], 0.01)
    raise AssertionError(f"waited in vain for {what}")


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def main():
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2))
