"""The benchmarks' workloads run, and their figures are shown with a unit."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import penstock.v1 as tf
from benchmarks import workloads
from benchmarks.__main__ import show
from benchmarks.worker import load

NAMES = [module.name for module in pkgutil.iter_modules(workloads.__path__)]
QUICK = ["cond", "lstm_step", "matmul_loop", "run_add", "scalar_loop", "softmax_step"]


@pytest.mark.parametrize("name", NAMES)
def test_each_workload_says_what_it_is_and_has_a_way_to_run(name):
    module = importlib.import_module(f"benchmarks.workloads.{name}")
    assert module.__doc__ and (hasattr(module, "tensorflow") or hasattr(module, "process"))
    assert getattr(module, "KIND", "seconds") in ("seconds", "bytes", "ratio")


@pytest.mark.parametrize("name", QUICK)
def test_quick_workloads_make_steps_that_can_be_repeated(name):
    with tf.Graph().as_default():
        step = load("penstock", importlib.import_module(f"benchmarks.workloads.{name}"))
        step()
        step()


def test_loops_compute_what_python_does():
    with tf.Graph().as_default():
        found = load("penstock", importlib.import_module("benchmarks.workloads.scalar_loop"))()
    value = np.float32(1)
    for _ in range(10_000):
        value = value * np.float32(0.999) + np.float32(1)
    np.testing.assert_allclose(found, value, rtol=1e-5)


def test_a_framework_without_the_workload_gives_nothing():
    assert load("pytorch", importlib.import_module("benchmarks.workloads.cond")) is None


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (2.5e-5, "seconds", "25.0 µs"),
        (0.25, "seconds", "250.00 ms"),
        (3 * 2**20, "bytes", "3 MiB"),
        (1.234, "ratio", "1.23"),
    ],
)
def test_figures_are_shown_with_their_units(value, kind, text):
    assert show(value, kind) == text
