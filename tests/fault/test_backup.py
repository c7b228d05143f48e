"""Backups that are made under load hold all that was acknowledged before; a restore loses nothing and mixes nothing."""

import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from kills import load, pause  # noqa: E402
from world import World, boot_ms  # noqa: E402

from hpsd import BUILD, main, search, wait_for  # noqa: E402

SEED = int(os.environ.get("HPSD_SEED", "1"))
DAY_S = 86400


def rows(path, sql):
    db = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


class BackupTest(unittest.TestCase):
    def world(self, **more):
        w = World(**more)
        self.addCleanup(w.cleanup)
        return w

    def check(self, w, what=""):
        self.assertEqual(w.faults(), [], what)

    def forget_after(self, w, moment, lost, restored):
        """What was told after the backup is not in it: ledger and witness are as they were then.

        What attempts that are lost now did before the restore is not in it either; after it they may do nothing.
        """
        tokens = {t for t, in rows(w.state / "hps.db", "SELECT token FROM attempt")}
        entries = [json.loads(line) for line in w.ledger.read_text().splitlines()]
        answered = {e["id"] for e in entries if e["what"] in ("ok", "fail") and e["boot"] < moment}
        asked_later = {e["id"] for e in entries if e["what"] == "invoke" and e["boot"] >= moment}
        kept = [e for e in entries if e.get("id") not in asked_later and (
            e["what"] not in ("ok", "fail") or e["id"] in answered)]
        w.ledger.write_text("".join(json.dumps(e) + "\n" for e in kept))
        lines = w.witness.read_text().splitlines(keepends=True)
        w.witness.write_text("".join(
            line for line in lines if line.split()[0] in tokens and (
                line.split()[0] not in lost or int(line.split()[2]) >= restored)))

    def note_unknown(self, w, backup):
        """What happened to the attempts that are open in the backup, and what the backup does not know of.

        One that was run again since is lost; one that the daemon stopped since died of a signal. Returns the
        tokens of the lost.
        """
        lost = set()
        for search_id, number, attempt, token in rows(
                backup, "SELECT t.search, t.number, a.number, a.token FROM attempt a JOIN trial t ON t.id = a.trial "
                        "WHERE a.state NOT IN ('ended', 'lost')"):
            path = w.trial_dir(search_id, number) / f"attempt-{attempt}.json"
            record = json.loads(path.read_text())
            if record["phase"] == "started":
                w.note("killed", of="shim", token=token)
                lost.add(token)
            elif record.get("kind") == "signaled":
                w.note("killed", of="trial", token=token)
        return lost

    def test_C14_backups_under_load_hold_what_was_acknowledged(self):
        w = self.world(slots=6, seed=SEED).start()
        backups = []
        for n in range(12):
            for _ in range(w.random.randrange(1, 5)):
                load(w)
            pause(w.random.random() ** 2 * 0.2)
            backups.append((boot_ms(), w.dir / f"backup-{n}.db"))
            w.hpctl("backup", backups[-1][1])
            if w.random.random() < 0.3:
                w.kill()
                w.start()
        w.settle()
        w.stop()
        self.check(w)
        ledger, witness = w.ledger.read_text(), w.witness.read_text()
        shutil.copytree(w.state, w.dir / "state.kept")
        for moment, backup in backups[::-3]:
            shutil.rmtree(w.state)
            shutil.copytree(w.dir / "state.kept", w.state)
            w.ledger.write_text(ledger)
            w.witness.write_text(witness)
            w.hpctl("restore", backup)
            lost, restored = self.note_unknown(w, backup), boot_ms()
            w.start()
            w.settle()
            w.stop()
            self.forget_after(w, moment, lost, restored)
            self.check(w, f"{backup.name}, seed {SEED}")

    def test_C14_a_trial_that_runs_at_the_backup_is_adopted_after_a_restore(self):
        w = self.world(slots=2).start()
        go = w.dir / "go"
        w.submit(search("s1", ["sh", "-c", f"echo step=1 loss=5; while ! test -e {go}; do sleep 0.02; done; "
                                           "echo step=2 loss=4"], trials=1))
        w.wait_for_trial("s1", 0)
        backup = w.dir / "b.db"
        w.hpctl("backup", backup)
        w.submit(search("s2", ["sh", "-c", "echo loss=1"], trials=3))
        w.wait_final("s2")
        w.stop(kill_trials=False)
        said = w.hpctl("restore", backup).stdout
        self.assertIn("1 search, 1 trial", said)
        w.start()
        go.touch()
        w.wait_final("s1")
        self.assertEqual(w.rows("SELECT state, attempts, value FROM trials"),
                         [{"state": "done", "attempts": 1, "value": 4}])
        # The number of s2 is given again; its files are not met.
        w.submit(search("s3", ["sh", "-c", "echo loss=7"], trials=1))
        w.wait_final("s3")
        self.assertEqual(w.trial_dir(2, 0).joinpath("output.log").read_text(), "loss=7\n")
        (aside,) = w.state.glob("trials.replaced-*")
        self.assertEqual(sorted(str(p.relative_to(aside)) for p in aside.glob("*/*")), ["2/0", "2/1", "2/2"])
        self.assertEqual((aside / "2/0/output.log").read_text(), "loss=1\n")

    def test_C14_a_trial_that_was_run_again_since_is_lost_and_runs_anew(self):
        w = self.world(slots=1).start()
        (w.dir / "stop").touch()
        script = f"echo step=1 loss=5; echo $HPS_ATTEMPT >>{w.dir}/began; " \
                 f"while test -e {w.dir}/stop; do sleep 0.02; done; exit 1"
        w.submit(search("s1", ["sh", "-c", script], trials=1, retries=1))
        wait_for((w.dir / "began").exists, "the trial")
        with w.connection() as c:
            c.wait_until("s1", lambda p: p["counts"]["running"] == 1)
        wait_for(lambda: w.rows("SELECT count(*) AS n FROM metrics")[0]["n"] == 1, "the metric")
        w.hpctl("backup", w.dir / "b.db")
        (w.dir / "stop").unlink()
        w.wait_final("s1")
        w.stop()
        w.hpctl("restore", w.dir / "b.db")
        w.start()
        w.wait_final("s1")
        # Attempt 1 was open in the backup, and attempt 2 is not known to it.
        self.assertEqual((w.dir / "began").read_text(), "1\n2\n2\n")
        self.assertEqual([(a["number"], a["state"]) for a in w.rows("SELECT * FROM attempts ORDER BY number")],
                         [(1, "lost"), (2, "ended")])
        (aside,) = w.state.glob("trials.replaced-*")
        self.assertEqual((aside / "1/0/output.log").read_text(), "step=1 loss=5\n" * 2)
        self.assertEqual((w.trial_dir(1, 0) / "output.log").read_text(), "step=1 loss=5\n" * 2)

    def test_C14_a_removed_search_comes_back_without_its_files(self):
        w = self.world(slots=1).start()
        w.submit(search("s1", ["sh", "-c", "echo loss=1"], trials=2))
        w.wait_final("s1")
        w.hpctl("backup", w.dir / "b.db")
        w.hpctl("rm", "s1", "--yes")
        w.stop()
        w.hpctl("restore", w.dir / "b.db")
        w.start()
        self.assertEqual(len(w.call("trials", search="s1")["trials"]), 2)

    def test_C14_one_a_day_and_seven_of_them(self):
        w = self.world()
        config = json.loads(w.config.read_text())
        w.config.write_text(json.dumps(config | {"backups": 3}))
        backups = w.state / "backups"
        w.start()
        w.run(search("s1", ["sh", "-c", "echo loss=1"], trials=1))
        w.stop()
        shutil.rmtree(backups, ignore_errors=True)
        backups.mkdir(mode=0o700)
        for name in ("hps-2026-01-01.db", "hps-2026-01-02.db", "hps-2026-01-03.db", "mine.db"):
            (backups / name).write_bytes(b"old")
            os.utime(backups / name, (1, 1))

        def restart_and_list(n):
            w.start()
            wait_for(lambda: w.log.read_text().count("the backup of today is made") == n, "the backup")
            w.stop()
            return sorted(p.name for p in backups.iterdir())

        made = w.log.read_text().count("the backup of today is made")
        first = restart_and_list(made + 1)
        self.assertEqual(first[:2], ["hps-2026-01-02.db", "hps-2026-01-03.db"])
        self.assertEqual(len(first), 4)
        today = backups / first[2]
        self.assertEqual(rows(today, "SELECT name FROM search"), [("s1",)])
        self.assertEqual(os.stat(today).st_mode & 0o777, 0o600)
        # Nothing has changed: the newest has the time of now, and stays.
        inode = os.stat(today).st_ino
        os.utime(today, (2, 2))
        self.assertEqual(restart_and_list(made + 2), first)
        self.assertEqual(os.stat(today).st_ino, inode)
        self.assertGreater(os.stat(today).st_mtime, 3)
        # It is young: none is made. A day later and changed: one is.
        w.start()
        w.run(search("s2", ["sh", "-c", "echo loss=1"], trials=1))
        w.stop()
        os.utime(today, (os.stat(today).st_mtime - DAY_S - 1,) * 2)
        os.rename(today, backups / "hps-2026-01-04.db")
        self.assertEqual(restart_and_list(made + 3)[:2], ["hps-2026-01-03.db", "hps-2026-01-04.db"])
        self.assertEqual(rows(today, "SELECT count(*) FROM search"), [(2,)])

    def test_C14_what_keeps_the_daily_backup_from_being_made_is_told(self):
        w = self.world().start()
        w.run(search("s1", ["sh", "-c", "echo loss=1"], trials=1))
        w.stop()
        shutil.rmtree(w.state / "backups", ignore_errors=True)
        (w.state / "backups").write_text("in the way")
        w.start()
        error = wait_for(lambda: w.call("health")["backup_error"], "the failure")
        self.assertIn("backups", error)
        self.assertIn("could not be made", w.log.read_text())

    def test_C14_a_backup_replaces_nothing_by_mistake(self):
        w = self.world().start()
        file = w.dir / "precious"
        file.write_text("precious")
        self.assertIn("--force", w.hpctl("backup", file, status=1).stderr)
        self.assertEqual(file.read_text(), "precious")
        self.assertIn("no plain file", w.hpctl("backup", "--force", w.dir, status=1).stderr)
        for name in ("hps.db", "hps.db-wal", "other"):
            self.assertIn("hpsd's own files", w.hpctl("backup", "--force", w.state / name, status=2).stderr)
        self.assertIn("No such file", w.hpctl("backup", w.dir / "none/b.db", status=2).stderr)
        answer = json.loads(w.hpctl("backup", "--force", "--json", "precious", cwd=w.dir).stdout)
        self.assertEqual(answer, {"file": str(file), "bytes": os.stat(file).st_size, "searches": 0, "trials": 0})
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.assertEqual([p.name for p in w.dir.glob("*part*")], [])

    def test_C18_a_backup_with_flipped_bits_is_refused(self):
        w = self.world().start()
        w.run(search("s1", ["sh", "-c", "for i in 1 2 3 4 5; do echo loss=$i; done"], trials=200,
                     parameters={"x": {"type": "int", "min": 0, "max": 199}}))
        w.hpctl("backup", w.dir / "b.db")
        w.stop()
        before = (w.state / "hps.db").read_bytes()
        good = (w.dir / "b.db").read_bytes()
        rng = random.Random(SEED)
        refused = 0
        for _ in range(60):
            bad = bytearray(good)
            for _ in range(8):
                bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            (w.dir / "bad.db").write_bytes(bad)
            r = w.hpctl("restore", w.dir / "bad.db", status=None)
            self.assertIn(r.returncode, (0, 1), r.stderr)
            if r.returncode == 1:
                refused += 1
                self.assertIn("bad.db", r.stderr)
                self.assertRegex(r.stderr, "is damaged|not a database|newer|malformed")
                self.assertEqual((w.state / "hps.db").read_bytes(), before)
            else:
                # A flip in a text or a number is none that SQLite can see: what was there is aside.
                (aside,) = w.state.glob("hps.db.replaced-*")
                self.assertEqual(aside.read_bytes(), before)
                os.rename(aside, w.state / "hps.db")
            self.assertEqual((w.dir / "bad.db").read_bytes(), bad)
            self.assertEqual(sorted(p.name for p in w.dir.glob("bad.db*")), ["bad.db"])
        print(f"{refused} of 60 files refused, seed {SEED}")
        self.assertGreater(refused, 20)
        for cut in (0, 99, 4096, len(good) // 2):
            (w.dir / "bad.db").write_bytes(good[:cut])
            self.assertIn("bad.db", w.hpctl("restore", w.dir / "bad.db", status=1).stderr)
        self.assertIn("No such file", w.hpctl("restore", w.dir / "none", status=1).stderr)

    def test_C13_a_backup_of_a_newer_version_or_another_program_is_refused(self):
        w = self.world().start()
        w.hpctl("backup", w.dir / "b.db")
        w.stop()
        before = (w.state / "hps.db").read_bytes()
        for pragma, word in (("user_version = 999", "newer"), ("application_id = 7", "not a database of hpsd")):
            shutil.copy(w.dir / "b.db", w.dir / "other.db")
            subprocess.run(["sqlite3", w.dir / "other.db", f"PRAGMA {pragma}"], check=True)
            self.assertIn(word, w.hpctl("restore", w.dir / "other.db", status=1).stderr)
            self.assertEqual((w.state / "hps.db").read_bytes(), before)

    def test_C14_no_restore_while_a_daemon_runs(self):
        w = self.world().start()
        w.hpctl("backup", w.dir / "b.db")
        self.assertIn("hpctl shutdown", w.hpctl("restore", w.dir / "b.db", status=1).stderr)
        # On another socket it is the lock that tells.
        w.env["HPSD_SOCKET"] = str(w.dir / "other")
        self.assertIn("hpctl shutdown", w.hpctl("restore", w.dir / "b.db", status=1).stderr)
        w.env["HPSD_SOCKET"] = str(w.socket)

    def test_C14_a_wal_goes_with_its_database(self):
        w = self.world().start()
        w.hpctl("backup", w.dir / "b.db")
        w.run(search("s1", ["sh", "-c", "echo loss=1"], trials=1))
        w.kill()
        self.assertGreater((w.state / "hps.db-wal").stat().st_size, 0)
        w.hpctl("restore", w.dir / "b.db")
        self.assertFalse((w.state / "hps.db-wal").exists())
        (aside,) = w.state.glob("hps.db.replaced-*[0-9]")
        db = sqlite3.connect(aside)
        self.assertEqual(db.execute("SELECT name FROM search").fetchall(), [("s1",)])
        db.close()
        w.start()
        self.assertEqual(w.call("list")["searches"], [])

    def test_C7_a_reader_that_keeps_the_log_growing_is_named(self):
        w = self.world()
        w.command = [BUILD / "tests/fault/hpsd", "--shim", str(BUILD / "daemon/shim/hpsd-shim")]  # its limit is 1 MiB
        w.start()
        w.run(search("s", ["sh", "-c", "echo loss=1"], trials=1))
        reader = sqlite3.connect(f"file:{w.state}/hps.db?mode=ro", uri=True)
        self.addCleanup(reader.close)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM trials").fetchall()
        script = "i=0; while [ $i -lt 6000 ]; do i=$((i+1)); echo step=$i loss=$i; done"
        wal = w.state / "hps.db-wal"
        while wal.stat().st_size <= 2 << 20:
            w.run(search(os.urandom(4).hex(), ["sh", "-c", script], trials=2))
        told = wait_for(lambda: [line for line in w.log.read_text().splitlines() if "does not let go" in line],
                        "the warning")
        self.assertIn(f"(pid {os.getpid()})", told[0])
        (row,) = [r for r in json.loads(w.hpctl("doctor", "--json", status=None).stdout)["checks"]
                  if r["check"] == "write-ahead log"]
        self.assertEqual(row["result"], "warn")
        self.assertIn(f"pid {os.getpid()}", row["text"])

    def test_C9_files_of_a_lost_database_are_not_met_again(self):
        w = self.world().start()
        w.run(search("s1", ["sh", "-c", "echo loss=1"], trials=1))
        w.stop()
        (w.state / "hps.db").unlink()
        w.start()
        w.run(search("s2", ["sh", "-c", "echo loss=2"], trials=1))
        self.assertEqual((w.trial_dir(1, 0) / "output.log").read_text(), "loss=2\n")
        (aside,) = w.state.glob("trials.replaced-*")
        self.assertEqual((aside / "1/0/output.log").read_text(), "loss=1\n")
        self.assertIn(str(aside), w.log.read_text())


if __name__ == "__main__":
    print(f"seed {SEED}")
    main()
