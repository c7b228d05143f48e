"""Trials as processes: what they are given, what keeps them from starting, and the ends of hostile ones."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import BUILD, Daemon, DaemonTest, RpcError, main, search, wait_for  # noqa: E402

ONE = {"x": {"value": 1}}
PYTHON = "/usr/bin/python3"
LOSS = ["sh", "-c", "echo loss=1"]


def children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


class Starts(DaemonTest):
    """What keeps a trial from starting, and whose fault that is."""

    slots = 4

    def test_B8_a_shim_that_is_missing_for_a_while_costs_no_trial(self):
        shim = self.d.dir / "hpsd-shim"
        self.d.stop()
        shutil.copy(BUILD / "daemon/shim/hpsd-shim", shim)
        self.d.command += ["--shim", shim]
        self.d.start()
        for fault, words in ((lambda: shim.rename(shim.with_name("away")), "No such file or directory"),
                             (lambda: shim.chmod(0o600), "Permission denied"),
                             (lambda: shim.write_bytes(b"half"), "Exec format error")):
            fault()
            name = words.split()[0]
            self.d.submit(search(name, LOSS, retries=0))
            event = wait_for(lambda: self.d.rows("select text from events where search = ? and kind = 'launch'", name),
                             "an event that says why nothing starts")[0]
            self.assertEqual(event["text"], f"cannot be started now: hpsd-shim: {words}; it is tried again")
            self.assertIn("hpctl explain", self.d.call("explain", search=name)["sentences"][1])
            shim.unlink(missing_ok=True)
            shutil.copy(BUILD / "daemon/shim/hpsd-shim", shim)
            self.assertEqual(self.d.wait_final(name)["counts"]["done"], 10)
        self.assertEqual(self.d.rows("select max(attempts) as n from trials"), [{"n": 1}])

    def test_B9_I7_a_command_that_cannot_run_fails_once_and_says_why(self):
        plain, text = self.d.dir / "plain", self.script("text", "echo this is no program\n")
        plain.write_text("#!/bin/sh\n")
        gone = self.d.dir / "gone"
        gone.mkdir()
        cases = {"ENOENT": ["/no/such/program"], "EACCES": [str(plain)], "ENOEXEC": [text],
                 "E2BIG": ["true", "x" * 200000]}
        for reason, command in cases.items():
            end = self.d.run(search(reason, command, ONE, retries=3))
            self.assertEqual(end["counts"]["failed"], 1)
        remove = f"rmdir {gone} 2>/dev/null; [ $HPS_TRIAL = 0 ] || ln -s {gone} {gone}; echo loss=1"
        self.d.submit(search("cwd", ["sh", "-c", remove], trials=2, parallel=1, retries=3), workdir=gone)
        self.d.wait_final("cwd")
        rows = {r["search"]: (r["reason"], r["attempts"])
                for r in self.d.rows("select search, reason, attempts from trials where state = 'failed'")}
        self.assertEqual(rows, {r: (f"spawn:{r}", 1) for r in cases} | {"cwd": ("spawn:ENOENT", 1)})
        self.assertIn("could not be started", self.d.hpctl("explain", "cwd/1").stdout)

    def test_B16_I5_what_poisons_processes_is_not_passed_on(self):
        bad = {"LD_AUDIT": "/no/such.so", "PYTHONSTARTUP": "/no/such.py", "LISTEN_FDS": "1", "NOTIFY_SOCKET": "/no/such",
               "BASH_ENV": "/no/such", "GLIBC_TUNABLES": "glibc.malloc.check=3"}
        self.d.stop()
        self.d.env |= bad | {"LD_PRELOAD": "/no/such.so"}
        self.d.start()
        del self.d.env["LD_PRELOAD"]
        environ = [f"{k}={v}" for k, v in bad.items()] + ["LD_PRELOAD=/no/such.so", "LD_LIBRARY_PATH=/mine", "MINE=1",
                                                         "PATH=/usr/bin:/bin", "=x", "none"]
        out = "import json, os; json.dump(dict(os.environ), open('env.json', 'w')); print('loss=1')"
        spec = search("p", [PYTHON, "-c", out], ONE)
        self.d.call("submit", key="p", file=json.dumps(spec), workdir=str(self.d.dir), environ=environ)
        self.assertEqual(self.d.wait_final("p")["counts"]["done"], 1)
        env = json.loads((self.d.dir / "env.json").read_text())
        self.assertEqual({k: v for k, v in env.items() if not k.startswith(("HPS_", "LC_"))},
                         {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": "/mine", "MINE": "1", "PYTHONUNBUFFERED": "1",
                          "PYTHONSTARTUP": "/no/such.py"})  # the last two are the submitter's to choose

    def test_B17_B18_a_trial_has_the_signals_and_limits_that_the_daemon_was_started_with(self):
        self.d.stop()
        self.d.command = ["prlimit", "--nofile=512:1024", "--memlock=4096:8192", "nice", "-n", "3", *self.d.command]
        self.addCleanup(os.umask, os.umask(0o027))
        self.d.start()
        out = ("import json, os, resource, sys; status = dict(line.split(':\t') for line in open('/proc/self/status'));"
               "limits = [resource.getrlimit(r) for r in (resource.RLIMIT_NOFILE, resource.RLIMIT_MEMLOCK)];"
               "json.dump([status['SigBlk'], status['SigIgn'], status['Umask'], limits, os.nice(0), sys.stdin.read(),"
               "os.getsid(0) == os.getpid()], open('state.json', 'w')); print('loss=1')")
        # Python itself ignores two signals, so that the shell tells of those.
        signals = "grep SigIgn /proc/self/status > ignored; exec \"$@\""
        self.assertEqual(self.d.run(search("s", ["sh", "-c", signals, "sh", PYTHON, "-c", out], ONE))["counts"]["done"], 1)
        state = json.loads((self.d.dir / "state.json").read_text())
        ignored = "0000000001001000\n"  # SIGPIPE and SIGXFSZ, by Python
        self.assertEqual(state, ["0" * 16 + "\n", ignored, "0027\n", [[512, 1024], [4096, 8192]], os.nice(0) + 3, "", True])
        self.assertEqual((self.d.dir / "ignored").read_text(), "SigIgn:\t" + "0" * 16 + "\n")


# What a trial can do to the files that watch it; then it goes, or has its shim killed.
HOSTILE = """#!/usr/bin/python3
import fcntl, json, os, shutil, signal, sys, time
folder, attack, token = os.environ['HPS_DIR'], sys.argv[1], os.environ['HPS_TOKEN']
file, log = folder + '/attempt-1.json', folder + '/output.log'
print('loss=1', flush=True)

