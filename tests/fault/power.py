#!/usr/bin/env python3
"""The power fails while a daemon works, and nothing that a client was told is lost.

Rows: A8, A9.

    power.py [--cuts N] [--seed S] [--unsynced]

The state directory is in an ext4 file system in a file of a btrfs. At a cut the daemon and the shims are stopped, what
the clients know is put aside, and the file is copied as a reflink: the copy has what had reached the disk, and of what
was only in the page cache of the ext4 nothing. It is mounted (the journal is replayed) and looked at: every
acknowledged operation and every end that a subscriber was told is there, and the rows fit together. Then a daemon
finds it after the reboot, in namespaces of its own: with another boot id, without the processes of before, under the
same paths. What ran is lost (reboot), and runs again with the same parameters to its end; the checker looks again.

The order in which a drive writes what it has in its own cache is not modelled.

--unsynced: the test of the test. After the first times fdatasync does nothing in the daemon, and losses must be seen.

Root and loop devices are needed. All mounts and processes are in namespaces of this program, and end with it.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check  # noqa: E402
from kills import load, pause  # noqa: E402
from world import BUILD, FINAL, World, wait_for  # noqa: E402

SKIPPED = 77
INSIDE = "HPSD_POWER_INSIDE"  # set in the namespaces of this program
EPISODE = 10  # cuts with one file system
SYNCS = 15  # of the first ones, of each thread, with --unsynced: so that there is a database
ENTER = """mount --bind "$1" "$2" && mount --bind "$3" "$4" && mount --bind "$5" /proc/sys/kernel/random/boot_id &&
shift 5 && exec "$@"
"""


def sh(*words):
    subprocess.run([str(w) for w in words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


class Disks:
    """A btrfs for files that are cheap to copy, and in it an ext4 for the state."""

    def __init__(self, dir_, state_at):
        self.dir = dir_
        self.state_at = state_at
        self.files, self.copy_at = dir_ / "files", dir_ / "copy"
        for path in (self.files, self.copy_at, state_at):
            path.mkdir()
        self.make(dir_ / "btrfs", 1 << 30, "mkfs.btrfs", "-q")
        sh("mount", "-o", "loop", dir_ / "btrfs", self.files)
        # With room to spare: on a disk that is nearly full nothing is started.
        self.make(self.files / "ext4", 256 << 20, "mkfs.ext4", "-q", "-F")
        sh("mount", "-o", "loop", self.files / "ext4", state_at)

    @staticmethod
    def make(path, size, *mkfs):
        with open(path, "wb") as f:
            f.truncate(size)
        sh(*mkfs, path)

    def cut(self):
        sh("cp", "--reflink=always", self.files / "ext4", self.files / "cut")
        sh("mount", "-o", "loop", self.files / "cut", self.copy_at)

    def forget_cut(self):
        sh("umount", self.copy_at)
        (self.files / "cut").unlink()

    def unmount(self):
        for path in (self.copy_at, self.state_at, self.files):
            subprocess.run(["umount", "-l", path], stderr=subprocess.DEVNULL)


class PoweredWorld(World):
    def __init__(self, seed, is_unsynced):
        super().__init__(slots=4, seed=seed)
        self.mount = self.dir / "disk"
        self.disks = Disks(self.dir, self.mount)
        self.state = self.mount / "state"
        self.env["HPSD_STATE"] = str(self.state)
        self.done = False
        self.witness.touch()
        if is_unsynced:
            self.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # which cannot be traced
            self.env["UV_THREADPOOL_SIZE"] = "1"  # a thread counts its own calls
            self.command = [shutil.which("strace"), "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e",
                            "trace=fdatasync", "-e", f"inject=fdatasync:retval=0:when={SYNCS}+", *self.command]

    def submit(self, spec, key=None):
        answer = super().submit(spec, key)
        threading.Thread(target=self.follow, args=(answer["name"],), daemon=True).start()
        return answer

    def follow(self, name):
        """Notes each end that is told."""
        with contextlib.suppress(ConnectionError, OSError, ValueError), self.connection() as c:
            c.call("subscribe", search=name)
            while not self.done:
                p = c.progress()
                for end in p["ended"]:
                    self.note("ended", search=name, trial=end["number"], state=end["state"], value=end["value"])
                if p["state"] in FINAL:
                    self.note("final", search=name, state=p["state"])

    def stopped(self, pids):
        """Holds the processes as they are; those that are no more are no matter."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: not any(state_of(task) not in "TtZX" for pid in pids
                                 for task in pathlib.Path(f"/proc/{pid}/task").glob("*")), "stopped processes")

    def cut(self):
        """The power fails, and the world goes on. Returns the world of the copy."""
        pids = [self.process.pid, *self.shims()]
        self.stopped(pids)
        try:
            after = Rebooted(self)
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        return after

    def cleanup(self):
        self.done = True
        try:
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self.stop()
            self.kill_leftovers()
            self.disks.unmount()
        finally:
            super().cleanup()


