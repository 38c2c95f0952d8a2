"""The examples for TensorFlow 2 run, with few steps, in processes of their own."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="keras is not installed")

REPOSITORY = Path(__file__).resolve().parents[2]


def run_example(name: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "penstock.alias", str(REPOSITORY / "examples" / name), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_regression_prints_the_sequence_of_the_course() -> None:
    printed = [float(line) for line in run_example("tf2_regression.py").split()]
    expected = [7.662, 12.326, 15.227, 17.031, 18.153, 18.851, 19.285, 19.556, 19.724, 19.828]
    assert printed == pytest.approx(expected, abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tf2_housing.py", ["--rows", "500", "--epochs", "1"]),
        ("tf2_rnn.py", ["--epochs", "1"]),
        ("tf2_gan.py", ["--steps", "5"]),
        ("tf2_bert.py", ["--epochs", "1"]),
    ],
)
def test_example_runs(name: str, arguments: list[str]) -> None:
    assert run_example(name, *arguments).strip()


def test_xor_is_learned() -> None:
    found = re.search(r"accuracy ([\d.]+)", run_example("tf2_xor.py", "--epochs", "12"))
    assert found and float(found[1]) > 0.8
