"""The examples, each run from its folder by hpctl, with a few trials."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hpsd import BUILD, SOURCE, DaemonTest, main  # noqa: E402

EXAMPLES = "configs/examples"
HAS_SKLEARN = subprocess.run(["/usr/bin/python3", "-c", "import sklearn"], stderr=subprocess.DEVNULL).returncode == 0


class Examples(DaemonTest):
    def run_example(self, folder, parameters=None):
        spec = json.loads((folder / "search.json").read_text())
        spec |= {"workdir": str(folder), "trials": 4}
        spec["parameters"] |= parameters or {}
        file = self.d.dir / "search.json"
        file.write_text(json.dumps(spec))
        self.d.env["PATH"] = f"{BUILD}/client:{os.environ['PATH']}"
        self.d.hpctl("run", file)
        trials = self.d.rows("select state, reason from trials")
        self.assertEqual(len(trials), 4)
        self.assertLessEqual({t["state"] for t in trials}, {"done", "pruned"}, trials)
        self.assertEqual(len(self.d.rows("select value from best")), 1)
        return {r["name"]: r["last"] for r in self.d.rows("select name, max(step) as last from metrics group by name")}

    def test_digits_reports_losses_and_accuracies_epoch_by_epoch(self):
        metrics = self.run_example(BUILD / EXAMPLES / "digits", {"epochs": {"value": 2}})
        self.assertEqual(metrics, dict.fromkeys(["train_loss", "train_acc", "val_loss", "val_acc", "lr"], 2))

    def test_shell_reports_a_loss_a_step_and_its_seconds_by_hpctl(self):
        metrics = self.run_example(SOURCE / EXAMPLES / "shell")
        self.assertEqual(metrics["loss"], 30)
        self.assertIn("seconds", metrics)

    @unittest.skipUnless(shutil.which("svm-train"), "libsvm-tools is not installed")
    def test_svm_reports_one_accuracy(self):
        self.assertEqual(list(self.run_example(SOURCE / EXAMPLES / "svm")), ["accuracy"])

    @unittest.skipUnless(HAS_SKLEARN, "python3-sklearn is not installed")
    def test_sklearn_reports_stage_by_stage(self):
        metrics = self.run_example(SOURCE / EXAMPLES / "sklearn")
        self.assertEqual(metrics, dict.fromkeys(["train_loss", "val_loss", "val_acc"], 50))


if __name__ == "__main__":
    main()