class Rebooted(World):
    """A machine that has what was on the disk at the cut."""

    def __init__(self, before):
        super().__init__(slots=before.slots)
        self.id = before.id  # the ledger goes on
        shutil.copy(before.ledger, self.ledger)
        shutil.copy(before.witness, self.witness)
        before.disks.cut()
        self.note("down")
        self.disks = before.disks
        self.state = before.disks.copy_at / "state"
        self.env["HPSD_STATE"] = str(before.state)
        self.new_witness = self.dir / "new-witness"
        self.new_witness.touch()
        self.open = []
        boot_id = self.dir / "boot-id"
        boot_id.write_text("00000000-0000-4000-8000-" + f"{before.random.getrandbits(48):012x}\n")
        self.command = ["unshare", "-m", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c", ENTER, "sh",
                        before.disks.copy_at, before.mount, self.new_witness, before.witness, boot_id,
                        BUILD / "daemon/hpsd"]

    def is_readable(self):
        """Whether there is a database with its tables."""
        try:
            return bool(self.rows("SELECT count(*) AS n FROM search"))
        except sqlite3.Error:
            return False

    def check_rows(self):
        """What must be there before anybody has repaired anything."""
        checker = CutChecker(self.state, self.witness, self.ledger, running=True)
        faults = checker.check()
        self.open = [(t["id"], t["params"], a) for t in checker.trials.values()
                     for a in checker.attempts[t["id"]][-1:] if a["state"] not in check.ATTEMPT_FINAL]
        self.old = set(checker.tokens)
        return faults

    def check_reboot(self):
        """What ran is lost, and ran again with the same parameters; nothing that had begun began again."""
        faults = []
        new = check.Witness(self.new_witness)
        for trial, params, a in self.open:
            (t,) = self.rows("SELECT * FROM trial WHERE id = ?", trial)
            attempts = self.rows("SELECT * FROM attempt WHERE trial = ? ORDER BY number", trial)
            mine = attempts[a["number"] - 1]
            told = check.Witness(self.witness).exits.get(a["token"])
            if t["params"] != params:
                faults.append(f"I6: trial {trial} had {params}, and has {t['params']}")
            if (mine["state"], mine["outcome"]) != ("lost", "rebooted") and not told:
                faults.append(f"I11: attempt {a} is {mine['outcome']} after the reboot")
            if mine["outcome"] == "rebooted" and not mine["stop_reason"] and len(attempts) == a["number"] and \
                    t["state"] != "cancelled":
                faults.append(f"I25: trial {trial} did not run again, and is {t['state']} ({t['reason']})")
        for token in new.starts.keys() & (self.old | check.Witness(self.witness).starts.keys()):
            faults.append(f"I9: token {token} started before and after the reboot")
        return faults

    def check_end(self):
        """The checker, for what has happened since: what was before is known by its rows alone."""
        ended = {r["token"] for r in self.rows("SELECT token FROM attempt WHERE outcome NOT IN ('rebooted')")}
        lines = [line for line in self.witness.read_text().splitlines(True) if line.split()[0] in ended & self.old]
        self.witness.write_text("".join(lines) + self.new_witness.read_text())
        checker = EndChecker(self.state, self.witness, self.ledger, running=False)
        checker.old = self.old
        return checker.check()

    def cleanup(self):
        super().cleanup()
        self.disks.forget_cut()


class CutChecker(check.Checker):
    """Without the rules about processes and files: these are of another world, and a log may be cut short."""

    def __init__(self, state, witness, ledger, running):
        self.ledger_path = pathlib.Path(ledger)
        super().__init__(state, witness, ledger, running, set_clock=False)

    def check_processes(self):
        pass

    def check_witness(self):
        pass

    def check_slots(self):
        pass

    def check_attempt(self, t, a, spec):
        pass

    def check_output(self, t, a, spec, following):
        pass

    def check_metrics(self, t, a, expected, spec):
        pass

    def check_files(self):
        pass

    def check_ledger(self):
        super().check_ledger()
        for line in self.ledger_path.read_text().splitlines():
            told = json.loads(line)
            if told["what"] == "ended":
                t = self.trial_named(told["search"], told["trial"])
                if t is None or (t["state"], t["value"]) != (told["state"], told["value"]) and not self.goes_on(told):
                    self.fault("I2", f"an end that was told is not there: {told}, the row is {t}")
            elif told["what"] == "final":
                if not any(s["name"] == told["search"] and s["state"] == told["state"] for s in self.searches.values()):
                    later = [op for op in self.ledger.ops.values() if op["method"] in ("add", "extend", "cancel", "retry")
                             and op["params"]["search"] == told["search"] and op["outcome"] != "fail"]
                    if not later:
                        self.fault("I2", f"the end of a search that was told is not there: {told}")

    def goes_on(self, told):
        """A trial that ended and may have been run again: by its user, or as further trials were asked for."""
        ops = [op for op in self.ledger.ops.values() if op["outcome"] != "fail"
               and op["params"].get("search") == told["search"]]
        return any(op["method"] == "extend" or op["method"] == "retry" and op["params"]["trial"] == told["trial"]
                   for op in ops)


