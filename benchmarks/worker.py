"""Runs one workload in this interpreter and prints its time a step: `python -m benchmarks.worker FRAMEWORK
WORKLOAD`."""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any


def load(framework: str, workload: str) -> Callable[[], Any] | None:
    """Return a workload's step for a framework, None where the workload has none for it."""
    module = importlib.import_module(f"benchmarks.workloads.{workload}")
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


def measure(step: Callable[[], Any], seconds: float = 1.5) -> float:
    """Return the median time of a step in seconds, over blocks of steps that fill `seconds`."""
    for _ in range(3):
        step()
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


if __name__ == "__main__":
    loaded = load(sys.argv[1], sys.argv[2])
    print(json.dumps(None if loaded is None else measure(loaded)))
