#!/usr/bin/env python3
"""What hpctl prints, compared with what it printed when somebody last looked.

usage: run.py HPCTL [--update] [CASE ...]

A case is NAME.json in this folder:
  args       of hpctl
  env        further variables; TMP stands for the state directory
  width      of its terminal; left out: its output goes to a pipe
  types      what somebody types there; stderr is the terminal, too
  stdin      of a process without that
  interrupt  text of the output at which SIGINT comes
  files      to lie in its current directory, executable if they begin with #!
  prints     files to show at the end
  replies    of the fake hpsd by method, beside world.json, or the file that
             holds them; false: none runs
  masks      patterns of what differs between machines, and what to show instead
NAME.txt holds what came out. --update writes it anew; look at the difference.
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "lib"))
from fake_hpsd import FakeHpsd  # noqa: E402

TIMEOUT_S = 60


def read_all(fd, process, interrupt):
    data = b""
    while True:
        try:
            more = os.read(fd, 65536)
        except OSError:  # EIO: the other side of the terminal is closed
            more = b""
        if not more:
            os.close(fd)
            return data
        data += more
        if interrupt and interrupt.encode() in data:
            process.send_signal(signal.SIGINT)
            interrupt = None


def on_terminal(width):
    master, slave = pty.openpty()
    size = struct.pack("HHHH", 24, width, 0, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    flags = termios.tcgetattr(slave)
    flags[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, flags)
    return master, slave


def environment(case, folder):
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "TZ": "UTC",
            "LC_ALL": "C.UTF-8", "TERM": "xterm", "HPSD_STATE": str(folder),
            "HPSD": str(folder / "no-hpsd"),
            **{name: value for name, value in os.environ.items()
               if name.endswith("SAN_OPTIONS")},
            "FAKE": str(HERE.parent / "lib"),
            **{name: value.replace("TMP", str(folder))
               for name, value in case.get("env", {}).items()}}


def run(hpctl, case, folder):
    width, types = case.get("width"), case.get("types")
    reading, writing = on_terminal(width) if width else os.pipe()
    with tempfile.TemporaryFile() as errors, \
            tempfile.TemporaryFile() as stdin:
        stdin.write(case.get("stdin", "").encode())
        stdin.seek(0)
        if types:
            os.write(reading, types.encode())
        process = subprocess.Popen(
            [hpctl, *case["args"]], cwd=folder / "work",
            stdin=writing if types else stdin, stdout=writing,
            stderr=writing if types else errors,
            env=environment(case, folder))
        os.close(writing)
        output = read_all(reading, process, case.get("interrupt"))
        status = process.wait(TIMEOUT_S)
        errors.seek(0)
        return (output.decode().replace("\r\n", "\n"),
                errors.read().decode(), status)


def without_live_lines(output, width):
    """Those that are drawn anew depend on the time: the last one stands."""
    live = re.findall(r"\r\033\[K(\[[^\r\n]+)", output)
    output = re.sub(r"\r\033\[K(\[[^\r\n]*)?", "", output)
    assert all(len(line) < width for line in live), live
    return output + (f"--- live: {live[-1]}\n" if live else "")


def transcript(hpctl, case, world):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        (folder / "work").mkdir()
        for path, text in case.get("files", {}).items():
            file = folder / "work" / path
            file.write_text(text)
            if text.startswith("#!"):
                file.chmod(0o755)
        replies = case.get("replies", {})
        if isinstance(replies, str):
            replies = json.loads((HERE / replies).read_text())
        server = None
        if replies is not False:
            text = json.dumps({**world, **replies})
            server = FakeHpsd(str(folder / "hpsd.sock"),
                              json.loads(text.replace("TMP", str(folder))))
        output, errors, status = run(hpctl, case, folder)
        output = without_live_lines(output, case.get("width", 0))
        requests = server.requests if server else []
        if server:
            server.close()
        text = f"$ hpctl {' '.join(case['args'])}\n{output}"
        if errors:
            text += f"--- stderr\n{errors}"
        text += f"--- exit status {status}\n"
        text += "".join(f"--- asked: {request}\n" for request in requests)
        for path, content in case.get("files", {}).items():
            text = text.replace(json.dumps(content), path)
        for path in case.get("prints", []):
            text += f"--- {path}\n{(folder / 'work' / path).read_text()}"
        text = text.replace(str(folder), "TMP").replace("\033", "<ESC>")
        text = re.sub(r'"key": "[0-9a-f]{32}"', '"key": "KEY"', text)
        for pattern, shown in case.get("masks", []):
            text = re.sub(pattern, shown, text)
        return re.sub(r'"environ": \[[^]]*\]', '"environ": [...]', text)


def main():
    hpctl = str(pathlib.Path(sys.argv[1]).resolve())
    chosen = [arg for arg in sys.argv[2:] if arg != "--update"]
    update = "--update" in sys.argv
    world = json.loads((HERE / "world.json").read_text())
    files = sorted(f for f in HERE.glob("*.json") if f.stem != "world")
    failed = 0
    print(f"1..{len(files)}")
    for n, file in enumerate(files, 1):
        if chosen and file.stem not in chosen:
            print(f"ok {n} - {file.stem} # SKIP")
            continue
        got = transcript(hpctl, json.loads(file.read_text()), world)
        expected = file.with_suffix(".txt")
        if update:
            expected.write_text(got)
        same = expected.exists() and expected.read_text() == got
        failed += not same
        print(f"{'ok' if same else 'not ok'} {n} - {file.stem}")
        if not same:
            print("".join(f"# {line}\n" for line in got.split("\n")))
    sys.exit(failed > 0)


main()