class EndChecker(CutChecker):
    """After the reboot: all rules for attempts that are new, the rows alone for the old ones."""

    def check_attempt(self, t, a, spec):
        if a["token"] not in self.old:
            check.Checker.check_attempt(self, t, a, spec)

    def check_output(self, t, a, spec, following):
        if a["token"] in self.old:
            return None
        return check.Checker.check_output(self, t, a, spec, following)

    def check_metrics(self, t, a, expected, spec):
        if a["token"] not in self.old:
            check.Checker.check_metrics(self, t, a, expected, spec)


def state_of(task):
    try:
        return (task / "stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def judge(after, is_whole):
    faults = after.check_rows()
    if is_whole:
        after.settle()
        after.stop()
        faults += after.check_reboot() + after.check_end()
    return faults


def look_at(after, is_unsynced, counts, title):
    """Whether there are faults."""
    try:
        faults = judge(after, not is_unsynced)
    except Exception:
        faults = [traceback.format_exc() + (after.log.read_text()[-2000:] if after.log.exists() else "")]
    told = sum(json.loads(line)["what"] in ("ok", "ended", "final") for line in after.ledger.read_text().splitlines())
    counts["told"] += told
    counts["lost"] += sum(f.startswith("I2:") for f in faults) if after.is_readable() else told
    counts["ran"] += len(after.open)
    if faults and not is_unsynced:
        shutil.copytree(after.disks.copy_at, f"{after.dir}.kept")
        print(f"{title}: {after.dir}.kept\n  " + "\n  ".join(faults), flush=True)
    return bool(faults)


def episode(seed, cuts, is_unsynced, counts):
    """Returns the number of cuts with faults."""
    bad = 0
    w = PoweredWorld(seed, is_unsynced)
    try:
        w.start()
        for n in range(cuts):
            for _ in range(w.random.randrange(3, 8)):
                load(w)
                pause(w.random.random() * 0.03)
            after = w.cut()
            try:
                bad += look_at(after, is_unsynced, counts, f"seed {seed}, cut {n}")
            finally:
                after.cleanup()
    finally:
        w.cleanup()
    return bad


def why_not():
    """Why this cannot be done here, if so."""
    if os.geteuid() != 0:
        return "only root may mount"
    for program in ("unshare", "mkfs.btrfs", "mkfs.ext4", "strace"):
        if shutil.which(program) is None:
            return f"{program} is not here"
    try:
        sh("unshare", "-m", "-p", "-f", "--mount-proc", "true")
        if INSIDE in os.environ:
            with tempfile.TemporaryDirectory() as name:
                Disks(pathlib.Path(name), pathlib.Path(name) / "disk").unmount()
    except subprocess.CalledProcessError as e:
        return f"{e.cmd[0]}: {e.stderr.strip()}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--unsynced", action="store_true")
    options = parser.parse_args()
    why = why_not()
    if why is not None:
        print(f"skipped: {why}")
        sys.exit(SKIPPED)
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-m", "-p", "-f", "--kill-child", "--mount-proc", sys.executable, *sys.argv])
    begin, cuts, bad, seed, counts = time.monotonic(), 0, 0, options.seed, collections.Counter()
    while cuts < options.cuts:
        n = min(EPISODE, options.cuts - cuts)
        bad += episode(seed, n, options.unsynced, counts)
        cuts += n
        seed += 1
    print(f"seed {options.seed}: {cuts} cuts, {counts['told']} things told, {counts['lost']} of them lost, "
          f"{counts['ran']} attempts were open, {bad} cuts with faults, {time.monotonic() - begin:.0f} s")
    sys.exit(counts["lost"] == 0 if options.unsynced else bad > 0)


if __name__ == "__main__":
    main()
