#!/usr/bin/env python3
"""Breaks the programs in small ways, one at a time: the checker must object to each.

    mutants.py SOURCE_ROOT [NAME...]

A copy of the sources is built with each; then one scenario of points.py is run on it, with kills. What is expected
stands beside each: the invariant of check.py that is broken.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# what is broken: file, what stands there, what stands there then, scenario, what the checker says
MUTANTS = {
    "the gate opens before that is committed": (
        "daemon/server.c", "\t\tif (!commit(s))\n\t\t\treturn false;\n\t\tfor (",
        "\t\tfor (size_t i = 0; i < s->fx.n; i++)\n\t\t\tif (s->fx.list[i].type == FX_GO)\n"
        "\t\t\t\tact(s, &s->fx.list[i]);\n\t\tif (!commit(s))\n\t\t\treturn false;\n\t\tfor (",
        "mixed", "I9"),
    "a client is told before the commit": (
        "daemon/api.c", "if (error == 0 && req->changes)", "if (error == 0 && req->changes && false)", "steer", "I2"),
    "a key is not looked up": (
        "daemon/commands.c", "if (r != 0 || known)\n\t\treturn r;\n\tif (search_parse(",
        "if (r != 0)\n\t\treturn r;\n\tif (search_parse(", "mixed", "I3"),
    "the offset is saved without its metrics": (
        "daemon/core/trial.c", "\tfx_save_metrics(st->fx, m);\n\tif (learned) {",
        "\tif (m.n == 1)\n\t\tfx_save_metrics(st->fx, m);\n\telse\n\t\tfree(m.rows);\n\tif (learned) {",
        "mixed", "I13"),
    "metrics are saved without their offset": (
        "daemon/core/trial.c", "\ta->rec.offset = ev->output.offset;\n", "", "mixed", "I13"),
    "the rest of the output is not read": (
        "daemon/exec/job.c", "\tif (answer != FOLLOW_MORE)\n\t\tj->state = JOB_ENDED;",
        "\tj->output.offset = before;\n\tj->state = JOB_ENDED;", "mixed", "I13"),
    "nobody looks at the lock": (
        "daemon/exec/probe.c", "\tif (lock.l_type == F_UNLCK)\n", "\tif (true)\n", "adopt", "I"),
    "a lost end is taken for a good one": (
        "daemon/exec/job.c", "\tcase PROBE_STARTED:\n\t\tfinish(j, OUTCOME_SHIM_DIED, false);",
        "\tcase PROBE_STARTED:\n\t\tfinish(j, OUTCOME_EXITED, false);", "adopt", "I11"),
    "what never started is lost": (
        "daemon/exec/job.c", "\tcase PROBE_WAITING:\n\t\tfinish(j, OUTCOME_NEVER_STARTED, true);",
        "\tcase PROBE_WAITING:\n\t\tfinish(j, OUTCOME_SHIM_DIED, true);", "relaunch", "I11"),
    "what may have started is started again": (
        "daemon/exec/job.c", "\tcase PROBE_STARTED:\n\t\tfinish(j, OUTCOME_SHIM_DIED, false);",
        "\tcase PROBE_STARTED:\n\t\tfinish(j, OUTCOME_NEVER_STARTED, true);", "adopt", "I"),
    "survivors of a shim live on": (
        "daemon/exec/job.c", "if (sweep(j->token, SIGKILL) == 0)", "if (true)", "adopt", "I10"),
    "the grace is too short": (
        "daemon/core/trial.c", "term_ms + t->search->spec->grace_ms;", "term_ms + 1;", "timeout", "I12"),
    "the grace begins anew with each daemon": (
        "daemon/core/trial.c", "\t\tbegin_grace(st, t, term_ms);\n",
        "\t\tbegin_grace(st, t, st->at.boot_ms + 10000);\n", "stop", "I12"),
    "SIGKILL comes without SIGTERM": (
        "daemon/shim/main.c", "\tif (kill(-s->leader, SIGTERM) < 0)\n\t\t(void)kill(s->leader, SIGTERM);\n", "",
        "timeout", "I12"),
    "the shim leaves behind what the trial left": (
        "daemon/shim/main.c", "\t\tif (!sweep(s, signals))\n\t\t\treturn;\n", "\t\t(void)sweep;\n", "mixed", "I10"),
    "others may read what is ours": (
        "daemon/exec/start.c", "TRIALDIR_PARAMS,\n\t\t   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);",
        "TRIALDIR_PARAMS,\n\t\t   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);", "mixed", "I23"),
    "a trial gets another's parameters": (
        "daemon/launch.c", "\tauto_free char *params = params_text(&e);\n",
        "\tauto_free char *params = params_text(&e);\n\t((struct cell *)run->config)[2].i ^= 1;\n", "mixed", "I6"),
    "one slot too many": (
        "daemon/storage.c", ".slots = s->config.slots }", ".slots = s->config.slots + 1 }", "steer", "I7"),
    "what is among the best waits on": (
        "daemon/core/pause.c", "\treturn halving_goes_on(t->search->spec, t->rec.value,\n"
        "\t\t\t       runs_level(t, t->rec.runs - 1));", "\t(void)t;\n\treturn false;", "budget", "I25"),
    "each run is given as much as the first": (
        "schema/expand.c", "\t\t\t\t search_level(e->spec, e->run));", "\t\t\t\t search_level(e->spec, 0));", "budget",
        "I6"),
    "what goes on begins its curve anew": (
        "daemon/core/trial.c", "\tif (!goes_on) {\n\t\t/* Not", "\tif (true) {\n\t\t/* Not", "rungs", "I13"),
    "a copy has its name before it is whole": (
        "daemon/shim/copy.c", "(void)snprintf(part, sizeof(part), PART \"%ld\", (long)getpid());",
        "(void)strcpy(part, TRIALDIR_CHECKPOINT);", "inherit", "AssertionError"),
    "the files of a removed search stay": (
        "daemon/remove.c", "\tif (nftw(job->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 &&\n",
        "\tif (false &&\n", "remove", "I19"),
    "a removal that was begun is not gone on with": (
        "daemon/remove.c", "\tif (store_load_forgotten(s->store, add_forgotten, s) < 0)\n", "\tif (false)\n",
        "remove", "AssertionError"),
}


def build(folder):
    subprocess.run(["ninja", "-C", folder / "build", "client/hpctl", "daemon/hpsd", "daemon/shim/hpsd-shim",
                    "tests/fault/hpsd", "tests/fault/hpsd-shim", "tests/fault/witness"], check=True, stdout=subprocess.DEVNULL)


def sees(folder, mutant):
    """The words in which the checker objects; None if it does not."""
    name, before, after, scenario, expected = mutant
    path = folder / name
    text = path.read_text()
    if text.count(before) != 1:
        sys.exit(f"{name}: {before!r} stands there {text.count(before)} times: bring the mutants up to date")
    path.write_text(text.replace(before, after))
    try:
        build(folder)
        r = subprocess.run([sys.executable, folder / "tests/fault/points.py", folder, "--only", scenario],
                           env=os.environ | {"HPSD_BUILD": str(folder / "build"), "HPSD_PATIENCE": "8"},
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    finally:
        path.write_text(text)
    kept = [line.strip() for line in r.stdout.splitlines() if line.strip().endswith(".kept")]
    for path in kept:
        shutil.rmtree(path, ignore_errors=True)
    objections = [line.strip() for line in r.stdout.splitlines() if line.strip().startswith(expected)
                  and ": " in line]
    return objections[0] if objections else None


def main():
    source = pathlib.Path(sys.argv[1])
    chosen = {k: v for k, v in MUTANTS.items() if not sys.argv[2:] or any(name in k for name in sys.argv[2:])}
    unseen = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "source"
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".git", "build*"))
        subprocess.run(["meson", "setup", folder / "build", folder, "-Doptimization=0", "-Dwerror=false"], check=True,
                       stdout=subprocess.DEVNULL)
        for what, mutant in chosen.items():
            words = sees(folder, mutant)
            print(f"{what}: {words or 'NOBODY OBJECTS'}", flush=True)
            unseen += words is None
    print(f"{len(chosen)} mutants, {unseen} unseen")
    sys.exit(unseen > 0)


if __name__ == "__main__":
    main()
