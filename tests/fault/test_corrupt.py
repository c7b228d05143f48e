"""Databases with random damage: hpsd refuses them with words, or finds out; it never crashes, hangs or writes to them."""

import json
import os
import pathlib
import random
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import Daemon, RpcError, main, search  # noqa: E402

SEED = int(os.environ.get("HPSD_SEED", "1"))
FILES = int(os.environ.get("HPSD_FILES", "200"))
PAGE = 4096


def damage(rng, data):
    """One kind of damage, and its name."""
    kind = rng.choice(["flip", "flips", "zero page", "noise page", "swap pages", "cut", "cut inside", "zeros in the header"])
    pages = len(data) // PAGE
    if kind == "flip":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "flips":
        for _ in range(rng.randrange(2, 200)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "zero page":
        n = rng.randrange(pages)
        data[n * PAGE:(n + 1) * PAGE] = bytes(PAGE)
    elif kind == "noise page":
        n = rng.randrange(pages)
        data[n * PAGE:(n + 1) * PAGE] = rng.randbytes(PAGE)
    elif kind == "swap pages":
        a, b = rng.randrange(pages), rng.randrange(pages)
        data[a * PAGE:(a + 1) * PAGE], data[b * PAGE:(b + 1) * PAGE] = \
            data[b * PAGE:(b + 1) * PAGE], data[a * PAGE:(a + 1) * PAGE]
    elif kind == "cut":
        del data[rng.randrange(pages) * PAGE:]
    elif kind == "cut inside":
        del data[rng.randrange(len(data)):]
    else:
        at = rng.randrange(16, 96)
        data[at:at + 4] = bytes(4)
    return kind


class CorruptTest(unittest.TestCase):
    def setUp(self):
        self.d = Daemon(slots=2)
        self.addCleanup(self.d.cleanup)

    def make(self, is_clean):
        """A state directory with what a database holds; after a kill the WAL holds a part of it."""
        d = self.d
        d.config.write_text(json.dumps({"slots": 2, "backups": 0}))
        d.start()
        for n in range(3):
            d.run(search(f"s{n}", ["sh", "-c", "for i in 1 2 3; do echo step=$i loss={x}; done"], trials=20,
                         parameters={"x": {"type": "int", "min": 0, "max": 99}}))
        d.submit(search("open", ["sh", "-c", "echo loss={x}"], trials=10), name="open")
        d.call("pause", search="open")
        (d.state / "backups").mkdir(mode=0o700)
        d.hpctl("backup", d.state / "backups" / "hps-2026-01-01.db")
        d.stop()
        if not is_clean:
            d.start()
            d.run(search("s3", ["sh", "-c", "echo loss={x}"]))
            d.kill()
        shutil.rmtree(d.state / "trials")
        shutil.copytree(d.state, d.dir / "made")

    def put(self, rng, name):
        """The state directory as it was made, but for one damaged file."""
        d = self.d
        shutil.rmtree(d.state)
        shutil.copytree(d.dir / "made", d.state)
        (d.state / "hpsd.lock").unlink(missing_ok=True)
        data = bytearray((d.state / name).read_bytes())
        kind = damage(rng, data)
        (d.state / name).write_bytes(data)
        d.log.unlink(missing_ok=True)
        return kind

    def files(self):
        """What hpsd may not touch; the -shm is made from the -wal."""
        return {p.name: p.read_bytes() for p in self.d.state.glob("hps.db*") if not p.name.endswith("-shm")}

    def use(self):
        """Everything is asked for once, and something is written. True: hpsd lives."""
        d = self.d
        try:
            names = [s["name"] for s in d.call("list")["searches"]]
            for name in names:
                for ask in (lambda n: d.call("show", search=n), lambda n: d.call("trials", search=n),
                            lambda n: d.call("best", search=n), lambda n: d.call("explain", search=n),
                            lambda n: d.call("trial", search=n, trial=0),
                            lambda n: d.call("metrics", search=n, trial=0)):
                    try:
                        ask(name)
                    except RpcError:
                        pass
            d.run(search("new", ["sh", "-c", "echo loss={x}"], trials=2))
            return True
        except RpcError:
            return d.process.poll() is None
        except (ConnectionError, FileNotFoundError):
            d.process.wait(60)
            return False

    def try_one(self, kind):
        d = self.d
        before = self.files()
        try:
            d.start()
        except AssertionError:
            status = d.process.wait(60)
            d.process = None
            said = d.log.read_text()
            self.assertEqual(status, 1, f"{kind}: {said}")
            self.assertRegex(said, "is damaged|not a database|newer hpsd|malformed|is missing or empty|"
                                   "cannot be loaded|cannot be read", kind)
            after = self.files()
            # It may be made, empty: there was none.
            self.assertEqual({n: b for n, b in after.items() if b}, {n: b for n, b in before.items() if b}, kind)
            if "is damaged" in said:
                self.assertIn("hps-2026-01-01.db", said)
            return "refused"
        lives = self.use()
        said = d.log.read_text()
        if lives:
            d.process.terminate()
        status = d.process.wait(60)
        d.process = None
        self.assertIn(status, (0, 1), f"{kind}: {said}")
        if status == 1:
            self.assertRegex(said, "malformed|damaged|cannot be|corrupt", kind)
            return "found out"
        return "not seen"

    def run_all(self, is_clean, names):
        self.make(is_clean)
        rng = random.Random(SEED)
        counts = {}
        for n in range(FILES // 2):
            kind = self.put(rng, rng.choice(names))
            with self.subTest(n=n, kind=kind, seed=SEED):
                outcome = self.try_one(kind)
                counts[outcome] = counts.get(outcome, 0) + 1
        print(f"{FILES // 2} files, seed {SEED}: {counts}")
        self.assertGreater(counts.get("refused", 0), FILES // 12)

    def test_C10_damage_after_a_clean_end(self):
        self.run_all(True, ["hps.db"])

    def test_C10_damage_after_a_kill(self):
        self.run_all(False, ["hps.db", "hps.db-wal"])

    def test_C10_a_refusal_names_a_good_backup_and_restore_takes_it(self):
        self.make(True)
        d = self.d
        for name in ("hps-2026-01-02.db", "hps-2026-01-03.db"):
            (d.state / "backups" / name).write_bytes(b"not one")
        data = bytearray((d.state / "hps.db").read_bytes())
        data[PAGE:3 * PAGE] = bytes(2 * PAGE)
        (d.state / "hps.db").write_bytes(data)
        with self.assertRaises(AssertionError):
            d.start()
        d.process.wait()
        d.process = None
        said = d.log.read_text()
        good = d.state / "backups/hps-2026-01-01.db"
        self.assertIn(f"hpctl restore {good}", said)
        d.hpctl("restore", good)
        d.start()
        self.assertEqual(len(d.call("list")["searches"]), 4)
        (aside,) = d.state.glob("hps.db.replaced-*[0-9]")
        self.assertEqual(aside.read_bytes(), data)

    def test_C9_a_wal_without_its_database_is_kept(self):
        self.make(False)
        wal = (self.d.state / "hps.db-wal").read_bytes()
        (self.d.state / "hps.db").unlink()
        with self.assertRaisesRegex(AssertionError, "is missing or empty, and .*hps.db-wal has"):
            self.d.start()
        self.d.process.wait()
        self.d.process = None
        self.assertEqual((self.d.state / "hps.db-wal").read_bytes(), wal)
        self.assertFalse((self.d.state / "hps.db").exists())


if __name__ == "__main__":
    main()
