"""Growth of a step's time: its time an operation in a graph of 16,000 operations over that in one of 1,000."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads.first_run import chain

KIND = "ratio"


def _time(step: Callable[[], Any], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)


def times(tf: Any, operations: int) -> tuple[float, float]:
    """Return the time of a later run and the time of the first run of a chain of operations, in seconds."""
    value = np.ones(10, np.float32)
    with tf.Graph().as_default():
        x, h = chain(tf, operations)
        with tf.Session() as session:
            first = _time(lambda: session.run(h, {x: value}), 1)
            return _time(lambda: session.run(h, {x: value}), 20), first


def tensorflow(tf: Any) -> float:
    times(tf, 1_000)  # what is made once in a process
    return times(tf, 16_000)[0] / times(tf, 1_000)[0] / 16
