"""Each finding of hpctl doctor on a real daemon, and what hpsd refuses by itself of the same."""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import BUILD, DaemonTest, main, search, wait_for  # noqa: E402

FAKE_FS = BUILD / "tests/e2e/libfake_fs.so"
NFS, FUSE = 0x6969, 0x65735546
OTHER_UID = 65534


class Doctor(DaemonTest):
    def doctor(self, status=0, **env):
        """{check: (result, text)}; with several rows of a check the last counts."""
        self.d.env.update(env)
        answer = json.loads(self.d.hpctl("doctor", "--json", status=status).stdout)
        self.assertEqual({r["result"] for r in answer["checks"]} - {"ok", "warn", "FAIL", "skip"}, set())
        return {r["check"]: (r["result"], r["text"]) for r in answer["checks"]}

    def assert_finding(self, found, check, result, *words):
        self.assertEqual(found[check][0], result, found[check])
        for word in words:
            self.assertIn(word, found[check][1])

    def test_all_is_well(self):
        found = self.doctor()
        self.assertEqual({c: r for c, (r, _) in found.items() if r not in ("ok", "skip")
                          and c not in ("free space", "log-out", "file system", "open files")}, {})
        self.assert_finding(found, "database", "ok", "whole")

    def test_L6_files_that_others_may_use(self):
        os.chmod(self.d.socket, 0o666)
        self.assert_finding(self.doctor(), "permissions", "warn", "chmod 600", str(self.d.socket))
        os.chmod(self.d.socket, 0o600)
        os.chmod(self.d.state / "trials", 0o755)
        self.assert_finding(self.doctor(), "permissions", "warn", "chmod 700", "trials")

    def test_L6_a_state_directory_that_others_may_enter(self):
        os.chmod(self.d.state, 0o777)
        self.assert_finding(self.doctor(status=1), "state directory", "FAIL", "0777", "chmod 700")
        os.chmod(self.d.state, 0o700)

    @unittest.skipIf(os.geteuid() != 0, "only root can give files to others")
    def test_L6_what_belongs_to_others_is_refused(self):
        self.d.stop()
        for path, said in ((self.d.state, "another user"), (self.d.state / "hps.db", "belongs to user"),
                           (self.d.config, "belongs to user")):
            owner = os.stat(path).st_uid
            os.chown(path, OTHER_UID, -1)
            before = (self.d.state / "hps.db").read_bytes()
            with self.assertRaisesRegex(AssertionError, said):
                self.d.start()
            self.d.process.wait()
            self.d.process = None
            self.assertEqual((self.d.state / "hps.db").read_bytes(), before)
            os.chown(path, owner, -1)
        self.d.start()

    def test_L6_a_configuration_that_everybody_may_write_is_refused(self):
        os.chmod(self.d.config, 0o666)
        r = subprocess.run([BUILD / "daemon/hpsd", "-n", "--config", self.d.config], env=self.d.env,
                           capture_output=True, text=True)
        self.assertEqual(r.returncode, 2)
        self.assertIn("chmod o-w", r.stderr)

    @unittest.skipUnless(FAKE_FS.exists(), "not built: sanitizers want to be loaded first")
    def test_C15_a_network_file_system(self):
        preload = {"LD_PRELOAD": str(FAKE_FS)}
        self.assert_finding(self.doctor(status=1, FAKE_FS=str(NFS), **preload), "file system", "FAIL", "nfs", "HPSD_STATE")
        self.assert_finding(self.doctor(FAKE_FS=str(FUSE)), "file system", "warn", "fuse")
        self.d.stop()
        before = sorted(self.d.state.iterdir())
        self.d.env["FAKE_FS"] = str(NFS)
        with self.assertRaisesRegex(AssertionError, "lies on nfs"):
            self.d.start()
        self.d.process.wait()
        self.d.process = None
        self.assertEqual(sorted(self.d.state.iterdir()), before)
        self.d.env["FAKE_FS"] = str(FUSE)
        self.d.start()
        self.assertIn("lies on fuse", self.d.log.read_text())

    def test_C10_a_database_that_is_damaged(self):
        self.d.run(search("s", ["sh", "-c", "echo loss={x}"], trials=10))
        self.d.stop()
        # An index that lacks an entry: nothing of what runs stumbles over it.
        db = sqlite3.connect(self.d.state / "hps.db")
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = replace(sql, 'score IS NOT NULL', 'score IS NULL') "
                   "WHERE name = 'trial_score'")
        db.commit()
        db.close()
        self.d.start()
        found = self.doctor(status=1)
        self.assert_finding(found, "database", "FAIL", "hps.db is damaged", "trial_score", "hpctl restore")

    def test_C18_a_backup_that_is_damaged_or_old(self):
        self.d.run(search("s", ["sh", "-c", "echo loss=1"], trials=1))
        backup = self.d.state / "backups/hps-2026-01-01.db"
        shutil.rmtree(backup.parent, ignore_errors=True)
        backup.parent.mkdir(mode=0o700)
        self.d.hpctl("backup", backup)
        self.assert_finding(self.doctor(), "backup", "ok", str(backup))
        os.utime(backup, (1, 1))
        self.assert_finding(self.doctor(), "backup", "warn", "old", "hpctl backup")
        data = bytearray(backup.read_bytes())
        data[4096:8192] = bytes(4096)
        backup.write_bytes(data)
        self.assert_finding(self.doctor(status=1), "backup", "FAIL", "is damaged", str(backup), "hpctl backup")

    def test_C14_trials_that_the_database_does_not_know(self):
        self.d.hpctl("backup", self.d.dir / "b.db")
        name = self.d.submit(search("s", ["sleep", "1000"], trials=1))["name"]
        self.d.wait_for_trial(name, 0)
        self.assert_finding(self.doctor(), "orphaned trials", "ok")
        (pid,) = [r["pid"] for r in self.d.rows("SELECT pid FROM attempt")]
        self.d.stop(kill_trials=False)
        self.d.hpctl("restore", self.d.dir / "b.db")
        self.d.start()
        found = self.doctor()
        self.assert_finding(found, "orphaned trials", "warn", f" {pid}", "kill")
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the shim's end")
        self.assert_finding(self.doctor(), "orphaned trials", "ok")

    def test_L7_logging_out_ends_it_without_lingering(self):
        """In a world of its own: /run and /var/lib belong to the test."""
        script = self.script("world", f"""#!/bin/sh
            mount -t tmpfs none /run && mount -t tmpfs none /var/lib && mkdir -p /run/systemd/system || exit 77
            {BUILD}/client/hpctl doctor --no-start | grep log-out
            mkdir -p /var/lib/systemd/linger && : >/var/lib/systemd/linger/$(id -un)
            {BUILD}/client/hpctl doctor --no-start | grep log-out
            rm /var/lib/systemd/linger/*
            export NOTIFY_SOCKET=/nowhere HPSD_STATE={self.d.dir}/other HPSD_SOCKET={self.d.dir}/other.sock
            {BUILD}/daemon/hpsd & pid=$!
            until {BUILD}/client/hpctl status >/dev/null 2>&1; do sleep 0.02; done
            {BUILD}/client/hpctl shutdown; wait $pid
            """)
        r = subprocess.run(["unshare", "-rm", "sh", script], env=self.d.env, capture_output=True, text=True, timeout=60)
        if "nshare" in r.stderr or r.returncode == 77:
            self.skipTest(f"no mount namespace here: {r.stderr}")
        self.assertEqual(r.returncode, 0, r.stderr)
        first, second = r.stdout.splitlines()[:2]
        self.assertIn("warn\t", first)
        self.assertIn("loginctl enable-linger", first)
        self.assertIn("ok\t", second)
        self.assertIn("loginctl enable-linger", r.stderr)

    def test_without_a_daemon_it_says_what_is_left_out(self):
        self.d.stop()
        found = self.doctor()
        self.assert_finding(found, "daemon", "warn", "hpctl list")
        self.assert_finding(found, "database", "skip")
        self.assertNotIn("backup", found)


if __name__ == "__main__":
    main()
