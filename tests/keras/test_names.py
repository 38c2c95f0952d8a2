"""Losses, metrics, optimizers and initializers of `tf` are Keras's: in a process of its own, as Keras claims a name."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="keras is not installed")

PROGRAM = """
import penstock as tf

assert tf.losses.MeanSquaredError is tf.keras.losses.MeanSquaredError
assert tf.metrics.Mean is tf.keras.metrics.Mean
assert tf.optimizers.Adam is tf.keras.optimizers.Adam and "SGD" in dir(tf.optimizers)
assert tf.initializers.GlorotUniform is tf.keras.initializers.GlorotUniform
assert not hasattr(tf.losses, "nothing")
"""


def test_names_of_keras_are_names_of_tf() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
