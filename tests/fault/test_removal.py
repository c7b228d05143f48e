#!/usr/bin/env python3
"""A removed search is gone at once, and what it leaves goes bit by bit, whatever comes in between."""
import contextlib
import errno
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import FaultyWorld, Refused, RpcError, Unknown, wait_for  # noqa: E402

from hpsd import main  # noqa: E402

TABLES = ("search", "submission", "trial", "attempt", "metric", "event", "symptom")


class Removal(unittest.TestCase):
    def setUp(self):
        self.w = FaultyWorld()
        self.addCleanup(self.w.cleanup)
        self.w.start()

    def ended(self, trials=2, steps=30):
        """The name of a search that has ended; a slice is four rows here."""
        name = self.w.submit(self.w.spec(modes=["0"], trials=trials, steps=(steps,), pause_ms=0, timeout="1h"))["name"]
        self.w.wait_end(name)
        return name

    def remove(self, name, fault):
        """Until @fault has happened to the removal."""
        self.w.arm(fault)
        self.begin = len(self.w.reached())
        with contextlib.suppress(Unknown):  # that it is answered before the daemon is killed is not promised
            self.w.ask("remove", search=name)
        wait_for(self.w.told, fault)

    def steps(self):
        """The fail-points reached since remove()."""
        return self.w.reached()[self.begin:]

    def counts(self):
        return {table: self.w.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in TABLES}

    def assert_nothing_is_left(self):
        self.w.end_removals()
        self.assertEqual(set(self.counts().values()), {0})
        self.assertEqual(list(self.w.state.glob("trials/*")), [])
        self.assertEqual(self.w.rows("PRAGMA foreign_key_check"), [])

    def test_C6_others_are_answered_between_the_slices_of_a_removal(self):
        name = self.ended(trials=3, steps=1000)
        other = self.w.submit(self.w.spec(modes=["stay"], trials=1, timeout="1h"))["name"]
        self.remove(name, "remove.rows=delay:1000@3")
        self.assertEqual(self.w.ask("pause", search=other)["state"], "paused")
        self.w.end_removals()
        steps = self.steps()
        _, answer = [i for i, step in enumerate(steps) if step == "reply.send"]
        self.assertGreaterEqual(steps[:answer].count("remove.rows"), 3)
        self.assertGreater(steps[answer:].count("remove.rows"), 0)
        self.w.ask("resume", search=other)
        self.w.ask("cancel", search=other)

    def test_a_removed_search_is_gone_for_everybody_while_its_rows_are_there(self):
        name = self.ended()
        self.w.arm("remove.rows=kill@5")
        answer = self.w.insist(lambda: self.w.ask("remove", search=name))
        self.assertEqual(answer, {"removed": 2})
        wait_for(self.w.is_dead, "its death")
        left = self.counts()
        self.assertTrue(0 < left["metric"] < 60 and left["trial"] > 0, left)
        for view in self.w.rows("SELECT name FROM sqlite_schema WHERE type = 'view'"):
            self.assertEqual(self.w.rows(f"SELECT * FROM {view['name']}"), [], view)
        self.w.arm("remove.files=delay:1000")
        self.w.revive()
        self.assertEqual(self.w.call("list")["searches"], [])
        for what in (name, "1", "/1", "/"):
            for method in ("show", "remove", "subscribe", "extend"):
                with self.assertRaisesRegex(RpcError, "there is no search"):
                    self.w.call(method, search=what, **({"trials": 9} if method == "extend" else {}))

    def test_name_and_key_of_a_removed_search_are_free_at_once(self):
        name = self.ended()
        key = self.w.rows("SELECT key FROM search")[0]["key"]
        self.remove(name, "remove.files=delay:1000")
        again = self.w.submit(self.w.spec(modes=["0"], trials=2, steps=(1,)) | {"name": name}, key)
        self.assertEqual(again, {"search": 2, "name": name, "trials": 2})
        self.w.wait_end(name)
        self.w.end_removals()
        self.assertEqual([p.name for p in self.w.state.glob("trials/*")], ["2"])
        self.assertEqual(self.w.rows("SELECT id, done FROM searches"), [{"id": 2, "done": 2}])

    def test_A1_a_removal_that_is_killed_in_its_midst_is_finished_by_the_next_daemon(self):
        for fault in ("remove.rows=kill@5", "remove.files=kill", "remove.search=kill"):
            self.remove(self.ended(), fault)
            wait_for(self.w.is_dead, "its death")
            (self.w.folder / "told").unlink()
            self.assertEqual(self.w.rows("SELECT * FROM searches"), [])
            self.assertNotEqual(self.w.removals(), [], fault)
            self.w.revive()
            self.assert_nothing_is_left()
        self.assertEqual(self.w.submit(self.w.spec(modes=["0"], trials=1))["search"], 4)

    def test_removals_go_one_after_the_other(self):
        first, *others = [self.ended() for _ in range(3)]
        self.remove(first, "remove.files=delay:1000")
        for name in others:
            self.w.ask("remove", search=name)
        self.assert_nothing_is_left()
        steps = " ".join(s for s in self.steps() if s in ("remove.rows", "remove.files", "remove.search"))
        self.assertRegex(steps, "^((remove.rows )+remove.files remove.search ?){3}$")

    def test_L3_a_daemon_that_is_to_end_leaves_a_removal_to_the_next(self):
        name = self.ended()
        files = sorted(self.w.state.glob("trials/*/*/*"))
        self.assertGreater(len(files), 3)
        self.remove(name, "remove.files=delay:1000")
        self.w.stop(kill_trials=False)
        self.assertEqual(sorted(self.w.state.glob("trials/*/*/*")), files)
        self.w.start()
        self.assert_nothing_is_left()

    def test_C6_a_removal_goes_on_when_the_database_can_be_written_again(self):
        for error in (errno.EBUSY, errno.ENOSPC, errno.EIO):
            self.remove(self.ended(), f"commit.begin=error:{error}@3")
            self.assert_nothing_is_left()
            wait_for(lambda: self.w.call("status")["storage"] == "ok", "the database")
            (self.w.folder / "told").unlink()

    def test_C6_files_are_not_deleted_twice_at_a_time_when_the_database_is_found_again(self):
        name = self.ended()
        begin = time.monotonic()
        self.remove(name, "remove.files=delay:3000")
        self.w.arm(f"commit.begin=error:{errno.EIO}")
        with self.assertRaises((Refused, Unknown)):
            self.w.submit(self.w.spec())
        wait_for(lambda: self.w.call("status")["storage"] == "ok", "the database")
        self.assertGreaterEqual(time.monotonic() - begin, 3)
        self.assert_nothing_is_left()

    def test_C9_a_removal_ends_when_the_database_is_moved_away_and_goes_on_where_it_is_back(self):
        name = self.ended()
        self.remove(name, "remove.files=delay:1000")
        db, moved = self.w.state / "hps.db", self.w.dir / "moved.db"
        db.rename(moved)
        wait_for(lambda: self.w.call("status")["storage"] != "ok", "the loss")
        rescued = wait_for(lambda: list(self.w.state.glob("hps.db.rescue-*")), "the copy")[0]
        with contextlib.closing(sqlite3.connect(rescued)) as copy:
            self.assertEqual(copy.execute("SELECT count(*) FROM search").fetchall(), [(1,)])
        rescued.rename(db)
        wait_for(lambda: self.w.call("status")["storage"] == "ok", "the database")
        self.assert_nothing_is_left()

    def test_a_removal_that_is_refused_for_now_is_not_done_and_says_so(self):
        name = self.ended()
        self.w.arm(f"commit.begin=error:{errno.EBUSY}")
        with self.assertRaisesRegex(Refused, "cannot be written now: .*try again later"):
            self.w.ask("remove", search=name)
        self.assertEqual(self.w.call("list")["searches"][0]["name"], name)

    def test_C6_a_removal_waits_for_who_has_the_lock(self):
        name = self.ended()
        self.remove(name, "remove.files=delay:500")
        with contextlib.closing(sqlite3.connect(self.w.state / "hps.db")) as db:
            db.execute("BEGIN IMMEDIATE")
            wait_for(lambda: self.steps().count("remove.search") == 2, "a second try")
            self.assertEqual(self.w.call("list")["searches"], [])
            self.assertNotEqual(self.w.removals(), [])
            wait_for(lambda: self.steps().count("remove.search") == 3, "a third try")
            db.rollback()
        self.assertEqual(self.w.log.read_text().count("removed search 1 cannot be deleted now"), 1)
        self.assert_nothing_is_left()

    def test_C14_a_backup_in_the_midst_of_a_removal_does_not_bring_the_search_back(self):
        name = self.ended()
        self.remove(name, "remove.files=delay:1000")
        backup = self.w.dir / "b.db"
        made = self.w.call("backup", file=str(backup))
        self.assertEqual((made["searches"], made["trials"]), (0, 0))
        self.w.end_removals()
        self.w.stop()
        self.w.env["HPSD"] = str(self.w.command[0])
        self.w.hpctl("restore", backup)
        self.assertNotEqual(self.w.removals(), [])
        self.w.start()
        self.assertEqual(self.w.call("list")["searches"], [])
        self.assert_nothing_is_left()

    def test_who_asks_about_a_search_that_is_removed_meanwhile_is_told(self):
        name = self.ended()
        self.w.arm("late.read=delay:1000")
        with self.w.connection() as c:
            c.send(b'{"jsonrpc":"2.0","id":1,"method":"why","params":{"search":"%s"}}\n' % name.encode())
            wait_for(self.w.told, "the question")
            self.w.ask("remove", search=name)
            self.assertEqual(c.read_message()["error"]["message"], "the search was removed meanwhile")
        self.assert_nothing_is_left()

    def test_files_that_cannot_be_deleted_are_told_and_tried_again_by_the_next_daemon(self):
        name = self.ended()
        place = self.w.trial_dir(1, 0) / "checkpoint/mounted"
        place.mkdir(parents=True, mode=0o700)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "none", place]).returncode != 0:
            self.skipTest("mounting is not allowed")
        try:
            self.w.ask("remove", search=name)
            line = wait_for(lambda: re.search(".*cannot be deleted.*", self.w.log.read_text()), "the warning")
            self.assertIn(f"{place} cannot be deleted: Device or resource busy", line[0])
            self.w.stop()
        finally:
            subprocess.run(["umount", place], check=True)
        self.assertEqual(list(self.w.trial_dir(1, 0).glob("*")), [place.parent])
        self.w.start()
        self.assert_nothing_is_left()


if __name__ == "__main__":
    main()
