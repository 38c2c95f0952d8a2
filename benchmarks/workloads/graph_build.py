"""Building a graph of 300 operations and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def tensorflow(tf: Any) -> Callable[[], Any]:
    def step() -> None:
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [None, 10])
            h = x
            for _ in range(100):
                h = tf.nn.relu(tf.add(tf.multiply(h, x), x))
            tf.gradients(h, [x])

    return step
