"""The first run of a graph of 5,000 operations, which compiles it; the graph and the session are made before."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

KIND = "seconds"


def chain(tf: Any, operations: int) -> tuple[Any, Any]:
    """Return the input and the result of a chain of operations that no rewriting shortens much."""
    x = tf.placeholder(tf.float32, [10])
    h = x
    for _ in range(operations // 5):
        h = tf.tanh(h * x + x) - tf.abs(x)
    return x, h


def tensorflow(tf: Any) -> float:
    x, h = chain(tf, 5_000)
    session = tf.Session()
    session.run(tf.constant(1.0))
    value = np.ones(10, np.float32)
    start = time.perf_counter()
    session.run(h, {x: value})
    return time.perf_counter() - start
