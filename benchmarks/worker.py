"""Runs one workload in this interpreter: `python -m benchmarks.worker FRAMEWORK WORKLOAD`.

Each line on its standard input asks for one more figure; `echo | python -m benchmarks.worker penstock run_add`.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any


def load(framework: str, module: ModuleType) -> Any:
    """Return what a workload makes with a framework, a step or a figure; None where it has nothing for it."""
    if hasattr(module, "process"):
        return module.process(framework)
    if framework != "pytorch" and getattr(module, "FACE", "v1") == "v2":
        return module.tensorflow(importlib.import_module(framework))
    if framework == "penstock":
        return module.tensorflow(importlib.import_module("penstock.v1"))
    if framework == "tensorflow":
        tf = importlib.import_module("tensorflow.compat.v1")
        tf.disable_v2_behavior()
        return module.tensorflow(tf)
    if not hasattr(module, "pytorch"):
        return None
    return module.pytorch(importlib.import_module("torch"))


def measure(step: Callable[[], Any], seconds: float = 1.0) -> float:
    """Return the median time of a step in seconds, over blocks of steps that fill `seconds`."""
    start = time.perf_counter()
    step()
    once = time.perf_counter() - start
    block = max(1, int(0.02 / max(once, 1e-9)))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        for _ in range(block):
            step()
        times.append((time.perf_counter() - start) / block)
    return statistics.median(times)


def main(framework: str, workload: str) -> None:
    """Print a workload's figures, one for each line read; only the first where a process has only one.

    A line that is printed is the figure, or null where the framework does not have the workload.
    """
    module = importlib.import_module(f"benchmarks.workloads.{workload}")
    loaded = load(framework, module)
    if loaded is None or hasattr(module, "KIND"):
        print(json.dumps(loaded), flush=True)
        return
    for _ in range(3):
        loaded()
    for _ in sys.stdin:
        print(json.dumps(measure(loaded)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
