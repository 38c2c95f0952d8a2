"""Memory that the CNN step adds to a process that has imported the framework: the peak over 20 steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workloads import cnn_step

KIND = "bytes"


def _peak_of(make: Callable[[], Callable[[], Any]]) -> float:
    before = _resident("VmRSS")
    step = make()
    for _ in range(20):
        step()
    return _resident("VmHWM") - before


def _resident(field: str) -> float:
    with open("/proc/self/status") as lines:
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def tensorflow(tf: Any) -> float:
    return _peak_of(lambda: cnn_step.tensorflow(tf))


def pytorch(torch: Any) -> float:
    return _peak_of(lambda: cnn_step.pytorch(torch))
