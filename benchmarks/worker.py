"""Runs one workload in this interpreter and prints its figure: `python -m benchmarks.worker FRAMEWORK WORKLOAD`."""

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


def figure(framework: str, workload: str) -> dict[str, Any] | None:
    """Return a workload's figure for a framework with its kind, None where it has none."""
    module = importlib.import_module(f"benchmarks.workloads.{workload}")
    loaded = load(framework, module)
    if loaded is None:
        return None
    if hasattr(module, "KIND"):
        return {"kind": module.KIND, "value": loaded}
    return {"kind": "seconds", "value": measure(loaded)}


if __name__ == "__main__":
    print(json.dumps(figure(sys.argv[1], sys.argv[2])))
