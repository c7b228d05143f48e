#!/usr/bin/env python3
"""The disk is full, read-only, gone; the database is locked, deleted, moved, replaced.

What runs goes on, what is refused is refused with words, it recovers by itself, and the checker finds nothing lost.
"""
import contextlib
import os
import pathlib
import resource
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import FaultyWorld, Refused, Unknown, wait_for  # noqa: E402

MIB = 1 << 20
STAY = {"modes": ["stay"], "steps": (3,), "timeout": "1h"}
# Long enough to outlive the fault; its output is the buffer.
CHATTY = {"modes": ["0"], "steps": (250,), "pause_ms": 10, "timeout": "1h"}


def mount(*args):
    """Mounts, or skips the test where that is not allowed."""
    if os.geteuid() != 0:
        raise unittest.SkipTest("mounting needs root")
    r = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True)
    if r.returncode != 0:
        raise unittest.SkipTest(f"no mount {args}: {r.stderr}")


class Storage(unittest.TestCase):
    def setUp(self):
        self.w = FaultyWorld(slots=3)
        self.addCleanup(self.w.cleanup)

    # --- means ----------------------------------------------------------------------------------------------------

    def mount(self, path, *args):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mount(*args, path)
        path.chmod(0o700)
        self.addCleanup(subprocess.run, ["umount", "-l", str(path)])

    def fill(self, folder):
        """Takes all the room that there is; returns how to give it back."""
        path = folder / "filler"
        with contextlib.suppress(OSError), open(path, "wb", buffering=0) as f:
            while True:
                f.write(bytes(MIB))
        with contextlib.suppress(OSError), open(path, "ab", buffering=0) as f:
            while True:
                f.write(bytes(512))
        return path.unlink

    def storage(self):
        return self.w.call("status")["storage"]

    def wait_lost(self):
        """Until the daemon has noticed; it has words for it."""
        return wait_for(lambda: self.storage() != "ok" and self.storage(), "the loss")

    def wait_back(self):
        wait_for(lambda: self.storage() == "ok", "the database")

    def assert_refuses(self):
        """Nothing new is taken, and the answer says why; what is stored can be asked for if it is there."""
        with self.assertRaises(Refused) as e:
            self.w.submit(self.w.spec(**STAY))
        self.assertIn("cannot be written now: ", str(e.exception))
        self.assertIn("running trials go on", str(e.exception))

    def assert_nothing_is_lost(self):
        self.w.settle()
        self.w.stop()
        self.assertEqual(self.w.faults(), [])

    def metrics(self):
        return self.w.rows("SELECT count(*) AS n FROM metric")[0]["n"]

    def work(self, trials=2):
        """A search that is running, and has told something."""
        spec = self.w.spec(**CHATTY, trials=trials)
        self.w.submit(spec)
        self.w.wait_running(spec["name"], trials)
        wait_for(lambda: self.metrics() > 10, "metrics")
        return spec["name"]

    def go_through(self, break_it, mend):
        """The work of two trials, with a fault in it that goes away again."""
        name = self.work()
        break_it()
        self.wait_lost()
        self.assert_refuses()
        # Since then they have printed more, and nothing of it is stored.
        before = self.w.witness.read_text().count(" start ")
        mend()
        self.wait_back()
        self.w.wait_end(name)
        self.assertEqual(self.w.witness.read_text().count(" start "), before, "nothing was started anew")
        states = [t["state"] for t in self.w.rows("SELECT state FROM trials WHERE search = ?", name)]
        self.assertEqual(states, ["done", "done"])
        self.assert_nothing_is_lost()

    # --- the disk -------------------------------------------------------------------------------------------------

    def test_C1_a_full_disk_is_waited_for_while_trials_go_on(self):
        self.mount(self.w.state, "-t", "tmpfs", "-o", "size=8m", "none")
        self.mount(self.w.state / "trials", "-t", "tmpfs", "-o", "size=100m", "none")
        self.w.start()
        room = []
        self.go_through(lambda: room.append(self.fill(self.w.state)), lambda: room.pop()())

    def test_C1_a_file_that_may_not_grow_is_waited_for(self):
        self.w.start()
        pid = self.w.process.pid
        self.go_through(lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, -1)),
                        lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (-1, -1)))

    def test_C2_nothing_is_started_when_there_is_no_room_for_its_output(self):
        self.w.state.mkdir(mode=0o700)
        self.mount(self.w.state / "trials", "-t", "tmpfs", "-o", "size=100m", "none")
        self.w.start()
        room = self.fill(self.w.state / "trials")
        spec = self.w.spec(modes=["0"], trials=2, steps=(1,))
        self.w.submit(spec)
        text = wait_for(lambda: self.w.rows("SELECT text FROM events WHERE kind = 'launch'"), "the event")[0]["text"]
        self.assertIn("No space left", text)
        self.assertEqual(self.w.witness.exists(), False)
        room()
        self.w.wait_end(spec["name"])
        self.assert_nothing_is_lost()

    def test_C4_a_file_system_that_turns_read_only_is_waited_for(self):
        image = self.w.dir / "image"
        with open(image, "wb") as f:
            f.truncate(64 * MIB)
        subprocess.run(["mkfs.ext4", "-q", "-E", "root_owner", str(image)], check=True)
        self.mount(self.w.state, "-o", "loop,errors=remount-ro", image)
        shutil.rmtree(self.w.state / "lost+found")
        self.mount(self.w.state / "trials", "-t", "tmpfs", "-o", "size=100m", "none")
        (device,) = [line.split()[0] for line in pathlib.Path("/proc/mounts").read_text().splitlines()
                     if line.split()[1] == str(self.w.state)]
        trigger = pathlib.Path(f"/sys/fs/ext4/{pathlib.Path(device).name}/trigger_fs_error")
        if not trigger.exists():
            self.skipTest("no trigger_fs_error here")
        self.w.start()
        self.work()
        trigger.write_text("1")
        self.wait_lost()
        self.assert_refuses()
        # Not even a new daemon can start there; its trials go on all the same.
        self.w.stop(kill_trials=False)
        with self.assertRaises(AssertionError):
            self.w.start()
        self.w.process.wait()
        self.w.process = None
        self.assertEqual(len(self.w.shims()), 2)

    def test_C5_after_a_failed_sync_nothing_is_called_safe(self):
        self.w.start()
        self.go_through(lambda: self.arm_and_ask("sync.begin=error:5"), lambda: None)

    def arm_and_ask(self, fault):
        """Asks for something that must be durable, with @fault in its way: the answer is none."""
        self.w.arm(fault)
        with self.assertRaises((Unknown, Refused)):
            self.w.ask("add", search="s1", params=self.w.params("0", 3))

    # --- other programs -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self):
        db = sqlite3.connect(self.w.state / "hps.db", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        finally:
            db.close()

    def test_C6_a_locked_database_is_waited_for_and_then_refused(self):
        self.w.start()
        with contextlib.ExitStack() as stack:
            self.go_through(lambda: stack.enter_context(self.locked()), stack.close)

    def test_C6_who_asks_while_it_is_locked_for_long_is_told_that_nothing_was_done(self):
        self.w.start()
        with self.locked():
            with self.assertRaises(Refused) as e:
                self.w.submit(self.w.spec(modes=["0"], trials=1))
            self.assertIn(f"(pid {os.getpid()})", str(e.exception))
        self.wait_back()
        self.assertEqual(self.w.rows("SELECT * FROM search"), [])
        self.assert_nothing_is_lost()

    def test_C6_a_stop_that_was_decided_while_it_was_locked_leaves_the_trial_its_grace(self):
        self.w.start()
        spec = self.w.spec(modes=["deaf"], trials=1, steps=(1,), timeout="300ms", grace="300ms", retries=0)
        self.w.submit(spec)
        self.w.wait_running(spec["name"], 1)
        self.w.wait_witnesses(1)
        with self.locked():
            self.wait_lost()
        self.w.wait_end(spec["name"])
        self.assert_nothing_is_lost()

    def rescue(self):
        (copy,) = wait_for(lambda: list(self.w.state.glob("hps.db.rescue-*[0-9]")),
                           "the copy")
        return copy

    def files(self):
        return [p for p in self.w.state.glob("hps.db*") if "rescue" not in p.name]

    def test_C9_a_deleted_database_is_noticed_and_all_of_it_is_saved(self):
        self.w.start()
        self.go_through(lambda: [p.unlink() for p in self.files()],
                        lambda: self.rescue().rename(self.w.state / "hps.db"))

    def test_C9_a_moved_database_is_whole_and_so_is_the_copy(self):
        self.w.start()

        def mend():
            copy, moved = self.rescue(), self.w.dir / "moved.db"
            for path in (copy, moved):
                db = sqlite3.connect(path)
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                self.assertEqual(db.execute("SELECT count(*) FROM trial").fetchone(), (2,))
                db.close()
            copy.rename(self.w.state / "hps.db")

        self.go_through(lambda: (self.w.state / "hps.db").rename(self.w.dir / "moved.db"), mend)

    def test_C9_another_file_in_its_place_is_refused(self):
        self.w.start()

        def replace():
            other = self.w.state / "other"
            db = sqlite3.connect(other)
            db.execute("CREATE TABLE t (x)")
            db.commit()
            db.close()
            other.rename(self.w.state / "hps.db")

        def mend():
            wait_for(lambda: "is not a database of hpsd" in self.storage(), "the words")
            self.rescue().rename(self.w.state / "hps.db")

        self.go_through(replace, mend)

    def test_C9_a_deleted_wal_loses_nothing(self):
        self.w.start()
        name = self.work()
        (self.w.state / "hps.db-wal").unlink()
        self.rescue()
        self.wait_back()
        self.w.wait_end(name)
        self.assert_nothing_is_lost()

    def test_C3_an_end_finds_room_on_a_full_disk(self):
        self.w.state.mkdir(mode=0o700)
        self.mount(self.w.state / "trials", "-t", "tmpfs", "-o", "size=100m", "none")
        self.w.start()
        spec = self.w.spec(**STAY, trials=2)
        self.w.submit(spec)
        self.w.wait_running(spec["name"], 2)
        self.w.wait_witnesses(2)
        wait_for(lambda: self.metrics() == 6, "all that they print")
        room = self.fill(self.w.state / "trials")
        self.w.kill()
        # Nobody but their shims sees how they end.
        for pid in [int(line.split()[4]) for line in self.w.witness.read_text().splitlines() if " start " in line]:
            os.kill(pid, 15)
        wait_for(lambda: not self.w.shims(), "their ends")
        room()
        self.assert_nothing_is_lost()
        self.assertEqual({(t["state"], t["attempts"]) for t in self.w.rows("SELECT state, attempts FROM trials")},
                         {("done", 1)})

    def test_C16_a_removed_socket_is_made_anew(self):
        self.w.start()
        self.w.socket.unlink()
        wait_for(lambda: self.w.listens(), "the socket")
        self.assertEqual(self.storage(), "ok")
        self.w.socket.unlink()
        self.w.process.send_signal(1)
        wait_for(lambda: self.w.listens(), "the socket")
        self.assertIsNone(self.w.process.poll())

    def test_C17_the_database_is_not_mapped(self):
        self.w.start()
        self.work()
        maps = pathlib.Path(f"/proc/{self.w.process.pid}/maps").read_text()
        self.assertIn("/hps.db-shm\n", maps)
        self.assertNotIn("/hps.db\n", maps)

    def test_C8_one_of_many_daemons_has_the_state_directory(self):
        command = [*self.w.command, "--config", self.w.config]
        many = [subprocess.Popen(command, env=self.w.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                for _ in range(20)]
        ended = wait_for(lambda: len(e := [p for p in many if p.poll() is not None]) == 19 and e, "19 ends")
        for p in ended:
            self.assertEqual((p.returncode, "has the state directory" in p.stderr.read()), (100, True))
            p.stderr.close()
        (last,) = [p for p in many if p not in ended]
        last.kill()
        last.wait()
        last.stderr.close()
        self.w.start()
        self.assertEqual(self.storage(), "ok")


if __name__ == "__main__":
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2))
