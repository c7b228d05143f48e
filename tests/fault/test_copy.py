#!/usr/bin/env python3
"""The copy of a checkpoint, which may take hours: killed, stopped, out of room, longer than a time-out."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_storage import mount  # noqa: E402
from world import FaultyWorld, wait_for  # noqa: E402

from hpsd import BUILD, is_alive  # noqa: E402

MIB = 1 << 20


class Errors(unittest.TestCase):
    """Each system call of a copy fails, the first time, the second time and so on."""

    CALLS = {"open,openat": "EMFILE", "newfstatat,fstat,statx": "EIO", "getdents64": "EIO", "statfs": "EIO",
             "mkdir,mkdirat": "ENOSPC", "copy_file_range": "ENOSPC EXDEV", "lseek": "EINVAL", "ftruncate": "ENOSPC",
             "fchmod": "EPERM", "fsync": "EIO EINVAL", "close": "EIO", "symlink,symlinkat": "ENOSPC",
             "readlink,readlinkat": "EIO", "utimensat": "EPERM", "rename,renameat,renameat2": "EIO"}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        (self.dir / "from/sub").mkdir(parents=True)
        (self.dir / "from/a").write_bytes(os.urandom(200000))
        (self.dir / "from/sub/b").write_text("b")
        (self.dir / "from/link").symlink_to("a")
        os.truncate(self.dir / "from/sub/b", MIB)
        self.program = BUILD / "tests/fault/copy_once"
        if shutil.which("strace") is None:
            self.skipTest("no strace")

    def whole(self, copy):
        return (sorted(p.relative_to(copy) for p in copy.rglob("*")) ==
                sorted(p.relative_to(self.dir / "from") for p in (self.dir / "from").rglob("*")) and
                (copy / "a").read_bytes() == (self.dir / "from/a").read_bytes() and
                (copy / "sub/b").read_bytes() == (self.dir / "from/sub/b").read_bytes())

    def copy(self, *inject):
        """(status, what it said, whether anything was injected)"""
        shutil.rmtree(self.dir / "trial", ignore_errors=True)
        (self.dir / "trial").mkdir()
        (self.dir / "trial/checkpoint.from").symlink_to("../from")
        r = subprocess.run(["strace", "-f", "-o", self.dir / "trace", *inject, self.program, self.dir / "trial"],
                           capture_output=True, text=True)
        return r.returncode, r.stderr, "(INJECTED)" in (self.dir / "trace").read_text()

    def test_C2_C4_a_copy_is_whole_or_the_error_is_told(self):
        if self.copy()[0] != 0:
            self.skipTest("nothing can be traced here")
        for call, errors in self.CALLS.items():
            for error in errors.split():
                for when in range(1, 30):
                    status, said, happened = self.copy("-e", f"inject={call}:error={error}:when={when}")
                    if not happened:
                        break
                    copy, words = self.dir / "trial/checkpoint", (call, error, when, status, said)
                    self.assertTrue(self.whole(copy) if copy.exists() else status != 0, words)
                    self.assertTrue(status in (0, 125) or said, words)  # 125: it did not begin
                self.assertGreater(when, 1, call)


class Copy(unittest.TestCase):
    def setUp(self):
        self.w = FaultyWorld(slots=1)
        self.addCleanup(self.w.cleanup)

    def dir(self, number):
        return self.w.trial_dir(1, number)

    def begin(self, fault="copy.file=delay:1500", **more):
        """Until trial 2 copies, and is at @fault."""
        self.w.start()
        self.w.arm(fault)
        name = self.w.submit_all(self.w.population(trials=4, **more))
        wait_for(lambda: list(self.dir(2).glob("checkpoint.new-*/*")), "the copy")
        self.assertIn('"phase":"copying"', (self.dir(2) / "attempt-1.json").read_text())
        return name

    def attempts(self, number=2):
        return self.w.rows("SELECT a.* FROM attempt a JOIN trial t ON t.id = a.trial WHERE t.number = ? "
                           "ORDER BY a.number", number)

    def copier(self):
        """The process that copies: a child of the shim, which has its words."""
        (shim,) = self.w.shims()
        return shim, int(pathlib.Path(f"/proc/{shim}/task/{shim}/children").read_text())

    def finish(self, name):
        self.w.end(name)
        self.assertEqual(self.w.final_check(), [])
        self.w.check_checkpoints()

    def test_A1_the_daemon_is_killed_during_a_copy_which_goes_on(self):
        name = self.begin()
        _, pid = self.copier()
        self.w.kill()
        self.w.revive()
        self.assertEqual(self.copier()[1], pid)
        self.finish(name)
        (a,) = self.attempts()
        self.assertEqual(a["outcome"], "exited")
        self.assertEqual(len(self.w.rows("SELECT 1 FROM event WHERE kind = 'adopted'")), 1)

    def test_B1_the_shim_is_killed_during_a_copy_which_is_made_anew(self):
        name = self.begin("copy.file=delay:60000", retries=0)
        shim, pid = self.copier()
        token = self.attempts()[0]["token"]
        self.w.shoot(shim, token)
        self.finish(name)
        self.assertFalse(is_alive(pid))
        (a,) = self.attempts()
        self.assertEqual((a["outcome"], a["token"]), ("exited", token))

    def test_B2_shim_and_daemon_are_killed_during_a_copy(self):
        name = self.begin("copy.file=delay:60000", retries=0)
        shim, _ = self.copier()
        self.w.kill()
        self.w.shoot(shim, self.attempts()[0]["token"])
        self.w.revive()
        self.finish(name)
        self.assertEqual(len(self.attempts()), 1)

    def test_something_kills_the_copy_alone(self):
        name = self.begin("copy.file=delay:60000", retries=0)
        _, pid = self.copier()
        self.w.shoot(pid, self.attempts()[0]["token"])
        self.finish(name)
        self.assertEqual([a["outcome"] for a in self.attempts()], ["exited"])

    def test_A4_a_copy_is_stopped_at_once(self):
        name = self.begin("copy.file=delay:60000", grace="60000ms", timeout="1h")
        _, pid = self.copier()
        self.w.insist(lambda: self.w.ask("cancel", search=name))
        self.w.end(name)
        self.assertFalse(is_alive(pid))
        (a,) = self.attempts()
        self.assertEqual((a["outcome"], a["what"], a["error"]), ("not-executed", "checkpoint", 125))  # ECANCELED
        self.assertEqual(self.w.rows("SELECT state, reason FROM trial WHERE number = 2"),
                         [{"state": "cancelled", "reason": "user"}])
        self.assertEqual(self.w.final_check(), [])

    def test_B12_a_timeout_does_not_count_the_copy(self):
        name = self.begin(timeout="700ms", retries=0)
        self.finish(name)
        self.assertEqual([t["state"] for t in self.w.rows("SELECT state FROM trial")], ["done"] * 4)

    def test_B12_after_the_copy_and_a_restart_a_timeout_does_count(self):
        self.w.start()
        spec = self.w.population(trials=3, timeout="600ms", retries=0)
        spec["command"][2] = spec["command"][2].replace('exec "$@"', 'case $HPS_TRIAL in 2) sleep 60;; esac; exec "$@"')
        name = self.w.submit_all(spec)
        wait_for(lambda: (self.dir(2) / "checkpoint/by-2").exists(), "trial 2")
        self.w.kill()
        self.w.revive()
        self.w.end(name)
        self.assertEqual(self.w.rows("SELECT reason FROM trial WHERE number = 2"), [{"reason": "timeout"}])

    def test_C2_a_copy_waits_for_room(self):
        trials = self.w.state / "trials"
        self.w.state.mkdir(mode=0o700)
        trials.mkdir()
        mount("-t", "tmpfs", "-o", "size=224m", "none", trials)
        self.addCleanup(subprocess.run, ["umount", "-l", str(trials)])
        trials.chmod(0o700)
        spec = self.w.population(trials=3)
        spec["command"][2] = spec["command"][2].replace(
            'exec "$@"', '[ -e much ] || head -c 75M /dev/zero >much; exec "$@"')
        self.w.start()
        name = self.w.submit_all(spec)
        said = "cannot be started now: checkpoint: No space left on device; it is tried again"
        wait_for(lambda: self.w.rows("SELECT 1 FROM event WHERE text = ?", said), "an event")
        self.assertIn("is tried again", self.w.call("explain", search=name)["sentences"][-1])
        self.assertFalse(list(self.dir(2).glob("checkpoint.new*")))
        (a,) = self.attempts()
        self.assertEqual(a["state"], "launching")
        loser = 1 - self.w.rows("SELECT parent FROM trial WHERE number = 2")[0]["parent"]
        os.unlink(self.dir(loser) / "checkpoint/much")
        self.w.end(name)
        self.w.check_checkpoints()
        self.assertEqual((self.dir(2) / "checkpoint/much").stat().st_size, 75 * MIB)
        self.w.stop()


if __name__ == "__main__":
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2))