def forge(token, **more):
    end = dict(version=1, token=token, phase='ended', swept=True, kind='exited', code=0, signal=0, core=False, error=0,
               what='', user_ms=0, system_ms=0, memory_bytes=0, elapsed_ms=1) | more
    open(file, 'w').write(json.dumps(end).ljust(511) + '\\n')

def replace(make):
    for path in (file, log):
        os.unlink(path)
        make(path)

def hold_the_lock():
    child = os.fork()
    if child == 0:
        os.setsid()
        f = open(file, 'r+')
        fcntl.lockf(f, fcntl.LOCK_EX)
        signal.pause()
    while not any('->' in line and str(child) in line.split() for line in open('/proc/locks')):
        time.sleep(0.001)  # until it waits for that of the shim

kills = {
    'forged': lambda: forge(token),
    'impossible': lambda: forge(token, code=-7, kind='signaled', signal=10**12, elapsed_ms=-1),
    'foreign': lambda: forge('0' * 32),
    'garbage': lambda: open(file, 'wb').write(os.urandom(512)),
    'empty': lambda: open(file, 'w'),
    'huge': lambda: os.truncate(file, 1 << 40),
    'fifo': lambda: replace(os.mkfifo),
    'folder': lambda: replace(os.mkdir),
    'link': lambda: replace(lambda path: os.symlink(folder + '/../../../hps.db', path)),
    'lock': hold_the_lock,
}
goes = {
    'gone': lambda: shutil.rmtree(folder),
    'foreign-end': lambda: forge('0' * 32),
    'unreadable': lambda: os.chmod(folder, 0),
    'sparse': lambda: os.truncate(log, 1 << 24),
    'unlinked': lambda: replace(lambda path: None),
}
{**kills, **goes}[attack]()
if attack in kills:
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()
"""
KILLS = ["forged", "impossible", "foreign", "garbage", "empty", "huge", "fifo", "folder", "link", "lock"]
GOES = ["gone", "foreign-end", "unreadable", "sparse", "unlinked"]

# In a namespace of its own this is process 1, and says which pid is next.
REUSE = """
import os, pathlib, signal, subprocess, sys
sys.path.insert(0, sys.argv[1])
from hpsd import Daemon, is_alive, search, wait_for

