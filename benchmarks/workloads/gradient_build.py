"""Building the gradients of a graph of 300 operations that stands already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def tensorflow(tf: Any) -> Callable[[], Any]:
    x = tf.placeholder(tf.float32, [None, 10])
    h = x
    for _ in range(100):
        h = tf.nn.relu(tf.add(tf.multiply(h, x), x))
    # Operations stay in the graph; only their number grows.
    return lambda: tf.gradients(h, [x])
