"""How hpsd starts, refuses to start, and ends."""

import contextlib
import fcntl
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import BUILD, Daemon, DaemonTest, main, search, wait_for  # noqa: E402


# Listens, and ends; a child that it has forked lives on and holds the socket until its standard input ends.
LEAVE_LISTENER = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
if os.fork() == 0:
    os.read(0, 1)
"""


class Start(DaemonTest):
    def hpsd(self, *args, status, **env):
        r = subprocess.run([BUILD / "daemon/hpsd", *map(str, args)], env=self.d.env | env, capture_output=True,
                           text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r.stdout + r.stderr

    def test_the_configuration_is_checked_with_all_its_faults(self):
        self.d.config.write_text('{"slots": -1,\n "log_levle": "info",\n "log_level": "loud", "backups": -1}')
        said = self.hpsd("-n", "--config", self.d.config, status=2)
        self.assertIn(f"{self.d.config}:1:11: slots: is -1 (must be", said)
        self.assertIn("2:2: log_levle: is no key of the configuration (did you mean \"log_level\"?)", said)
        self.assertIn("3:34: backups: is -1 (must be", said)
        self.assertIn("3:15: log_level: is \"loud\" (must be", said)

    def test_a_right_configuration_is_said_to_be_right(self):
        self.assertIn("right", self.hpsd("-n", "--config", self.d.config, status=0))
        shipped = pathlib.Path(__file__).resolve().parents[2] / "configs/hpsd.json"
        self.assertIn("right", self.hpsd("-n", "--config", shipped, status=0))

    def test_a_missing_configuration_that_was_named_is_a_fault(self):
        self.assertIn("No such file", self.hpsd("-n", "--config", "/no/such", status=2))

    def test_options_are_checked(self):
        self.assertIn("--help", self.hpsd("--nonsense", status=2))
        self.assertIn("is no option", self.hpsd("more", status=2))
        self.assertIn("is no open descriptor", self.hpsd("--ready-fd", "99", status=2))
        self.assertRegex(self.hpsd("--version", status=0), r"^hpsd \d+\.\d+")

    def test_L6_a_state_directory_that_others_may_enter_is_refused(self):
        other = self.d.dir / "other"
        other.mkdir(mode=0o755)
        self.assertIn("chmod 700", self.hpsd(status=1, HPSD_STATE=str(other)))

    def test_D1_a_socket_of_a_living_daemon_is_not_taken(self):
        said = self.hpsd(status=1, HPSD_STATE=str(self.d.dir / "second"))
        self.assertIn("Address already in use", said)
        self.assertIn("version", self.d.call("version"))

    def test_D2_a_file_in_the_place_of_the_socket_is_left_alone(self):
        file = self.d.dir / "file"
        file.write_text("precious")
        self.assertIn("File exists", self.hpsd(status=1, HPSD_STATE=str(self.d.dir / "second"), HPSD_SOCKET=str(file)))
        self.assertEqual(file.read_text(), "precious")

    def test_D1_what_a_killed_daemon_left_behind_is_no_hindrance(self):
        for _ in range(int(os.environ.get("HPSD_KILLS", "20"))):
            self.d.kill()
            self.assertTrue(self.d.socket.exists())
            self.d.start()
        self.d.stop()
        self.assertFalse(self.d.socket.exists())
        self.d.start()

    def test_D1_a_socket_that_a_child_of_a_killed_daemon_holds_for_a_moment_is_no_hindrance(self):
        self.d.stop()
        with subprocess.Popen([sys.executable, "-c", LEAVE_LISTENER, self.d.socket], stdin=subprocess.PIPE) as p:
            self.assertEqual(p.wait(), 0)
            self.d.start()
            self.assertIn("version", self.d.call("version"))

    def test_D1_of_many_started_at_once_over_a_stale_socket_one_stays(self):
        self.d.kill()
        read, write = os.pipe()
        starts = [subprocess.Popen([BUILD / "daemon/hpsd", "--config", self.d.config, "--ready-fd", str(write)],
                                   env=self.d.env, stderr=subprocess.DEVNULL, pass_fds=[write]) for _ in range(20)]
        os.close(write)
        self.assertEqual(os.read(read, 1), b"\n")
        pid = self.d.call("version")["pid"]
        ends = {p.pid: p.wait(60) for p in starts if p.pid != pid}
        self.assertEqual(set(ends.values()), {100})
        self.assertEqual(len(ends), 19)
        self.d.process = next(p for p in starts if p.pid == pid)
        os.close(read)

    def test_D2_nothing_but_a_dead_socket_of_ours_is_taken_from_the_path(self):
        def fifo(path):
            os.mkfifo(path)

        def link(path):
            path.symlink_to(self.d.dir / "elsewhere")

        def link_to_a_socket(path):
            path.symlink_to(self.d.socket)

        def foreign(path):
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(str(path))
            os.chown(path, 4242, -1, follow_symlinks=False)

        makers = [pathlib.Path.mkdir, fifo, link, link_to_a_socket, *([foreign] if os.geteuid() == 0 else [])]
        for n, make in enumerate(makers):
            path = self.d.dir / f"in-the-way-{n}"
            make(path)
            before = os.lstat(path)
            said = self.hpsd(status=1, HPSD_STATE=str(self.d.dir / "second"), HPSD_SOCKET=str(path))
            self.assertIn(f"{path}: File exists", said)
            self.assertEqual(os.lstat(path).st_ino, before.st_ino)
        self.assertFalse((self.d.dir / "elsewhere").exists())
        self.assertIn("version", self.d.call("version"))

    def test_D3_a_path_has_107_bytes_or_is_refused(self):
        folder = self.d.dir / "d"
        folder.mkdir()
        room = 107 - len(str(folder)) - 1
        self.d.stop()
        for path, fits in ((folder / ("s" * room), True), (folder / ("s" * (room + 1)), False),
                           (folder / ("s" * (room + 2)), False), ("/" + "s/" * 2047 + "s", False)):
            self.d.env["HPSD_SOCKET"] = str(path)
            self.d.socket = path
            if fits:
                self.d.start()
                self.assertIn("version", self.d.call("version"))
                self.d.stop()
            else:
                self.assertIn("107", self.hpsd(status=2))
        self.assertEqual(list(folder.iterdir()), [])
        self.d.socket = self.d.dir / "sock"
        self.d.env["HPSD_SOCKET"] = str(self.d.socket)
        self.d.start()

    def test_D4_an_old_daemon_that_ends_late_leaves_the_new_ones_socket(self):
        self.d.socket.unlink()
        new = Daemon()
        self.addCleanup(new.cleanup)
        new.socket = self.d.socket
        new.env["HPSD_SOCKET"] = str(new.socket)
        new.start()
        self.d.process.terminate()
        self.assertEqual(self.d.process.wait(60), 0)
        self.d.process = None
        self.assertEqual(new.call("version")["state_dir"], str(new.state))
        new.stop()
        self.assertFalse(new.socket.exists())

    def test_D5_a_daemon_that_is_about_to_end_is_waited_for(self):
        self.d.stop()
        self.d.env["HPSD"] = str(BUILD / "daemon/hpsd")
        log = self.d.state / "hpsd.log"
        with open(self.d.state / "hpsd.lock", "r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            client = subprocess.Popen([BUILD / "client/hpctl", "list"], env=self.d.env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL)
            wait_for(lambda: log.exists() and "another hpsd" in log.read_text(), "the first try")
        self.assertEqual(client.wait(60), 0)
        self.d.end_of_another()

    def test_D5_who_comes_in_the_midst_of_a_restart_is_not_refused(self):
        self.d.stop()
        faults = []

        def ask():
            for _ in range(5):
                r = self.d.hpctl("list", status=None)
                if r.returncode != 0:
                    faults.append(r.stderr)

        self.d.env["HPSD"] = str(BUILD / "daemon/hpsd")
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for _ in range(3):
            with contextlib.suppress(ConnectionError, FileNotFoundError):
                os.kill(self.d.call("version")["pid"], signal.SIGTERM)
        for t in threads:
            t.join()
        # Who had asked already is told to ask again.
        self.assertEqual([f for f in faults if "hung up before it answered" not in f], [])
        self.d.end_of_another()

    def test_files_are_for_the_user_alone(self):
        self.assertEqual(os.stat(self.d.state).st_mode & 0o777, 0o700)
        for path in (self.d.socket, self.d.state / "hps.db", self.d.state / "hps.db-wal"):
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def test_systemd_is_told(self):
        self.d.stop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(str(self.d.dir / "notify"))
            s.settimeout(60)
            self.d.env["NOTIFY_SOCKET"] = str(self.d.dir / "notify")
            self.d.start()
            self.assertEqual(s.recv(100), b"READY=1")
            self.d.stop()
            self.assertEqual(s.recv(100), b"STOPPING=1")
            self.d.start()

    def test_A7_systemd_hears_that_the_loop_turns(self):
        self.d.stop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(str(self.d.dir / "notify"))
            s.settimeout(60)
            self.d.env |= {"NOTIFY_SOCKET": str(self.d.dir / "notify"), "WATCHDOG_USEC": "100000"}
            hpsd = self.d.command[0]
            self.d.command = ["sh", "-c", 'WATCHDOG_PID=$$ exec "$0" "$@"', hpsd]
            self.d.start()
            self.assertEqual(s.recv(100), b"READY=1")
            for _ in range(5):
                self.assertEqual(s.recv(100), b"WATCHDOG=1")
            # Another program that writes is none that hangs.
            db = sqlite3.connect(self.d.state / "hps.db")
            db.execute("BEGIN IMMEDIATE")
            for _ in range(20):  # more than wait to be read by then
                self.assertEqual(s.recv(100), b"WATCHDOG=1")
            db.close()
            self.d.process.terminate()
            said = b"WATCHDOG=1"
            while said == b"WATCHDOG=1":
                said = s.recv(100)
            self.assertEqual(said, b"STOPPING=1")
            self.assertEqual(self.d.process.wait(), 0)
            self.d.process = None
            # What is meant for another process of the unit is not for us.
            self.d.command = [hpsd]
            self.d.env["WATCHDOG_PID"] = "1"
            self.d.start()
            self.d.stop()
            self.assertEqual([s.recv(100), s.recv(100)], [b"READY=1", b"STOPPING=1"])
            self.d.start()

    def test_A6_A7_a_daemon_that_the_watchdog_ended_finds_its_trials_again(self):
        go = self.d.dir / "go"
        name = self.d.submit(search("s", ["sh", "-c", f"while ! test -e {go}; do sleep 0.02; done; echo loss=1"],
                                    trials=1))["name"]
        self.d.wait_for_trial(name, 0)
        # As a failed assertion does.
        self.d.process.send_signal(signal.SIGABRT)
        self.d.process.wait()
        self.d.process = None
        self.d.start()
        go.touch()
        self.d.wait_final(name)
        self.assertEqual(self.d.rows("SELECT state, attempts FROM trials"), [{"state": "done", "attempts": 1}])

    def test_C19_closed_standard_descriptors_hurt_nothing(self):
        self.d.stop()
        command = f"exec {BUILD}/daemon/hpsd --config {self.d.config} <&- >&- 2>&-"
        daemon = subprocess.Popen(["sh", "-c", command], env=self.d.env)
        while True:
            try:
                self.d.call("version")
                break
            except (FileNotFoundError, ConnectionRefusedError):
                self.assertIsNone(daemon.poll())
        header = (self.d.state / "hps.db").read_bytes()[:15]
        self.assertEqual(header, b"SQLite format 3")
        self.d.call("shutdown")
        self.assertEqual(daemon.wait(60), 0)
        self.d.start()

    def test_C11_a_database_of_a_newer_version_is_refused_and_unchanged(self):
        self.d.stop()
        db = self.d.state / "hps.db"
        subprocess.run(["sqlite3", db, "pragma journal_mode=delete; pragma user_version=9999"], check=True,
                       capture_output=True)
        before = db.read_bytes()
        self.assertIn("newer", self.hpsd("--config", self.d.config, status=1))
        self.assertEqual(db.read_bytes(), before)
        self.assertEqual(json.loads(self.d.config.read_text())["slots"], 2)


if __name__ == "__main__":
    main()
