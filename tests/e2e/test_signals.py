"""Signals to the daemon, its log, and whose files it takes."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import BUILD, DaemonTest, is_alive, main, search, wait_for  # noqa: E402

ONE = {"x": {"value": 1}}
LOG_BYTES = 4 << 20  # schema/limits.h


class Signals(DaemonTest):
    def begin(self, **more):
        """A trial that runs until it is told to go on, and hears no SIGTERM; returns its pid."""
        shell = (f"trap '' TERM; echo $$ > {self.d.dir}/pid.new; mv {self.d.dir}/pid.new {self.d.dir}/pid;"
                 f"while [ ! -e {self.d.dir}/go ]; do sleep 0.01; done; echo loss=1")
        self.d.submit(search("s", ["sh", "-c", shell], ONE, **more))
        wait_for((self.d.dir / "pid").exists, "the trial")
        return int((self.d.dir / "pid").read_text())

    def go(self):
        (self.d.dir / "go").touch()
        return self.d.wait_final("s")["counts"]

    def wait(self):
        begin = time.monotonic()
        self.assertEqual(self.d.process.wait(60), 0)
        print(f"ended after {time.monotonic() - begin:.3f} s")
        self.d.process = None

    def test_L1_L5_a_thousand_hangups_and_a_broken_configuration_change_nothing(self):
        self.begin()
        self.d.config.write_text("{broken")
        for n in range(1000):
            self.d.process.send_signal(signal.SIGHUP)
            if n % 100 == 0:
                self.assertEqual(self.d.call("status")["slots"], 2)
        self.assertEqual(self.d.call("version")["pid"], self.d.process.pid)
        self.assertEqual(self.go()["done"], 1)

    def test_L2_signals_of_pipes_files_and_terminals_are_ignored(self):
        status = pathlib.Path(f"/proc/{self.d.process.pid}/status").read_text()
        ignored = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn")), 16)
        for s in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTTOU):
            self.assertTrue(ignored & 1 << (s - 1), s)
            self.d.process.send_signal(s)
        self.assertEqual(self.d.call("version")["pid"], self.d.process.pid)

    def test_L2_a_log_that_nobody_reads_any_more_hurts_nothing(self):
        self.d.stop()
        read, write = os.pipe()
        ready, told = os.pipe()
        self.d.process = subprocess.Popen(
            [*self.d.command, "--config", self.d.config, "--ready-fd", str(told)], env=self.d.env,
            stdin=subprocess.DEVNULL, stdout=write, stderr=write, pass_fds=[told])
        os.close(read)
        os.close(write)
        os.close(told)
        self.assertEqual(os.read(ready, 1), b"\n")
        os.close(ready)
        self.assertEqual(self.d.run(search("p", ["sh", "-c", ": > $HPS_DIR/output.log; echo loss=1"]))["counts"]["done"], 10)

    def test_L3_each_signal_that_ends_the_daemon_leaves_the_trials_running(self):
        pid = self.begin()
        for s in (signal.SIGTERM, signal.SIGINT):
            self.d.process.send_signal(s)
            self.wait()
            self.assertFalse(self.d.socket.exists())
            self.assertFalse((self.d.state / "hps.db-wal").exists())
            self.assertTrue(is_alive(pid))
            self.d.start()
        self.assertEqual(self.go()["done"], 1)

    def test_L3_a_second_signal_waits_for_no_trial_and_the_next_daemon_stops_it(self):
        pid = self.begin(grace="1s")
        with self.d.connection() as c:
            c.call("shutdown", kill_trials=True)
        self.d.process.send_signal(signal.SIGTERM)
        self.wait()
        self.assertTrue(is_alive(pid))
        self.d.start()
        self.assertEqual(self.d.wait_final("s")["counts"]["cancelled"], 1)
        self.assertFalse(is_alive(pid))

    def test_L3_a_second_signal_waits_for_no_database(self):
        pid = self.begin()
        locker = subprocess.Popen(["sqlite3", f"{self.d.state}/hps.db"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        locker.stdin.write("begin immediate;\nselect 'locked';\n")
        locker.stdin.flush()
        self.assertEqual(locker.stdout.readline(), "locked\n")
        with self.d.connection() as c:
            c.send(b'{"jsonrpc":"2.0","id":1,"method":"pause","params":{"search":"s"}}\n')
            wait_for(lambda: "cannot be written now" in self.d.log.read_text(), "the lock to be met")
            self.d.process.send_signal(signal.SIGTERM)
            wait_for(lambda: "shutting down" in self.d.log.read_text(), "the first signal to be heard")
            self.d.process.send_signal(signal.SIGINT)
            self.wait()
        locker.stdin.close()
        locker.wait()
        locker.stdout.close()
        self.assertTrue(is_alive(pid))
        self.d.start()
        self.assertEqual(self.d.call("show", search="s")["search"]["state"], "running")  # what was not told is undone
        self.assertEqual(self.go()["done"], 1)


class Log(DaemonTest):
    def setUp(self):
        super().setUp()
        self.d.stop()
        self.log = self.d.state / "hpsd.log"
        self.old = self.d.state / "hpsd.log.old"
        self.d.env["HPSD"] = str(BUILD / "daemon/hpsd")
        self.addCleanup(self.d.end_of_another)

    def test_L4_the_log_is_turned_by_size_and_one_before_is_kept(self):
        for n in range(3):
            with open(self.log, "ab") as log:
                log.write(b"%d" % n * LOG_BYTES)
            self.d.hpctl("list")
            wait_for(lambda n=n: self.old.exists() and self.old.read_bytes().startswith(b"%d" % n), "the turn")
            self.assertIn(b"listening at", self.old.read_bytes()[LOG_BYTES:])
            self.assertEqual(self.log.stat().st_mode & 0o777, 0o600)
            self.d.end_of_another()
            self.assertIn(b"shutting down", self.log.read_bytes())
            self.log.unlink()

    def test_L4_a_smaller_log_and_one_that_was_moved_are_left_alone(self):
        self.log.write_bytes(b"x" * (LOG_BYTES // 2))
        self.d.hpctl("list")
        self.assertFalse(self.old.exists())
        self.log.rename(self.log.with_name("moved"))
        self.d.hpctl("list")
        self.assertFalse(self.log.exists())


class Owners(DaemonTest):
    def refused(self):
        r = subprocess.run([BUILD / "daemon/hpsd", "--config", self.d.config], env=self.d.env, capture_output=True,
                           text=True, timeout=60, check=False)
        self.assertEqual(r.returncode, 1, r.stderr)
        return r.stderr

    def test_L6_a_state_directory_with_any_right_of_others_is_refused(self):
        self.d.stop()
        before = (self.d.state / "hps.db").read_bytes()
        for bit in range(6):
            self.d.state.chmod(0o700 | 1 << bit)
            self.assertIn("chmod 700", self.refused())
        self.d.state.chmod(0o700)
        self.assertEqual((self.d.state / "hps.db").read_bytes(), before)
        self.d.start()

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_L6_a_state_directory_of_another_user_is_refused(self):
        self.d.stop()
        os.chown(self.d.state, 4242, -1)
        self.assertIn("belongs to another user (uid 4242)", self.refused())
        os.chown(self.d.state, os.geteuid(), -1)
        self.d.start()


if __name__ == "__main__":
    main()
