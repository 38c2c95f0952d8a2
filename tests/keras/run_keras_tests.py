"""Runs the tests that Keras ships, with its TensorFlow backend on Penstock, and counts by folder.

    python tests/keras/run_keras_tests.py                    # the folders of FOLDERS
    python tests/keras/run_keras_tests.py layers/core ops/math_test.py -n 4
    python tests/keras/run_keras_tests.py --real layers      # on TensorFlow itself, where that is installed
    python tests/keras/run_keras_tests.py --write result.json layers
    python tests/keras/run_keras_tests.py --compare penstock.json tensorflow.json

Files are run by pytest (`alias_plugin.py` puts Penstock in TensorFlow's place). The exit code is 0 if every failure is
listed in `known_failures.txt`.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
FOLDERS = (
    "layers",
    "ops",
    "models",
    "optimizers",
    "losses",
    "metrics",
    "callbacks",
    "trainers",
    "saving",
    "backend/common",
    "backend/tensorflow",
)
# What continuous integration runs: folders and files that need no other packages than development does.
SLICES: dict[str, tuple[str, ...]] = {
    "training": ("losses", "optimizers", "metrics", "models", "trainers/compile_utils_test.py"),
    "saving": ("saving",),
    "layers": (
        "layers/activations",
        "layers/attention",
        "layers/convolutional",
        "layers/layer_test.py",
        "layers/merging",
        "layers/normalization",
        "layers/pooling",
        "layers/regularization",
        "layers/rnn",
    ),
    "core": (
        "layers/core",
        "ops/core_test.py",
        "ops/linalg_test.py",
        "ops/function_test.py",
        "callbacks/early_stopping_test.py",
        "callbacks/model_checkpoint_test.py",
        "callbacks/csv_logger_test.py",
        "callbacks/learning_rate_scheduler_test.py",
        "callbacks/reduce_lr_on_plateau_test.py",
    ),
}


def keras_source() -> Path:
    """Return the folder `keras/src` of the installed package."""
    spec = importlib.util.find_spec("keras")
    if spec is None or spec.origin is None:
        raise SystemExit("keras is not installed: pip install 'penstock[keras]'")
    return Path(spec.origin).parent / "src"


def run(targets: list[str], arguments: argparse.Namespace) -> dict[str, str]:
    """Run the tests of files and folders below `keras/src`, and return the outcome of each."""
    source = keras_source()
    files: list[str] = []
    for target in targets:
        path = source / target
        files += [str(path)] if path.is_file() else [str(file) for file in sorted(path.rglob("*_test.py"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), str(REPOSITORY)])
    if arguments.real:
        environment["PENSTOCK_KERAS_REAL"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        report, settings = Path(folder, "report.json"), Path(folder, "pytest.ini")
        settings.write_text("[pytest]\n")
        environment["PENSTOCK_KERAS_REPORT"] = str(report)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "alias_plugin", "-p", "no:cacheprovider", "--tb=short"]
        # Settings of its own, so that the project's configuration of pytest is not used.
        command += ["-c", str(settings), "--rootdir", str(source), "--timeout", str(arguments.timeout), "-W", "ignore"]
        command += ["-n", arguments.n] if arguments.n != "0" else []
        command += ["-k", arguments.k] if arguments.k else []
        command += ["-x"] if arguments.x else []
        subprocess.run([*command, *files], env=environment, cwd=folder, check=False)
        if not report.exists():
            raise SystemExit("pytest was stopped before it wrote its report")
        return json.loads(report.read_text())


def folder_of(name: str) -> str:
    """Return the folder that a test counts for."""
    return name.split("/", 1)[0]


def compare(mine: dict[str, str], theirs: dict[str, str]) -> None:
    """Print, by folder, how many of the tests that pass on TensorFlow pass on Penstock."""
    counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for name, outcome in theirs.items():
        if outcome == "passed" and name in mine:
            counts[folder_of(name)][1] += 1
            counts[folder_of(name)][0] += mine[name] == "passed"
    for folder, (passed, total) in sorted(counts.items()):
        print(f"{folder:12} {passed:6} of {total:6}  {100 * passed / total:6.2f} %")
    passed, total = (sum(pair[index] for pair in counts.values()) for index in (0, 1))
    print(f"{'all':12} {passed:6} of {total:6}  {100 * passed / max(total, 1):6.2f} %")


def main() -> None:
    """Read the command line, run, count, and tell by the exit code whether there are new failures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("targets", nargs="*", help="files and folders below keras/src")
    parser.add_argument("-n", default="auto", help="worker processes; 0 for none")
    parser.add_argument("-k", default="", help="pytest's selection by name")
    parser.add_argument("-x", action="store_true", help="stop at the first failure")
    parser.add_argument("--timeout", type=int, default=300, help="seconds for a test")
    parser.add_argument("--real", action="store_true", help="run on the TensorFlow that is installed")
    parser.add_argument("--slice", choices=SLICES, help="run a part of what continuous integration runs")
    parser.add_argument("--write", help="a JSON file for the outcomes")
    parser.add_argument("--compare", nargs=2, metavar=("PENSTOCK", "TENSORFLOW"), help="compare two such files")
    arguments = parser.parse_args()
    if arguments.compare:
        compare(*(json.loads(Path(path).read_text()) for path in arguments.compare))
        return
    outcomes = run(arguments.targets or list(SLICES[arguments.slice] if arguments.slice else FOLDERS), arguments)
    if arguments.write:
        Path(arguments.write).write_text(json.dumps(outcomes, indent=0, sort_keys=True))
    known = {line.split("#")[0].strip() for line in (HERE / "known_failures.txt").read_text().splitlines()}
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for name, outcome in outcomes.items():
        counts[folder_of(name)][outcome] += 1
    for folder, counter in sorted(counts.items()):
        print(f"{folder:12} {counter['passed']:6} passed {counter['failed']:5} failed {counter['skipped']:5} skipped")
    new = [name for name, outcome in outcomes.items() if outcome == "failed" and name not in known]
    for name in new:
        print(f"FAILED {name}")
    raise SystemExit(1 if new and not arguments.real else 0)


if __name__ == "__main__":
    main()