def start_as(pid):
    for _ in range(1000):
        pathlib.Path('/proc/sys/kernel/ns_last_pid').write_text(str(pid - 1))
        p = subprocess.Popen(['sleep', '1000'])
        if p.pid == pid:
            return p
        p.kill()
        p.wait()
    raise AssertionError(f'no process {pid}')

d = Daemon().start()
d.submit(search('r', ['sh', '-c', f'echo $$ > {d.dir}/pid.new; mv {d.dir}/pid.new {d.dir}/pid; exec sleep 1000'],
                {'x': {'value': 1}}))
wait_for((d.dir / 'pid').exists, 'the trial')
trial = int((d.dir / 'pid').read_text())
shim = d.rows('select pid from attempts')[0]['pid']
d.kill()
os.kill(shim, signal.SIGKILL)
for _ in range(2):
    os.waitpid(-1, 0)  # orphans come to process 1
strangers = [start_as(shim), start_as(trial)]
d.start()
d.wait_final('r')
assert [p.poll() for p in strangers] == [None, None], 'a stranger was killed'
print(d.rows('select state, reason from trials')[0])
for p in strangers:
    p.kill()
    p.wait()
d.cleanup()
"""


class Ends(DaemonTest):
    """How trials end that do not want to, or that fake it."""

    slots = 4

    def test_B15_who_attacks_its_own_files_comes_to_a_legal_end(self):
        program = self.script("hostile", HOSTILE)
        for name, attacks in (("kills", KILLS), ("goes", GOES)):
            end = self.d.run(search(name, [program, "{attack}"], {"attack": {"type": "choice", "values": attacks}},
                                    stop_on_failures=0))
            self.assertEqual(sum(end["counts"][s] for s in ("done", "failed", "lost")), len(attacks), end)
        rows = self.d.rows("select json_extract(params, '$.attack') as attack, state, reason from trials")
        ends = {r["attack"]: (r["state"], r["reason"]) for r in rows}
        done = ["foreign-end", "unreadable", "sparse", "forged"]  # nobody can tell that the last one is
        self.assertEqual({a: ends[a] for a in done}, {a: ("done", "") for a in done})
        lost = [a for a in KILLS + ["unlinked"] if a not in ("forged", "impossible")]
        self.assertEqual({a: ends[a] for a in lost}, {a: ("lost", "shim-died") for a in lost})
        self.assertEqual(self.d.rows("pragma integrity_check"), [{"integrity_check": "ok"}])
        self.d.kill()
        self.d.start()
        self.assertEqual(children(self.d.process.pid), [])

    def test_B7_no_zombie_is_left_of_trials_and_their_orphans(self):
        orphans = "for i in 1 2 3; do (true & true &); done; echo loss=1"
        self.assertEqual(self.d.run(search("z", ["sh", "-c", orphans]))["counts"]["done"], 10)
        self.assertEqual(children(self.d.process.pid), [])

    def test_B13_who_takes_more_memory_than_its_limit_fails_alone(self):
        take = ["/usr/bin/python3", "-c", "print('loss=1', flush=True); b'x' * (1 << 30)"]
        self.d.run(search("m", take, ONE, resources={"memory": "256M"}))
        self.assertEqual(self.d.rows("select state, reason from trials"), [{"state": "failed", "reason": "exit:1"}])
        self.assertIn("MemoryError", (self.d.trial_dir(1, 0) / "output.log").read_text())

    def test_B13_a_kill_from_outside_is_told_as_what_it_may_have_been(self):
        self.d.run(search("k", ["sh", "-c", "echo loss=1; kill -9 $$"], ONE))
        self.assertEqual(self.d.rows("select state, reason from trials"), [{"state": "failed", "reason": "signal:9"}])
        self.assertIn("when memory ran out", self.d.hpctl("explain", "k/0").stdout)

    def test_B19_a_second_kill_and_one_after_the_end_change_nothing(self):
        ready = self.d.dir / "ready"
        deaf = f"trap '' TERM; touch {ready}; while :; do sleep 0.01; done"
        self.d.submit(search("k", ["sh", "-c", deaf], ONE, grace="300ms"))
        wait_for(ready.exists, "the trial")
        with self.d.connection() as c:
            for _ in range(3):
                c.call("kill", search="k", trial=0)
        self.d.wait_final("k")
        with self.assertRaises(RpcError) as e:
            self.d.call("kill", search="k", trial=0)
        self.assertEqual(e.exception.code, 3)
        self.assertEqual(self.d.rows("select state, reason from trials"), [{"state": "cancelled", "reason": "user"}])
        self.assertEqual(self.d.rows("select signal from attempts"), [{"signal": 9}])

    @unittest.skipIf(subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "test", "-w",
                                     "/proc/sys/kernel/ns_last_pid"], capture_output=True, check=False).returncode != 0,
                     "no namespace of processes can be made here")
    def test_B6_who_has_the_pid_of_a_dead_trial_or_shim_is_left_alone(self):
        lib = pathlib.Path(__file__).resolve().parents[1] / "lib"
        r = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-c", REUSE, lib],
                           capture_output=True, text=True, check=False)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(r.stdout, "{'state': 'lost', 'reason': 'shim-died'}\n")


@unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
class AnotherUser(unittest.TestCase):
    """Limits that bind nobody but who is not root."""

    def setUp(self):
        self.uid = 40000 + os.getpid() % 20000
        self.d = Daemon(slots=4, env={"OPENBLAS_NUM_THREADS": "1"})
        hpsd = self.d.dir / "hpsd"
        (self.d.dir / "shim").mkdir()
        shutil.copy(BUILD / "daemon/hpsd", hpsd)
        shutil.copy(BUILD / "daemon/shim/hpsd-shim", self.d.dir / "shim")
        # The daemon and its threads are nine; each trial is two.
        self.d.command = ["setpriv", f"--reuid={self.uid}", "--regid=65534", "--clear-groups",
                          "prlimit", "--nproc=13", hpsd]
        self.d.log.touch()
        os.chown(self.d.dir, self.uid, -1)
        self.d.start()
        os.seteuid(self.uid)
        self.addCleanup(self.cleanup)

    def cleanup(self):
        self.addCleanup(os.seteuid, 0)
        os.seteuid(0)
        self.d.dir.chmod(0o755)
        os.seteuid(self.uid)
        self.d.stop()
        os.seteuid(0)
        self.d.cleanup()

    def test_B8_a_limit_of_processes_delays_trials_and_fails_none(self):
        end = self.d.run(search("b", ["sh", "-c", "echo loss=$HPS_PARAM_X; exec sleep 0.1"]))
        self.assertEqual(end["counts"]["done"], 10)
        self.assertEqual(self.d.rows("select max(attempts) as n from trials"), [{"n": 1}])
        events = self.d.rows("select distinct text from events where kind = 'launch'")
        self.assertTrue(events and all("Resource temporarily unavailable" in e["text"] for e in events), events)


if __name__ == "__main__":
    main()
